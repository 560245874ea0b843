"""Printing in the background. Safe to run twice: a job is leased, and its end is one transaction (work.py)."""

from collections.abc import Mapping
from typing import Any

from celery import shared_task

from payments import outbox
from payments.celery import settings, task_session
from payments.crypto import FieldCipher
from payments.paper.service import QUEUE, Links, forget_old
from payments.paper.work import LEASE, work_on

TASK = "payments.paper.tasks.print_due"
FORGET = "payments.paper.tasks.forget_prints"
SWEEP_S = 15.0
HOUR_S = 3600.0

BEAT: Mapping[str, Mapping[str, Any]] = {
    "paper-sweep": {"task": TASK, "schedule": SWEEP_S, "options": {"expires": SWEEP_S}},
    "paper-forget": {"task": FORGET, "schedule": HOUR_S, "options": {"queue": QUEUE}},
}


@shared_task(name=TASK)
def print_due() -> int:
    """Print what is due, one job after the other; returns how many."""
    cipher = FieldCipher(settings().field_keys)
    links = Links(settings().link_keys, settings().base_url)
    done = 0
    while True:
        with task_session() as session:
            claimed = outbox.claim(session, QUEUE, limit=1, lease=LEASE)
        if not claimed:
            return done
        work_on(task_session, cipher, links, claimed[0])
        done += 1


@shared_task(name=FORGET)
def forget_prints() -> int:
    """Forget prints that are kept no longer; returns how many."""
    with task_session() as session:
        return forget_old(session)
