"""From one night to the next: earlier runs that new facts touch are made again, then the day itself.

Facts arrive late: a callback after its statement, a month's books at its end, a corrected statement. A run is made
again when something new is dated on its days, or when it has open cases and something new lies near them. Nothing else
of the past is looked at.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from payments.clearing.service import Cleared, clear_school
from payments.settlement.service import Settled, settle_school
from reconciliation.faces import REFERENCE_WINDOW
from reconciliation.locks import lock_school, lock_settlement
from reconciliation.models import ReconcileRun
from reconciliation.night import reconcile_day
from reconciliation.queries import accounts_in_play

Sessions = Callable[[], AbstractContextManager[Session]]
"""Opens one committed transaction."""

LOOK_BACK = timedelta(days=62)
"""Older runs stand as they are: two months is longer than any month's books are late."""
AROUND = timedelta(days=REFERENCE_WINDOW[1])
AT_THE_DOOR = timedelta(minutes=15)
"""The door numbers and dates a message before it commits: what was on its way when a run looked is looked at again."""

NEWEST = text("""
    SELECT run.inputs, run.created_at FROM standing_run held
    JOIN reconcile_run run ON run.school_id = held.school_id AND run.id = held.run_id
    WHERE held.school_id = :school_id AND held.account_id = :account_id
    ORDER BY run.id DESC LIMIT 1
""")
STATED = text("""
    SELECT period_from AS first, period_to AS last FROM bank_statement
    WHERE school_id = :school_id AND account_id = :account_id AND id > :statement
""")
TOUCHED = text("""
    SELECT period_from AS first, period_to AS last FROM ledger_import
    WHERE school_id = :school_id AND id > :ledger_import
    UNION ALL
    SELECT min(e.value_date), max(e.value_date)
    FROM transaction_evidence link JOIN evidence e ON e.id = link.evidence_id
    WHERE link.school_id = :school_id AND link.id > :link AND e.account_id = :account_id
    HAVING count(*) > 0
    UNION ALL
    SELECT min(e.value_date), max(e.value_date)
    FROM held_evidence held JOIN evidence e ON e.id = held.evidence_id
    WHERE held.school_id = :school_id AND held.id > :held AND e.account_id = :account_id
    HAVING count(*) > 0
    UNION ALL
    SELECT min(said.value_date), max(said.value_date)
    FROM evidence e
    JOIN evidence said ON said.connection_id = e.connection_id AND said.dedup_key = e.dedup_key
        AND said.direction = e.direction AND said.status = e.status AND said.school_id = e.school_id
    WHERE e.school_id = :school_id AND e.account_id = :account_id AND e.conflicting AND e.received_at > :looked_from
    HAVING count(*) > 0
    UNION ALL
    SELECT t.value_date, t.value_date
    FROM decision d JOIN bank_transaction t ON t.school_id = d.school_id AND t.id = d.transaction_id
    WHERE d.school_id = :school_id AND d.id > :decision AND t.account_id = :account_id
    UNION ALL
    SELECT d.first_day, d.last_day FROM reconcile_decision d
    WHERE d.school_id = :school_id AND d.account_id = :account_id AND d.id > :reconcile_decision
    UNION ALL
    SELECT min(t.value_date), max(t.value_date)
    FROM payout p
    JOIN payout_item i ON i.school_id = p.school_id AND i.payout_id = p.id
    JOIN bank_transaction t ON t.school_id = p.school_id AND t.id IN (p.transaction_id, i.transaction_id)
    WHERE p.school_id = :school_id AND t.account_id = :account_id
      AND (p.id > :payout OR p.dissolved_at > :looked_from)
    HAVING count(*) > 0
""")
STANDING = text("""
    SELECT run.id, run.day, run.from_day, run.exceptions <> '{}'::jsonb OR run.not_due > 0 AS is_open
    FROM standing_run held JOIN reconcile_run run ON run.school_id = held.school_id AND run.id = held.run_id
    WHERE held.school_id = :school_id AND held.account_id = :account_id AND held.day >= :oldest
    ORDER BY held.day
""")

Period = tuple[date, date]


def catch_up(session: Session, school_id: int, account_id: int, day: date) -> ReconcileRun:
    """Reconcile a day of an account, and make again what something new touches.

    Earlier runs come first; a statement for days that no run owns yet gets a run of its own; later runs follow where
    the days that they own have become others.
    """
    lock_school(session, school_id)
    lock_settlement(session, school_id)
    owner = {"school_id": school_id, "account_id": account_id}
    stated, touched = _arrived(session, owner)
    runs = session.execute(STANDING, owner | {"oldest": day - LOOK_BACK}).all()
    standing = {run.day: run for run in runs}
    orphaned = {last for _, last in stated if last < day and not any(run.from_day <= last <= run.day for run in runs)}
    changed = False
    for other in sorted({run.day for run in runs if run.day < day} | orphaned):
        run = standing.get(other)
        # A new run may move the first day and the opening balance of every later one.
        if run is None or changed or any(_touches(run, *period) for period in (*stated, *touched)):
            made = reconcile_day(session, school_id, account_id, other)
            changed = changed or run is None or made.id != run.id
    result = reconcile_day(session, school_id, account_id, day)
    for run in runs:
        if run.day > day >= run.from_day:
            reconcile_day(session, school_id, account_id, run.day)
    return result


def reconcile_school(sessions: Sessions, school_id: int, day: date) -> list[ReconcileRun]:
    """Settle what waits at a school and reconcile each of its accounts, one transaction for each."""
    settle_all(sessions, school_id)
    with sessions() as session:
        accounts = accounts_in_play(session, school_id)
    runs = []
    for account_id in accounts:
        with sessions() as session:
            runs.append(catch_up(session, school_id, account_id, day))
    return runs


def settle_all(sessions: Sessions, school_id: int) -> None:
    """What arrived before the night is settled and cleared before it is judged; a busy school is its worker's."""
    steps: tuple[Callable[[Session, int], Settled | Cleared], ...] = (settle_school, clear_school)
    for work in steps:
        while True:
            with sessions() as session:
                result = work(session, school_id)
            if result.busy or result.taken == 0 or result.failed:
                break


def _arrived(session: Session, owner: dict[str, int]) -> tuple[list[Period], list[Period]]:
    """Days of statements, and of all else, that arrived since the newest run of the account looked."""
    newest = session.execute(NEWEST, owner).first()
    if newest is None:
        return [], []
    # Runs of an earlier version kept no mark of what was held, of payouts, nor of decisions about facts.
    unmarked = {"held": 0, "payout": 0, "reconcile_decision": 0}
    seen: dict[str, Any] = owner | unmarked | newest.inputs | {"looked_from": newest.created_at - AT_THE_DOOR}
    stated, touched = ([(row.first, row.last) for row in session.execute(one, seen)] for one in (STATED, TOUCHED))
    return stated, touched


def _touches(run: Row[Any], first: date, last: date) -> bool:
    around = AROUND if run.is_open else timedelta(days=1)
    return bool(first <= run.day + around and last >= run.from_day - around)
