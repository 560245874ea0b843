"""Closing a period: what arrives later belongs to the next open day, and the nights before stay as they were signed."""

from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from payments import clock
from payments.audit.service import record
from payments.errors import ConflictError, DomainError
from reconciliation.locks import lock_school
from reconciliation.models import PeriodClose
from reconciliation.telling import tell_signed


def close_period(session: Session, school_id: int, through: date, *, actor_id: int) -> PeriodClose:
    """Close the school's books up to and with a day.

    Raises DomainError ``not_over`` for a day that is not over, ConflictError ``closed`` when it is closed already.
    """
    if through >= clock.today():
        raise DomainError("not_over", "Chỉ khóa được kỳ đã kết thúc.", "Only a period that is over can be closed.")
    lock_school(session, school_id)
    newest = session.scalar(select(func.max(PeriodClose.through)).where(PeriodClose.school_id == school_id))
    if newest is not None and through <= newest:
        raise ConflictError(
            "closed", f"Kỳ đến ngày {newest:%d/%m/%Y} đã khóa.", f"The period up to {newest} is closed already."
        )
    closed = PeriodClose(school_id=school_id, through=through, closed_by=actor_id, closed_at=clock.now())
    session.add(closed)
    session.flush()
    record(
        session,
        actor_id=actor_id,
        action="close_period",
        subject_kind="period_close",
        subject_id=closed.id,
        school_id=school_id,
        detail={"through": through.isoformat()},
    )
    tell_signed(session, school_id, through)
    return closed
