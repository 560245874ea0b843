"""Reads for the developers' desk: connections and their health, deliveries, and what became of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from payments import clock
from payments.developers.desk import Reach
from payments.errors import NotFoundError
from payments.inbox.queries import gap_health

PAGE_ROWS = 50
SEARCHED_DAYS = 7
"""How far back a search for a transaction goes when no day is given."""
ATTEMPT_WINDOW = timedelta(days=1)
"""Within this a sender's own retries lie."""
MOST_ATTEMPTS = 50

_CONNECTION = (
    "SELECT c.id, c.name, c.adapter, c.sandbox, c.active, c.allowed_networks, c.created_at, c.token_hash,"
    " c.token_sealed FROM connection c"
)
_CONNECTIONS = text(f"{_CONNECTION} WHERE CAST(:ids AS bigint[]) IS NULL OR c.id = ANY(:ids) ORDER BY c.sandbox, c.id")
_ONE_CONNECTION = text(f"{_CONNECTION} WHERE c.id = :id")
_OVERVIEW = text(
    "SELECT c.id, c.name, c.adapter, c.sandbox, c.active, seen.at AS seen_at, taken.at AS accepted_at,"
    "  day.received, day.refused"
    " FROM connection c"
    " LEFT JOIN LATERAL (SELECT max(received_at) AS at FROM raw_callback WHERE connection_id = c.id) seen ON true"
    " LEFT JOIN LATERAL (SELECT received_at AS at FROM raw_callback WHERE connection_id = c.id AND outcome = 'accepted'"
    "   ORDER BY received_at DESC LIMIT 1) taken ON true"
    " LEFT JOIN LATERAL (SELECT count(*) AS received,"
    "     count(*) FILTER (WHERE outcome NOT IN ('accepted', 'not_a_payment', 'duplicate')) AS refused"
    "   FROM raw_callback WHERE connection_id = c.id AND received_at >= :day) day ON true"
    " WHERE CAST(:ids AS bigint[]) IS NULL OR c.id = ANY(:ids) ORDER BY c.sandbox, c.id"
)
_SECRETS = text(
    "SELECT id, created_at, last_used_at, prepared FROM connection_secret"
    " WHERE connection_id = :id AND revoked_at IS NULL ORDER BY id"
)
_ACCOUNTS = text("SELECT kind, identifier FROM connection_account WHERE connection_id = :id ORDER BY id")
_LAST = text(
    "SELECT (SELECT max(received_at) FROM raw_callback WHERE connection_id = :id) AS seen_at,"
    " (SELECT received_at FROM raw_callback WHERE connection_id = :id AND outcome = 'accepted'"
    "   ORDER BY received_at DESC LIMIT 1) AS accepted_at,"
    " (SELECT coalesce(sum(deliveries), 0)::bigint FROM throttle_count WHERE connection_id = :id AND hour >= :week)"
    "   AS throttled"
)
_COUNTS = text(
    "SELECT outcome, reason, count(*) FILTER (WHERE received_at >= :hour) AS hour,"
    "  count(*) FILTER (WHERE received_at >= :day) AS day, count(*) AS week"
    " FROM raw_callback WHERE connection_id = :id AND received_at >= :week"
    " GROUP BY outcome, reason ORDER BY 5 DESC, 1, 2"
)

