"""Settlement's work: whatever evidence waits, school by school, until nothing is due."""

import logging
from collections.abc import Mapping
from typing import Any

from celery import shared_task
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from payments.celery import task_session
from payments.outbox import schools_with_work
from payments.settlement.faults import TRANSIENT, is_away, problem_code, sqlstate_of
from payments.settlement.service import BATCH, QUEUE, Settled, settle_school

log = logging.getLogger(__name__)

SWEEP_S = 3.0
RETRIES = 5

BEAT: Mapping[str, Mapping[str, Any]] = {
    "settlement-sweep": {
        "task": "payments.settlement.tasks.settle_due",
        "schedule": SWEEP_S,
        "options": {"expires": SWEEP_S},
    },
}


@shared_task(name="payments.settlement.tasks.settle_due")
def settle_due() -> int:
    """Settle all that is due and return the number of rows done. Idempotent: running it twice settles once.

    Several workers share the schools by their leases; a school that is busy is left to whoever has it. A school that
    cannot be settled as a whole is left to the next sweep: the others must not wait for it.
    """
    done = 0
    failing: set[int] = set()
    while True:
        with task_session() as session:
            schools = [school_id for school_id in schools_with_work(session, QUEUE) if school_id not in failing]
        worked = 0
        for school_id in schools:
            try:
                worked += settle_one(school_id)
            except SQLAlchemyError as error:
                if is_away(error):
                    raise
                failing.add(school_id)
                # The code only: the text of a database error may quote what was received.
                log.error("settlement: school %s cannot be settled: %s", school_id, problem_code(error))  # noqa: TRY400 - no traceback
        if not worked:
            return done
        done += worked


def settle_one(school_id: int) -> int:
    """Settle a school, one transaction for each batch, and return the number of rows done."""
    done = 0
    while True:
        result = _settle_batch(school_id)
        done += result.taken - result.failed
        if result.failed:
            log.warning("settlement: school %s: %s rows failed and will be tried again", school_id, result.failed)
        if result.busy or result.taken < BATCH:
            return done


def _settle_batch(school_id: int) -> Settled:
    for _ in range(RETRIES):
        try:
            with task_session() as session:
                return settle_school(session, school_id)
        except OperationalError as error:
            if sqlstate_of(error) not in TRANSIENT:
                raise
            log.info("settlement: school %s: another transaction was in the way, once more", school_id)
    return Settled(busy=True)
