"""Open a signed period again: one person proposes with a reason, the principal (another one) approves and signs."""

from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from payments import clock
from payments.access import approvals
from payments.access.models import Approval, ApprovalState, Role
from payments.audit.service import record
from payments.crypto import FieldCipher
from payments.errors import ConflictError, DomainError, NotFoundError
from reconciliation.closing import chain, document
from reconciliation.closing.chain import NewLink, Standing
from reconciliation.closing.document import Reopening
from reconciliation.closing.models import LinkKind, PeriodClose
from reconciliation.closing.service import CHECK_PATH, person_of, remake, school_of
from reconciliation.locks import lock_school, lock_settlement
from reconciliation.telling import tell_signed

SUBJECT = "period_reopening"
MIN_REASON = 10


def propose_reopening(session: Session, school_id: int, sequence: int, *, actor_id: int, reason: str) -> int:
    """Ask the principal to reopen a close, and with it every later one; returns the id of the question.

    Raises NotFoundError, DomainError ``needs_reason``, ConflictError ``proposed_already``, and ForbiddenError.
    """
    person_of(session, school_id, actor_id, Role.ACCOUNTANT, Role.PRINCIPAL)
    lock_school(session, school_id)
    close = _standing(session, school_id, sequence)
    said = reason.strip()
    if len(said) < MIN_REASON:
        raise DomainError(
            "needs_reason",
            f"Hãy ghi rõ lý do mở lại kỳ (ít nhất {MIN_REASON} ký tự).",
            f"Say why the period is to be reopened (at least {MIN_REASON} characters).",
        )
    if pending(session, school_id):
        raise ConflictError(
            "proposed_already",
            "Đã có một đề nghị mở lại kỳ đang chờ hiệu trưởng.",
            "A reopening waits for the principal already.",
        )
    approval_id = approvals.propose(
        session,
        school_id,
        subject_kind=SUBJECT,
        subject_id=close.id,
        actor_id=actor_id,
        payload={"sequence": sequence, "reason": said},
    )
    _record(session, school_id, actor_id, "propose_reopening", close)
    return approval_id


def approve_reopening(
    session: Session, cipher: FieldCipher, school_id: int, approval_id: int, *, actor_id: int, base_url: str = ""
) -> PeriodClose:
    """Reopen as the principal: a signed link of its own; the runs of the period are made again at once.

    Raises NotFoundError, ConflictError ``decided_already`` or ``not_standing``, and ForbiddenError for the person who
    proposed it and for whoever is no principal of the school.
    """
    lock_school(session, school_id)
    lock_settlement(session, school_id)
    question = _question(session, school_id, approval_id)
    approvals.require_principal(session, school_id, question.proposed_by, actor_id)
    approvals.decide(session, school_id, approval_id, actor_id, approved=True, reason=question.payload["reason"])
    closes = chain.standing(session, school_id)
    reopened = [one for one in closes if one.sequence >= question.payload["sequence"]]
    if not reopened or reopened[0].id != question.subject_id:
        raise _not_standing()
    through, first = closes[-1].through, reopened[0].first
    proposer = person_of(session, school_id, question.proposed_by, *Role)
    principal = person_of(session, school_id, actor_id, Role.PRINCIPAL)
    now = clock.now()
    what = Reopening(
        first,
        through,
        tuple(one.sequence for one in reopened),
        question.payload["reason"],
        question.proposed_at,
        _still_closed(closes, first),
    )
    added = chain.append(
        session,
        cipher,
        school_id,
        NewLink(
            kind=LinkKind.REOPEN,
            first=first,
            through=through,
            signed_by=actor_id,
            signed_at=now,
            proposed_by=question.proposed_by,
            approval_id=approval_id,
            document=document.reopening(
                school_of(session, school_id), what, proposer, principal, now, check_at=base_url + CHECK_PATH
            ),
        ),
    )
    _record(session, school_id, actor_id, "reopen_period", reopened[0])
    remake(session, school_id, first)
    tell_signed(session, school_id, through)
    return added


def refuse_reopening(session: Session, school_id: int, approval_id: int, *, actor_id: int, reason: str = "") -> None:
    """The principal says no: everything stays as it was signed. Raises as ``approve_reopening`` does."""
    question = _question(session, school_id, approval_id)
    approvals.require_principal(session, school_id, question.proposed_by, actor_id)
    approvals.decide(session, school_id, approval_id, actor_id, approved=False, reason=reason.strip() or None)


def pending(session: Session, school_id: int) -> Approval | None:
    """The reopening that waits for the principal."""
    return session.scalar(
        select(Approval).where(
            Approval.school_id == school_id,
            Approval.subject_kind == SUBJECT,
            Approval.state == ApprovalState.PROPOSED,
        )
    )


def _question(session: Session, school_id: int, approval_id: int) -> Approval:
    found = session.get(Approval, (school_id, approval_id))
    if found is None or found.subject_kind != SUBJECT:
        raise NotFoundError("Không tìm thấy đề nghị này.", "There is no such proposal.")
    return found


def _standing(session: Session, school_id: int, sequence: int) -> Standing:
    chain.link(session, school_id, sequence)
    found = next((one for one in chain.standing(session, school_id) if one.sequence == sequence), None)
    if found is None:
        raise _not_standing()
    return found


def _not_standing() -> ConflictError:
    return ConflictError(
        "not_standing",
        "Lần khóa sổ này không còn hiệu lực (đã mở lại trước đó).",
        "This close stands no more: it has been reopened before.",
    )


def _still_closed(closes: list[Standing], first: date) -> date | None:
    return max((one.through for one in closes if one.through < first), default=None)


def _record(session: Session, school_id: int, actor_id: int, action: str, close: Standing) -> None:
    record(
        session,
        actor_id=actor_id,
        action=action,
        subject_kind="period_close",
        subject_id=close.id,
        school_id=school_id,
        detail={"sequence": close.sequence, "from": close.first.isoformat()},
    )
