"""The one statement that makes a delivery durable: raw callback, evidence and work in one commit (invariant I4).

It takes a row per item (a request without items has one row too) as one array per column, so that the same text
serves a single callback and a batch of many. How it tells the outcomes apart, whatever else is being inserted:

* Only the first of equal keys within a statement is offered; ``ON CONFLICT DO NOTHING`` waits for a concurrent
  session that inserts the same key. What was inserted is new.
* What was not inserted is compared with what is held. The statement's own snapshot may be older than the row it
  waited for, so ``held_content`` looks with a fresh one; evidence is never changed or deleted, so the row is there.
* Other content under a held key goes in as conflicting evidence: seen, never credited.
* Keys are inserted in their order, first all new ones, then all conflicting ones: two statements with the same keys
  cannot wait for each other.
* The raw callback is written last, with the outcome already known: its table refuses UPDATE.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from itertools import chain
from typing import Any, NamedTuple

from payments.inbox.models import DeliveryOutcome


class Row(NamedTuple):
    """One item of a delivery. The raw part is set on its first item only; a refusal has no evidence part."""

    # the evidence, or what stands for it
    connection_id: int | None
    outcome: str
    """For evidence: when it is new."""
    dedup_key: str | None = None
    direction: str | None = None
    status: str | None = None
    school_id: int | None = None
    account_id: int | None = None
    account_named: str | None = None
    amount_vnd: int | None = None
    occurred_at: datetime | None = None
    value_date: date | None = None
    provider_txn_id: str | None = None
    bank_reference: str | None = None
    order_reference: str | None = None
    virtual_account: str | None = None
    description: str | None = None
    found: str | None = None
    """Payment references in the description, separated by blanks."""
    content_sha256: bytes | None = None
    sandbox: bool = False
    # the raw callback
    received_at: datetime | None = None
    remote_addr: str | None = None
    sealed: bytes | None = None
    body_sha256: bytes | None = None
    body_bytes: int | None = None
    reason: str | None = None


TYPES = {
    "delivery": "integer",
    "connection_id": "bigint",
    "school_id": "bigint",
    "account_id": "bigint",
    "amount_vnd": "bigint",
    "occurred_at": "timestamptz",
    "value_date": "date",
    "content_sha256": "bytea",
    "sandbox": "boolean",
    "received_at": "timestamptz",
    "sealed": "bytea",
    "body_sha256": "bytea",
    "body_bytes": "integer",
}
"""Types of the columns that are not text."""

GRAVEST_FIRST = (
    DeliveryOutcome.AMOUNT_DIFF,
    DeliveryOutcome.FOREIGN_ACCOUNT,
    DeliveryOutcome.ACCEPTED,
    DeliveryOutcome.NOT_A_PAYMENT,
    DeliveryOutcome.DUPLICATE,
)

_KEY = "connection_id, dedup_key, direction, status"
_EVIDENCE = (
    f"{_KEY}, school_id, account_id, account_named, amount_vnd, occurred_at, value_date, provider_txn_id,"
    " bank_reference, order_reference, virtual_account, description, content_sha256, sandbox"
)
_COLUMNS = ("delivery", *Row._fields)
_TYPED = [f"${number}::{TYPES.get(name, 'text')}" for number, name in enumerate(_COLUMNS, start=1)]
_ARRAYS = ", ".join(f"{one}[]" for one in _TYPED)
_SCALARS = ", ".join(_TYPED)
_RANKS = "ARRAY[" + ", ".join(f"'{outcome}'" for outcome in GRAVEST_FIRST) + "]"


def _statement(source: str, channel: str = "callback") -> str:
    # Every part is a constant of this module; values travel as $1, $2, ….
    return f"""
