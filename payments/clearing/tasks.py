"""Clearing's work: whatever touched an intermediary's money, school by school, until nothing is due."""

import logging
from collections.abc import Mapping
from typing import Any

from celery import shared_task
from sqlalchemy.exc import SQLAlchemyError

from payments.celery import task_session
from payments.clearing.service import BATCH, clear_school
from payments.outbox import schools_with_work
from payments.settlement.announcing import QUEUE
from payments.settlement.faults import is_away, problem_code

log = logging.getLogger(__name__)

SWEEP_S = 10.0

BEAT: Mapping[str, Mapping[str, Any]] = {
    "clearing-sweep": {
        "task": "payments.clearing.tasks.clear_due",
        "schedule": SWEEP_S,
        "options": {"expires": SWEEP_S},
    },
}


@shared_task(name="payments.clearing.tasks.clear_due")
def clear_due() -> int:
    """Explain anew what is due and return the number of rows done. Idempotent: running it twice does it once."""
    with task_session() as session:
        schools = schools_with_work(session, QUEUE)
    return sum(_clear(school_id) for school_id in schools)


def _clear(school_id: int) -> int:
    """All that is due at a school; a busy one, or one that fails, is left to the next sweep."""
    done = 0
    while True:
        try:
            with task_session() as session:
                result = clear_school(session, school_id)
        except SQLAlchemyError as error:
            if is_away(error):
                raise
            # The code only: the text of a database error may quote what was received.
            log.error("clearing: school %s cannot be cleared: %s", school_id, problem_code(error))  # noqa: TRY400 - no traceback
            return done
        done += result.taken - result.failed
        if result.busy or result.failed or result.taken < BATCH:
            return done
