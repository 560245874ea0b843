"""From evidence to bank transactions, and statement lines as evidence."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from bank_adapters.statements.keys import natural_keys
from bank_adapters.statements.model import StatementLine
from payments import clock, outbox
from payments.inbox.models import Direction, EvidenceStatus, TransactionState
from payments.invoices import reference


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """A bank transaction that evidence was attached to, as settlement needs it.

    ``created``: it is new and waits for its one decision. ``learned``: it is older, and the evidence brought
    references or the transaction it reverses; one that is still unmatched can then be decided.
    """

    transaction_id: int
    account_id: int
    direction: Direction
    amount_vnd: int
    value_date: date
    occurred_at: datetime
    state: TransactionState
    references: tuple[str, ...]
    """Payment references that any of its evidence names, in order of position."""
    order_references: tuple[str, ...]
    virtual_accounts: tuple[str, ...]
    description: str
    bank_reference: str | None
    reverses_id: int | None
    evidence_ids: tuple[int, ...]
    """Those of the pieces asked for that stand behind it now."""
    created: bool
    learned: bool


_RECORD_LINES = text("""
    INSERT INTO evidence (
        source, school_id, account_id, account_named, dedup_key, direction, status, amount_vnd, occurred_at,
        value_date, provider_txn_id, bank_reference, description, "references", content_sha256, conflicting,
        sandbox, received_at
    )
    SELECT 'statement', :school_id, :account_id, right(account.number, 4), line.key, line.direction, line.status,
        line.amount_vnd, line.occurred_at, line.value_date, line.key, line.bank_reference, line.description,
        string_to_array(line.found, ' '), line.content_sha256, false, false, :now
    FROM unnest(
        CAST(:keys AS text[]), CAST(:directions AS text[]), CAST(:statuses AS text[]), CAST(:amounts AS bigint[]),
        CAST(:moments AS timestamptz[]), CAST(:value_dates AS date[]), CAST(:bank_references AS text[]),
        CAST(:descriptions AS text[]), CAST(:found AS text[]), CAST(:contents AS bytea[])
    ) AS line(
        key, direction, status, amount_vnd, occurred_at, value_date, bank_reference, description, found,
        content_sha256
    )
    JOIN receiving_account AS account ON account.school_id = :school_id AND account.id = :account_id
    ORDER BY line.key
    ON CONFLICT DO NOTHING
    RETURNING id
""")

_LINES_BY_KEY = text("""
    SELECT dedup_key, id FROM evidence
    WHERE source = 'statement' AND school_id = :school_id AND account_id = :account_id
      AND dedup_key = ANY(CAST(:keys AS text[]))
""")


def record_statement_evidence(
    session: Session, school_id: int, account_id: int, lines: Sequence[StatementLine]
) -> list[int]:
    """Record the lines of one statement as evidence and return an id per line, in their order.

    A line is known by its natural key with occurrence number: the same file again, re-saved or reordered, adds
    nothing. New evidence puts work into the outbox of settlement.
    """
    if not lines:
        return []
    keys = [f"{key}#{occurrence}" for key, occurrence in natural_keys(lines)]
    owner = {"school_id": school_id, "account_id": account_id}
    new_ids = session.scalars(_RECORD_LINES, owner | _columns(keys, lines) | {"now": clock.now()}).all()
    for evidence_id in sorted(new_ids):
        outbox.put(session, "settlement", "evidence", school_id=school_id, subject_id=evidence_id)
    session.flush()
    by_key: dict[str, int] = {row.dedup_key: row.id for row in session.execute(_LINES_BY_KEY, owner | {"keys": keys})}
    return [by_key[key] for key in keys]


def _columns(keys: Sequence[str], lines: Sequence[StatementLine]) -> dict[str, list[object]]:
    return {
        "keys": list(keys),
        "directions": [line.direction for line in lines],
        # A reversal on a statement is the void of an earlier line, in the direction in which it moved the balance.
        "statuses": [(EvidenceStatus.VOID if line.reversal else EvidenceStatus.SETTLED).value for line in lines],
        "amounts": [line.amount_vnd for line in lines],
        "moments": [clock.day_starts(line.booked_on) for line in lines],
        "value_dates": [line.value_date for line in lines],
        "bank_references": [line.bank_reference for line in lines],
        "descriptions": [line.description for line in lines],
        "found": [" ".join(reference.find(line.description)) for line in lines],
        "contents": [hashlib.sha256(key.encode()).digest() for key in keys],
    }
