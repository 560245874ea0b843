"""Deliver what is due. Idempotent: what is leased or done is not claimed again.

Threads only send; claims and records are made by the task itself, so a receiver that hangs holds a thread and nothing
else. A sweep starts the task every few seconds, a wake-up at once.
"""

import contextvars
import logging
import time
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from celery import shared_task
from celery.schedules import crontab
from sqlalchemy import select
from sqlalchemy.orm import Session

from bank_adapters.contract import OutgoingRequest
from payments import clock
from payments.celery import settings, task_session
from payments.crypto import FieldCipher, SealError
from payments.events.delivering import Claimed, Heard, claim, record
from payments.events.endpoints import live_keys
from payments.events.forgetting import AT_ONCE, forget
from payments.events.models import Endpoint
from payments.events.rules import Key, body_of, headers_of, problem_of
from payments.outgoing import Outgoing, OutgoingError

log = logging.getLogger(__name__)

SWEEP_S = 5.0
LOOK_S = 0.5
"""How often a task that waits for answers looks for further work."""
BUDGET_S = 30.0
"""After so long a task claims no more: other work of the same worker is waiting."""
SENDERS = 16
DEADLINE_S = 15.0
MAX_ANSWER_BYTES = 64 * 1024

BEAT: Mapping[str, Mapping[str, Any]] = {
    "events-sweep": {
        "task": "payments.events.tasks.deliver_due",
        "schedule": SWEEP_S,
        "options": {"expires": SWEEP_S},
    },
    "events-forget": {
        "task": "payments.events.tasks.forget_old",
        "schedule": crontab(minute=40, hour=3),
        "options": {"queue": "events"},
    },
}


@shared_task(name="payments.events.tasks.deliver_due")
def deliver_due() -> int:
    """Send what is due until nothing is; returns the number of attempts."""
    ends = time.monotonic() + BUDGET_S
    outgoing = Outgoing(settings().outgoing_allow, DEADLINE_S, MAX_ANSWER_BYTES)
    flying: dict[Future[Heard], Claimed] = {}
    attempts = 0
    with ThreadPoolExecutor(SENDERS, thread_name_prefix="events") as pool:
        while True:
            if time.monotonic() < ends and len(flying) < SENDERS:
                for claimed, request in _claim(SENDERS - len(flying)):
                    # Threads live at the moment of the task, also when a test has turned the clock.
                    flying[pool.submit(contextvars.copy_context().run, _send, outgoing, request)] = claimed
            if not flying:
                return attempts
            done, _ = wait(flying, timeout=LOOK_S, return_when=FIRST_COMPLETED)
            for future in done:
                with task_session() as session:
                    record(session, flying.pop(future), future.result())
                attempts += 1


@shared_task(name="payments.events.tasks.forget_old")
def forget_old() -> int:
    """Forget events of more than 90 days ago with all about them; returns how many."""
    with task_session() as session:
        schools = session.scalars(select(Endpoint.school_id).distinct()).all()
    return sum(_forget(school_id) for school_id in schools)


def _forget(school_id: int) -> int:
    forgotten = 0
    while True:
        with task_session() as session:
            count = forget(session, school_id)
        forgotten += count
        if count < AT_ONCE:
            return forgotten


def _claim(most: int) -> list[tuple[Claimed, OutgoingRequest]]:
    """Lease deliveries and sign them; committed before anything is sent."""
    cipher = FieldCipher(settings().field_keys)
    with task_session() as session:
        claimed = claim(session, most=most)
        keys = {
            place: _keys(session, cipher, *place) for place in {(one.school_id, one.endpoint_id) for one in claimed}
        }
        requests = []
        for one in claimed:
            if live := keys[one.school_id, one.endpoint_id]:
                requests.append((one, _request(one, live)))
            else:  # never sent unsigned
                record(session, one, Heard(0, "no_key"))
        return requests


def _keys(session: Session, cipher: FieldCipher, school_id: int, endpoint_id: int) -> list[Key]:
    """The live keys of an endpoint; none when they cannot be read."""
    try:
        return live_keys(session, cipher, session.get_one(Endpoint, (school_id, endpoint_id)))
    except SealError:
        log.error("events: the key of endpoint %s of school %s cannot be read", endpoint_id, school_id)  # noqa: TRY400 - no traceback
        return []


def _request(one: Claimed, keys: list[Key]) -> OutgoingRequest:
    body = body_of(one.event_key, one.kind, one.sequence, one.occurred_at, one.data)
    headers = headers_of(keys, one.event_key, clock.now(), body)
    return OutgoingRequest(method="POST", url=one.url, headers=headers, body=body)


def _send(outgoing: Outgoing, request: OutgoingRequest) -> Heard:
    """Send one request; whatever the receiver does becomes an answer or a code."""
    started = time.monotonic_ns()
    try:
        answer = outgoing.send(request)
    except OutgoingError as error:
        return Heard(_ms_since(started), error.code)
    except Exception as error:  # noqa: BLE001 - what one receiver does must not keep events from the others
        log.error("events: sending failed: %s", type(error).__name__)  # noqa: TRY400 - a traceback may hold the address
        return Heard(_ms_since(started), "internal")
    return Heard(
        _ms_since(started),
        problem_of(answer.status),
        answer.status,
        answer.body,
        answer.headers.get("retry-after"),
    )


def _ms_since(started_ns: int) -> int:
    return (time.monotonic_ns() - started_ns) // 1_000_000
