"""What people do with exceptions: take them, note, propose, approve, reject, resolve, open again.

Nothing here moves money: a refund, a reversal or a posting is done by the services that do it, and an exception records
that it was. Where money moves or is in doubt one person proposes and a principal approves; the database refuses the
same person twice, and an end without a second person (``guard_exception_event``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from payments import clock
from payments.access.approvals import require_principal
from payments.access.models import Role
from payments.access.queries import actor
from payments.access.rules import Actor
from payments.errors import ConflictError, DomainError, ForbiddenError, NotFoundError
from reconciliation.exceptions.models import ExceptionEvent, ReconcileException
from reconciliation.exceptions.rules import (
    BY_SYSTEM,
    HANDLING,
    NEEDS_NOTE,
    Kind,
    Resolution,
    State,
    after,
    needs_second_person,
)

STAFF = (Role.ACCOUNTANT, Role.PRINCIPAL)
LONGEST_NOTE = 1_000
MOST_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Bulk:
    """What a deed on many exceptions was about."""

    count: int
    amount_vnd: int


def assign(
    session: Session, school_id: int, exception_id: int, actor_id: int, assignee_id: int | None
) -> ExceptionEvent:
    """Give the work to somebody of the school, or to nobody (None).

    Raises NotFoundError, ForbiddenError, ConflictError, and DomainError ``no_such_assignee``.
    """
    return _assign(session, school_id, [exception_id], actor_id, assignee_id)[0]


def note(session: Session, school_id: int, exception_id: int, actor_id: int, said: str) -> ExceptionEvent:
    """Add a note, in any state. Raises as ``assign``, and DomainError ``no_note`` for an empty one."""
    [case] = _locked(session, school_id, [exception_id], actor_id)
    return _tell(session, case, Kind.NOTED, actor_id, said=_note(said, needed=True))


def propose(
    session: Session, school_id: int, exception_id: int, actor_id: int, *, resolution: Resolution, said: str = ""
) -> ExceptionEvent:
    """Propose how it ends; a principal other than the proposer decides.

    Raises as ``assign``, and DomainError ``no_such_end`` or ``no_note``.
    """
    [case] = _locked(session, school_id, [exception_id], actor_id)
    _require_end(case, resolution)
    noted = _note(said, needed=resolution in NEEDS_NOTE)
    detail = {"amount_vnd": case.amount_vnd, "primary_class": case.primary_class}
    return _tell(session, case, Kind.PROPOSED, actor_id, resolution=resolution, said=noted, detail=detail)


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
    case, proposal = _proposal(session, school_id, exception_id, proposal_id)
    require_principal(session, school_id, proposal.actor_id, actor_id)
    return _tell(session, case, Kind.APPROVED, actor_id, decides=proposal, said=_note(said))


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
    case, proposal = _proposal(session, school_id, exception_id, proposal_id)
    if proposal.actor_id == actor_id:
        return _tell(session, case, Kind.WITHDRAWN, actor_id, decides=proposal, said=_note(said))
    require_principal(session, school_id, proposal.actor_id, actor_id)
    return _tell(session, case, Kind.REJECTED, actor_id, decides=proposal, said=_note(said, needed=True))


def resolve(
    session: Session, school_id: int, exception_id: int, actor_id: int, *, resolution: Resolution, said: str = ""
) -> ExceptionEvent:
    """End a case that needs no second person.

    Raises as ``propose``, and ForbiddenError where money moves or is in doubt: propose it instead.
    """
    return _resolve(session, school_id, [exception_id], actor_id, resolution=resolution, said=said)[0]


def reopen(session: Session, school_id: int, exception_id: int, actor_id: int, said: str) -> ExceptionEvent:
    """Take a case up again, with a reason. Raises as ``note``."""
    [case] = _locked(session, school_id, [exception_id], actor_id)
    return _tell(session, case, Kind.REOPENED, actor_id, said=_note(said, needed=True))


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
    cases = _locked(session, school_id, ids, actor_id, expected)
    if assignee_id is not None and not _may_work(_person(session, assignee_id), school_id):
        raise DomainError(
            "no_such_assignee",
            "Chỉ giao được cho kế toán, hiệu trưởng của trường hoặc quản trị hệ thống.",
            "Only staff of the school or an operator can be given the work.",
        )
    return _tell_all(session, cases, Kind.ASSIGNED, actor_id, assignee_id=assignee_id)


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
    cases = _locked(session, school_id, ids, actor_id, expected)
    noted = _note(said, needed=resolution in NEEDS_NOTE)
    for case in cases:
        after(Kind.RESOLVED, State(case.state), assigned=case.assignee_id is not None)
        _require_end(case, resolution)
        if needs_second_person(case.primary_class, case.flags, resolution):
            raise ForbiddenError(
                f"Ngoại lệ số {case.id} cần hai người: hãy gửi đề nghị để hiệu trưởng duyệt.",
                f"Exception {case.id} needs two people: propose it, and a principal approves.",
            )
    return _tell_all(session, cases, Kind.RESOLVED, actor_id, resolution=resolution, said=noted)


def _locked(
    session: Session, school_id: int, ids: Sequence[int], actor_id: int, expected: Bulk | None = None
) -> list[ReconcileException]:
    """The cases, ours until the transaction ends, in order of id (so that two people never wait for each other)."""
    if not _may_work(_person(session, actor_id), school_id):
        raise ForbiddenError
    wanted = sorted(set(ids))
    if not wanted:
        raise DomainError("nothing_chosen", "Hãy chọn ít nhất một ngoại lệ.", "Choose at least one exception.")
    if len(wanted) > MOST_AT_ONCE:
        raise DomainError(
            "too_many", f"Mỗi lần xử lý tối đa {MOST_AT_ONCE} ngoại lệ.", f"At most {MOST_AT_ONCE} exceptions at once."
        )
    cases = list(
        session.scalars(
            select(ReconcileException)
            .where(ReconcileException.school_id == school_id, ReconcileException.id.in_(wanted))
            .order_by(ReconcileException.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    )
    if len(cases) != len(wanted):
        raise NotFoundError("Không tìm thấy ngoại lệ này.", "There is no such exception.")
    if expected is not None and Bulk(len(cases), sum(case.amount_vnd for case in cases)) != expected:
        raise ConflictError(
            "changed_meanwhile",
            "Số lượng hoặc số tiền đã thay đổi từ lúc xem trước; hãy xem trước lại.",
            "Count or sum have changed since the preview: look at it again.",
        )
    return cases


def _proposal(
    session: Session, school_id: int, exception_id: int, proposal_id: int | None
) -> tuple[ReconcileException, ExceptionEvent]:
    """The case, locked, with the proposal that waits. Raises ConflictError when it is not the one that was read."""
    case = session.scalar(
        select(ReconcileException)
        .where(ReconcileException.school_id == school_id, ReconcileException.id == exception_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if case is None:
        raise NotFoundError("Không tìm thấy ngoại lệ này.", "There is no such exception.")
    if case.proposal_id is None or (proposal_id is not None and proposal_id != case.proposal_id):
        raise ConflictError(
            "decided_already",
            "Đề nghị này đã được quyết định hoặc đã rút; hãy tải lại trang.",
            "This proposal has been decided or withdrawn already: load the page again.",
        )
    return case, session.get_one(ExceptionEvent, (school_id, case.proposal_id))


def _tell(session: Session, case: ReconcileException, kind: Kind, actor_id: int, **values: Any) -> ExceptionEvent:
    return _tell_all(session, [case], kind, actor_id, **values)[0]


def _tell_all(
    session: Session,
    cases: Sequence[ReconcileException],
    kind: Kind,
    actor_id: int,
    *,
    said: str | None = None,
    decides: ExceptionEvent | None = None,
    detail: Mapping[str, Any] | None = None,
    **values: Any,
) -> list[ExceptionEvent]:
    """Add one event to each case in one statement; the database folds them. Raises ConflictError out of turn."""
    events = []
    for case in cases:
        assignee_id = values.get("assignee_id", case.assignee_id)
        state = after(kind, State(case.state), assigned=assignee_id is not None)
        kept = case.resolution if state in {State.PROPOSED, State.RESOLVED} else None
        events.append(
            ExceptionEvent(
                school_id=case.school_id,
                exception_id=case.id,
                kind=kind,
                at=clock.now(),
                actor_id=actor_id,
                state=state,
                assignee_id=assignee_id,
                resolution=decides.resolution if decides else values.get("resolution", kept),
                proposal_id=decides.id if decides else None,
                proposed_by=decides.actor_id if decides else None,
                note=said,
                detail=dict(detail or {}),
            )
        )
    session.add_all(events)
    session.flush()
    for case in cases:
        session.expire(case)
    return events


def _require_end(case: ReconcileException, resolution: Resolution) -> None:
    if resolution in BY_SYSTEM or resolution not in HANDLING[case.primary_class].ends:
        raise DomainError(
            "no_such_end",
            f"Ngoại lệ số {case.id} không thể kết thúc theo cách này.",
            f"Exception {case.id} cannot end in this way.",
        )


def _note(said: str, *, needed: bool = False) -> str | None:
    text = said.strip()[:LONGEST_NOTE]
    if needed and not text:
        raise DomainError("no_note", "Hãy ghi rõ lý do.", "Say why.")
    return text or None


def _person(session: Session, user_id: int) -> Actor | None:
    return actor(session, user_id, clock.today())


def _may_work(person: Actor | None, school_id: int) -> bool:
    """Staff of the school, and operators of the server: silent connections are theirs."""
    return person is not None and (person.may_in(school_id, *STAFF) or person.has(Role.OPERATOR))
