"""The night over all schools: rows of ``night_run`` are the truth, whoever is awake takes the next group.

A group is reconciled in one transaction that also closes it, under an advisory lock: a worker that is killed leaves
nothing behind, and no two work on the same schools. Where that fails, its schools follow one by one, each in
transactions of its own, so that a school that fails keeps nobody else waiting; there the lease with its fencing token
guards the group. All of it is safe to run twice.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from payments import clock
from payments.schools.models import School
from payments.settlement.service import problem_code
from reconciliation.catching_up import Sessions, catch_up, may_run, reconcile_group, reconcile_school, settle_all
from reconciliation.loading import OF_WHOLE_DAYS
from reconciliation.locks import try_group
from reconciliation.models import NightRun, NightState, NightSummary

log = logging.getLogger(__name__)

GROUP_SIZE = 75
"""Schools in a group (50–100): fewer cost more in overhead, more are redone after a crash."""
LEASE = timedelta(minutes=10)
"""Renewed after every school."""
MAX_ATTEMPTS = 5
MAX_LOSSES = 2 * MAX_ATTEMPTS
"""A group that takes its worker down each time is given up, too."""
STARTS_AT = timedelta(hours=2)
"""02:00 in Viet Nam: what banks book until midnight is there."""
ONE_DAY = timedelta(days=1)

CLAIM = text("""
    UPDATE night_run SET leased_until = :until, lease_token = lease_token + 1, attempts = attempts + 1
    WHERE id = (
        SELECT id FROM night_run
        WHERE state = 'open' AND (leased_until IS NULL OR leased_until < :now)
        ORDER BY day, group_no LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    RETURNING id, day, school_ids, attempts, lease_token
""")
GIVE_UP = text("""
    UPDATE night_run SET state = 'dead', problem = 'every worker was lost', finished_at = :now
    WHERE state = 'open' AND attempts >= :most AND leased_until < :now
""")
COUNTS = text("""
    SELECT run.state, count(*) AS runs, coalesce(sum(run.matched), 0) AS matched,
        coalesce(sum((SELECT sum(value::bigint) FROM jsonb_each_text(run.exceptions))), 0) AS exceptions
    FROM standing_run held JOIN reconcile_run run ON run.school_id = held.school_id AND run.id = held.run_id
    WHERE held.day = :day GROUP BY run.state
""")
NEWEST_DAYS = text(f"""
    SELECT max(period_to) AS day FROM bank_statement WHERE school_id = :school_id AND account_id = :account_id
      AND {OF_WHOLE_DAYS}
    UNION
    SELECT max(day) FROM standing_run WHERE school_id = :school_id AND account_id = :account_id
    ORDER BY day
""")  # noqa: S608 - a constant of ours


@dataclass(frozen=True, slots=True)
class Group:
    """A leased group of schools."""

    id: int
    day: date
    school_ids: tuple[int, ...]
    attempts: int
    lease_token: int


def due_day(moment: datetime) -> date:
    """The newest day whose night has begun: yesterday from 02:00 on."""
    return clock.day_of(moment - STARTS_AT) - ONE_DAY


def open_night(session: Session, day: date) -> int:
    """Write the groups of a night, once; returns how many are new. A night that was missed is opened late."""
    if session.scalar(select(func.count()).select_from(NightRun).where(NightRun.day == day)):
        return 0
    schools = session.scalars(select(School.id).order_by(School.id)).all()
    groups = [schools[start : start + GROUP_SIZE] for start in range(0, len(schools), GROUP_SIZE)]
    opened = 0
    for number, school_ids in enumerate(groups, start=1):
        row = {"day": day, "group_no": number, "school_ids": list(school_ids), "state": NightState.OPEN}
        added = (
            insert(NightRun).values(attempts=0, lease_token=0, **row).on_conflict_do_nothing().returning(NightRun.id)
        )
        opened += session.scalar(added) is not None
    return opened


def claim(session: Session) -> Group | None:
    """Lease the next open group; None: nothing is open, or others have it."""
    moment = clock.now()
    session.execute(GIVE_UP, {"now": moment, "most": MAX_LOSSES})
    row = session.execute(CLAIM, {"now": moment, "until": moment + LEASE}).first()
    return None if row is None else Group(row.id, row.day, tuple(row.school_ids), row.attempts, row.lease_token)


def work(sessions: Sessions) -> int:
    """Reconcile open groups until none is left for us; returns how many. Never raises for a school's sake."""
    done = 0
    while work_once(sessions):
        done += 1
    with sessions() as session:
        sum_up(session)
    return done


def work_once(sessions: Sessions) -> bool:
    """Reconcile the next open group; False: nothing is open, or others have it."""
    with sessions() as session:
        group = claim(session)
    if group is None:
        return False
    ours = work_on(sessions, group)
    log.info("night %s: group %s %s", group.day, group.id, "done" if ours else "left to others")
    return True


def work_on(sessions: Sessions, group: Group) -> bool:
    """Reconcile the schools of a group; False: somebody else has it, or has done it."""
    try:
        return reconcile_group(sessions, group.school_ids, group.day, _Holder(group))
    except Exception as error:  # noqa: BLE001 - nothing of it is kept; one by one shows whose fault it is
        log.warning("night %s: group %s failed together: %s", group.day, group.id, problem_code(error))
    return _one_by_one(sessions, group)


class _Holder:
    """Has the group in its transaction: nobody else works on it, and it is done with what was found, or not at all."""

    def __init__(self, group: Group) -> None:
        self._group = group

    def __call__(self, session: Session) -> bool:
        if not try_group(session, self._group.id):
            return False
        closed = {"state": NightState.DONE, "finished_at": clock.now(), "problem": None, "leased_until": None}
        mine = update(NightRun).where(NightRun.id == self._group.id, NightRun.state == NightState.OPEN)
        return session.scalar(mine.values(**closed).returning(NightRun.id)) is not None


def _one_by_one(sessions: Sessions, group: Group) -> bool:
    """Each school in transactions of its own, so that one that fails keeps nobody waiting."""
    problems: dict[int, str] = {}
    for school_id in group.school_ids:
        try:
            reconcile_school(sessions, school_id, group.day)
        except Exception as error:  # noqa: BLE001 - one school must not keep the others waiting
            problems[school_id] = problem_code(error)
            log.warning("night %s: school %s failed: %s", group.day, school_id, problems[school_id])
        if not _set(sessions, group, leased_until=clock.now() + LEASE):
            return False
    return _close(sessions, group, problems)


def _close(sessions: Sessions, group: Group, problems: dict[int, str]) -> bool:
    """End a group, or give it back with what went wrong; after many attempts a person must look."""
    if not problems:
        return _set(sessions, group, state=NightState.DONE, finished_at=clock.now(), problem=None, leased_until=None)
    told = ", ".join(f"{school_id}: {code}" for school_id, code in problems.items())
    if group.attempts >= MAX_ATTEMPTS:
        return _set(sessions, group, state=NightState.DEAD, finished_at=clock.now(), problem=told)
    wait = timedelta(minutes=2**group.attempts)
    return _set(sessions, group, problem=told, leased_until=clock.now() + wait)


def _set(sessions: Sessions, group: Group, **values: Any) -> bool:
    """Change a group while its lease is ours."""
    ours = update(NightRun).where(
        NightRun.id == group.id, NightRun.lease_token == group.lease_token, NightRun.state == NightState.OPEN
    )
    with sessions() as session:
        return session.scalar(ours.values(**values).returning(NightRun.id)) is not None


def sum_up(session: Session) -> Sequence[date]:
    """Write the summary of every night that has no open group and none yet; returns the days."""
    closed = (
        select(NightRun.day)
        .where(~NightRun.day.in_(select(NightSummary.day)))
        .group_by(NightRun.day)
        .having(func.count().filter(NightRun.state == NightState.OPEN) == 0)
        .order_by(NightRun.day)
    )
    days = session.scalars(closed).all()
    for day in days:
        summary = insert(NightSummary).values(day=day, counts=_counts(session, day), finished_at=clock.now())
        session.execute(summary.on_conflict_do_nothing(index_elements=["day"]))
    return days


def _counts(session: Session, day: date) -> dict[str, Any]:
    groups = session.scalars(select(NightRun.state).where(NightRun.day == day)).all()
    rows = session.execute(COUNTS, {"day": day}).all()
    return {
        "groups": dict(Counter(state.value for state in groups)),
        "runs": {row.state: row.runs for row in rows},
        "matched": sum(int(row.matched) for row in rows),
        "exceptions": sum(int(row.exceptions) for row in rows),
    }


def after_import(sessions: Sessions, school_id: int, account_id: int) -> None:
    """Reconcile an account soon after an import: as far as its statements go, and its last night."""
    settle_all(sessions, school_id)
    with sessions() as session:
        days = session.scalars(NEWEST_DAYS, {"school_id": school_id, "account_id": account_id}).all()
        for day in days:
            if day is not None and may_run(session, school_id, account_id, min(day, clock.today())):
                catch_up(session, school_id, account_id, min(day, clock.today()))
