"""Tell school software of days that are proved by a statement, and of those that the school has signed."""

from collections.abc import Collection
from datetime import date

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.events.rules import EventKind
from payments.events.service import emit_many

CLOSED = """
    SELECT run.id AS subject_id, jsonb_build_object(
        'run_id', run.id, 'day', run.day, 'from_day', run.from_day, 'account', a.bin || ':' || a.number,
        'state', run.state, 'closed_through',
        (SELECT through FROM books_closed closed WHERE closed.school_id = run.school_id),
        'matched', run.matched, 'matched_vnd', run.matched_vnd, 'exceptions', run.exceptions,
        'opening_vnd', run.proof -> 'opening_vnd', 'credits_vnd', run.proof -> 'credits_vnd',
        'debits_vnd', run.proof -> 'debits_vnd', 'closing_vnd', run.proof -> 'closing_vnd'
    ) AS data
    FROM reconcile_run run
    JOIN receiving_account a ON a.school_id = run.school_id AND a.id = run.account_id
    WHERE run.school_id = :school_id AND run.id = ANY(CAST(:ids AS bigint[]))
"""


NEWEST = text("""
    SELECT DISTINCT ON (held.account_id) held.run_id
    FROM standing_run held JOIN reconcile_run run ON run.school_id = held.school_id AND run.id = held.run_id
    WHERE held.school_id = :school_id AND held.day <= :through AND run.state <> 'waiting_statement'
    ORDER BY held.account_id, held.day DESC
""")


def tell_closed(session: Session, school_id: int, run_ids: Collection[int]) -> None:
    """``day.closed`` for the days of these runs."""
    emit_many(session, school_id, EventKind.DAY_CLOSED, CLOSED, run_ids)


def tell_signed(session: Session, school_id: int, through: date) -> None:
    """``day.closed`` once more for the last day of each account that a signed period holds."""
    runs = session.scalars(NEWEST, {"school_id": school_id, "through": through})
    tell_closed(session, school_id, runs.all())
