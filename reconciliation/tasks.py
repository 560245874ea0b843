"""The night's work for Celery, which only wakes: what is to be done stands in ``night_run`` and in the outbox.

A beat at 02:00 and a sweep every minute start the same task; so a night that was missed begins at the next sweep, and a
group whose worker died is taken over when its lease has run out. Running the task twice does the work once.
"""

from collections.abc import Mapping
from typing import Any

from celery import shared_task
from celery.schedules import crontab
from kombu.exceptions import OperationalError
from sqlalchemy.exc import SQLAlchemyError

from payments import clock, outbox
from payments.celery import task_session
from payments.errors import DomainError
from payments.settlement.service import problem_code
from reconciliation import nights

TASK = "reconciliation.tasks.reconcile_due"
SWEEP_S = 60.0
BATCH = 10
MOST_HELPERS = 32

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
        _call_helpers(opened - 1)
    return nights.work(task_session) + _after_imports()


def _call_helpers(count: int) -> None:
    """Let other workers take groups, too; without a broker this worker does them all."""
    try:
        for _ in range(min(count, MOST_HELPERS)):
            reconcile_due.apply_async(ignore_result=True, retry=False, expires=SWEEP_S)
    except (OperationalError, OSError):
        return  # The sweep wakes them.


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
