"""Reads of users and sessions."""

from datetime import date

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from payments.access.models import Grant, User
from payments.access.rules import Actor, Granted
from payments.errors import NotFoundError


def actor(session: Session, user_id: int, today: date) -> Actor | None:
    """The user with the roles that hold today; None: no such active user."""
    user = session.get(User, user_id)
    if user is None or not user.active:
        return None
    rows = session.execute(
        select(Grant.role, Grant.organisation_id).where(
            Grant.user_id == user_id,
            Grant.valid_from <= today,
            or_(Grant.valid_to.is_(None), Grant.valid_to > today),
        )
    )
    grants = tuple(Granted(role.value, organisation_id) for role, organisation_id in rows)
    return Actor(user.id, user.username, user.full_name, grants)


def user_id_by_name(session: Session, username: str) -> int:
    """The active user of that log-in name. Raises NotFoundError."""
    found = session.scalar(select(User.id).where(User.username == username, User.active))
    if found is None:
        raise NotFoundError(f"Không có người dùng «{username}».", f"There is no user {username!r}.")
    return found


def users_with(session: Session, organisation_id: int, role: str, today: date) -> list[User]:
    """Active users who hold a role in an organisation today."""
    found = (
        select(User)
        .join(Grant, Grant.user_id == User.id)
        .where(
            User.active,
            Grant.role == role,
            Grant.organisation_id == organisation_id,
            Grant.valid_from <= today,
            or_(Grant.valid_to.is_(None), Grant.valid_to > today),
        )
        .order_by(User.id)
    )
    return list(session.scalars(found))
