"""The clock of accounts. Safe to run at any time and any number of times."""

from celery import shared_task

from payments.banking.service import activate_cooled
from payments.celery import task_session

BEAT = {
    "accounts-cooled": {
        "task": "payments.banking.tasks.activate_accounts",
        "schedule": 300.0,
        "options": {"queue": "issuing"},
    }
}


@shared_task(name="payments.banking.tasks.activate_accounts")
def activate_accounts() -> int:
    """Mark accounts whose cooling off has ended as active; returns how many."""
    with task_session() as session:
        return activate_cooled(session)
