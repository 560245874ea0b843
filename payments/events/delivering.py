"""Claim what is due with fenced leases, and write down what became of it.

Between the claim's commit and the record's commit the event is on the wire: a worker that dies there leaves a lease
that runs out, and the event is sent again under the same id. So it arrives at least once and is never lost.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import random
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import text, update
from sqlalchemy.orm import Session

from payments import clock
from payments.access.models import Role
from payments.access.queries import users_with
from payments.errors import NotFoundError
from payments.events.endpoints import locked
from payments.events.models import Attempt, Delivery, DeliveryState, Endpoint, EndpointState
from payments.events.rules import FAILING_FOR, next_wait, rest, retry_after
from payments.notifications.service import enqueue_message

LEASE = timedelta(minutes=2)
AT_ONCE = 4
"""Events on the wire to one endpoint: a slow receiver keeps no more workers busy. One that fails gets one at a time."""
ANSWER_BYTES = 1024

# Each endpoint offers what it may take now, its longest waiting first; the limit over all is what the worker may send.
CLAIM = text("""
    WITH due AS MATERIALIZED (
        SELECT offered.school_id, offered.id
        FROM (
            SELECT e.school_id, e.id, CASE WHEN e.failures > 0 THEN 1 ELSE :at_once END - (
                SELECT count(*) FROM webhook_delivery flying
                WHERE flying.endpoint_id = e.id AND flying.state = 'waiting' AND flying.leased_until >= :now
            ) AS room
            FROM webhook_endpoint e
            WHERE e.state = 'active' AND (e.rest_until IS NULL OR e.rest_until <= :now)
        ) able
        CROSS JOIN LATERAL (
            SELECT d.school_id, d.id, d.due_at FROM webhook_delivery d
            WHERE d.endpoint_id = able.id AND d.state = 'waiting' AND d.due_at <= :now
              AND (d.leased_until IS NULL OR d.leased_until < :now)
            ORDER BY d.due_at, d.id
            LIMIT greatest(able.room, 0)
            FOR UPDATE SKIP LOCKED
        ) offered
        ORDER BY offered.due_at, offered.id
        LIMIT :most
    )
    UPDATE webhook_delivery d
    SET lease_token = d.lease_token + 1, leased_until = :until, attempts = d.attempts + 1
    FROM due, webhook_event v, webhook_endpoint e
    WHERE d.school_id = due.school_id AND d.id = due.id
      AND v.school_id = d.school_id AND v.id = d.event_id AND e.school_id = d.school_id AND e.id = d.endpoint_id
    RETURNING d.school_id, d.id, d.lease_token, d.attempts, d.endpoint_id, e.url,
              v.id AS sequence, v.event_key, v.kind, v.occurred_at, v.data