_EVENT = (
    "SELECT r.id, r.connection_id, r.received_at, r.remote_addr, r.body_bytes, r.body_sha256, r.outcome, r.reason,"
    " c.name AS connection_name, c.adapter, c.sandbox, c.active"
)
_FILTERS = (
    " (CAST(:outcome AS text) IS NULL OR r.outcome = :outcome)"
    " AND (CAST(:since AS timestamptz) IS NULL OR r.received_at >= :since)"
    " AND (CAST(:until AS timestamptz) IS NULL OR r.received_at < :until)"
)
_EVERY = text(
    f"{_EVENT} FROM raw_callback r LEFT JOIN connection c ON c.id = r.connection_id"
    f" WHERE {_FILTERS} AND (CAST(:before AS bigint) IS NULL OR r.id < :before) ORDER BY r.id DESC LIMIT :limit"
)
# The newest of each connection by its own index; one connection without traffic must not make the others wait.
_OF = text(
    f"{_EVENT} FROM unnest(CAST(:ids AS bigint[])) AS wanted(id) JOIN connection c ON c.id = wanted.id"  # noqa: S608 - our own text
    " CROSS JOIN LATERAL (SELECT * FROM raw_callback r WHERE r.connection_id = wanted.id"
    f" AND {_FILTERS} AND (CAST(:before AS bigint) IS NULL OR ("
    "   r.received_at <= (SELECT b.received_at FROM raw_callback b WHERE b.id = :before)"
    "   AND (r.received_at, r.id) < (SELECT b.received_at, b.id FROM raw_callback b WHERE b.id = :before)))"
    " ORDER BY r.received_at DESC, r.id DESC LIMIT :limit) r ORDER BY r.received_at DESC, r.id DESC LIMIT :limit"
)
_ONE = text(
    f"{_EVENT}, r.sealed, c.token_hash FROM raw_callback r LEFT JOIN connection c ON c.id = r.connection_id"
    " WHERE r.id = :id"
)
_ATTEMPTS = (
    "SELECT id, received_at, outcome, reason FROM raw_callback WHERE {}"
    " AND body_sha256 = :body_sha256 AND received_at BETWEEN :since AND :until ORDER BY received_at, id LIMIT :limit"
)
_ATTEMPTS_OF_CONNECTION = text(_ATTEMPTS.format("connection_id = :connection_id"))
_ATTEMPTS_OF_NOBODY = text(_ATTEMPTS.format("connection_id IS NULL"))
_SEARCHED = text(
    f"{_EVENT} FROM evidence e JOIN raw_callback r ON r.id = e.raw_callback_id"
    " JOIN connection c ON c.id = r.connection_id"
    " WHERE e.received_at >= :since AND e.received_at < :until"
    " AND (CAST(:ids AS bigint[]) IS NULL OR e.connection_id = ANY(:ids))"
    " AND (e.provider_txn_id = :words OR e.bank_reference = :words OR e.order_reference = :words"
    '   OR upper(:words) = ANY(e."references"))'
    " AND (CAST(:outcome AS text) IS NULL OR r.outcome = :outcome)"
    " AND (CAST(:before AS bigint) IS NULL OR r.id < :before) ORDER BY r.id DESC LIMIT :limit"
)
_EVIDENCE = text(
    "SELECT e.id, e.raw_callback_id, e.dedup_key, e.direction, e.status, e.amount_vnd, e.occurred_at, e.value_date,"
    "  e.provider_txn_id, e.bank_reference, e.order_reference, e.account_named, e.conflicting, e.sandbox, e.school_id,"
    "  t.id AS transaction_id, t.state AS transaction_state, s.outcome AS settled_as, h.reason AS held"
    " FROM evidence e LEFT JOIN transaction_evidence link ON link.evidence_id = e.id"
    " LEFT JOIN bank_transaction t ON t.school_id = link.school_id AND t.id = link.transaction_id"
    " LEFT JOIN settlement s ON s.school_id = t.school_id AND s.transaction_id = t.id"
    " LEFT JOIN held_evidence h ON h.evidence_id = e.id"
    " WHERE e.connection_id = :connection_id AND e.dedup_key = ANY(:keys) ORDER BY e.id LIMIT 50"
)
_REPLAYS = text(
    "SELECT a.at, a.detail, u.full_name FROM audit_event a LEFT JOIN app_user u ON u.id = a.actor_id"
    " WHERE a.subject_kind = 'raw_callback' AND a.subject_id = :id AND a.action = 'callback.replayed' ORDER BY a.id"
)
_ARRIVED = text(
    "SELECT id, outcome, reason, body_sha256 FROM raw_callback"
    " WHERE connection_id = :connection_id AND id > :after ORDER BY id"
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Filters of the event log, as they stand in the address."""

    connection_id: int | None = None
    outcome: str | None = None
    since: date | None = None
    until: date | None = None
    """The last day, inclusive."""
    words: str = ""
    """A transaction id, bank reference, order or payment reference, whole."""
    before: int | None = None
    """Cursor: only deliveries with a lower number."""


@dataclass(frozen=True, slots=True)
class Health:
    """How a connection fares."""

    seen_at: datetime | None
    accepted_at: datetime | None
    reasons: Sequence[RowMapping]
    """Per outcome and reason: how often in an hour, a day and a week."""
    throttled: int
    """Refusals of the week that were only counted."""
    gap_closed_at: datetime | None

    def received(self, span: str) -> int:
        """Deliveries of the span (hour, day or week)."""
        return sum(row[span] for row in self.reasons)

    def refused(self, span: str) -> int:
        """Of them neither taken nor repeated."""
        kept = {"accepted", "not_a_payment", "duplicate"}
        return sum(row[span] for row in self.reasons if row["outcome"] not in kept)

    def refused_percent(self, span: str) -> int | None:
        """Refusals in whole percent, rounded up so that one refusal never reads as none; None: nothing received."""
        return percent(self.refused(span), self.received(span))


def percent(part: int, whole: int) -> int | None:
    """A share in whole percent, rounded up; None: a share of nothing."""
    return -(-part * 100 // whole) if whole else None


def overview(session: Session, reach: Reach) -> Sequence[RowMapping]:
    """The connections somebody may look at, each with its last day: one query, however many there are."""
    values = {"ids": _ids(reach), "day": clock.now() - timedelta(days=1)}
    return session.execute(_OVERVIEW, values).mappings().all()


def connections(session: Session, reach: Reach) -> Sequence[RowMapping]:
    """The connections somebody may look at, real ones first."""
    return session.execute(_CONNECTIONS, {"ids": _ids(reach)}).mappings().all()


def connection(session: Session, reach: Reach, connection_id: int) -> RowMapping:
    """One of them. Raises NotFoundError."""
    reach.check(connection_id)
    row = session.execute(_ONE_CONNECTION, {"id": connection_id}).mappings().one_or_none()
    if row is None:
        raise NotFoundError
    return row


def live_secrets(session: Session, connection_id: int) -> Sequence[RowMapping]:
    """Since when each live secret exists and when it was last used; never what it is."""
    return session.execute(_SECRETS, {"id": connection_id}).mappings().all()


def accounts(session: Session, connection_id: int) -> Sequence[RowMapping]:
    """The names of accounts that the connection may report on."""
    return session.execute(_ACCOUNTS, {"id": connection_id}).mappings().all()


def health(session: Session, connection_id: int) -> Health:
    """How a connection fares now."""
    now = clock.now()
    spans = {"hour": now - timedelta(hours=1), "day": now - timedelta(days=1), "week": now - timedelta(days=7)}
    last = session.execute(_LAST, {"id": connection_id, "week": spans["week"]}).mappings().one()
    reasons = session.execute(_COUNTS, {"id": connection_id, **spans}).mappings().all()
    return Health(
        last["seen_at"], last["accepted_at"], reasons, last["throttled"], gap_closed_at(session, connection_id)
    )


def gap_closed_at(session: Session, connection_id: int) -> datetime | None:
    """Until when a poller has fetched all that the sender knows; None: no poller has."""
    return next((one.covered_to for one in gap_health(session, [connection_id])), None)


def events(session: Session, reach: Reach, wanted: Wanted) -> tuple[Sequence[RowMapping], int | None]:
    """A page of deliveries, newest first, and the cursor of the next one. Raises NotFoundError."""
    ids = _ids(reach)
    if wanted.connection_id is not None:
        reach.check(wanted.connection_id)
        ids = [wanted.connection_id]
    since, until = _span(wanted)
    values: dict[str, Any] = {
        "ids": ids,
        "outcome": wanted.outcome,
        "since": since,
        "until": until,
        "before": wanted.before,
        "words": wanted.words,
        "limit": PAGE_ROWS + 1,
    }
    statement = _SEARCHED if wanted.words else _EVERY if ids is None else _OF
    rows = session.execute(statement, values).mappings().all()
    more = len(rows) > PAGE_ROWS
    return rows[:PAGE_ROWS], rows[PAGE_ROWS - 1]["id"] if more else None


def event(session: Session, reach: Reach, event_id: int) -> RowMapping:
    """One delivery with its sealed request. Raises NotFoundError."""
    row = session.execute(_ONE, {"id": event_id}).mappings().one_or_none()
    if row is None:
        raise NotFoundError
    reach.check(row["connection_id"])
    return row


def attempts(session: Session, row: RowMapping) -> Sequence[RowMapping]:
    """Deliveries of the same body at the same connection within a day of this one, itself included."""
    moment: datetime = row["received_at"]
    values = {
        "connection_id": row["connection_id"],
        "body_sha256": row["body_sha256"],
        "since": moment - ATTEMPT_WINDOW,
        "until": moment + ATTEMPT_WINDOW,
        "limit": MOST_ATTEMPTS,
    }
    statement = _ATTEMPTS_OF_NOBODY if row["connection_id"] is None else _ATTEMPTS_OF_CONNECTION
    return session.execute(statement, values).mappings().all()


def evidence(session: Session, connection_id: int, keys: Sequence[str]) -> Sequence[RowMapping]:
    """The evidence under these keys, with the bank transaction behind it and how that was settled."""
    values = {"connection_id": connection_id, "keys": list(keys)}
    return session.execute(_EVIDENCE, values).mappings().all()


def replays(session: Session, event_id: int) -> Sequence[RowMapping]:
    """Who replayed a delivery, when, and what came of it."""
    return session.execute(_REPLAYS, {"id": event_id}).mappings().all()


def newest_id(session: Session) -> int:
    """The number of the newest delivery of all; what arrives later has a higher one."""
    return int(session.scalar(text("SELECT coalesce(max(id), 0) FROM raw_callback")) or 0)


def arrived(session: Session, connection_id: int, after: int) -> Sequence[RowMapping]:
    """Deliveries of a connection with a higher number, in order."""
    return session.execute(_ARRIVED, {"connection_id": connection_id, "after": after}).mappings().all()


def _ids(reach: Reach) -> list[int] | None:
    return None if reach.connection_ids is None else sorted(reach.connection_ids)


def _span(wanted: Wanted) -> tuple[datetime | None, datetime | None]:
    since = None if wanted.since is None else clock.day_starts(wanted.since)
    until = None if wanted.until is None else clock.day_starts(wanted.until + timedelta(days=1))
    if wanted.words:
        until = until or clock.now() + timedelta(minutes=1)
        since = since or until - timedelta(days=SEARCHED_DAYS)
    return since, until
