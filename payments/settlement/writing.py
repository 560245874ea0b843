"""Write what settlement decided: one statement with arrays for all rows of a kind, whatever their number."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.settlement.changes import NewRow
from payments.settlement.rules import SettlementOutcome


@dataclass(frozen=True, slots=True)
class Stamp:
    """What all rows of one occasion share; ``decision_id`` when a person decided."""

    school_id: int
    moment: datetime
    decision_id: int | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """The one decision about a transaction, and the state that it brings."""

    transaction_id: int
    outcome: SettlementOutcome
    state: str
    flags: Sequence[str] = ()
    suggestions: Sequence[Mapping[str, Any]] = field(default=())


SETTLEMENTS = text("""
    INSERT INTO settlement (school_id, transaction_id, outcome, flags, suggestions, settled_at)
    SELECT :school_id, wanted.id, wanted.outcome, string_to_array(wanted.flags, ' '), wanted.suggestions, :moment
    FROM unnest(CAST(:ids AS bigint[]), CAST(:outcomes AS text[]), CAST(:flags AS text[]),
                CAST(:suggestions AS jsonb[])) AS wanted (id, outcome, flags, suggestions)
""")

STATES = text("""
    UPDATE bank_transaction t SET state = wanted.state
    FROM unnest(CAST(:ids AS bigint[]), CAST(:states AS text[])) AS wanted (id, state)
    WHERE t.school_id = :school_id AND t.id = wanted.id
""")

OUTCOMES = text("""
    UPDATE settlement s SET outcome = wanted.outcome, flags = string_to_array(wanted.flags, ' ')
    FROM unnest(CAST(:ids AS bigint[]), CAST(:outcomes AS text[]), CAST(:flags AS text[]))
        AS wanted (id, outcome, flags)
    WHERE s.school_id = :school_id AND s.transaction_id = wanted.id
""")

SUGGESTIONS = text("""
    UPDATE settlement s SET suggestions = wanted.hints
    FROM unnest(CAST(:ids AS bigint[]), CAST(:hints AS jsonb[])) AS wanted (id, hints)
    WHERE s.school_id = :school_id AND s.transaction_id = wanted.id
""")

ALLOCATIONS = text("""
    INSERT INTO allocation
        (school_id, transaction_id, invoice_id, line_id, amount_vnd, reverses_id, decision_id, created_at)
    SELECT :school_id, transaction_id, invoice_id, line_id, amount_vnd, reverses_id, :decision_id, :moment
    FROM unnest(CAST(:transactions AS bigint[]), CAST(:invoices AS bigint[]), CAST(:places AS bigint[]),
                CAST(:amounts AS bigint[]), CAST(:reversed AS bigint[]))
        AS wanted (transaction_id, invoice_id, line_id, amount_vnd, reverses_id)
""")

BUNDLE_TRANSFERS = text("""
    INSERT INTO bundle_transfer (school_id, bundle_id, transaction_id)
    SELECT :school_id, bundle_id, transaction_id
    FROM unnest(CAST(:bundles AS bigint[]), CAST(:transactions AS bigint[])) AS named (bundle_id, transaction_id)
    ON CONFLICT DO NOTHING
""")

CREDITS = text("""
    INSERT INTO pupil_credit
        (school_id, transaction_id, receiving_account_id, pupil_id, amount_vnd, reverses_id, decision_id, created_at)
    SELECT :school_id, transaction_id, account_id, pupil_id, amount_vnd, reverses_id, :decision_id, :moment
    FROM unnest(CAST(:transactions AS bigint[]), CAST(:receiving AS bigint[]), CAST(:places AS bigint[]),
                CAST(:amounts AS bigint[]), CAST(:reversed AS bigint[]))
        AS wanted (transaction_id, account_id, pupil_id, amount_vnd, reverses_id)
""")

PAID = text("""
    UPDATE invoice_balance b
    SET paid_vnd = wanted.paid_vnd,
        state = CASE WHEN b.state IN ('replaced', 'cancelled') THEN b.state
                     WHEN wanted.paid_vnd = 0 THEN 'open'
                     WHEN wanted.paid_vnd < b.amount_vnd THEN 'partial'
                     ELSE 'paid' END,
        changed_at = :moment
    FROM unnest(CAST(:ids AS bigint[]), CAST(:paid AS bigint[])) AS wanted (id, paid_vnd)
    WHERE b.school_id = :school_id AND b.invoice_id = wanted.id