""")


@dataclass(frozen=True, slots=True)
class Claimed:
    """A leased delivery with all that is sent."""

    school_id: int
    id: int
    lease_token: int
    attempts: int
    """This one included."""
    endpoint_id: int
    url: str
    sequence: int
    event_key: str
    kind: str
    occurred_at: datetime
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Heard:
    """How an attempt ended. ``problem`` None: the receiver took it."""

    duration_ms: int
    problem: str | None
    status: int | None = None
    answer: bytes = b""
    retry_after: str | None = None


def claim(session: Session, *, most: int) -> list[Claimed]:
    """Lease up to ``most`` deliveries that are due; the caller commits, sends, then records each."""
    now = clock.now()
    rows = session.execute(CLAIM, {"now": now, "until": now + LEASE, "at_once": AT_ONCE, "most": most})
    return sorted((Claimed(*row) for row in rows), key=lambda one: one.sequence)


def record(session: Session, claimed: Claimed, heard: Heard) -> bool:
    """Write an attempt down and what follows from it. False: the lease was lost, only the log has it."""
    try:
        endpoint = locked(session, claimed.school_id, claimed.endpoint_id)
    except NotFoundError:  # removed meanwhile
        endpoint = None
    session.add(
        Attempt(
            school_id=claimed.school_id,
            delivery_id=claimed.id,
            at=clock.now(),
            duration_ms=heard.duration_ms,
            status=heard.status,
            problem=heard.problem,
            answer=heard.answer[:ANSWER_BYTES],
        )
    )
    session.flush()
    state = None if endpoint is None else _move(session, claimed, heard)
    if endpoint is None or state is None:
        return False
    _judge(session, endpoint, heard)
    if state is DeliveryState.DEAD and endpoint.state is not EndpointState.DISABLED:
        _given_up(session, endpoint)
    return True


def _move(session: Session, claimed: Claimed, heard: Heard) -> DeliveryState | None:
    """Bring the delivery on, if the lease is still ours; its state now."""
    return session.scalar(
        update(Delivery)
        .where(
            Delivery.school_id == claimed.school_id,
            Delivery.id == claimed.id,
            Delivery.lease_token == claimed.lease_token,
            Delivery.state == DeliveryState.WAITING,
        )
        .values(leased_until=None, problem=heard.problem, **_next(claimed, heard))
        .returning(Delivery.state)
        .execution_options(synchronize_session=False)
    )


def _next(claimed: Claimed, heard: Heard) -> dict[str, Any]:
    if heard.problem is None:
        return {"state": DeliveryState.DELIVERED}
    wait = next_wait(claimed.attempts, retry_after(heard.retry_after, clock.now()), random())  # noqa: S311 - no secret
    if wait is None or heard.problem == "gone":
        return {"state": DeliveryState.DEAD}
    return {"due_at": clock.now() + wait}


def _judge(session: Session, endpoint: Endpoint, heard: Heard) -> None:
    """A success makes an endpoint well; a failure lets it rest, «gone» or five days of nothing else disable it."""
    now = clock.now()
    endpoint.last_problem = heard.problem
    if heard.problem is None:
        endpoint.failures, endpoint.failing_since, endpoint.rest_until = 0, None, None
        endpoint.last_delivered_at = now
        return
    endpoint.failures += 1
    endpoint.failing_since = endpoint.failing_since or now
    endpoint.rest_until = now + rest(endpoint.failures)
    if heard.problem == "gone":
        _disable(session, endpoint, "gone")
    elif now - endpoint.failing_since >= FAILING_FOR:
        _disable(session, endpoint, "failing")


def _disable(session: Session, endpoint: Endpoint, reason: str) -> None:
    """Stop sending, and tell people."""
    if endpoint.state is EndpointState.DISABLED:
        return
    endpoint.state, endpoint.disabled_reason = EndpointState.DISABLED, reason
    why = "báo rằng địa chỉ không còn nữa" if reason == "gone" else "không nhận được sự kiện nào trong 5 ngày"
    _tell_people(
        session,
        endpoint,
        f"disabled:{endpoint.failing_since:%Y%m%dT%H%M%S}",
        "Đã ngừng gửi sự kiện cho phần mềm của trường",
        f"{why}, nên hệ thống ngừng gửi. Khi phần mềm hoạt động lại, hãy nhờ người quản trị bật lại và gửi lại"
        " các sự kiện đã lỡ.",
    )


def _given_up(session: Session, endpoint: Endpoint) -> None:
    """An event was given up though its endpoint goes on: once a day."""
    _tell_people(
        session,
        endpoint,
        f"dead:{clock.today()}",
        "Có sự kiện phần mềm của trường không nhận",
        "không nhận một số sự kiện sau 10 lần gửi trong 3 ngày. Hãy nhờ người quản trị xem nhật ký và gửi lại.",
    )


def _tell_people(session: Session, endpoint: Endpoint, cause: str, subject: str, what: str) -> None:
    """A notice to the school's accountants and principals; of the address only the host."""
    host = urlsplit(endpoint.url).hostname
    for role in (Role.ACCOUNTANT, Role.PRINCIPAL):
        for user in users_with(session, endpoint.school_id, role, clock.today()):
            enqueue_message(
                session,
                endpoint.school_id,
                dedup_key=f"webhook:{endpoint.id}:{cause}:{user.id}",
                kind="webhook",
                subject=subject,
                body=f"Phần mềm ở {host} {what} Sổ sách và việc thu tiền không bị ảnh hưởng.",
                recipient_user_id=user.id,
                email=user.email,
            )
