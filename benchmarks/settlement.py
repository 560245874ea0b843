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
from payments.banking.connections import AccountName, create_connection
from payments.banking.models import ReceivingAccount
from payments.crypto import FieldCipher
from payments.db import libpq_url, make_engine, session_scope
from payments.outbox import OutboxRow
from payments.settings import Settings, generated_environment
from payments.settlement.service import BATCH, settle_school
from tests.payments.invoices.rounds import issued
from tests.payments.setting import SchoolSetting, make_pupils, make_school

PUPILS = 1_500
SCHOOLS = 4
"""Of one run of ours: every pupil of every one of them pays."""
ONE_BY_ONE = 300
"""Payments of one run of the peer."""
REGISTER = text("""
    INSERT INTO registration (school_id, pupil_id, fee_item_id, valid_from, quantity)
    SELECT school_id, id, :club, '2025-09-01', 1 + id % 8 FROM pupil WHERE school_id = :school AND id % 2 = 0
""")
ARRIVE = text("""
    WITH paid AS (
        SELECT i.*, row_number() OVER (ORDER BY md5(i.reference)) AS place FROM invoice i
        WHERE i.school_id = :school
    ), said AS (
        INSERT INTO evidence (source, connection_id, school_id, account_id, account_named, dedup_key, direction, status,
                              amount_vnd, occurred_at, value_date, provider_txn_id, bank_reference, description,
                              "references", content_sha256, conflicting, sandbox, received_at)
        SELECT 'callback', :connection, school_id, receiving_account_id, '0001', 'K' || id, 'credit', 'settled',
               amount_vnd + CASE place % 100 WHEN 1 THEN -10000 WHEN 2 THEN -20000 WHEN 3 THEN 10000 WHEN 4 THEN 50000
                                             WHEN 5 THEN -5000 WHEN 6 THEN 1000 ELSE 0 END,
               timestamptz '2025-10-05 01:00Z' + place * interval '7 seconds', '2025-10-05', 'K' || id,
               'FT' || lpad(id::text, 12, '0'),
               CASE WHEN place % 100 IN (7, 8) THEN 'PHU HUYNH nop tien'
                    ELSE 'MBVCB.757532.426726.' || reference || '.CT tu 0011 PHU HUYNH toi TRUONG' END,
               CASE WHEN place % 100 IN (7, 8) THEN '{}' ELSE ARRAY[reference] END,
               sha256(reference::bytea), false, false, now()
        FROM paid WHERE place <= :payments
        RETURNING id, school_id
    )
    INSERT INTO outbox (queue, kind, school_id, subject_id, due_at)
    SELECT 'settlement', 'evidence', school_id, id, now() FROM said
""")
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
        self._ours = iter([[self._school(PUPILS, PUPILS) for _ in range(SCHOOLS)] for _ in range(ROUNDS)])
        self._peers = iter([self._school(PUPILS, ONE_BY_ONE) for _ in range(ROUNDS)])
        # As in a running system: plans are made with statistics of tables that are not empty.
        for school_id in [self._school(PUPILS, PUPILS) for _ in range(2)]:
            self._settle(school_id)
        with psycopg.connect(libpq_url(made.url), autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")

    def _settle(self, school_id: int) -> None:
        taken = BATCH
        while taken == BATCH:
            with session_scope(self._engine) as session:
                taken = settle_school(session, school_id).taken

    def _school(self, pupils: int, payments: int) -> int:
        settings = Settings.from_env({"DATABASE_URL": self._made.url, **generated_environment()})
        with session_scope(self._engine) as session:
            school: SchoolSetting = make_school(session)
            make_pupils(session, school, pupils - 1)
            session.execute(REGISTER, {"school": school.id, "club": school.club})
            issued(session, school)
            number = session.get_one(ReceivingAccount, (school.id, school.account)).number
            connection_id, _ = create_connection(
                session,
                FieldCipher(settings.field_keys),
                adapter="sepay",
                accounts=[AccountName("970998", number)],
                secret={"secret": "a secret of the benchmark alone"},
                actor_id=None,
            )
            session.execute(ARRIVE, {"school": school.id, "connection": connection_id, "payments": payments})
        return school.id

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
        without = sum(1 for place in range(1, payments + 1) if place % 100 in {7, 8})
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
