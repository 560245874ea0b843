"""What a night does with exceptions: follow the runs that stand, and tell people of work that is overdue."""

from collections.abc import Collection, Iterable
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from payments import clock
from payments.access.models import Role, User
from payments.access.queries import users_of_each
from payments.notifications.service import enqueue_message
from reconciliation.exceptions.models import ReconcileException
from reconciliation.exceptions.rules import State
from reconciliation.exceptions.syncing import Synced, sync, sync_all


def follow(session: Session, school_id: int, account_id: int) -> Synced:
    """Bring the exceptions of an account in line with its runs; accountants hear of what became overdue."""
    made = sync(session, school_id, account_id)
    remind(session, [school_id])
    return made


def follow_all(session: Session, accounts: Collection[tuple[int, int]]) -> None:
    """The same for many accounts, given as (school, account): schools are reminded when all of theirs are followed."""
    sync_all(session, accounts)
    remind(session, {school_id for school_id, _ in accounts})


def remind(session: Session, school_ids: Collection[int]) -> None:
    """Tell accountants how much is overdue at their school, once for each day on which something became so."""
    case = ReconcileException
    overdue = (case.school_id.in_(school_ids), case.state != State.RESOLVED, case.due_on < clock.today())
    counts = select(case.school_id, func.count(), func.max(case.due_on)).where(*overdue).group_by(case.school_id)
    rows = session.execute(counts.order_by(case.school_id)).all()
    people = users_of_each(session, {row.school_id for row in rows}, Role.ACCOUNTANT, clock.today()) if rows else {}
    for school_id, count, newest in rows:
        _tell(session, school_id, people.get(school_id, ()), count, newest)


def _tell(session: Session, school_id: int, people: Iterable[User], count: int, newest: date) -> None:
    for user in people:
        enqueue_message(
            session,
            school_id,
            dedup_key=f"exceptions:overdue:{newest}:{user.id}",
            kind="exceptions_overdue",
            subject=f"Ngoại lệ đối soát quá hạn: {count}",
            body=f"Có {count} ngoại lệ đối soát quá hạn xử lý, hạn gần nhất {newest:%d/%m/%Y}. Xem mục «Ngoại lệ» trên "
            "bàn làm việc, lọc «Quá hạn».",
            recipient_user_id=user.id,
            email=user.email,
        )
