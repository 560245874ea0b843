"""Money that moved on the school's accounts, what each movement pays, and what is kept for pupils."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any

from msgspec import UNSET, Meta, UnsetType

from payments.api import queries
from payments.api.operation import Call, Nothing, Operation, Page, Paged, Shape, at, given
from payments.api.resources.invoices import Since
from payments.api.rules import Scope
from payments.errors import NotFoundError
from payments.inbox.models import Direction, TransactionState
from payments.settlement.rules import SettlementOutcome


class AccountRef(Shape):
    """A receiving account of the school."""

    bin: str
    number: str


class AllocationOut(Shape):
    """So much of the movement on an invoice."""

    reference: str
    amount_vnd: int


class PupilCreditOut(Shape):
    """So much of the movement kept for a pupil."""

    sector_id: str
    amount_vnd: int


class PaymentOut(Shape):
    """One movement of money as banks told it, whatever the number and channel of their reports."""

    id: int
    direction: Annotated[Direction, Meta(description="Seen from the school's account.")]
    amount_vnd: int
    value_date: date
    occurred_at: datetime
    bank_reference: str | None
    description: Annotated[str, Meta(description="The text of the transfer as the bank gives it.")]
    state: TransactionState
    outcome: Annotated[SettlementOutcome | None, Meta(description="docs/glossary.md; null: not yet settled.")]
    flags: list[str]
    settled_at: datetime | None
    reverses_id: Annotated[int | None, Meta(description="The payment that this movement takes back.")]
    account: AccountRef
    allocations: list[AllocationOut]
    credits: list[PupilCreditOut]


class PaymentPage(Page):
    """Payments in the order in which they became known."""

    items: list[PaymentOut]


class PaymentQuery(Paged):
    """Which payments."""

    value_from: date | UnsetType = UNSET
    value_to: date | UnsetType = UNSET
    state: TransactionState | UnsetType = UNSET
    settled_since: Since | UnsetType = UNSET


class CreditOut(Shape):
    """What was paid too much and is kept for a pupil at one account."""

    sector_id: str
    amount_vnd: int
    fund: str
    account: AccountRef


class CreditPage(Page):
    """Credits by pupil and account."""

    items: list[CreditOut]


def list_payments(call: Call[PaymentQuery, None]) -> PaymentPage:
    """A page of payments."""
    query = call.query
    rows = _rows(
        call,
        after=call.after()[0],
        limit=query.limit + 1,
        value_from=given(query.value_from),
        value_to=given(query.value_to),
        state=given(query.state),
        settled_since=given(query.settled_since),
    )
    kept, cursor = call.cut(rows, lambda row: (row["id"],))
    return PaymentPage(items=_shown(call, kept), next_cursor=cursor)


def show(call: Call[Nothing, None]) -> PaymentOut:
    """One payment."""
    number = call.path["id"]
    known = number.isascii() and number.isdecimal() and len(number) <= 18
    shown = _shown(call, _rows(call, after=0, limit=1, id=int(number))) if known else []
    if not shown:
        raise NotFoundError("Không có khoản tiền này.", "There is no such payment.")
    return shown[0]


def list_credits(call: Call[Paged, None]) -> CreditPage:
    """A page of credits."""
    after, after_account = call.after(2)
    rows = queries.listed(
        call.session, "credits", call.school_id, after=after, after_account=after_account, limit=call.query.limit + 1
    )
    kept, cursor = call.cut(rows, lambda row: (row["pupil_id"], row["receiving_account_id"]))
    return CreditPage(
        items=[
            CreditOut(
                sector_id=row["sector_id"],
                amount_vnd=row["amount_vnd"],
                fund=row["fund"],
                account=AccountRef(bin=row["bin"], number=row["number"]),
            )
            for row in kept
        ],
        next_cursor=cursor,
    )


def _rows(call: Call[Any, Any], **wanted: Any) -> list[queries.Row]:
    everything = dict.fromkeys(("id", "value_from", "value_to", "state", "settled_since"))
    return queries.listed(call.session, "payments", call.school_id, **{**everything, **wanted})


def _shown(call: Call[Any, Any], rows: Sequence[queries.Row]) -> list[PaymentOut]:
    ids = [row["id"] for row in rows]
    allocations = queries.parts(call.session, "allocations", call.school_id, ids)
    credited = queries.parts(call.session, "credited", call.school_id, ids)
    return [
        PaymentOut(
            **{name: row[name] for name in ("id", "amount_vnd", "value_date", "bank_reference", "description")},
            direction=Direction(row["direction"]),
            occurred_at=at(row["occurred_at"]),
            state=TransactionState(row["state"]),
            outcome=row["outcome"] and SettlementOutcome(row["outcome"]),
            flags=row["flags"] or [],
            settled_at=row["settled_at"] and at(row["settled_at"]),
            reverses_id=row["reverses_id"],
            account=AccountRef(bin=row["bin"], number=row["number"]),
            allocations=[AllocationOut(**part) for part in allocations[row["id"]]],
            credits=[PupilCreditOut(**part) for part in credited[row["id"]]],
        )
        for row in rows
    ]


OPERATIONS = (
    Operation(
        name="list_payments",
        method="GET",
        path="/payments",
        scope=Scope.PAYMENTS_READ,
        summary="Movements of money and what they pay",
        run=list_payments,
        query=PaymentQuery,
        answer=PaymentPage,
    ),
    Operation(
        name="show_payment",
        method="GET",
        path="/payments/{id}",
        scope=Scope.PAYMENTS_READ,
        summary="One movement of money",
        run=show,
        answer=PaymentOut,
    ),
    Operation(
        name="list_credits",
        method="GET",
        path="/credits",
        scope=Scope.PAYMENTS_READ,
        summary="What is kept for pupils",
        run=list_credits,
        query=Paged,
        answer=CreditPage,
    ),
)
