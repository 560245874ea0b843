"""One writer at a time: imports and nights of a school, and settlement while a night looks."""

from sqlalchemy import text
from sqlalchemy.orm import Session

_SCHOOL = text("SELECT pg_advisory_xact_lock(hashtextextended('reconciliation of school ' || :school_id, 0))")
_LEASE = text("SELECT school_id FROM settlement_lease WHERE school_id = :school_id FOR UPDATE")


def lock_school(session: Session, school_id: int) -> None:
    """Hold imports and nights of the school until the transaction ends: ids then come in order of commit."""
    session.execute(_SCHOOL, {"school_id": str(school_id)})


def lock_settlement(session: Session, school_id: int) -> None:
    """Hold the school's settlement too, so that what the night reads is one state. Always after ``lock_school``."""
    session.execute(_LEASE, {"school_id": school_id})
