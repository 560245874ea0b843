"""Nights written directly, for tests of exceptions: facts of three sources, items over them, runs that stand."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from itertools import count
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from reconciliation.exceptions.syncing import Synced, sync
from reconciliation.models import (
    BankLine,
    BankStatement,
    LedgerImport,
    LedgerRow,
    ReconcileItem,
    ReconcileRun,
    RunState,
)
from tests.payments.setting import SchoolSetting, make_school
from tests.payments.settlement.setting import say

DAY = date(2025, 9, 10)
MADE = datetime(2025, 9, 11, 19, 0, tzinfo=UTC)
"""Night of 12 September in Viet Nam, a Friday."""
X_VND = 100_000
_serial = count(1)


class Nights:
    """A school whose nights find what a test says."""

    def __init__(self, session: Session, school: SchoolSetting | None = None) -> None:
        self.session = session
        self.school = school or make_school(session)
        number = next(_serial)
        self.statement = BankStatement(
            school_id=self.school.id,
            account_id=self.school.account,
            file_name="saoke.xml",
            file_sha256=b"f%d" % number,
            content_sha256=b"c%d" % number,
            format="camt.053",
            period_from=DAY,
            period_to=DAY,
            proved=True,
            imported_at=MADE,
        )
        self.books = LedgerImport(
            school_id=self.school.id,
            file_name="so.xlsx",
            file_sha256=b"f%d" % number,
            content_sha256=b"c%d" % number,
            format="template",
            period_from=DAY,
            period_to=DAY,
            account_ids=[self.school.account],
            imported_at=MADE,
        )
        session.add_all([self.statement, self.books])
        session.flush()

    def line(self, amount_vnd: int = X_VND, said: str = "chuyen tien", key: str | None = None) -> int:
        """A line of the statement."""
        one = BankLine(
            school_id=self.school.id,
            account_id=self.school.account,
            statement_id=self.statement.id,
            natural_key=key or f"line {next(_serial)}",
            line_no=1,
            value_date=DAY,
            booked_on=DAY,
            direction="credit",
            amount_vnd=amount_vnd,
            description=said,
            references=[],
        )
        return self._added(one)

    def said(self, amount_vnd: int = X_VND, memo: str = "chuyen tien") -> int:
        """A callback."""
        return say(self.session, self.school, amount_vnd, memo)

    def row(
        self, amount_vnd: int = X_VND, said: str = "Thu tiền", *, cash: bool = False, key: str | None = None
    ) -> int:
        """A row of the books."""
        one = LedgerRow(
            school_id=self.school.id,
            import_id=self.books.id,
            account_id=None if cash else self.school.account,
            natural_key=key or f"row {next(_serial)}",
            line_no=1,
            booked_on=DAY,
            document_no="PT1",
            description=said,
            account_code="1111" if cash else "1121",
            contra_code="531",
            direction="credit",
            amount_vnd=amount_vnd,
            references=[],
            is_cash=cash,
        )
        return self._added(one)

    def _added(self, one: Any) -> int:
        self.session.add(one)
        self.session.flush()
        number: int = one.id
        return number

    def item(self, primary_class: str, *, lines: Sequence[int] = (), said: Sequence[int] = (), **more: Any) -> Any:
        """What a night finds about some facts."""
        values: dict[str, Any] = {"amount_vnd": X_VND, "value_date": DAY, "references": [], "flags": [], "note": None}
        rows = list(more.pop("rows", ()))
        return (
            values
            | more
            | {
                "primary_class": primary_class,
                "bank_line_ids": list(lines),
                "evidence_ids": list(said),
                "transaction_ids": [],
                "ledger_row_ids": rows,
            }
        )

    def night(self, *items: Any, day: date = DAY, made: datetime = MADE) -> Synced:
        """A newer run of a day stands and is followed."""
        run = ReconcileRun(
            school_id=self.school.id,
            account_id=self.school.account,
            from_day=day,
            day=day,
            inputs_hash=b"%d" % next(_serial),
            rules_version=1,
            state=RunState.PROVED,
            matched=0,
            matched_vnd=0,
            not_due=0,
            proof={},
            exceptions={},
            inputs={},
            created_at=made,
        )
        self.session.add(run)
        self.session.flush()
        for position, values in enumerate(items, start=1):
            self.session.add(
                ReconcileItem(school_id=self.school.id, run_id=run.id, position=position, rule=None, **values)
            )
        self.session.flush()
        self.stand(day, run.id)
        return self.follow()

    def stand(self, day: date, run_id: int) -> None:
        """Let a run stand for its day."""
        self.session.execute(
            text("""
                INSERT INTO standing_run (school_id, account_id, day, run_id) VALUES (:school, :account, :day, :run)
                ON CONFLICT (school_id, account_id, day) DO UPDATE SET run_id = EXCLUDED.run_id
            """),
            {"school": self.school.id, "account": self.school.account, "day": day, "run": run_id},
        )

    def follow(self) -> Synced:
        return sync(self.session, self.school.id, self.school.account)

    def rows(self, statement: str) -> list[Any]:
        found = self.session.execute(text(statement), {"school": self.school.id})
        return [row[0] if len(row) == 1 else tuple(row) for row in found]

    def cases(self) -> list[tuple[str, str, str | None]]:
        """Class, state and end of every exception, oldest first."""
        return self.rows(
            "SELECT primary_class, state, resolution FROM reconcile_exception WHERE school_id = :school ORDER BY id"
        )

    def ids(self) -> list[int]:
        return self.rows("SELECT id FROM reconcile_exception WHERE school_id = :school ORDER BY id")

    def kinds(self, exception_id: int) -> list[str]:
        return self.rows(
            f"SELECT kind FROM exception_event WHERE school_id = :school AND exception_id = {exception_id} ORDER BY id"
        )
