"""Reads of settlement for screens."""

from datetime import date
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session


class ProposedTransfer(NamedTuple):
    """Money that paid an invoice of another account of the school than the one where it arrived (wrong_fund)."""

    transaction_id: int
    value_date: date
    reference: str
    from_fund: str
    to_fund: str
    amount_vnd: int


_PROPOSED = text("""
    SELECT t.id, t.value_date, i.reference, here.fund, there.fund, sum(a.amount_vnd)::bigint
    FROM settlement s
    JOIN bank_transaction t ON t.school_id = s.school_id AND t.id = s.transaction_id
    JOIN allocation a ON a.school_id = t.school_id AND a.transaction_id = t.id
    JOIN invoice i ON i.school_id = a.school_id AND i.id = a.invoice_id
    JOIN receiving_account here ON here.school_id = t.school_id AND here.id = t.account_id
    JOIN receiving_account there ON there.school_id = i.school_id AND there.id = i.receiving_account_id
    WHERE s.school_id = :school_id AND (s.outcome = 'wrong_fund' OR 'wrong_fund' = ANY(s.flags))
      AND i.receiving_account_id <> t.account_id
    GROUP BY t.id, t.value_date, i.reference, here.fund, there.fund
    HAVING sum(a.amount_vnd) <> 0
    ORDER BY t.value_date DESC, t.id DESC
    LIMIT :limit
""")


def proposed_transfers(session: Session, school_id: int, limit: int = 100) -> list[ProposedTransfer]:
    """Transfers between the school's own accounts that would bring money to where it belongs, newest first."""
    rows = session.execute(_PROPOSED, {"school_id": school_id, "limit": limit})
    return [ProposedTransfer(*row) for row in rows]
