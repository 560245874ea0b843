"""How a deed becomes an event: cases locked in order, who may act, what fits, and one event for each case."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from payments import clock
from payments.access.models import Role
from payments.access.queries import actor
from payments.access.rules import Actor
from payments.errors import ConflictError, DomainError, ForbiddenError, NotFoundError
from reconciliation.exceptions.models import ExceptionEvent, ReconcileException
from reconciliation.exceptions.rules import BY_SYSTEM, HANDLING, Kind, Resolution, State, after

STAFF = (Role.ACCOUNTANT, Role.PRINCIPAL)
LONGEST_NOTE = 1_000
MOST_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Bulk:
    """What a deed on many exceptions was about."""

    count: int
    amount_vnd: int


def locked(
    session: Session, school_id: int, ids: Sequence[int], actor_id: int, expected: Bulk | None = None
) -> list[ReconcileException]:
    """The cases, ours until the transaction ends, in order of id (so that two people never wait for each other)."""
    if not may_work(person(session, actor_id), school_id):
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


def waiting_proposal(
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


def tell(session: Session, case: ReconcileException, kind: Kind, actor_id: int, **values: Any) -> ExceptionEvent:
    """Add one event. Raises as ``tell_all``."""
    return tell_all(session, [case], kind, actor_id, **values)[0]


def tell_all(
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


def require_end(case: ReconcileException, resolution: Resolution) -> None:
    """Raises DomainError ``no_such_end`` for an end that the class does not know."""
    if resolution in BY_SYSTEM or resolution not in HANDLING[case.primary_class].ends:
        raise DomainError(
            "no_such_end",
            f"Ngoại lệ số {case.id} không thể kết thúc theo cách này.",
            f"Exception {case.id} cannot end in this way.",
        )


def checked_note(said: str, *, needed: bool = False) -> str | None:
    """The note, cut. Raises DomainError ``no_note`` where one is needed."""
    text = said.strip()[:LONGEST_NOTE]
    if needed and not text:
        raise DomainError("no_note", "Hãy ghi rõ lý do.", "Say why.")
    return text or None


def person(session: Session, user_id: int) -> Actor | None:
    """Who that is today."""
    return actor(session, user_id, clock.today())


def may_work(person: Actor | None, school_id: int) -> bool:
    """Staff of the school, and operators of the server: silent connections are theirs."""
    return person is not None and (person.may_in(school_id, *STAFF) or person.has(Role.OPERATOR))
