"""What every accounting export is read into: rows of the school's own books, in whole đồng."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate

from bank_adapters.statements.keys import count_occurrences, fingerprint, fold, fold_reference
from bank_adapters.statements.model import Notice


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One line of a detailed ledger («sổ chi tiết tài khoản»): exactly one of debit and credit is not zero.

    On an account of group 111 or 112 debit is money in. `reference` is the payment reference as the school
    wrote it, when the export has a column for it; one inside the description is for the matcher to find.
    """

    line_no: int  # from 1, in the order of the file
    booked_on: date
    document_no: str | None
    document_date: date | None
    description: str
    account_code: str | None
    contra_account: str | None
    debit_vnd: int
    credit_vnd: int
    reference: str | None
    is_cash: bool
    source: str  # where a person finds the row: file, sheet and row


@dataclass(frozen=True, slots=True)
class StatedTotal:
    """A total below rows of one column of amounts: of a class, of a page, or of all."""

    place: str
    rows: int  # that stand above it
    net_vnd: int


@dataclass(frozen=True, slots=True)
class LedgerFile:
    """One export as read; balances are debit minus credit and None when the file does not state them."""

    rows: tuple[LedgerRow, ...]
    account_code: str | None
    opening_vnd: int | None
    closing_vnd: int | None
    total_debit_vnd: int | None  # as stated by «Cộng phát sinh»
    total_credit_vnd: int | None
    mapping: str  # name and version of the mapping that read it
    notices: tuple[Notice, ...] = ()  # rows that were passed over
    totals: tuple[StatedTotal, ...] = ()  # as stated in the one column of amounts of a «bảng kê», in their order


@dataclass(frozen=True, slots=True)
class LedgerBreak:
    """The first stated figure that the rows do not give: closing, debit, credit or total."""

    what: str
    expected_vnd: int
    found_vnd: int
    place: str = ""


def break_of(ledger: LedgerFile) -> LedgerBreak | None:
    """Check opening + debit - credit = closing and the stated totals; None when all that is stated holds."""
    debit = sum(row.debit_vnd for row in ledger.rows)
    credit = sum(row.credit_vnd for row in ledger.rows)
    closing = None if ledger.opening_vnd is None else ledger.opening_vnd + debit - credit
    checks = (
        ("closing", closing, ledger.closing_vnd),
        ("debit", debit, ledger.total_debit_vnd),
        ("credit", credit, ledger.total_credit_vnd),
    )
    for what, expected, found in checks:
        if expected is not None and found is not None and expected != found:
            return LedgerBreak(what, expected, found)
    return _total_break(ledger)


def _total_break(ledger: LedgerFile) -> LedgerBreak | None:
    """Check each total against the rows above it: back to the beginning, or to a total before it.

    A list by classes has a total below each class, perhaps one for several classes, and one of all at its end.
    """
    sums = list(accumulate((row.debit_vnd - row.credit_vnd for row in ledger.rows), initial=0))
    starts = [0]
    for total in ledger.totals:
        allowed = [sums[total.rows] - sums[start] for start in starts]
        if total.net_vnd not in allowed:
            is_last = total is ledger.totals[-1]
            return LedgerBreak("total", allowed[0 if is_last else -1], total.net_vnd, total.place)
        starts.append(total.rows)
    return None


def natural_keys(rows: Sequence[LedgerRow]) -> list[tuple[str, int]]:
    """Give each row its key and occurrence number, equal for the same rows saved or sorted otherwise."""
    return count_occurrences((natural_key(row), fold(row.reference or "")) for row in rows)


def natural_key(row: LedgerRow) -> str:
    """Name the posting: day, document, accounts, amounts and text."""
    return "|".join(
        (
            row.booked_on.isoformat(),
            fold_reference(row.document_no),
            row.account_code or "",
            row.contra_account or "",
            str(row.debit_vnd),
            str(row.credit_vnd),
            fingerprint(row.description),
        )
    )
