"""Who takes part in what: registrations for items that are charged to registered pupils only."""

from collections.abc import Iterator
from datetime import date
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from payments.api import queries
from payments.api.operation import Call, Line, Nothing, Operation, Page, Paged, Shape, Word, given
from payments.api.resources.reports import Trouble, troubles
from payments.api.rules import Scope
from payments.fees.registration_file import COLUMNS, MAX_QUANTITY
from payments.fees.service import import_registration_records

BATCH = 1000


class RegistrationIn(Shape):
    """Known by pupil, item and first day; another quantity or last day changes it."""

    sector_id: Line
    fee_code: Line
    valid_from: date
    valid_to: Annotated[date, Meta(description="The last day; left out: open.")] | UnsetType = UNSET
    quantity: (
        Annotated[
            int,
            Meta(ge=0, le=MAX_QUANTITY, description="Units a round, left out: 1; of a free amount the sum in đồng."),
        ]
        | UnsetType
    ) = UNSET


class RegistrationsIn(Shape):
    """A batch of registrations."""

    registrations: Annotated[list[RegistrationIn], Meta(min_length=1, max_length=BATCH)]


class RegistrationReport(Shape):
    """What registering did; refused ones changed nothing."""

    accepted: int
    refused: int
    new: int
    changed: int
    unchanged: int
    problems: list[Trouble]


class RegistrationOut(Shape):
    """A registration; of two that hold on a day the later one counts."""

    sector_id: str
    fee_code: str
    valid_from: date
    valid_to: date | None
    quantity: int


class RegistrationPage(Page):
    """Registrations in the order in which they became known."""

    items: list[RegistrationOut]


class RegistrationQuery(Paged):
    """Which registrations."""

    sector_id: Word | UnsetType = UNSET
    fee_code: Word | UnsetType = UNSET


def send(call: Call[Nothing, RegistrationsIn]) -> RegistrationReport:
    """Take a batch of registrations."""
    records = [dict(_record(row)) for row in call.body.registrations]
    report = import_registration_records(
        call.session, call.school_id, records, sender=f"API: {call.holder.name}", actor_id=call.holder.user_id
    )
    return RegistrationReport(
        accepted=report.rows - report.refused,
        refused=report.refused,
        new=report.new,
        changed=report.changed,
        unchanged=report.unchanged,
        problems=troubles(report.problems, COLUMNS, "registrations", {}, call.language),
    )


def _record(row: RegistrationIn) -> Iterator[tuple[str, str]]:
    yield "sector_id", row.sector_id
    yield "fee_code", row.fee_code
    yield "valid_from", row.valid_from.isoformat()
    if row.valid_to is not UNSET:
        yield "valid_to", row.valid_to.isoformat()
    if row.quantity is not UNSET:
        yield "quantity", str(row.quantity)


def list_registrations(call: Call[RegistrationQuery, None]) -> RegistrationPage:
    """A page of registrations."""
    query = call.query
    rows = queries.listed(
        call.session,
        "registrations",
        call.school_id,
        after=call.after()[0],
        limit=query.limit + 1,
        sector_id=given(query.sector_id),
        fee_code=given(query.fee_code),
    )
    kept, cursor = call.cut(rows, lambda row: (row["id"],))
    names = RegistrationOut.__struct_fields__
    return RegistrationPage(
        items=[RegistrationOut(**{name: row[name] for name in names}) for row in kept], next_cursor=cursor
    )


OPERATIONS = (
    Operation(
        name="send_registrations",
        method="POST",
        path="/registrations",
        scope=Scope.REGISTRATIONS_WRITE,
        summary="Register pupils for fee items",
        description="Registrations that contradict each other are refused together; the others are written.",
        run=send,
        body=RegistrationsIn,
        answer=RegistrationReport,
    ),
    Operation(
        name="list_registrations",
        method="GET",
        path="/registrations",
        scope=Scope.REGISTRATIONS_READ,
        summary="Registrations",
        run=list_registrations,
        query=RegistrationQuery,
        answer=RegistrationPage,
    ),
)
