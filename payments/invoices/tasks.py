"""Issuing in the background. Safe to run twice: a round that is issued stays as it is, a half-issued one goes on."""

from celery import shared_task
from sqlalchemy.exc import SQLAlchemyError

from payments import outbox
from payments.celery import task_session
from payments.errors import DomainError
from payments.invoices.issuing import issue_in_steps

BEAT = {"issuing-sweep": {"task": "payments.invoices.tasks.issue_due", "schedule": 15.0}}


@shared_task(name="payments.invoices.tasks.issue_due")
def issue_due() -> int:
    """Issue the rounds that are due, one after the other; returns how many rows were claimed."""
    done = 0
    while True:
        with task_session() as session:
            claimed = outbox.claim(session, "issuing", limit=1)
        if not claimed:
            return done
        done += 1
        _issue(claimed[0])


def _issue(row: outbox.Claimed) -> None:
    problem = _problem_of(row)
    with task_session() as session:
        if problem is None:
            outbox.finish(session, row)
        else:
            outbox.fail(session, row, problem)


def _problem_of(row: outbox.Claimed) -> str | None:
    """Issue the round of a row; what stands in the way, as a code."""
    if row.school_id is None or row.subject_id is None:
        return "no_round"
    try:
        for _ in issue_in_steps(task_session, row.school_id, row.subject_id):
            pass
    except DomainError as error:
        return error.code
    except SQLAlchemyError:
        return "database"
    return None
