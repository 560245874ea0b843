"""What people must see of deliveries and evidence: counts, quarantine, conflicts, and what is held."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from bank_adapters.statements.keys import fold_reference
from payments import clock
from payments.inbox.models import (
    TAKEN,
    DeliveryOutcome,
    Direction,
    Evidence,
    HeldEvidence,
    HeldReason,
    RawCallback,
    ThrottleCount,
)


@dataclass(frozen=True, slots=True)
class Deliveries:
    """Requests at the banks' door by what became of them (invariant I5)."""

    by_outcome: Counter[str]
    throttled: int

    @property
    def accepted(self) -> int:
        """Taken as new evidence, or recorded as not about money."""
        return sum(count for outcome, count in self.by_outcome.items() if outcome in TAKEN)

    @property
    def duplicate(self) -> int:
        """Repeated deliveries of what was known."""
        return self.by_outcome[DeliveryOutcome.DUPLICATE]

    @property
    def refused(self) -> int:
        """Everything else that is stored, quarantined and conflicting messages among them."""
        return self.by_outcome.total() - self.accepted - self.duplicate

    @property
    def received(self) -> int:
        """All of them."""
        return self.by_outcome.total() + self.throttled


def deliveries(session: Session, since: datetime, until: datetime, connection_id: int | None = None) -> Deliveries:
    """Count the deliveries of a time span (throttled ones by the hours it touches), of one connection or of all."""
    stored = (
        select(RawCallback.outcome, func.count().label("deliveries"))
        .where(RawCallback.received_at >= since, RawCallback.received_at < until)
        .group_by(RawCallback.outcome)
    )
    counted = select(func.coalesce(func.sum(ThrottleCount.deliveries), 0)).where(
        ThrottleCount.hour >= func.date_trunc("hour", since, "UTC"), ThrottleCount.hour < until
    )
    if connection_id is not None:
        stored = stored.where(RawCallback.connection_id == connection_id)
        counted = counted.where(ThrottleCount.connection_id == connection_id)
    by_outcome = Counter({row.outcome: row.deliveries for row in session.execute(stored)})
    return Deliveries(by_outcome, int(session.scalar(counted) or 0))


class Quarantined(NamedTuple):
    """A message about an account that its connection may not report on: it credits nobody."""

    evidence_id: int
    connection_id: int
    account_named: str
    """The last four characters."""
    direction: Direction
    amount_vnd: int
    occurred_at: datetime
    received_at: datetime


# Once its account was listed, the same message may have come again and been accepted.
_QUARANTINED = """
    FROM evidence q
    WHERE q.school_id IS NULL AND q.status = 'settled' AND NOT q.conflicting AND NOT q.sandbox
      AND NOT EXISTS (
          SELECT FROM evidence taken
          WHERE taken.connection_id = q.connection_id AND taken.dedup_key = q.dedup_key
            AND taken.direction = q.direction AND taken.status = q.status AND taken.school_id IS NOT NULL
            AND NOT taken.conflicting)
"""


def quarantined(session: Session, limit: int = 100) -> list[Quarantined]:
    """What is in quarantine, newest first."""
    found = session.execute(
        text(
            "SELECT q.id, q.connection_id, q.account_named, q.direction, q.amount_vnd, q.occurred_at, q.received_at"
            f"{_QUARANTINED} ORDER BY q.id DESC LIMIT :limit"
        ),
        {"limit": limit},
    )
    return [Quarantined(*row)._replace(direction=Direction(row.direction)) for row in found]


def quarantined_vnd(session: Session) -> int:
    """The đồng in quarantine: distinct credits that stand on no account of ours (invariant I5)."""
    statement = f"SELECT coalesce(sum(q.amount_vnd), 0){_QUARANTINED} AND q.direction = 'credit'"
    return int(session.scalar(text(statement)) or 0)


class Conflict(NamedTuple):
    """Another content under an id that was seen before: what we hold, and what was said later."""

    evidence_id: int
    connection_id: int
    dedup_key: str
    held_vnd: int
    said_vnd: int
    held_description: str
    said_description: str
    received_at: datetime


def conflicts(session: Session, school_id: int, limit: int = 100) -> list[Conflict]:
    """Conflicting messages about a school's accounts, newest first; nothing was credited from them."""
    said, held = Evidence.__table__.alias("said"), Evidence.__table__.alias("held")
    same = (
        (held.c.connection_id == said.c.connection_id)
        & (held.c.dedup_key == said.c.dedup_key)
        & (held.c.direction == said.c.direction)
        & (held.c.status == said.c.status)
        & ~held.c.conflicting
        & held.c.school_id.is_not(None)
    )
    columns: Sequence[Any] = (
        said.c.id,
        said.c.connection_id,
        said.c.dedup_key,
        held.c.amount_vnd,
        said.c.amount_vnd,
        held.c.description,
        said.c.description,
        said.c.received_at,
    )
    found = session.execute(
        select(*columns)
        .join_from(said, held, same)
        .where(said.c.conflicting, ~said.c.sandbox, said.c.school_id == school_id)
        .order_by(said.c.id.desc())
        .limit(limit)
    )
    return [Conflict(*row) for row in found]


