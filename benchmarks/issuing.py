"""Issuing a round against a bare INSERT … SELECT into the same tables, side by side in alternating turns.

The bare statement computes nothing and checks nothing: constant amounts, references without check characters. Ours
plans every line from the catalogue, compares the plan with what was approved, and posts to the books.
"""

import statistics
import time
from collections.abc import Callable
from datetime import date

from sqlalchemy import Engine, text

from payments.db import session_scope
from payments.invoices.issuing import issue_in_steps
from payments.invoices.service import FeeOfRound, approve_round, draft_round
from tests.payments.setting import SchoolSetting, make_pupils, make_school

GOAL = 0.5

BARE = text("""
    WITH issued AS (
        INSERT INTO invoice (school_id, round_id, pupil_id, receiving_account_id, group_key, reference, amount_vnd,
                             mandatory_vnd, due_on, issued_at)
        SELECT school_id, :round_id, pupil_id, :account_id, '', 'HP' || upper(substr(md5(random()::text), 1, 10)),
               660000, 660000, '2025-10-20', now()
        FROM enrollment WHERE school_id = :school_id
        RETURNING school_id, id, round_id, pupil_id, receiving_account_id, group_key, amount_vnd
    ), balance AS (
        INSERT INTO invoice_balance (school_id, invoice_id, amount_vnd, paid_vnd, state, changed_at)
        SELECT school_id, id, amount_vnd, 0, 'open', now() FROM issued
    ), standing AS (
        INSERT INTO invoice_current (school_id, round_id, pupil_id, receiving_account_id, group_key, invoice_id)
        SELECT school_id, round_id, pupil_id, receiving_account_id, group_key, id FROM issued
    )
    INSERT INTO invoice_line (school_id, invoice_id, line_no, fee_item_id, description, legal_group, mandatory,
                              quantity, unit_price_vnd, relief_vnd, amount_vnd, legal_basis)
    SELECT school_id, id, 1, :fee_id, 'Tiền ăn bán trú: 22 ngày × 30.000', 'agency', true, 22, 30000, 0, 660000, 'NQ'
    FROM issued
""")


def measure(engine: Engine, *, invoices: int = 20_000, turns: int = 5) -> dict[str, float]:
    """Invoices a second, medians of alternating turns on a migrated database, and the ratio; the goal is GOAL."""
    with session_scope(engine) as session:
        school = make_school(session)
        make_pupils(session, school, invoices - 1)
    with engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))
    bare, ours = [], []
    for turn in range(turns):
        bare.append(invoices / _bare(engine, school, f"B{turn}"))
        ours.append(invoices / _ours(engine, school, f"O{turn}"))
    told = {"bare_per_s": statistics.median(bare), "ours_per_s": statistics.median(ours)}
    return told | {"ratio": told["ours_per_s"] / told["bare_per_s"], "goal": GOAL}


def _bare(engine: Engine, school: SchoolSetting, code: str) -> float:
    round_id = _round(engine, school, code)
    values = {
        "school_id": school.id,
        "round_id": round_id,
        "account_id": school.account,
        "fee_id": school.meals,
    }

    def insert() -> None:
        with session_scope(engine) as session:
            session.execute(BARE, values)

    return _seconds(insert)


def _ours(engine: Engine, school: SchoolSetting, code: str) -> float:
    round_id = _round(engine, school, code)
    with session_scope(engine) as session:
        approve_round(session, school.id, round_id, school.principal)
    return _seconds(lambda: list(issue_in_steps(lambda: session_scope(engine), school.id, round_id)))


def _round(engine: Engine, school: SchoolSetting, code: str) -> int:
    with session_scope(engine) as session:
        return draft_round(
            session,
            school.id,
            code=code,
            name=code,
            year_id=school.year,
            starts_on=date(2025, 10, 1),
            due_on=date(2025, 10, 20),
            fees=[FeeOfRound(school.meals, 22)],
            actor_id=school.accountant,
        )


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
