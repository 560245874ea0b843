"""A nightly run over 100,000 lines: a province's bank statements, gateway and school ledgers, line by line.

Callbacks were settled during the day. In the evening statements and books are imported, what they say is settled, and
every account is reconciled and proved. In every school some callbacks and some rows of the books are missing, and the
run must find exactly those.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import psycopg
from sqlalchemy import Engine, text

from bank_adapters.statements.model import Statement, StatementLine
from benchmarks.machine import Database, database, told
from benchmarks.measuring import Spent, spending
from benchmarks.report import Table
from benchmarks.schools import PayingSchool, paying_school
from operations.sample_files import write_camt053
from payments.db import libpq_url, make_engine, session_scope
from payments.settlement.service import BATCH, settle_school
from reconciliation.catching_up import reconcile_school
from reconciliation.models import ReconcileRun, RunState
from reconciliation.school_ledgers.model import LedgerRow
from reconciliation.school_ledgers.template import write_template
from reconciliation.service import import_ledger, import_statement

SCHOOLS = 40
PUPILS = 834
LINES = 3 * SCHOOLS * PUPILS
DAY = date(2025, 10, 5)
MONTH = (date(2025, 10, 1), date(2025, 10, 31))
OPENING_VND = 50_000_000
UNHEARD = 5
"""Payments of a school whose callback never came."""
UNBOOKED = 7
"""Other payments of a school that are not in its books."""
MOVED = text("""
    SELECT coalesce(e.amount_vnd, i.amount_vnd) AS amount_vnd, 'FT' || lpad(i.id::text, 12, '0') AS bank_reference,
           'MBVCB.757532.426726.' || i.reference || '.CT tu 0011 PHU HUYNH toi TRUONG' AS description,
           e.id IS NOT NULL AS heard
    FROM invoice i LEFT JOIN evidence e ON e.school_id = i.school_id AND e.dedup_key = 'K' || i.id
    WHERE i.school_id = :school ORDER BY heard, i.id
""")
"""What the bank knows: what its callbacks told, and the payments whose callback never came."""


class Province:
    """Schools with a day's payments, settled, and the files of the evening."""

    def __init__(self, made: Database) -> None:
        self._made = made
        self._engine: Engine = make_engine(made.url)
        told("a province with a day of payments")
        self._schools = [self._school() for _ in range(SCHOOLS)]
        self._files = {school.id: self._evening(school) for school in self._schools}
        self.settle()
        with psycopg.connect(libpq_url(made.url), autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")

    def _school(self) -> PayingSchool:
        return paying_school(self._engine, PUPILS, payments=PUPILS - UNHEARD, nameless=())

    def _evening(self, school: PayingSchool) -> tuple[bytes, bytes]:
        """The bank's statement of the day, and the school's books."""
        with session_scope(self._engine) as session:
            moved = session.execute(MOVED, {"school": school.id}).all()
        lines = tuple(
            StatementLine(
                line_no=number,
                value_date=DAY,
                booked_on=DAY,
                amount_vnd=row.amount_vnd,
                direction="credit",
                bank_reference=row.bank_reference,
                description=row.description,
                raw="",
            )
            for number, row in enumerate(moved, start=1)
        )
        rows = [
            LedgerRow(
                line_no=number,
                booked_on=DAY,
                document_no=f"BC{number:05d}",
                document_date=DAY,
                description=f"Thu {row.description[20:32]}",
                account_code="1121",
                contra_account="1318",
                debit_vnd=row.amount_vnd,
                credit_vnd=0,
                reference=None,
                is_cash=False,
                source="",
            )
            for number, row in enumerate(moved[: PUPILS - UNBOOKED], start=1)
        ]
        statement = Statement(
            account_number=school.account_number,
            currency="VND",
            period_from=DAY,
            period_to=DAY,
            opening_vnd=OPENING_VND,
            closing_vnd=OPENING_VND + sum(line.amount_vnd for line in lines),
            sequence=None,
            lines=lines,
        )
        return write_camt053([statement]), write_template(rows)

    def settle(self) -> None:
        """As a worker does it."""
        for school in self._schools:
            taken = BATCH
            while taken == BATCH:
                with session_scope(self._engine) as session:
                    taken = settle_school(session, school.id).taken

    def statements(self) -> None:
        """Import the statements of all schools."""
        for school in self._schools:
            with session_scope(self._engine) as session:
                data = self._files[school.id][0]
                import_statement(session, school.id, school.account_id, data, "saoke.xml")

    def books(self) -> None:
        """Import the books of all schools."""
        for school in self._schools:
            with session_scope(self._engine) as session:
                import_ledger(session, school.id, self._files[school.id][1], "so.xlsx", period=MONTH)

    def night(self) -> list[ReconcileRun]:
        """Reconcile every account of every school; those of the money that arrived."""
        found = []
        for school in self._schools:
            runs = reconcile_school(lambda: session_scope(self._engine), school.id, DAY)
            found += [run for run in runs if run.account_id == school.account_id]
        return found

    def timed(self, step: Callable[[], Any]) -> tuple[Any, Spent]:
        """A step with what it spent."""
        with spending(server=self._made.server.pid) as spent:
            result = step()
        return result, spent

    def close(self) -> None:
        self._engine.dispose()


def check(runs: Sequence[ReconcileRun]) -> Counter[str]:
    """Every account is proved, and exactly what is missing was found."""
    found: Counter[str] = Counter()
    for run in runs:
        found.update(run.exceptions)
    wanted = {"missing_gateway": SCHOOLS * UNHEARD, "missing_ledger": SCHOOLS * UNBOOKED}
    proved = sum(run.state is RunState.PROVED for run in runs)
    if proved != SCHOOLS or found != wanted:
        raise AssertionError(f"{proved} of {SCHOOLS} accounts proved, found {dict(found)} instead of {wanted}")
    return found


def run() -> list[Table]:
    """One night, step by step, in wall time."""
    with database("night") as made:
        province = Province(made)
        steps: list[tuple[str, int, Callable[[], Any]]] = [
            ("import the statements (camt.053)", LINES // 3, province.statements),
            ("settle what they tell", LINES // 3, province.settle),
            ("import the books (XLSX)", LINES // 3, province.books),
            ("reconcile and prove", LINES, province.night),
            ("the same night again", LINES, province.night),
        ]
        rows = []
        found: Counter[str] = Counter()
        for name, lines, step in steps:
            told(name)
            result, spent = province.timed(step)
            if step == province.night:
                found = check(result)
            micro = {who: 1e6 * seconds / lines for who, seconds in spent.cpu_s.items()}
            rows.append([name, lines, spent.wall_s, lines / spent.wall_s, micro["client"], micro["server"]])
        province.close()
    notes = [
        f"{SCHOOLS} schools, one process; {dict(found)} found and nothing else; one run, no rounds",
        "processor time a line in µs",
    ]
    return [
        Table(f"A night over {LINES:,} lines", ["", "lines", "s", "lines/s", "client µs", "server µs"], rows, (), notes)
    ]
