"""Forgetting tries that weigh nothing any more. Safe to run at any time and any number of times."""

from celery import shared_task

from payments.celery import task_session
from payments.throttle.service import sweep

BEAT = {
    "tries-forgotten": {
        "task": "payments.throttle.tasks.forget_tries",
        "schedule": 600.0,
        "options": {"queue": "notices"},
    }
}


@shared_task(name="payments.throttle.tasks.forget_tries")
def forget_tries() -> int:
    """Delete the buckets that are empty again; returns how many."""
    with task_session() as session:
        return sweep(session)
