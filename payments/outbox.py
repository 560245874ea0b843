"""The work outbox: work is a row written in the same transaction as its cause; the broker only carries wake-ups.

Rows are claimed ``FOR UPDATE SKIP LOCKED`` with a fenced lease: whoever comes back after its lease ran out finds
that its token is old and changes nothing. A row that keeps failing becomes a dead letter that a person sees.
Sources: facts on brokers and outboxes (stack, section 1c); Kleppmann's fencing tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, delete, event, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from payments import celery, clock
from payments.db import GlobalRow

MAX_ATTEMPTS = 12
LEASE = timedelta(minutes=2)
BACKOFF_CAP = timedelta(minutes=30)
_WAKE = "outbox queues to wake after commit"


class OutboxRow(GlobalRow):
    """Something to do. Deleted when done; ``dead`` when it failed MAX_ATTEMPTS times."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix__outbox__due", "queue", "due_at", postgresql_where="NOT dead"),
        Index("ix__outbox__school", "queue", "school_id", "id", postgresql_where="NOT dead"),
    )

    queue: Mapped[str]
    kind: Mapped[str]
    school_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("school.id"))
    subject_id: Mapped[int | None] = mapped_column(BigInteger)
    payload: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    due_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(server_default="0")
    lease_token: Mapped[int] = mapped_column(BigInteger, server_default="0")
    leased_until: Mapped[datetime | None]
    dead: Mapped[bool] = mapped_column(server_default="false")
    problem: Mapped[str | None]
    """Error code of the last failure; never texts that could hold personal data."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A leased row: finish or fail it with its token."""

    id: int
    kind: str
    school_id: int | None
    subject_id: int | None
    payload: dict[str, Any]
    attempts: int
    lease_token: int


def put(
    session: Session,
    queue: str,
    kind: str,
    *,
    school_id: int | None = None,
    subject_id: int | None = None,
    payload: dict[str, Any] | None = None,
    due_at: datetime | None = None,
) -> None:
    """Write work into the running transaction and wake the queue's workers once it has committed."""
    if queue not in celery.QUEUES:
        raise ValueError(f"no such queue: {queue}")
    row = OutboxRow(queue=queue, kind=kind, school_id=school_id, subject_id=subject_id, due_at=due_at or clock.now())
    row.payload = payload or {}
    session.add(row)
    wake_after_commit(session, queue)


def put_many(session: Session, queue: str, kind: str, *, school_id: int, subject_ids: Sequence[int]) -> None:
    """The same for many subjects of one school, in one statement."""
    if queue not in celery.QUEUES:
        raise ValueError(f"no such queue: {queue}")
    if subject_ids:
        values = {"queue": queue, "kind": kind, "school_id": school_id, "ids": list(subject_ids), "now": clock.now()}
        session.execute(_PUT_MANY, values)
        wake_after_commit(session, queue)


_PUT_MANY = text("""
    INSERT INTO outbox (queue, kind, school_id, subject_id, due_at)
    SELECT :queue, :kind, :school_id, unnest(CAST(:ids AS bigint[])), :now
""")


