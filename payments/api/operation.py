"""What an operation of the API is; routes and description follow from it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Generic, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType
from sqlalchemy.orm import Session

from payments import clock
from payments.api.problems import Fault, invalid
from payments.api.rules import Scope, decode_cursor, encode_cursor
from payments.api.service import Holder
from payments.i18n import Language, Text
from payments.web.context import Services

MAX_PAGE = 200
NO_CONTROLS = r"^[^\x00-\x1f\x7f]*$"
Line = Annotated[str, Meta(pattern=NO_CONTROLS, max_length=200)]
"""A text of one line."""
Word = Annotated[str, Meta(pattern=r"^[0-9A-Za-z._/-]{1,40}$")]
"""A code or an identifier as somebody writes it."""


class Shape(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Something that is sent or answered: these fields and no others."""


class Nothing(Shape):
    """No parameters."""


class Paged(Shape):
    """Parameters of every list."""

    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE, description="Rows of a page.")] = 50
    cursor: Annotated[str, Meta(max_length=100, description="`next_cursor` of the page before.")] | UnsetType = UNSET


class Page(Shape):
    """A part of a list, in an order that rows which are added later do not disturb."""

    next_cursor: Annotated[str | None, Meta(description="Where the next page begins; null: this is the last one.")]


Q = TypeVar("Q", bound=msgspec.Struct)
B = TypeVar("B")


@dataclass(frozen=True, slots=True)
class Call(Generic[Q, B]):
    """One request that may be served: who asks, for what; ``session`` is its one transaction."""

    operation: str
    session: Session
    services: Services
    holder: Holder
    language: Language
    path: dict[str, str]
    query: Q
    body: B

    @property
    def school_id(self) -> int:
        """The one school that the key can see."""
        return self.holder.school_id

    def after(self, parts: int = 1) -> tuple[int, ...]:
        """Where the page asked for begins. Raises RequestError for a cursor that is none of this list."""
        cursor = getattr(self.query, "cursor", UNSET)
        if cursor is UNSET:
            return (0,) * parts
        place = decode_cursor(self.operation, cursor, parts)
        if place is None:
            text = Text("Con trỏ trang không đúng.", "This is no cursor of this list.")
            raise invalid(Fault("invalid_cursor", text, parameter="cursor"))
        return place

    def cut(self, rows: list[Any], place: Callable[[Any], tuple[int, ...]]) -> tuple[list[Any], str | None]:
        """The rows of the page out of one row more than asked for, and where the next page begins."""
        limit: int = getattr(self.query, "limit")  # noqa: B009 - a query without pages has none
        kept = rows[:limit]
        return kept, encode_cursor(self.operation, place(kept[-1])) if len(rows) > limit else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One row of the table: ``run`` gets the call and gives what is answered."""

    name: str
    method: Literal["GET", "POST"]
    path: str
    scope: Scope | None
    summary: str
    run: Callable[[Call[Any, Any]], msgspec.Struct]
    answer: type[msgspec.Struct]
    query: type[msgspec.Struct] = Nothing
    body: type[msgspec.Struct] | None = None
    status: int = HTTPStatus.OK
    description: str = ""


def at(moment: datetime) -> datetime:
    """A moment as it is told: RFC 3339 with the offset of Viet Nam."""
    return moment.astimezone(clock.VIETNAM)


def given(value: Any) -> Any:
    """The value of an optional field, None when it was not sent."""
    return None if value is UNSET else value
