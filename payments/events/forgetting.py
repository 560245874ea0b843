"""Events are kept for 90 days, so that a receiver that was away can have them again, and not for ever."""

from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import clock

KEPT_FOR = timedelta(days=90)
AT_ONCE = 10_000

FORGET = text("""
    WITH old AS MATERIALIZED (
        SELECT school_id, id FROM webhook_event
        WHERE school_id = :school_id AND occurred_at < :before ORDER BY occurred_at LIMIT :most
    ), queued AS (
        DELETE FROM webhook_delivery d USING old WHERE d.school_id = old.school_id AND d.event_id = old.id
        RETURNING d.school_id, d.id
    ), tries AS (
        DELETE FROM webhook_attempt a USING queued WHERE a.school_id = queued.school_id AND a.delivery_id = queued.id
    ), gone AS (
        DELETE FROM webhook_event v USING old WHERE v.school_id = old.school_id AND v.id = old.id RETURNING v.id
    )
    SELECT count(*) FROM gone
""")


def forget(session: Session, school_id: int) -> int:
    """Forget up to ``AT_ONCE`` events of a school that are too old, with all about them; returns how many."""
    values = {"school_id": school_id, "before": clock.now() - KEPT_FOR, "most": AT_ONCE}
    return int(session.execute(FORGET, values).scalar_one())
