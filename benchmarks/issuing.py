"""Issuing an approved round: ours against a bare INSERT … SELECT of as many rows into the same tables.

Ours plans every invoice from the catalogue, compares the plan with the approved one, draws random references with a
check character, writes invoices, lines, balances and keys, and posts the round to the books. The bare statement knows
everything beforehand and takes its references from a hash. Both pass the same constraints and commit.
"""

from itertools import count

import psycopg
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from benchmarks.machine import Database, database
from benchmarks.measuring import Run, Sample, alternate, spending
from benchmarks.report import Goal, Table
from payments.db import libpq_url, make_engine, session_scope
from payments.invoices.issuing import issue_in_steps
from tests.payments.invoices.rounds import approved
from tests.payments.setting import SchoolSetting, make_pupils, make_school

PUPILS = 20_000
REGISTER = text("""
    INSERT INTO registration (school_id, pupil_id, fee_item_id, valid_from, quantity)
    SELECT school_id, id, :club, '2025-09-01', 1 + id % 8 FROM pupil WHERE school_id = :school AND id % 2 = 0
""")
BARE = """
WITH wanted AS (
    SELECT p.id AS pupil_id, 660000 + CASE WHEN p.id %% 2 = 0 THEN 15000 * (1 + p.id %% 8) ELSE 0 END AS amount_vnd,
           'HP' || upper(substr(md5(p.id::text || %(round)s::text), 1, 10)) AS reference
    FROM pupil p WHERE p.school_id = %(school)s
), issued AS (
    INSERT INTO invoice (school_id, round_id, pupil_id, receiving_account_id, group_key, reference, amount_vnd,
                         mandatory_vnd, due_on, issued_at)
    SELECT %(school)s, %(round)s, pupil_id, %(account)s, %(group)s, reference, amount_vnd, 660000, '2025-10-20', now()
    FROM wanted
    RETURNING id, pupil_id, amount_vnd
), balance AS (
    INSERT INTO invoice_balance (school_id, invoice_id, amount_vnd, paid_vnd, state, changed_at)
    SELECT %(school)s, id, amount_vnd, 0, 'open', now() FROM issued
), standing AS (
    INSERT INTO invoice_current (school_id, round_id, pupil_id, receiving_account_id, group_key, invoice_id)
    SELECT %(school)s, %(round)s, pupil_id, %(account)s, %(group)s, id FROM issued
)
INSERT INTO invoice_line (school_id, invoice_id, line_no, fee_item_id, description, legal_group, mandatory, quantity,
                          unit_price_vnd, relief_vnd, amount_vnd, legal_basis)
SELECT %(school)s, issued.id, item.number, item.fee, item.name, item.legal, item.number = 1, given.quantity, item.price,
       0, given.quantity * item.price, 'Nghị quyết mẫu 01/2025/NQ-HĐND'
FROM issued CROSS JOIN (VALUES
    (1, %(meals)s::bigint, 'Tiền ăn bán trú', 'agency', 30000), (2, %(club)s::bigint, 'Kỹ năng sống', 'service', 15000)
) AS item (number, fee, name, legal, price)
CROSS JOIN LATERAL (SELECT CASE WHEN item.number = 1 THEN 22 ELSE 1 + issued.pupil_id %% 8 END AS quantity) AS given
WHERE item.number = 1 OR issued.pupil_id %% 2 = 0
"""
WRITTEN = """
WITH issued AS MATERIALIZED (SELECT id FROM invoice WHERE school_id = :school AND round_id = :round)
SELECT (SELECT count(*) FROM issued),
       (SELECT count(*) FROM invoice_line WHERE invoice_id IN (SELECT id FROM issued)),
       (SELECT count(*) FROM invoice_balance WHERE invoice_id IN (SELECT id FROM issued)),
       (SELECT count(*) FROM invoice_current WHERE invoice_id IN (SELECT id FROM issued))
"""


class Issuing:
    """One school with all its pupils; every run issues a round of its own."""

    def __init__(self, made: Database) -> None:
        self._made = made
        self._engine: Engine = make_engine(made.url)
        self._codes = count(1)
        with session_scope(self._engine) as session:
            self._school: SchoolSetting = make_school(session)
            make_pupils(session, self._school, PUPILS - 1)
            session.execute(REGISTER, {"school": self._school.id, "club": self._school.club})
            session.execute(
                text("UPDATE school SET invoice_grouping = 'per_account' WHERE id = :id"), {"id": self._school.id}
            )
        with psycopg.connect(libpq_url(made.url), autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")

    def _round(self) -> int:
        with session_scope(self._engine) as session:
            return approved(session, self._school, f"B{next(self._codes)}")

    def ours(self) -> Sample:
        """From the request to issue to the commit of the last step, the plan included."""
        round_id = self._round()
        with spending(server=self._made.server.pid) as spent:
            for _ in issue_in_steps(lambda: session_scope(self._engine), self._school.id, round_id):
                pass
        return self._sample(round_id, spent.wall_s, spent.cpu_s)

    def bare(self) -> Sample:
        """One statement, one commit."""
        round_id = self._round()
        school = self._school
        given = {"school": school.id, "round": round_id, "account": school.account, "group": ""}
        with (
            psycopg.connect(libpq_url(self._made.url)) as connection,
            spending(server=self._made.server.pid) as spent,
        ):
            connection.execute(BARE, given | {"meals": school.meals, "club": school.club})
            connection.commit()
        return self._sample(round_id, spent.wall_s, spent.cpu_s)

    def _sample(self, round_id: int, wall_s: float, cpu_s: dict[str, float]) -> Sample:
        with Session(self._engine) as session:
            written = session.execute(text(WRITTEN), {"school": self._school.id, "round": round_id}).one()
        if tuple(written) != (PUPILS, PUPILS + PUPILS // 2, PUPILS, PUPILS):
            raise AssertionError(f"not the same rows: {tuple(written)}")
        return {"rate": PUPILS / wall_s} | {name: 1e6 * spent / PUPILS for name, spent in cpu_s.items()}

    def close(self) -> None:
        self._engine.dispose()


def run() -> list[Table]:
    """Measure in wall time, server and client on the same cores."""
    with database("issuing") as made:
        issuing = Issuing(made)
        contenders: dict[str, Run] = {"issue a round": issuing.ours, "INSERT … SELECT": issuing.bare}
        found = alternate(contenders)
        issuing.close()
    rows = [
        [
            name,
            found.median(name),
            found.ratio(name, "INSERT … SELECT"),
            found.median(name, "client"),
            found.median(name, "server"),
        ]
        for name in contenders
    ]
    ratio = found.ratio("issue a round", "INSERT … SELECT")
    python, bare = found.median("issue a round", "client"), found.median("INSERT … SELECT", "server")
    cause = f"planning, approval check and references cost {python:.0f} µs of Python an invoice, the rows {bare:.0f} µs"
    return [
        Table(
            "Issuing invoices",
            ["", "invoices/s", "× bare", "client µs", "server µs"],
            rows,
            [Goal("a round to the bare INSERT … SELECT", 0.5, ratio, cause)],
            [f"{PUPILS} pupils, {PUPILS + PUPILS // 2} lines a round; processor time an invoice in µs"],
        )
    ]