WITH item AS MATERIALIZED (
    SELECT *,
        nextval('evidence_id_seq') AS evidence_id,
        CASE WHEN sealed IS NOT NULL THEN nextval('raw_callback_id_seq') END AS own_raw_id
    FROM {source} AS given({", ".join(_COLUMNS)}, place)
), keyed AS MATERIALIZED (
    SELECT *,
        max(own_raw_id) OVER delivered AS raw_id,
        max(received_at) OVER delivered AS seen_at,
        first_value(evidence_id) OVER same_key AS first_id,
        first_value(content_sha256) OVER same_key AS first_content
    FROM item
    WINDOW delivered AS (PARTITION BY delivery),
        same_key AS (PARTITION BY {_KEY}, school_id IS NULL ORDER BY place)
), fresh AS (
    INSERT INTO evidence (id, source, raw_callback_id, received_at, conflicting, "references", {_EVIDENCE})
    SELECT evidence_id, '{channel}', raw_id, seen_at, false, string_to_array(found, ' '), {_EVIDENCE}
    FROM keyed
    WHERE dedup_key IS NOT NULL AND evidence_id = first_id
    ORDER BY {_KEY}, school_id IS NULL
    ON CONFLICT DO NOTHING
    RETURNING id
), judged AS MATERIALIZED (
    SELECT keyed.*,
        CASE
            WHEN dedup_key IS NULL OR fresh.id = evidence_id THEN outcome
            WHEN content_sha256 IS NOT DISTINCT FROM (
                CASE WHEN fresh.id IS NOT NULL THEN first_content
                ELSE held_content(connection_id, dedup_key, direction, status, school_id IS NULL) END
            ) THEN 'duplicate'
            ELSE 'amount_diff'
        END AS result
    FROM keyed LEFT JOIN fresh ON fresh.id = keyed.first_id
), conflict AS (
    INSERT INTO evidence (id, source, raw_callback_id, received_at, conflicting, "references", {_EVIDENCE})
    SELECT evidence_id, '{channel}', raw_id, seen_at, true, string_to_array(found, ' '), {_EVIDENCE}
    FROM judged
    WHERE dedup_key IS NOT NULL AND result = 'amount_diff'
    ORDER BY {_KEY}, content_sha256
    ON CONFLICT DO NOTHING
), work AS (
    INSERT INTO outbox (queue, kind, school_id, subject_id, due_at)
    SELECT 'settlement', 'evidence', school_id, evidence_id, seen_at
    FROM judged
    WHERE result = 'accepted' AND school_id IS NOT NULL AND NOT sandbox
), raw AS (
    INSERT INTO raw_callback (
        id, connection_id, received_at, remote_addr, sealed, body_sha256, body_bytes, outcome, reason
    )
    SELECT own_raw_id, connection_id, received_at, remote_addr, sealed, body_sha256, body_bytes,
        coalesce(({_RANKS})[gravest], result), reason
    FROM (
        SELECT *, min(array_position({_RANKS}, result)) OVER (PARTITION BY delivery) AS gravest FROM judged
    ) AS ranked
    WHERE own_raw_id IS NOT NULL
)
SELECT result FROM judged ORDER BY place
"""  # noqa: S608 - constants of this module alone


STORE = _statement(f"unnest({_ARRAYS}) WITH ORDINALITY")
"""For any number of rows: one array per column (``arguments``)."""

STORE_POLLED = _statement(f"unnest({_ARRAYS}) WITH ORDINALITY", "poll")
"""The same for what we asked a sender for: rows without a raw part (payments/inbox/polled.py)."""

STORE_ONE = _statement(f"(VALUES ({_SCALARS}, 1))")
"""The same for the one row of one delivery (``scalars``): drivers write single values faster than arrays."""

COUNT_THROTTLED = """
INSERT INTO throttle_count (connection_id, hour, deliveries)
SELECT connection_id, date_trunc('hour', $2::timestamptz, 'UTC'), count(*)
FROM unnest($1::bigint[]) AS given(connection_id)
GROUP BY connection_id
ORDER BY connection_id
ON CONFLICT (connection_id, hour) DO UPDATE SET deliveries = throttle_count.deliveries + excluded.deliveries
"""


def arguments(deliveries: Iterable[Sequence[Row]]) -> list[Sequence[Any]]:
    """The arrays for ``STORE``: one list per column, in order."""
    rows = [(number, row) for number, delivery in enumerate(deliveries) for row in delivery]
    numbers = [number for number, _ in rows]
    return [numbers, *map(list, zip(*(row for _, row in rows), strict=True))]


def scalars(row: Row) -> list[Any]:
    """The values for ``STORE_ONE``."""
    return [0, *row]


def shared_out(results: Sequence[str], deliveries: Sequence[Sequence[Row]]) -> list[list[str]]:
    """Give each delivery its part of the results of ``STORE``."""
    remaining = iter(results)
    return [[next(remaining) for _ in rows] for rows in deliveries]


def stored_work(results: Iterable[Iterable[str]]) -> bool:
    """Whether a worker should be woken: something new was accepted."""
    return DeliveryOutcome.ACCEPTED in chain.from_iterable(results)
