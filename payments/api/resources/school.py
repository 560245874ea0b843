"""Whose key it is: the first thing that software asks, to see that it is connected."""

from datetime import date, datetime
from typing import Annotated

from msgspec import Meta

from payments import clock
from payments.api.operation import Call, Nothing, Operation, Shape, at
from payments.schools.models import School
from payments.schools.queries import year_in_sight
from payments.schools.rules import Ownership, SchoolLevel


class Year(Shape):
    """A school year."""

    code: str
    starts_on: date
    ends_on: date


class Key(Shape):
    """The key that asks."""

    name: str
    scopes: list[str]
    expires_at: datetime
    per_minute: Annotated[int, Meta(description="Requests that it may send in a minute.")]


class SchoolOut(Shape):
    """The school that the key belongs to."""

    code: str
    name: str
    level: SchoolLevel
    ownership: Ownership
    year: Annotated[Year | None, Meta(description="The present school year, else the newest one.")]
    key: Key


def show(call: Call[Nothing, None]) -> SchoolOut:
    """The school and the key."""
    school = call.session.get_one(School, call.school_id)
    year = year_in_sight(call.session, call.school_id, clock.today())
    return SchoolOut(
        code=school.code,
        name=school.name,
        level=school.level,
        ownership=school.ownership,
        year=None if year is None else Year(code=year.code, starts_on=year.starts_on, ends_on=year.ends_on),
        key=Key(
            name=call.holder.name,
            scopes=sorted(call.holder.scopes),
            expires_at=at(call.holder.expires_at),
            per_minute=call.holder.per_minute,
        ),
    )


OPERATIONS = (
    Operation(
        name="show_school",
        method="GET",
        path="/school",
        scope=None,
        summary="The school and the key that asks",
        run=show,
        answer=SchoolOut,
    ),
)
