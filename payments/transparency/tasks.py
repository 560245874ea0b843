"""The night of the public figures. Safe to run twice: what is counted to today's start does not change again today."""

from celery import shared_task
from celery.schedules import crontab

from payments.celery import task_session
from payments.transparency import counting

TASK = "payments.transparency.tasks.refresh_figures"
BEAT = {
    "public-figures": {"task": TASK, "schedule": crontab(minute=20, hour=3), "options": {"queue": "issuing"}},
}


@shared_task(name=TASK)
def refresh_figures() -> int:
    """Bring every school's public figures up to last night, a transaction for each; returns how many changed."""
    with task_session() as session:
        school_ids = counting.schools_that_publish(session)
    changed = 0
    for school_id in school_ids:
        with task_session() as session:
            changed += counting.refresh(session, school_id)
    return changed
