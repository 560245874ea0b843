"""What people decided before a period was signed stays as it was signed; the database refuses it a second time.

Signed is a decision about money of a signed day that was made before the signature. What is decided afterwards, about
money of any day, is booked today and can be undone like everything else.
"""

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.ledger.closed import closed_period

DECISION = text("""
    SELECT max(c.through) FROM decision d
    JOIN bank_transaction t ON t.school_id = d.school_id AND t.id = d.transaction_id
    JOIN standing_close c ON c.school_id = d.school_id AND c.through >= t.value_date AND c.closed_at >= d.decided_at
    WHERE d.school_id = :school_id AND d.id = :id
""")
PAYOUT = text("""
    SELECT max(c.through) FROM payout p
    JOIN bank_transaction t ON t.school_id = p.school_id AND t.id = p.transaction_id
    JOIN standing_close c ON c.school_id = p.school_id AND c.through >= t.value_date AND c.closed_at >= p.made_at
    WHERE p.school_id = :school_id AND p.id = :id
""")


def require_unsigned(
    session: Session, school_id: int, *, decision_id: int | None = None, payout_id: int | None = None
) -> None:
    """Refuse what would take back a signed decision or payout. Raises DomainError ``closed_period``."""
    for statement, row_id in ((DECISION, decision_id), (PAYOUT, payout_id)):
        if row_id is not None:
            through = session.scalar(statement, {"school_id": school_id, "id": row_id})
            if through is not None:
                raise closed_period(through)
