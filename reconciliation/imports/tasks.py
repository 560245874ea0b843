"""Imports in the background. Safe to run twice: a job is leased, and its end is one transaction (work.py)."""

from collections.abc import Mapping
from typing import Any

from celery import shared_task

from payments import outbox
from payments.celery import settings, task_session
from payments.crypto import FieldCipher
from reconciliation.imports.service import QUEUE, forget_old
from reconciliation.imports.work import LEASE, work_on

TASK = "reconciliation.imports.tasks.import_due"
FORGET = "reconciliation.imports.tasks.forget_files"
SWEEP_S = 15.0
HOUR_S = 3600.0

BEAT: Mapping[str, Mapping[str, Any]] = {
    "imports-sweep": {"task": TASK, "schedule": SWEEP_S, "options": {"expires": SWEEP_S}},
    "imports-forget": {"task": FORGET, "schedule": HOUR_S, "options": {"queue": QUEUE}},
}


@shared_task(name=TASK)
def import_due() -> int:
    """Read or write the files that are due, one after the other; returns how many."""
    cipher = FieldCipher(settings().field_keys)
    done = 0
    while True:
        with task_session() as session:
            claimed = outbox.claim(session, QUEUE, limit=1, lease=LEASE)
        if not claimed:
            return done
        work_on(task_session, cipher, claimed[0])
        done += 1


@shared_task(name=FORGET)
def forget_files() -> int:
    """Forget files that are kept no longer; returns how many."""
    forgotten = 0
    while True:
        with task_session() as session:
            found = forget_old(session)
        if not found:
            return forgotten
        forgotten += found