""")


def settle(session: Session, stamp: Stamp, settled: Sequence[Settled]) -> None:
    """Write decisions and states. A transaction that was decided before breaks the unique key: the credit's fence."""
    if not settled:
        return
    session.execute(
        SETTLEMENTS,
        {
            "school_id": stamp.school_id,
            "moment": stamp.moment,
            "ids": [one.transaction_id for one in settled],
            "outcomes": [one.outcome.value for one in settled],
            "flags": [" ".join(one.flags) for one in settled],
            "suggestions": [json.dumps(list(one.suggestions)) for one in settled],
        },
    )
    set_states(session, stamp.school_id, {one.transaction_id: one.state for one in settled})


def tell_people(session: Session, school_id: int, settled: Sequence[Settled]) -> None:
    """Say anew why transfers wait for a person, and what they may be."""
    rename_outcomes(session, school_id, {one.transaction_id: (one.outcome, one.flags) for one in settled})
    if settled:
        hints = [json.dumps(list(one.suggestions)) for one in settled]
        wanted = {"school_id": school_id, "ids": [one.transaction_id for one in settled], "hints": hints}
        session.execute(SUGGESTIONS, wanted)


def set_states(session: Session, school_id: int, states: Mapping[int, str]) -> None:
    """Transaction id -> state of the transaction."""
    if states:
        session.execute(STATES, {"school_id": school_id, "ids": list(states), "states": list(states.values())})


def rename_outcomes(
    session: Session, school_id: int, named: Mapping[int, tuple[SettlementOutcome, Sequence[str]]]
) -> None:
    """Transaction id -> outcome and flags."""
    if named:
        session.execute(
            OUTCOMES,
            {
                "school_id": school_id,
                "ids": list(named),
                "outcomes": [outcome.value for outcome, _ in named.values()],
                "flags": [" ".join(flags) for _, flags in named.values()],
            },
        )


def add_allocations(session: Session, stamp: Stamp, rows: Sequence[NewRow], invoice_of: Mapping[int, int]) -> None:
    """Add rows whose place is (transaction, line)."""
    if rows:
        invoices = [invoice_of[row.place[1]] for row in rows]
        session.execute(ALLOCATIONS, _columns(stamp, rows) | {"invoices": invoices})


def note_bundles(session: Session, school_id: int, named: Sequence[tuple[int, int]]) -> None:
    """(bundle id, transfer id): which transfers to look at again when an invoice of the bundle changes."""
    if named:
        bundles, transactions = zip(*named, strict=True)
        values = {"school_id": school_id, "bundles": list(bundles), "transactions": list(transactions)}
        session.execute(BUNDLE_TRANSFERS, values)


def add_credits(session: Session, stamp: Stamp, rows: Sequence[NewRow], account_of: Mapping[int, int]) -> None:
    """Add rows whose place is (transaction, pupil)."""
    if rows:
        accounts = [account_of[row.place[0]] for row in rows]
        session.execute(CREDITS, _columns(stamp, rows) | {"receiving": accounts})


def set_paid(session: Session, stamp: Stamp, paid: Mapping[int, int]) -> None:
    """Invoice id -> paid amount in đồng; the state follows. The rows are locked by the caller."""
    if paid:
        session.execute(
            PAID,
            {
                "school_id": stamp.school_id,
                "ids": list(paid),
                "paid": list(paid.values()),
                "moment": stamp.moment,
            },
        )


def _columns(stamp: Stamp, rows: Sequence[NewRow]) -> dict[str, Any]:
    return {
        "school_id": stamp.school_id,
        "moment": stamp.moment,
        "decision_id": stamp.decision_id,
        "transactions": [row.place[0] for row in rows],
        "places": [row.place[1] for row in rows],
        "amounts": [row.amount_vnd for row in rows],
        "reversed": [row.reverses_id for row in rows],
    }
