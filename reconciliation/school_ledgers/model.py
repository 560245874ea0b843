"""What every accounting export is read into: rows of the school's own books, in whole đồng."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

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
    total_net_vnd: int | None = None  # as stated below the one column of amounts of a «bảng kê»


@dataclass(frozen=True, slots=True)
class LedgerBreak:
    """The first stated figure that the rows do not give: closing, debit, credit or total."""

    what: str
    expected_vnd: int
    found_vnd: int


def break_of(ledger: LedgerFile) -> LedgerBreak | None:
    """Check opening + debit - credit = closing and the stated totals; None when all that is stated holds."""
    debit = sum(row.debit_vnd for row in ledger.rows)
    credit = sum(row.credit_vnd for row in ledger.rows)
    closing = None if ledger.opening_vnd is None else ledger.opening_vnd + debit - credit
    checks = (
        ("closing", closing, ledger.closing_vnd),
        ("debit", debit, ledger.total_debit_vnd),
        ("credit", credit, ledger.total_credit_vnd),
        ("total", debit - credit, ledger.total_net_vnd),
    )
    for what, expected, found in checks:
        if expected is not None and found is not None and expected != found:
            return LedgerBreak(what, expected, found)
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
