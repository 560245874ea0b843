"""A school's desk on a committed database: callbacks at the door, statements and books as files, and nights."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from bank_adapters.statements.model import Statement, StatementLine
from operations.sample_files import write_camt053
from payments.crypto import FieldCipher
from reconciliation import queries, service
from reconciliation.closing.models import PeriodClose
from reconciliation.models import ReconcileItem, ReconcileRun
from reconciliation.school_ledgers.model import LedgerRow
from reconciliation.school_ledgers.template import write_template
from tests.payments.settlement.bank import Bank

DAY = date(2025, 9, 10)
OPENING = 10_000_000


def line(amount_vnd: int, memo: str, number: str | None = None, *, day: date = DAY, **more: Any) -> StatementLine:
    """A line of a statement; money in unless said otherwise."""
    values = {"value_date": day, "booked_on": day, "direction": "credit", "line_no": 1, "raw": ""} | more
    return StatementLine(amount_vnd=amount_vnd, description=memo, bank_reference=number, **values)


def statement(
    account: str, lines: Sequence[StatementLine], *, opening: int = OPENING, days=(DAY, DAY), **more: Any
) -> Statement:
    """A statement that adds up."""
    moved = sum(one.amount_vnd if one.direction == "credit" else -one.amount_vnd for one in lines)
    values = {"sequence": None, "closing_vnd": opening + moved} | more
    return Statement(
        account_number=account,
        currency="VND",
        period_from=days[0],
        period_to=days[1],
        opening_vnd=opening,
        lines=tuple(lines),
        **values,
    )


def row(amount_vnd: int, text: str, *, day: date = DAY, code: str = "1121", document: str | None = None, **more: Any):
    """A row of the books: money in unless ``credit_vnd`` is given."""
    values = {"debit_vnd": amount_vnd, "credit_vnd": 0, "reference": None, "is_cash": code.startswith("111")} | more
    return LedgerRow(
        line_no=1,
        booked_on=day,
        document_no=document,
        document_date=None,
        description=text,
        account_code=code,
        contra_account="531",
        source="",
        **values,
    )


class Desk(Bank):
    """A bank, a school, its books, and its nights."""

    @property
    def number(self) -> str:
        return self.numbers[self.school.account]

    def pay(self, amount_vnd: int, memo: str, number: str, *, day: date = DAY, at: str = "08:00:00") -> None:
        """A callback with the bank's reference."""
        self.call(amount_vnd, memo, referenceCode=number, transactionDate=f"{day} {at}")

    def state(self, *lines: StatementLine, **more: Any) -> service.StatementReport:
        """Import a statement of these lines, and settle."""
        report = self.bring(write_camt053([statement(self.number, lines, **more)]))
        self.settle()
        return report

    def bring(self, data: bytes, name: str = "saoke.xml", **more: Any) -> service.StatementReport:
        """Import a statement file."""
        with self.session() as session:
            return service.import_statement(session, self.school.id, self.school.account, data, name, **more)

    def book(self, *rows: LedgerRow, **more: Any) -> service.LedgerReport:
        """Import books in our template."""
        return self.import_books(write_template(rows), **more)

    def import_books(self, data: bytes, **more: Any) -> service.LedgerReport:
        """Import a file of books."""
        with self.session() as session:
            return service.import_ledger(session, self.school.id, data, "so.xlsx", **more)

    def night(self, day: date = DAY) -> ReconcileRun:
        """Settle all that waits and reconcile the day."""
        self.settle()
        with self.session() as session:
            return service.reconcile_day(session, self.school.id, self.school.account, day)

    def sign(self, through: date) -> PeriodClose:
        """Close the period; what is open and which account is silent is known."""
        with self.session() as session:
            request = service.Request(self.school.accountant, "Đã biết, xử lý sau")
            cipher = FieldCipher(self.settings.field_keys)
            return service.close_period(session, cipher, self.school.id, through, request)

    def items(self, run: ReconcileRun) -> list[ReconcileItem]:
        """What a run found, in its order."""
        with self.session() as session:
            return queries.items(session, run)

    def count(self, table: str) -> int:
        [(number,)] = self.rows(f"SELECT count(*) FROM {table}")
        return number
