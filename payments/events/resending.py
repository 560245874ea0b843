"""Send again: one event, or all that an endpoint missed since a moment. The webhook-id stays the same."""

from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, text
from sqlalchemy.orm import Session

from payments import clock, outbox
from payments.audit.service import record
from payments.errors import NotFoundError
from payments.events.queries import event_id_by_key
from payments.events.service import QUEUE

# Endpoints that were added or disabled when it happened get it too. What is on the wire now is left alone.
RESEND = """
    INSERT INTO webhook_delivery (school_id, event_id, endpoint_id, state, attempts, due_at, lease_token)
    SELECT v.school_id, v.id, e.id, 'waiting', 0, :now, 0
    FROM webhook_event v
    JOIN webhook_endpoint e ON e.school_id = v.school_id AND v.kind = ANY(e.kinds) AND e.state IN ('active', 'paused')
    WHERE v.school_id = :school_id AND {which} AND (CAST(:endpoint_id AS bigint) IS NULL OR e.id = :endpoint_id)
    ORDER BY v.id, e.id
    ON CONFLICT (school_id, event_id, endpoint_id) DO UPDATE
    SET state = 'waiting', attempts = 0, due_at = excluded.due_at, leased_until = NULL, problem = NULL,
        lease_token = webhook_delivery.lease_token + 1
    WHERE (:again OR webhook_delivery.state <> 'delivered')
      AND (webhook_delivery.leased_until IS NULL OR webhook_delivery.leased_until < :now)
"""
ONE = text(RESEND.format(which="v.id = :event_id"))
SINCE = text(RESEND.format(which="v.occurred_at >= :since"))


def resend(
    session: Session, school_id: int, event_key: str, *, endpoint_id: int | None = None, actor_id: int | None
) -> int:
    """Send one event again, also where it was received, to one endpoint or to all that want it; returns how many.

    Raises NotFoundError.
    """
    event_id = event_id_by_key(session, school_id, event_key)
    if event_id is None:
        raise NotFoundError("Không tìm thấy sự kiện.", "There is no such event.")
    values = {"event_id": event_id, "endpoint_id": endpoint_id, "again": True}
    return _resend(session, school_id, ONE, values, actor_id)


def resend_since(
    session: Session,
    school_id: int,
    since: datetime,
    *,
    endpoint_id: int | None = None,
    again: bool = False,
    actor_id: int | None,
) -> int:
    """Send what happened since then and was not received (``again``: all of it); returns how many."""
    values = {"since": since, "endpoint_id": endpoint_id, "again": again}
    return _resend(session, school_id, SINCE, values, actor_id)


def _resend(session: Session, school_id: int, statement: Any, values: dict[str, Any], actor_id: int | None) -> int:
    done = session.execute(statement, values | {"school_id": school_id, "now": clock.now()})
    count = cast("CursorResult[Any]", done).rowcount
    record(
        session,
        actor_id,
        "webhook.resent",
        subject_kind="webhook_event",
        subject_id=values.get("event_id"),
        school_id=school_id,
        detail={"deliveries": count},
    )
    outbox.wake_after_commit(session, QUEUE)
    return count
