"""Rows of the school's books by API: batches, each row once by its natural key; a period only when it is said complete.

The operation stands above the rooms of ``payments``; the composition root hands it to the API's one door.
"""

import hashlib
from datetime import date
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType
from sqlalchemy import text

from payments import clock
from payments.api.operation import Call, Line, Nothing, Operation, Shape, Word, given
from payments.api.problems import Fault, RequestError, invalid
from payments.api.rules import Scope
from payments.i18n import Text
from reconciliation.ledger_import import plan_rows, write_ledger
from reconciliation.ledger_placing import CASH, holds_money, place_rows
from reconciliation.ledger_writing import PUSHED
from reconciliation.locks import lock_school
from reconciliation.school_ledgers.model import LedgerRow, natural_key, natural_keys

BATCH = 1000
MOST_VND = 10**13
MOST_EQUAL = 1000

_ACCOUNTS = text("""
    SELECT DISTINCT coalesce(said.account_id, row.account_id) AS account_id
    FROM ledger_row row
    LEFT JOIN book_account said ON said.school_id = row.school_id AND said.code = row.account_code
    WHERE row.school_id = :school_id AND NOT row.is_cash AND row.booked_on BETWEEN :first AND :last
""")


class LedgerRowIn(Shape):
    """One posting on an account; known by day, document, accounts, side, amount and description."""

    booked_on: date
    document_no: Line
    description: Annotated[str, Meta(max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")]
    account: Annotated[Word, Meta(description="For example 1121.02; rows outside groups 111 and 112 are passed over.")]
    side: Annotated[Literal["debit", "credit"], Meta(description="As in the books: money that comes in is a debit.")]
    amount_vnd: Annotated[int, Meta(ge=1, le=MOST_VND)]
    contra_account: Word | UnsetType = UNSET
    reference: Annotated[Word, Meta(description="The payment reference, where it stands apart.")] | UnsetType = UNSET
    occurrence: (
        Annotated[
            int,
            Meta(
                ge=1,
                le=MOST_EQUAL,
                description="2 for the second of two equal rows, and so on. Left out: counted within this batch.",
            ),
        ]
        | UnsetType
    ) = UNSET


class LedgerPeriod(Shape):
    """Days whose rows have all been sent, with this batch or before it; none of them is still to come."""

    first: date
    last: date


class LedgerRowsIn(Shape):
    """A batch of rows; only a period that is said complete makes what is not there missing in the books."""

    rows: Annotated[list[LedgerRowIn], Meta(max_length=BATCH)]
    complete: LedgerPeriod | UnsetType = UNSET


class UnplacedAccount(Shape):
    """An account of the books of which nobody knows which bank account it is."""

    account: str
    rows: int


class LedgerRowsReport(Shape):
    """What became of a batch."""

    rows: Annotated[int, Meta(description="Of accounts that hold money.")]
    new: int
    cash: int
    passed_over: Annotated[int, Meta(description="Rows of accounts that hold no money.")]
    unplaced: list[UnplacedAccount]
    vouches: Annotated[bool, Meta(description="Whether what is not in the books of the period counts as missing.")]


def send(call: Call[Nothing, LedgerRowsIn]) -> LedgerRowsReport:
    """Take a batch of rows."""
    body = call.body
    complete = given(body.complete)
    everything = [_row(number, one) for number, one in enumerate(body.rows)]
    kept = [number for number, row in enumerate(everything) if holds_money(row)]
    days = [everything[number].booked_on for number in kept]
    period = (complete.first, complete.last) if complete else (min(days), max(days)) if days else None
    if complete and complete.first > complete.last:
        raise _bad_period("Ngày đầu sau ngày cuối.", "It begins after it ends.")
    if complete and complete.last > clock.today():
        # Each payment of such a day would count as missing in the books as soon as it comes.
        raise _bad_period("Ngày cuối chưa đến, nên sổ chưa thể đầy đủ.", "No books are complete for days to come.")
    if period is None:
        return _report(len(everything))
    keys = _keys(body, everything, kept)
    lock_school(call.session, call.school_id)
    placed, unplaced = place_rows(call.session, call.school_id, [everything[number] for number in kept], keys)
    plan = plan_rows(call.session, call.school_id, placed, period, _file(body), complete=complete is not None)
    if complete:
        held = call.session.scalars(
            _ACCOUNTS, {"school_id": call.school_id, "first": complete.first, "last": complete.last}
        )
        plan.file["account_ids"] = sorted({*plan.file["account_ids"], *filter(None, held)})
    report = write_ledger(call.session, plan)
    return LedgerRowsReport(
        rows=report.rows,
        new=report.new_rows,
        cash=report.cash_rows,
        passed_over=len(everything) - len(kept),
        unplaced=[UnplacedAccount(account=code, rows=count) for code, count in unplaced.items()],
        vouches=report.vouches,
    )


def _bad_period(vi: str, en: str) -> RequestError:
    return invalid(Fault("bad_period", Text(vi, en), "/complete"))


def _report(passed_over: int) -> LedgerRowsReport:
    return LedgerRowsReport(rows=0, new=0, cash=0, passed_over=passed_over, unplaced=[], vouches=False)


def _row(number: int, one: LedgerRowIn) -> LedgerRow:
    return LedgerRow(
        line_no=number + 1,
        booked_on=one.booked_on,
        document_no=one.document_no or None,
        document_date=None,
        description=one.description,
        account_code=one.account,
        contra_account=given(one.contra_account),
        debit_vnd=one.amount_vnd if one.side == "debit" else 0,
        credit_vnd=one.amount_vnd if one.side == "credit" else 0,
        reference=given(one.reference),
        is_cash=one.account.startswith(CASH),
        source=f"/rows/{number}",
    )


def _keys(body: LedgerRowsIn, rows: list[LedgerRow], kept: list[int]) -> list[str]:
    """The key of each row that is kept. Raises RequestError where two rows of the batch would be one."""
    counted = dict(zip(kept, natural_keys([rows[number] for number in kept]), strict=True))
    keys: dict[str, int] = {}
    for number in kept:
        said = given(body.rows[number].occurrence)
        key = f"{natural_key(rows[number])}#{said or counted[number][1]}"
        if key in keys:
            told = Text(
                f"Trùng với dòng /rows/{keys[key]}. Hãy ghi «occurrence» cho mọi dòng giống nhau.",
                f"It is the same as /rows/{keys[key]}. Say `occurrence` on all rows that are equal.",
            )
            raise invalid(Fault("repeated_row", told, f"/rows/{number}"))
        keys[key] = number
    return list(keys)


def _file(body: LedgerRowsIn) -> dict[str, Any]:
    return {
        "file_name": "API",
        "file_sha256": hashlib.sha256(msgspec.json.encode(body)).digest(),
        "format": PUSHED,
        "opening_vnd": None,
        "closing_vnd": None,
    }


OPERATIONS = (
    Operation(
        name="send_ledger_rows",
        method="POST",
        path="/ledger-rows",
        scope=Scope.LEDGER_WRITE,
        summary="Send rows of the school's books",
        description=(
            "Rows are kept for reconciliation and move no money. What is known already adds nothing. A batch without "
            "`complete` is a part: nothing counts as missing in the books because of it."
        ),
        run=send,
        body=LedgerRowsIn,
        answer=LedgerRowsReport,
    ),
)
