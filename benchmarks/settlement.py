"""Settlement by one worker in batches, against an honest one-by-one settlement by the ORM with a commit each.

Both find the transaction behind the evidence, the invoice behind the reference, write allocations, credit, decision,
receipt and ledger, and take the work out of the outbox. 92 in 100 pay exactly, the others too little, too much or
without a reference. Every school settles money of its own, so no run meets what another one left.
"""

import psycopg
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from benchmarks.machine import Database, database
from benchmarks.measuring import ROUNDS, Run, Sample, alternate, spending
from benchmarks.peers.orm_settlement import settle_one
from benchmarks.report import Goal, Table
from benchmarks.schools import NAMELESS, paying_school
from payments.db import libpq_url, make_engine, session_scope
from payments.outbox import OutboxRow
from payments.settlement.service import BATCH, settle_school

PUPILS = 1_500
SCHOOLS = 4
"""Of one run of ours: every pupil of every one of them pays."""
ONE_BY_ONE = 300
"""Payments of one run of the peer."""
WRITTEN = text("""
    SELECT (SELECT count(*) FROM bank_transaction WHERE school_id = :school AND state <> 'new') AS transactions,
           (SELECT count(*) FROM transaction_evidence WHERE school_id = :school) AS links,
           (SELECT count(*) FROM settlement WHERE school_id = :school) AS decisions,
           (SELECT count(*) FROM ledger_entry WHERE school_id = :school AND kind = 'settlement') AS entries,
           (SELECT count(*) FROM receipt WHERE school_id = :school) AS receipts,
           (SELECT coalesce(sum(amount_vnd), 0)::bigint FROM bank_transaction WHERE school_id = :school) AS in_vnd,
           (SELECT coalesce(sum(amount_vnd), 0)::bigint FROM allocation WHERE school_id = :school)
             + (SELECT coalesce(sum(amount_vnd), 0)::bigint FROM pupil_credit WHERE school_id = :school)
             + (SELECT coalesce(sum(amount_vnd), 0)::bigint FROM bank_transaction
                WHERE school_id = :school AND state = 'unmatched') AS found_vnd,
           (SELECT coalesce(sum(paid_vnd), 0)::bigint FROM invoice_balance WHERE school_id = :school)
             - (SELECT coalesce(sum(amount_vnd), 0)::bigint FROM allocation WHERE school_id = :school) AS astray_vnd,
           (SELECT count(*) FROM outbox WHERE school_id = :school) AS waiting
""")


class Settling:
    """Schools with issued invoices and money that has arrived."""

    def __init__(self, made: Database) -> None:
        self._made = made
        self._engine: Engine = make_engine(made.url)
        self._ours = iter([[paying_school(self._engine, PUPILS).id for _ in range(SCHOOLS)] for _ in range(ROUNDS)])
        self._peers = iter([paying_school(self._engine, PUPILS, payments=ONE_BY_ONE).id for _ in range(ROUNDS)])
        # As in a running system: plans are made with statistics of tables that are not empty.
        for school_id in [paying_school(self._engine, PUPILS).id for _ in range(2)]:
            self._settle(school_id)
        with psycopg.connect(libpq_url(made.url), autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")

    def _settle(self, school_id: int) -> None:
        taken = BATCH
        while taken == BATCH:
            with session_scope(self._engine) as session:
                taken = settle_school(session, school_id).taken

    def batches(self) -> Sample:
        """As a worker does it: school by school, a transaction for each batch."""
        schools = next(self._ours)
        with spending(server=self._made.server.pid) as spent:
            for school_id in schools:
                self._settle(school_id)
        for school_id in schools:
            self._check(school_id, PUPILS)
        return _sample(len(schools) * PUPILS, spent.wall_s, spent.cpu_s)

    def one_by_one(self) -> Sample:
        """The peer: the same kinds of rows, a commit each."""
        school_id = next(self._peers)
        with Session(self._engine) as session:
            rows = session.scalars(select(OutboxRow.id).where(OutboxRow.school_id == school_id)).all()
        with spending(server=self._made.server.pid) as spent:
            for row_id in rows:
                with session_scope(self._engine) as session:
                    settle_one(session, row_id)
        self._check(school_id, ONE_BY_ONE)
        return _sample(len(rows), spent.wall_s, spent.cpu_s)

    def _check(self, school_id: int, payments: int) -> None:
        """Every payment has all its rows, and every đồng is somewhere."""
        with Session(self._engine) as session:
            row = session.execute(WRITTEN, {"school": school_id}).one()
        without = sum(1 for place in range(1, payments + 1) if place % 100 in NAMELESS)
        rows = (row.transactions, row.links, row.decisions, row.entries, row.receipts, row.waiting)
        if rows != (payments,) * 4 + (payments - without, 0) or row.in_vnd != row.found_vnd or row.astray_vnd:
            raise AssertionError(f"not all was settled: {row}")

    def close(self) -> None:
        self._engine.dispose()


def _sample(payments: int, wall_s: float, cpu_s: dict[str, float]) -> Sample:
    return {"rate": payments / wall_s} | {name: 1e6 * spent / payments for name, spent in cpu_s.items()}


def run() -> list[Table]:
    """Measure in wall time, server and worker on the same cores."""
    with database("settlement") as made:
        settling = Settling(made)
        contenders: dict[str, Run] = {"one worker, batches": settling.batches, "ORM, one by one": settling.one_by_one}
        found = alternate(contenders)
        settling.close()
    ours, peer = contenders
    rows = [
        [
            name,
            found.median(name),
            found.ratio(name, peer),
            found.median(name, "client"),
            found.median(name, "server"),
            1e6 / (found.median(name, "client") + found.median(name, "server")),
        ]
        for name in contenders
    ]
    cause = (
        f"{found.median(ours, 'client'):.0f} µs of Python and {found.median(ours, 'server'):.0f} µs of PostgreSQL each"
    )
    goals = [
        Goal("batches to one by one", 10, found.ratio(ours, peer), cause),
        Goal("payments a second by one worker", 1000, found.median(ours), cause, unit="a second"),
    ]
    notes = [
        f"{SCHOOLS} schools of {PUPILS} payments a run, {ONE_BY_ONE} one by one; batches of {BATCH}",
        "processor time a payment in µs; all rows counted, every đồng found",
    ]
    columns = ["", "payments/s", "× ORM", "worker µs", "server µs", "per core"]
    return [Table("Settlement", columns, rows, goals, notes)]
