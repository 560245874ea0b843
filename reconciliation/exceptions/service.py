"""What people do with exceptions: take them, note, propose, approve, reject, resolve, open again.

Nothing here moves money: a refund, a reversal or a posting is done by the services that do it, and an exception records
that it was. Where money moves or is in doubt one person proposes and a principal approves; the database refuses the
same person twice, and an end without a second person (``guard_exception_event``).
"""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from payments.access.approvals import require_principal
from payments.errors import DomainError, ForbiddenError
from reconciliation.exceptions.acting import (
    Bulk,
    checked_note,
    locked,
    may_work,
    person,
    require_end,
    tell,
    tell_all,
    waiting_proposal,
)
from reconciliation.exceptions.models import ExceptionEvent
from reconciliation.exceptions.rules import NEEDS_NOTE, Kind, Resolution, State, after, needs_second_person


def assign(
    session: Session, school_id: int, exception_id: int, actor_id: int, assignee_id: int | None
) -> ExceptionEvent:
    """Give the work to somebody of the school, or to nobody (None).

    Raises NotFoundError, ForbiddenError, ConflictError, and DomainError ``no_such_assignee``.
    """
    return _assign(session, school_id, [exception_id], actor_id, assignee_id)[0]


def note(session: Session, school_id: int, exception_id: int, actor_id: int, said: str) -> ExceptionEvent:
    """Add a note, in any state. Raises as ``assign``, and DomainError ``no_note`` for an empty one."""
    [case] = locked(session, school_id, [exception_id], actor_id)
    return tell(session, case, Kind.NOTED, actor_id, said=checked_note(said, needed=True))


def propose(
    session: Session, school_id: int, exception_id: int, actor_id: int, *, resolution: Resolution, said: str = ""
) -> ExceptionEvent:
    """Propose how it ends; a principal other than the proposer decides.

    Raises as ``assign``, and DomainError ``no_such_end`` or ``no_note``.
    """
    [case] = locked(session, school_id, [exception_id], actor_id)
    require_end(case, resolution)
    noted = checked_note(said, needed=resolution in NEEDS_NOTE)
    detail = {"amount_vnd": case.amount_vnd, "primary_class": case.primary_class}
    return tell(session, case, Kind.PROPOSED, actor_id, resolution=resolution, said=noted, detail=detail)


def approve(
    session: Session,
    school_id: int,
    exception_id: int,
    actor_id: int,
    *,
    proposal_id: int | None = None,
    said: str = "",
) -> ExceptionEvent:
    """Approve what somebody else proposed; ``proposal_id``: the one that was read; None: the one that waits.

    Raises NotFoundError, ForbiddenError for the proposer and for whoever is no principal, and ConflictError
    ``decided_already`` when it was decided, withdrawn, or its facts changed meanwhile.
    """
    case, proposal = waiting_proposal(session, school_id, exception_id, proposal_id)
    require_principal(session, school_id, proposal.actor_id, actor_id)
    return tell(session, case, Kind.APPROVED, actor_id, decides=proposal, said=checked_note(said))


def reject(
    session: Session,
    school_id: int,
    exception_id: int,
    actor_id: int,
    *,
    proposal_id: int | None = None,
    said: str = "",
) -> ExceptionEvent:
    """Refuse a proposal as principal, with a reason; whoever proposed it takes it back instead.

    Raises as ``approve``, and DomainError ``no_note`` for a refusal without reason.
    """
    case, proposal = waiting_proposal(session, school_id, exception_id, proposal_id)
    if proposal.actor_id == actor_id:
        return tell(session, case, Kind.WITHDRAWN, actor_id, decides=proposal, said=checked_note(said))
    require_principal(session, school_id, proposal.actor_id, actor_id)
    return tell(session, case, Kind.REJECTED, actor_id, decides=proposal, said=checked_note(said, needed=True))


def resolve(
    session: Session, school_id: int, exception_id: int, actor_id: int, *, resolution: Resolution, said: str = ""
) -> ExceptionEvent:
    """End a case that needs no second person.

    Raises as ``propose``, and ForbiddenError where money moves or is in doubt: propose it instead.
    """
    return _resolve(session, school_id, [exception_id], actor_id, resolution=resolution, said=said)[0]


def reopen(session: Session, school_id: int, exception_id: int, actor_id: int, said: str) -> ExceptionEvent:
    """Take a case up again, with a reason. Raises as ``note``."""
    [case] = locked(session, school_id, [exception_id], actor_id)
    return tell(session, case, Kind.REOPENED, actor_id, said=checked_note(said, needed=True))


def assign_many(
    session: Session, school_id: int, ids: Sequence[int], actor_id: int, *, assignee_id: int | None, expected: Bulk
) -> Bulk:
    """Give many to one person, all or none. Raises as ``assign``, ConflictError ``changed_meanwhile``."""
    events = _assign(session, school_id, ids, actor_id, assignee_id, expected=expected)
    return Bulk(len(events), expected.amount_vnd)


def resolve_many(
    session: Session,
    school_id: int,
    ids: Sequence[int],
    actor_id: int,
    *,
    resolution: Resolution,
    said: str,
    expected: Bulk,
) -> Bulk:
    """End many in one way, all or none; ``expected`` is what the preview showed.

    Raises as ``resolve``, and ConflictError ``changed_meanwhile`` when count or sum are others by now.
    """
    events = _resolve(session, school_id, ids, actor_id, resolution=resolution, said=said, expected=expected)
    return Bulk(len(events), expected.amount_vnd)


def _assign(
    session: Session,
    school_id: int,
    ids: Sequence[int],
    actor_id: int,
    assignee_id: int | None,
    *,
    expected: Bulk | None = None,
) -> list[ExceptionEvent]:
    cases = locked(session, school_id, ids, actor_id, expected)
    if assignee_id is not None and not may_work(person(session, assignee_id), school_id):
        raise DomainError(
            "no_such_assignee",
            "Chỉ giao được cho kế toán, hiệu trưởng của trường hoặc quản trị hệ thống.",
            "Only staff of the school or an operator can be given the work.",
        )
    return tell_all(session, cases, Kind.ASSIGNED, actor_id, assignee_id=assignee_id)


def _resolve(
    session: Session,
    school_id: int,
    ids: Sequence[int],
    actor_id: int,
    *,
    resolution: Resolution,
    said: str,
    expected: Bulk | None = None,
) -> list[ExceptionEvent]:
    cases = locked(session, school_id, ids, actor_id, expected)
    noted = checked_note(said, needed=resolution in NEEDS_NOTE)
    for case in cases:
        after(Kind.RESOLVED, State(case.state), assigned=case.assignee_id is not None)
        require_end(case, resolution)
        if needs_second_person(case.primary_class, case.flags, resolution):
            raise ForbiddenError(
                f"Ngoại lệ số {case.id} cần hai người: hãy gửi đề nghị để hiệu trưởng duyệt.",
                f"Exception {case.id} needs two people: propose it, and a principal approves.",
            )
    return tell_all(session, cases, Kind.RESOLVED, actor_id, resolution=resolution, said=noted)
