"""Settlement's work: whatever evidence waits, school by school, until nothing is due."""

import logging
from collections.abc import Mapping
from typing import Any

from celery import shared_task
from sqlalchemy.exc import OperationalError

from payments.celery import task_session
from payments.outbox import schools_with_work
from payments.settlement.service import BATCH, QUEUE, Settled, settle_school

log = logging.getLogger(__name__)

SWEEP_S = 3.0
RETRIES = 5
TRANSIENT = frozenset({"40001", "40P01"})
"""Serialization failure and deadlock: nothing was written, the same again is right."""

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

    Several workers share the schools by their leases; a school that is busy is left to whoever has it.
    """
    done = 0
    while True:
        with task_session() as session:
            schools = schools_with_work(session, QUEUE)
        worked = sum(settle_one(school_id) for school_id in schools)
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
            if getattr(error.orig, "sqlstate", None) not in TRANSIENT:
                raise
            log.info("settlement: school %s: another transaction was in the way, once more", school_id)
    return Settled(busy=True)
