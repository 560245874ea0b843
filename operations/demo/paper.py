"""The papers at the end of the month: bank statements and school ledgers, as the plan says they will look.

They are files in the formats that banks and accounting software write, and are read by the real importers.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from bank_adapters.statements.model import Statement, StatementLine
from operations.demo.accounts import AccountPlan
from operations.demo.facts import Account, BookRow, Movement, Plan
from operations.demo.presets import CALENDAR
from operations.sample_files import write_camt053, write_misa_ledger, write_mt940, write_techcombank, write_vietcombank
from payments.clock import day_of
from reconciliation.school_ledgers.model import LedgerFile, LedgerRow
from reconciliation.school_ledgers.template import write_template

OPENING_VND = 25_000_000
SPOILED_BY_VND = 1_000
NAMELESS_MEMO = "GD CHUYEN KHOAN DEN"
CASH_CODE, INCOME_CODE = "1111", "531"
EXTENSIONS = {"camt": "xml", "mt940": "txt", "vietcombank": "xlsx", "techcombank": "xlsx"}


@dataclass(frozen=True, slots=True)
class Paper:
    """A file that an accountant uploads; ``account`` None: the school's books."""

    school_code: str
    account: Account | None
    file_name: str
    data: bytes
    rows: int


def statements(plan: Plan, accounts: Sequence[AccountPlan], spoiled: Account) -> Iterator[Paper]:
    """One statement for each account over the whole month of fees; one of them does not add up."""
    for one in accounts:
        stated = [movement for movement in plan.movements if movement.account == one.account]
        statement = statement_of(one.account, stated)
        if one.account == spoiled:
            statement = spoil(statement)
        name = f"sao-ke-{one.account.number}-{CALENDAR.statement_ends:%Y%m%d}.{EXTENSIONS[one.statement_format]}"
        data = write_statement(statement, one.statement_format)
        yield Paper(one.account.school_code, one.account, name, data, len(statement.lines))


def statement_of(account: Account, movements: Iterable[Movement]) -> Statement:
    """The statement of an account, in the order of booking, with its running balance."""
    shown = sorted(movements, key=lambda movement: (movement.booked_on, movement.occurred_at, movement.number))
    lines: list[StatementLine] = []
    balance = OPENING_VND
    for movement in shown:
        for _ in range({"never": 0, "twice": 2}.get(movement.stated, 1)):
            line = _line(movement, len(lines) + 1)
            balance += line.amount_vnd if line.direction == "credit" else -line.amount_vnd
            lines.append(replace(line, balance_after_vnd=balance))
    return Statement(
        account_number=account.number,
        currency="VND",
        period_from=CALENDAR.first_payment,
        period_to=CALENDAR.statement_ends,
        opening_vnd=OPENING_VND,
        closing_vnd=balance,
        sequence=1,
        lines=tuple(lines),
    )


def _line(movement: Movement, number: int) -> StatementLine:
    nameless = movement.stated == "nameless"
    return StatementLine(
        line_no=number,
        value_date=movement.booked_on,
        booked_on=movement.booked_on,
        amount_vnd=movement.stated_vnd or movement.amount_vnd,
        direction=movement.direction,
        bank_reference=None if nameless else movement.bank_reference,
        description=NAMELESS_MEMO if nameless else movement.memo,
        raw="",
        reversal=movement.reversal,
    )


def spoil(statement: Statement) -> Statement:
    """Let the bank's own figures contradict each other: the last balance is not what the lines give."""
    closing = (statement.closing_vnd or 0) + SPOILED_BY_VND
    last = [replace(line, balance_after_vnd=closing) for line in statement.lines[-1:]]
    return replace(statement, closing_vnd=closing, lines=(*statement.lines[:-1], *last))


def write_statement(statement: Statement, statement_format: str) -> bytes:
    """Write a statement as a bank of this format does."""
    if statement_format == "camt":
        return write_camt053([statement])
    if statement_format == "mt940":
        return write_mt940([statement])
    return write_vietcombank(statement) if statement_format == "vietcombank" else write_techcombank(statement)


def ledgers(plan: Plan, accounts: Sequence[AccountPlan]) -> Iterator[Paper]:
    """The books of each school: in our template, or as a detailed ledger from MISA."""
    by_account = {one.account: one for one in accounts}
    for school_code, template in {one.account.school_code: one.books_name_bank for one in accounts}.items():
        rows = [
            row
            for movement in plan.movements
            if movement.account.school_code == school_code
            for row in _rows_of(movement, by_account[movement.account])
        ]
        rows += [_other_row(row, by_account) for row in plan.book_rows if row.account.school_code == school_code]
        data = write_template(rows) if template else write_misa_ledger(_sections(rows))
        yield Paper(school_code, None, f"so-chi-tiet-{school_code}.xlsx", data, len(rows))


def document_of(movement: Movement, account: AccountPlan) -> str:
    """The number under which the accountant books a movement: the bank's, or one of a voucher of the school's own."""
    return movement.bank_reference if account.books_name_bank else f"BC{movement.number:06d}"


def _rows_of(movement: Movement, account: AccountPlan) -> list[LedgerRow]:
    """What the accountant books for a movement, if anything, and how often."""
    amount_vnd = movement.posted_vnd or movement.amount_vnd
    taken_back = movement.direction == "debit"
    row = ledger_row(
        movement.booked_on if movement.stated != "never" else day_of(movement.occurred_at),
        document_of(movement, account),
        movement.memo.replace("\n", " "),
        account.books_code,
        debit_vnd=0 if taken_back else amount_vnd,
        credit_vnd=amount_vnd if taken_back else 0,
    )
    return [row] * {"never": 0, "twice": 2}.get(movement.posted, 1)


def _other_row(row: BookRow, accounts: dict[Account, AccountPlan]) -> LedgerRow:
    account_code = CASH_CODE if row.is_cash else accounts[row.account].books_code
    return ledger_row(row.booked_on, row.document_no, row.memo, account_code, debit_vnd=row.amount_vnd)


def ledger_row(
    day: date, document: str, memo: str, account_code: str, *, debit_vnd: int = 0, credit_vnd: int = 0
) -> LedgerRow:
    """One row of a detailed ledger; money in is debit."""
    return LedgerRow(
        line_no=0,
        booked_on=day,
        document_no=document,
        document_date=day,
        description=memo,
        account_code=account_code,
        contra_account=INCOME_CODE,
        debit_vnd=debit_vnd,
        credit_vnd=credit_vnd,
        reference=None,
        is_cash=account_code == CASH_CODE,
        source="",
    )


def _sections(rows: Sequence[LedgerRow]) -> list[LedgerFile]:
    """One section for each account of the books."""
    codes = sorted({row.account_code or "" for row in rows})
    return [
        LedgerFile(tuple(row for row in rows if row.account_code == code), code, OPENING_VND, None, None, None, "")
        for code in codes
    ]
