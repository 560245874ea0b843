"""Reads for the desk and the command line: endpoints with their health, deliveries page by page, attempts."""

import json
from collections.abc import Sequence
from datetime import datetime
from importlib import resources
from typing import Any, NamedTuple

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from payments.errors import NotFoundError
from payments.events.models import Endpoint, EndpointState, Event
from payments.events.rules import EventKind

PAGE = 50


class EndpointHealth(NamedTuple):
    """An endpoint and how its deliveries go; never a key."""

    id: int
    school_id: int
    school: str
    url: str
    kinds: Sequence[str]
    state: str
    disabled_reason: str | None
    failing_since: datetime | None
    failures: int
    waiting: int
    dead: int
    last_delivered_at: datetime | None
    last_problem: str | None
    live_secrets: int
    created_at: datetime


class DeliveryRow(NamedTuple):
    """One event for one endpoint."""

    id: int
    school_id: int
    school: str
    event_key: str
    sequence: int
    kind: str
    subject_id: int
    occurred_at: datetime
    endpoint_id: int
    url: str
    state: str
    attempts: int
    due_at: datetime
    problem: str | None


class AttemptRow(NamedTuple):
    """One try; ``answer`` is the first KiB of what the receiver said."""

    at: datetime
    duration_ms: int
    status: int | None
    problem: str | None
    answer: bytes


ENDPOINTS = text("""
    SELECT e.id, e.school_id, s.code, e.url, e.kinds, e.state, e.disabled_reason, e.failing_since, e.failures,
           (SELECT count(*) FROM webhook_delivery d
            WHERE d.school_id = e.school_id AND d.endpoint_id = e.id AND d.state = 'waiting'),
           (SELECT count(*) FROM webhook_delivery d
            WHERE d.school_id = e.school_id AND d.endpoint_id = e.id AND d.state = 'dead'),
           e.last_delivered_at, e.last_problem,
           (SELECT count(*) FROM webhook_secret k WHERE k.school_id = e.school_id AND k.endpoint_id = e.id
              AND (k.expires_at IS NULL OR k.expires_at > :now)),
           e.created_at
    FROM webhook_endpoint e
    JOIN school s ON s.id = e.school_id
    WHERE e.state <> 'removed' AND (CAST(:schools AS bigint[]) IS NULL OR e.school_id = ANY(:schools))
    ORDER BY s.code, e.id
""")

DELIVERIES = text("""
    SELECT d.id, d.school_id, s.code, v.event_key, v.id, v.kind, v.subject_id, v.occurred_at, d.endpoint_id, e.url,
           d.state, d.attempts, d.due_at, d.problem
    FROM webhook_delivery d
    JOIN webhook_event v ON v.school_id = d.school_id AND v.id = d.event_id
    JOIN webhook_endpoint e ON e.school_id = d.school_id AND e.id = d.endpoint_id
    JOIN school s ON s.id = d.school_id
    WHERE (CAST(:schools AS bigint[]) IS NULL OR d.school_id = ANY(:schools))
      AND (CAST(:endpoint_id AS bigint) IS NULL OR d.endpoint_id = :endpoint_id)
      AND (CAST(:state AS text) IS NULL OR d.state = :state)
      AND (CAST(:before_id AS bigint) IS NULL OR d.id < :before_id)
    ORDER BY d.id DESC
    LIMIT :most
""")

ATTEMPTS = text("""
    SELECT at, duration_ms, status, problem, answer FROM webhook_attempt
    WHERE school_id = :school_id AND delivery_id = :delivery_id ORDER BY id
""")


def endpoints(session: Session, now: datetime, school_ids: Sequence[int] | None = None) -> list[EndpointHealth]:
    """The endpoints of these schools (None: of the province), those that were removed left out."""
    rows = session.execute(ENDPOINTS, {"now": now, "schools": _listed(school_ids)})
    return [EndpointHealth(*row) for row in rows]


def deliveries(
    session: Session,
    school_ids: Sequence[int] | None = None,
    *,
    endpoint_id: int | None = None,
    state: str | None = None,
    before_id: int | None = None,
    most: int = PAGE,
) -> list[DeliveryRow]:
    """The newest deliveries of these schools (None: of the province); the next page begins ``before_id``."""
    values = {"endpoint_id": endpoint_id, "state": state, "before_id": before_id, "most": most}
    rows = session.execute(DELIVERIES, values | {"schools": _listed(school_ids)})
    return [DeliveryRow(*row) for row in rows]


def attempts(session: Session, school_id: int, delivery_id: int) -> list[AttemptRow]:
    """The tries of one delivery, the first one first."""
    rows = session.execute(ATTEMPTS, {"school_id": school_id, "delivery_id": delivery_id})
    return [AttemptRow(*row) for row in rows]


def event_id_by_key(session: Session, school_id: int, event_key: str) -> int | None:
    """The id of a school's event by its webhook-id."""
    return session.scalar(select(Event.id).where(Event.school_id == school_id, Event.event_key == event_key))


def school_of_event(session: Session, event_key: str) -> int:
    """For operators, who see all schools. Raises NotFoundError."""
    return _found(session.scalar(select(Event.school_id).where(Event.event_key == event_key)), "sự kiện", "event")


def school_of_endpoint(session: Session, endpoint_id: int) -> int:
    """For operators, who see all schools. Raises NotFoundError."""
    query = select(Endpoint.school_id).where(Endpoint.id == endpoint_id, Endpoint.state != EndpointState.REMOVED)
    return _found(session.scalar(query), "địa chỉ nhận sự kiện", "endpoint")


def school_by_code(session: Session, code: str) -> int:
    """The id of a school. Raises NotFoundError."""
    query = text("SELECT id FROM school WHERE code = :code")
    return _found(session.scalar(query, {"code": code}), "trường", "school")


def schema(kind: EventKind) -> dict[str, Any]:
    """The JSON Schema of a kind's body."""
    file = resources.files("payments.events").joinpath("schemas", f"{kind}.json")
    document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return document


def _listed(school_ids: Sequence[int] | None) -> list[int] | None:
    return None if school_ids is None else list(school_ids)


def _found(number: int | None, vi: str, en: str) -> int:
    if number is None:
        raise NotFoundError(f"Không tìm thấy {vi}.", f"There is no such {en}.")
    return number
