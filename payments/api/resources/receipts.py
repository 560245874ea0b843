"""Receipts: numbered without gaps, revoked and never deleted."""

from datetime import date, datetime
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from payments.api import queries
from payments.api.operation import Call, Operation, Page, Paged, Shape, Word, at, given
from payments.api.rules import Scope


class ReceiptOut(Shape):
    """Proof that a payment was credited to a pupil."""

    year: int
    series: str
    number: int
    sector_id: str
    payment_id: int
    amount_vnd: int
    received_on: date
    issued_at: datetime
    revoked_at: datetime | None
    revoked_reason: str | None


class ReceiptPage(Page):
    """Receipts in the order in which they were written."""

    items: list[ReceiptOut]


class ReceiptQuery(Paged):
    """Which receipts."""

    sector_id: Word | UnsetType = UNSET
    payment_id: Annotated[int, Meta(ge=1, le=2**63 - 1)] | UnsetType = UNSET


def list_receipts(call: Call[ReceiptQuery, None]) -> ReceiptPage:
    """A page of receipts."""
    query = call.query
    rows = queries.listed(
        call.session,
        "receipts",
        call.school_id,
        after=call.after()[0],
        limit=query.limit + 1,
        sector_id=given(query.sector_id),
        payment_id=given(query.payment_id),
    )
    kept, cursor = call.cut(rows, lambda row: (row["id"],))
    return ReceiptPage(
        items=[
            ReceiptOut(
                **{name: row[name] for name in ("year", "series", "number", "sector_id", "amount_vnd", "received_on")},
                payment_id=row["transaction_id"],
                issued_at=at(row["issued_at"]),
                revoked_at=row["revoked_at"] and at(row["revoked_at"]),
                revoked_reason=row["revoked_reason"],
            )
            for row in kept
        ],
        next_cursor=cursor,
    )


OPERATIONS = (
    Operation(
        name="list_receipts",
        method="GET",
        path="/receipts",
        scope=Scope.RECEIPTS_READ,
        summary="Receipts",
        run=list_receipts,
        query=ReceiptQuery,
        answer=ReceiptPage,
    ),
)
