"""Saved views: filters under a name, with the columns of their exports; one's own, or shared with the school."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from payments import clock
from payments.console.models import SavedView
from payments.console.queue import columns, filters
from payments.errors import ConflictError, DomainError, NotFoundError

MOST_VIEWS = 50
"""Of one person in one school."""
MAX_NAME = 60
MAX_QUERY = 2_000


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to keep; ``query`` is read anew and only what it says is kept."""

    name: str
    query: filters.Filters
    shared: bool
    columns: Sequence[columns.Chosen]


def views(session: Session, school_id: int, user_id: int) -> Sequence[SavedView]:
    """A person's own views and those that others share, by name."""
    mine = or_(SavedView.owner_id == user_id, SavedView.shared)
    found = select(SavedView).where(SavedView.school_id == school_id, mine).order_by(SavedView.name, SavedView.id)
    return session.scalars(found).all()


def view(session: Session, school_id: int, user_id: int, view_id: int) -> SavedView:
    """One view that the person may use. Raises NotFoundError, also for another person's own view."""
    found = session.get(SavedView, (school_id, view_id))
    if found is None or (found.owner_id != user_id and not found.shared):
        raise NotFoundError
    return found


def own(session: Session, school_id: int, user_id: int, view_id: int) -> SavedView:
    """One view that the person may change. Raises NotFoundError for everybody else's."""
    found = view(session, school_id, user_id, view_id)
    if found.owner_id != user_id:
        raise NotFoundError
    return found


def keep(session: Session, school_id: int, user_id: int, wish: Wish, view_id: int | None = None) -> SavedView:
    """Keep a new view, or change one's own.

    Raises NotFoundError, DomainError ``bad_name``, ``too_many_views`` or ``no_columns``, and ConflictError
    ``name_taken``.
    """
    name = _name(wish.name)
    if not wish.columns:
        raise DomainError("no_columns", "Hãy chọn ít nhất một cột để xuất.", "Choose at least one column to export.")
    now = clock.now()
    if view_id is None:
        if sum(one.owner_id == user_id for one in views(session, school_id, user_id)) >= MOST_VIEWS:
            raise DomainError(
                "too_many_views",
                f"Mỗi người lưu được nhiều nhất {MOST_VIEWS} chế độ xem; hãy xóa bớt.",
                f"A person keeps {MOST_VIEWS} views at most; delete some first.",
            )
        found = SavedView(school_id=school_id, owner_id=user_id, created_at=now)
    else:
        found = own(session, school_id, user_id, view_id)
    found.name = name
    found.shared = wish.shared
    found.query = wish.query.query(page=0, view=None)[:MAX_QUERY]
    found.columns = [[one.key, one.heading] for one in wish.columns]
    found.changed_at = now
    try:
        with session.begin_nested():
            session.add(found)
    except IntegrityError:
        raise ConflictError(
            "name_taken", "Bạn đã có chế độ xem mang tên này.", "You have a view of this name already."
        ) from None
    return found


def drop(session: Session, school_id: int, user_id: int, view_id: int) -> None:
    """Delete one's own view. Raises NotFoundError."""
    session.delete(own(session, school_id, user_id, view_id))


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not 0 < len(name) <= MAX_NAME or not name.isprintable():
        raise DomainError(
            "bad_name",
            f"Tên chế độ xem dài từ 1 đến {MAX_NAME} ký tự.",
            f"The name of a view has 1 to {MAX_NAME} characters.",
        )
    return name
