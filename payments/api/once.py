"""A POST is executed once: its effect, its answer and its idempotency key are committed together or not at all.

One request of a key runs at a time; the same one again gets the stored answer; what was refused or failed leaves
nothing, so its key can be used again. Source: draft-ietf-httpapi-idempotency-key-header.
"""

from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from payments import clock
from payments.api.models import ApiRequest
from payments.api.problems import key_reused
from payments.api.rules import KEPT, lock_number
from payments.api.service import Holder
from payments.audit.service import record

LOCK_TIMEOUT = "5s"
"""Whoever waits holds a connection and a thread that parents need too."""
SWEPT = 100
"""Old answers that one request takes away: more than it adds."""


class Done(NamedTuple):
    """The answer to a POST; ``replayed``: it was executed before."""

    status: int
    body: bytes
    replayed: bool


def execute_once(
    session: Session,
    holder: Holder,
    *,
    operation: str,
    idempotency_key: str,
    request_sha256: bytes,
    act: Callable[[], tuple[int, bytes]],
) -> Done:
    """Let ``act`` run unless this request ran before. Raises what it raises, and ``key_reused``.

    Whoever waits for a lock longer than ``LOCK_TIMEOUT`` gets the database's error, and nothing was done.
    """
    session.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
    session.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": lock_number(holder.key_id, idempotency_key)})
    known = session.scalar(
        select(ApiRequest).where(
            ApiRequest.school_id == holder.school_id,
            ApiRequest.key_id == holder.key_id,
            ApiRequest.idempotency_key == idempotency_key,
        )
    )
    if known is not None:
        if known.request_sha256 != request_sha256:
            raise key_reused()
        return Done(known.status, known.answer, replayed=True)
    status, body = act()
    session.add(
        ApiRequest(
            school_id=holder.school_id,
            key_id=holder.key_id,
            idempotency_key=idempotency_key,
            request_sha256=request_sha256,
            status=status,
            answer=body,
            executed_at=clock.now(),
        )
    )
    _forget_old(session, holder.school_id)
    record(
        session,
        holder.user_id,
        "api.executed",
        subject_kind="api_key",
        subject_id=holder.key_id,
        school_id=holder.school_id,
        detail={"operation": operation},
    )
    return Done(status, body, replayed=False)


def _forget_old(session: Session, school_id: int) -> None:
    """Take away some answers that are kept no longer, except those that another request takes away now."""
    old = (
        select(ApiRequest.id)
        .where(ApiRequest.school_id == school_id, ApiRequest.executed_at < clock.now() - KEPT)
        .limit(SWEPT)
        .with_for_update(skip_locked=True)
    )
    session.execute(delete(ApiRequest).where(ApiRequest.school_id == school_id, ApiRequest.id.in_(old)))