def claim(session: Session, queue: str, *, limit: int, lease: timedelta = LEASE) -> list[Claimed]:
    """Lease up to ``limit`` due rows of a queue; the caller commits, works, then finishes or fails each."""
    moment = clock.now()
    due = (
        select(OutboxRow.id)
        .where(
            OutboxRow.queue == queue,
            ~OutboxRow.dead,
            OutboxRow.due_at <= moment,
            (OutboxRow.leased_until.is_(None)) | (OutboxRow.leased_until < moment),
        )
        .order_by(OutboxRow.due_at, OutboxRow.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        # Not a subquery: PostgreSQL may run one again for every row, and each time it would lease further rows.
        .cte("due")
        .prefix_with("MATERIALIZED")
    )
    leased = (
        update(OutboxRow)
        .where(OutboxRow.id == due.c.id)
        .values(
            lease_token=OutboxRow.lease_token + 1,
            leased_until=moment + lease,
            attempts=OutboxRow.attempts + 1,
        )
        .returning(
            OutboxRow.id,
            OutboxRow.kind,
            OutboxRow.school_id,
            OutboxRow.subject_id,
            OutboxRow.payload,
            OutboxRow.attempts,
            OutboxRow.lease_token,
        )
        .execution_options(synchronize_session=False)
    )
    return sorted((Claimed(*row) for row in session.execute(leased)), key=lambda row: row.id)


def hold(session: Session, queue: str, school_id: int, *, limit: int) -> list[Claimed]:
    """Lock up to ``limit`` due rows of a school, the oldest first, for the running transaction.

    The locks are the claim: the caller does the work and removes or fails the rows before it commits.
    """
    due = (
        select(
            OutboxRow.id,
            OutboxRow.kind,
            OutboxRow.school_id,
            OutboxRow.subject_id,
            OutboxRow.payload,
            OutboxRow.attempts + 1,
            OutboxRow.lease_token,
        )
        .where(
            OutboxRow.queue == queue,
            OutboxRow.school_id == school_id,
            ~OutboxRow.dead,
            OutboxRow.due_at <= clock.now(),
        )
        .order_by(OutboxRow.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [Claimed(*row) for row in session.execute(due)]


def remove(session: Session, rows: Sequence[Claimed]) -> None:
    """Delete held rows whose work is done."""
    if rows:
        session.execute(
            delete(OutboxRow)
            .where(OutboxRow.id.in_([row.id for row in rows]))
            .execution_options(synchronize_session=False)
        )


def schools_with_work(session: Session, queue: str) -> list[int]:
    """The schools that have due rows in a queue, in order of id."""
    due = (
        select(OutboxRow.school_id)
        .where(OutboxRow.queue == queue, ~OutboxRow.dead, OutboxRow.due_at <= clock.now())
        .distinct()
    )
    return sorted(school_id for school_id in session.scalars(due) if school_id is not None)


def extend(session: Session, row: Claimed, lease: timedelta) -> bool:
    """Lease a row for longer, from now on. False: the lease was lost, somebody else has it."""
    kept = session.execute(
        update(OutboxRow)
        .where(OutboxRow.id == row.id, OutboxRow.lease_token == row.lease_token)
        .values(leased_until=clock.now() + lease)
        .returning(OutboxRow.id)
    )
    return kept.first() is not None


def finish(session: Session, row: Claimed) -> bool:
    """Delete a row that is done. False: the lease was lost, somebody else has it; roll back what you did."""
    done = session.execute(
        delete(OutboxRow)
        .where(OutboxRow.id == row.id, OutboxRow.lease_token == row.lease_token)
        .returning(OutboxRow.id)
    )
    return done.first() is not None


def fail(session: Session, row: Claimed, problem: str) -> None:
    """Give a row back: later and later, and to the dead letters after MAX_ATTEMPTS. ``problem`` is an error code."""
    wait = min(timedelta(seconds=2**row.attempts), BACKOFF_CAP)
    session.execute(
        update(OutboxRow)
        .where(OutboxRow.id == row.id, OutboxRow.lease_token == row.lease_token)
        .values(
            attempts=row.attempts,
            due_at=clock.now() + wait,
            leased_until=None,
            dead=row.attempts >= MAX_ATTEMPTS,
            problem=problem,
        )
    )


def revive(session: Session, row_id: int) -> OutboxRow | None:
    """Have a dead letter tried again from the beginning, once a person has removed its cause; None: it is not dead."""
    row = session.get(OutboxRow, row_id, with_for_update=True, populate_existing=True)
    if row is None or not row.dead:
        return None
    row.dead, row.attempts, row.due_at = False, 0, clock.now()
    session.flush()
    wake_after_commit(session, row.queue)
    return row


def dead_letters(session: Session) -> Sequence[OutboxRow]:
    """Work that a person must look at."""
    return session.scalars(select(OutboxRow).where(OutboxRow.dead).order_by(OutboxRow.id)).all()


def wake_after_commit(session: Session, queue: str) -> None:
    """Wake a queue's workers once the running transaction has committed."""
    session.info.setdefault(_WAKE, set()).add(queue)


@event.listens_for(Session, "after_commit")
def _wake_workers(session: Session) -> None:
    for queue in session.info.pop(_WAKE, ()):
        celery.wake(queue)


@event.listens_for(Session, "after_rollback")
def _forget_wakes(session: Session) -> None:
    session.info.pop(_WAKE, None)