class Held(NamedTuple):
    """Evidence of a school that stands behind no transaction yet."""

    evidence_id: int
    reason: HeldReason
    account_id: int | None
    direction: Direction
    amount_vnd: int
    value_date: date
    bank_reference: str | None
    description: str
    held_at: datetime


def held(session: Session, school_id: int, limit: int | None = 100) -> list[Held]:
    """What waits for a person or for more evidence, oldest first."""
    found = session.execute(
        select(
            Evidence.id,
            HeldEvidence.reason,
            Evidence.account_id,
            Evidence.direction,
            Evidence.amount_vnd,
            Evidence.value_date,
            Evidence.bank_reference,
            Evidence.description,
            HeldEvidence.held_at,
        )
        .join(HeldEvidence, HeldEvidence.evidence_id == Evidence.id)
        .where(HeldEvidence.school_id == school_id)
        .order_by(HeldEvidence.id)
        .limit(limit)
    )
    return [Held(*row) for row in found]


_STANDING = text("""
    SELECT DISTINCT link.bank_number, e.account_id, e.direction, e.amount_vnd
    FROM transaction_evidence link JOIN evidence e ON e.id = link.evidence_id
    WHERE link.school_id = :school_id AND link.bank_number = ANY(CAST(:numbers AS text[])) AND e.status = 'settled'
    ORDER BY e.amount_vnd
""")


def other_amounts(session: Session, school_id: int) -> dict[int, list[int]]:
    """What stands under the bank's number of evidence held as ``amount_diff``: evidence id -> amounts in đồng."""
    waiting = [one for one in held(session, school_id, None) if one.reason is HeldReason.AMOUNT_DIFF]
    numbers = {one.evidence_id: fold_reference(one.bank_reference) for one in waiting}
    if not waiting:
        return {}
    standing: dict[tuple[str, int, str], list[int]] = defaultdict(list)
    for row in session.execute(_STANDING, {"school_id": school_id, "numbers": sorted(set(numbers.values()))}):
        standing[row.bank_number, row.account_id, row.direction].append(row.amount_vnd)
    return {
        one.evidence_id: [
            amount_vnd
            for amount_vnd in standing[numbers[one.evidence_id], one.account_id or 0, one.direction.value]
            if amount_vnd != one.amount_vnd
        ]
        for one in waiting
    }


FOUND_WITHIN = timedelta(days=30)
LATE_AFTER = timedelta(minutes=30)
FAILED_TOO_OFTEN = 5
"""Tries in a row of a connection that never had an answer."""
UNCONFIGURED = "not_configured"
"""The secret holds no key for the sender's interface: callbacks come, nobody asks."""


class GapHealth(NamedTuple):
    """How well what a sender's callbacks missed is fetched; every moment aware, None: never."""

    connection_id: int
    attempted_at: datetime | None
    succeeded_at: datetime | None
    """When a pass was complete for the last time."""
    covered_to: datetime | None
    """Until when everything has been asked for."""
    due_at: datetime
    problem: str | None
    """Error code of the last try; None: it went well, or goes on."""
    failures: int
    unreadable: int
    """Rows of the last pass that may be money and could not be read."""
    gap_since: datetime | None
    gap_seen_at: datetime | None
    gap_closed_at: datetime | None
    """The last gap: where it began, when we returned, and when it was closed (None: it is open)."""
    found_by_poll: int
    """Transactions of the last 30 days that no callback of the connection has told."""

    def is_late(self, now: datetime) -> bool:
        """Whether nobody could ask the sender for longer than an outage takes to be noticed."""
        if self.succeeded_at is None:
            return self.due_at < now - LATE_AFTER or self.failures >= FAILED_TOO_OFTEN
        return self.succeeded_at < now - LATE_AFTER


_GAP_HEALTH = text("""
    SELECT s.connection_id, s.attempted_at, s.succeeded_at, s.covered_to, s.due_at, s.problem, s.failures, s.unreadable,
        s.gap_since, s.gap_seen_at, s.gap_closed_at,
        (SELECT count(*) FROM evidence e JOIN transaction_evidence link ON link.evidence_id = e.id
         WHERE e.source = 'poll' AND e.connection_id = s.connection_id AND e.received_at >= :since
           AND NOT EXISTS (
               SELECT FROM transaction_evidence other
               WHERE other.school_id = link.school_id AND other.transaction_id = link.transaction_id
                 AND other.source_key = 'callback:' || s.connection_id)) AS found_by_poll
    FROM poll_state s JOIN connection c ON c.id = s.connection_id AND c.active
    WHERE CAST(:ids AS bigint[]) IS NULL OR s.connection_id = ANY(CAST(:ids AS bigint[]))
    ORDER BY s.connection_id
""")


def gap_health(session: Session, connection_ids: Sequence[int] | None = None) -> list[GapHealth]:
    """The state of polling of these connections (None: of all active ones that can be asked), in order of id."""
    ids = None if connection_ids is None else list(connection_ids)
    found = session.execute(_GAP_HEALTH, {"ids": ids, "since": clock.now() - FOUND_WITHIN})
    return [GapHealth(*row) for row in found]
