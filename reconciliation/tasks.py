"""The night's work for Celery, which only wakes: what is to be done stands in ``night_run`` and in the outbox.

A beat at 02:00 and a sweep every minute start the same task; so a night that was missed begins at the next sweep, and a
group whose worker died is taken over when its lease has run out. A new night wakes the other workers by a chord: one
message for each group, and one that sums up when all are done. Running the task twice does the work once.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from celery import chord, shared_task
from celery.schedules import crontab
from sqlalchemy.exc import SQLAlchemyError

from payments import clock, outbox
from payments.celery import task_session
from payments.errors import DomainError
from payments.settlement.service import problem_code
from reconciliation import nights

log = logging.getLogger(__name__)

TASK = "reconciliation.tasks.reconcile_due"
GROUP_TASK = "reconciliation.tasks.reconcile_group"
SUM_TASK = "reconciliation.tasks.sum_up"
QUEUE = "nightly"
SWEEP_S = 60.0
BATCH = 10

BEAT: Mapping[str, Mapping[str, Any]] = {
    "night": {"task": TASK, "schedule": crontab(minute=0, hour=2)},
    "night-sweep": {"task": TASK, "schedule": SWEEP_S, "options": {"expires": SWEEP_S}},
}


@shared_task(name=TASK)
def reconcile_due() -> int:
    """Open the night when it is due, work on its groups, then on accounts with fresh imports; returns how many."""
    with task_session() as session:
        opened = nights.open_night(session, nights.due_day(clock.now()))
    if opened > 1:
        _call_helpers(opened)
    return nights.work(task_session) + _after_imports()


@shared_task(name=GROUP_TASK, ignore_result=False)
def reconcile_group() -> int:
    """Reconcile one open group of schools, whichever is next; 0: others have them all. Never raises for a school's
    sake.
    """
    return int(nights.work_once(task_session))


@shared_task(name=SUM_TASK)
def sum_up(done: Sequence[int]) -> int:
    """Write the summary of every night that is over, after the groups of a chord; returns how many groups these did.

    The rows of ``night_run`` say what is over: where this message is lost, the next sweep writes the summary.
    """
    with task_session() as session:
        nights.sum_up(session)
    return sum(done)


def _call_helpers(count: int) -> None:
    """Let all workers take groups, and the last one sum up; without a broker this worker does everything."""
    groups = [reconcile_group.si().set(queue=QUEUE, expires=nights.LEASE.total_seconds()) for _ in range(count)]
    try:
        chord(groups, sum_up.s().set(queue=QUEUE)).apply_async(retry=False)
    except Exception as error:  # noqa: BLE001 - a wake-up is lost, whatever the broker or its results had; the sweep wakes
        log.warning("no helpers for the night: %s", type(error).__name__)


def _after_imports() -> int:
    """Reconcile accounts for which something was imported."""
    with task_session() as session:
        claimed = outbox.claim(session, "nightly", limit=BATCH, lease=nights.LEASE)
    for row in claimed:
        problem = _problem_of(row)
        with task_session() as session:
            if problem is None:
                outbox.finish(session, row)
            else:
                outbox.fail(session, row, problem)
    return len(claimed)


def _problem_of(row: outbox.Claimed) -> str | None:
    """Reconcile the account of a row; what stands in the way, as a code."""
    if row.school_id is None or row.subject_id is None:
        return "no_account"
    try:
        nights.after_import(task_session, row.school_id, row.subject_id)
    except (DomainError, SQLAlchemyError) as error:
        return problem_code(error)
    return None
