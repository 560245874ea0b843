"""Write down who did what."""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from payments import clock
from payments.audit.models import AuditEvent


def record(
    session: Session,
    actor_id: int | None,
    action: str,
    *,
    subject_kind: str,
    subject_id: int | None,
    school_id: int | None,
    detail: Mapping[str, object] | None = None,
) -> None:
    """Add one deed to the log, in the transaction of the deed itself.

    ``actor_id`` None: the system or the command line. ``detail``: ids, amounts in đồng and codes as JSON values, never
    names, secrets or bank texts.
    """
    session.add(
        AuditEvent(
            at=clock.now(),
            school_id=school_id,
            actor_id=actor_id,
            action=action,
            subject_kind=subject_kind,
            subject_id=subject_id,
            detail=dict(detail or {}),
        )
    )
    session.flush()
