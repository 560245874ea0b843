"""Keep what happened, in the transaction of its cause, for those who want to be told."""

from collections.abc import Collection
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import CursorResult, TextClause, text
from sqlalchemy.orm import Session

from payments import clock, outbox
from payments.events.rules import EventKind

QUEUE = "events"

# Without an endpoint that wants the kind, the condition on ``wanting`` is a one-time filter: no fact is read.
_EMIT = """
    WITH wanting AS MATERIALIZED (
        SELECT id, state FROM webhook_endpoint
        WHERE school_id = :school_id AND state <> 'removed' AND :kind = ANY(kinds)
    ), fact AS (
        {facts}
    ), kept AS (
        INSERT INTO webhook_event (school_id, event_key, kind, subject_id, occurred_at, data)
        SELECT :school_id, 'evt_' || replace(gen_random_uuid()::text, '-', ''), :kind, fact.subject_id, :moment,
               jsonb_build_object('school', (SELECT code FROM school WHERE id = :school_id)) || fact.data
        FROM fact WHERE EXISTS (SELECT FROM wanting)
        ORDER BY fact.subject_id
        RETURNING id
    )
    INSERT INTO webhook_delivery (school_id, event_id, endpoint_id, state, attempts, due_at, lease_token)
    SELECT :school_id, kept.id, wanting.id, 'waiting', 0, :moment, 0
    FROM kept CROSS JOIN wanting WHERE wanting.state <> 'disabled'
"""


def emit_many(session: Session, school_id: int, kind: EventKind, facts: str, subject_ids: Collection[int]) -> None:
    """Keep one event for each subject and queue it for every endpoint that wants it: one statement for all.

    ``facts``: a SELECT of ``subject_id`` and ``data`` (jsonb), the subject as it is now, over ``:school_id`` and
    ``:ids``. Whoever knows the subject writes it; it names ids, references, amounts and states, never a person.
    """
    if not subject_ids:
        return
    values = {"school_id": school_id, "kind": kind.value, "ids": sorted(subject_ids), "moment": clock.now()}
    queued = cast("CursorResult[Any]", session.execute(_statement(facts), values))
    if queued.rowcount:
        outbox.wake_after_commit(session, QUEUE)


@lru_cache
def _statement(facts: str) -> TextClause:
    return text(_EMIT.replace("{facts}", facts))
