"""Polling for Celery, which only wakes: who is due stands in ``poll_state``. Running the task twice asks once."""

from collections.abc import Mapping
from typing import Any

from celery import shared_task

from payments import celery
from payments.celery import task_session
from payments.crypto import FieldCipher
from payments.inbox import polling
from payments.outgoing import Outgoing

TASK = "payments.inbox.tasks.poll_due"
SWEEP_S = 15.0

BEAT: Mapping[str, Mapping[str, Any]] = {
    "polling-sweep": {"task": TASK, "schedule": SWEEP_S, "options": {"expires": SWEEP_S}},
}


@shared_task(name=TASK)
def poll_due() -> int:
    """Ask every sender that is due, one after the other; several workers share them. Returns how many were asked."""
    settings = celery.settings()
    send = Outgoing(settings.outgoing_allow).send
    tools = polling.Tools(task_session, send, FieldCipher(settings.field_keys))
    with task_session() as session:
        polling.enrol(session)
    asked = 0
    while polling.ask_next(tools) is not None:
        asked += 1
    return asked
