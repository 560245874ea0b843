"""Decisions of two people: one proposes, another one decides; the database refuses the same person twice."""

from collections.abc import Mapping

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from payments import clock
from payments.access.models import Approval, ApprovalState, Role
from payments.access.queries import actor
from payments.errors import ConflictError, ForbiddenError, NotFoundError


def propose(
    session: Session,
    school_id: int,
    *,
    subject_kind: str,
    subject_id: int,
    actor_id: int,
    payload: Mapping[str, object] | None = None,
) -> int:
    """Ask for a second person's decision on a subject and return the id of the question."""
    approval = Approval(
        school_id=school_id,
        subject_kind=subject_kind,
        subject_id=subject_id,
        payload=dict(payload or {}),
        proposed_by=actor_id,
        proposed_at=clock.now(),
    )
    session.add(approval)
    session.flush()
    return approval.id


def decide(
    session: Session, school_id: int, approval_id: int, actor_id: int, *, approved: bool, reason: str | None = None
) -> None:
    """Approve or reject a proposal.

    Raises NotFoundError, ConflictError ``decided_already``, and ForbiddenError for the person who proposed it.
    """
    approval = session.scalar(
        select(Approval).where(Approval.school_id == school_id, Approval.id == approval_id).with_for_update()
    )
    if approval is None:
        raise NotFoundError("Không tìm thấy đề nghị này.", "There is no such proposal.")
    if approval.state is not ApprovalState.PROPOSED:
        raise ConflictError(
            "decided_already", "Đề nghị này đã được quyết định.", "This proposal has been decided already."
        )
    require_second_person(approval.proposed_by, actor_id)
    approval.state = ApprovalState.APPROVED if approved else ApprovalState.REJECTED
    approval.decided_by = actor_id
    approval.decided_at = clock.now()
    approval.reason = reason
    session.flush()


def withdraw(session: Session, school_id: int, approval_id: int) -> None:
    """Remove a question that nobody has answered: its subject is thrown away."""
    session.execute(
        delete(Approval).where(
            Approval.school_id == school_id, Approval.id == approval_id, Approval.state == ApprovalState.PROPOSED
        )
    )


def require_second_person(proposed_by: int | None, actor_id: int) -> None:
    """Refuse the person who proposed. Raises ForbiddenError."""
    if proposed_by == actor_id:
        raise ForbiddenError(
            "Người đề nghị không được tự duyệt; hãy nhờ người thứ hai.",
            "Whoever proposed it may not approve it; ask a second person.",
        )


def require_principal(session: Session, school_id: int, proposed_by: int | None, actor_id: int) -> None:
    """Refuse as second person whoever proposed, and whoever is no principal of the school. Raises ForbiddenError."""
    require_second_person(proposed_by, actor_id)
    person = actor(session, actor_id, clock.today())
    if person is None or not person.may_in(school_id, Role.PRINCIPAL):
        raise ForbiddenError(
            "Người duyệt phải là hiệu trưởng (hoặc người được giao quyền hiệu trưởng) của trường.",
            "Whoever approves must be a principal of the school.",
        )


def open_proposal(session: Session, school_id: int, subject_kind: str, subject_id: int) -> int | None:
    """The proposal on a subject that still waits for a decision."""
    return session.scalar(
        select(Approval.id).where(
            Approval.school_id == school_id,
            Approval.subject_kind == subject_kind,
            Approval.subject_id == subject_id,
            Approval.state == ApprovalState.PROPOSED,
        )
    )
