"""Reads of users and sessions."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date

from sqlalchemy import RowMapping, or_, select, text
from sqlalchemy.orm import Session

from payments.access.models import Grant, Role, User
from payments.access.rules import Actor, Granted
from payments.errors import ForbiddenError, NotFoundError

_USERS = text(
    "SELECT u.username, u.full_name, u.active, u.locked_until,"
    "  coalesce(array_agg(g.role || coalesce('@' || o.code, '') ORDER BY g.role, o.code)"
    "    FILTER (WHERE g.id IS NOT NULL), '{}') AS roles"
    " FROM app_user u LEFT JOIN user_grant g ON g.user_id = u.id AND g.valid_from <= :today"
    "   AND (g.valid_to IS NULL OR g.valid_to > :today)"
    " LEFT JOIN organisation o ON o.id = g.organisation_id"
    " GROUP BY u.id ORDER BY u.username"
)


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


def staff_id_by_name(session: Session, school_id: int, username: str, today: date) -> int:
    """The user of that log-in name who works for the school today, as accountant or principal.

    For commands: whoever they name must be somebody who may do it on a page. Raises NotFoundError and ForbiddenError.
    """
    person = actor(session, user_id_by_name(session, username), today)
    if person is None or not person.may_in(school_id, Role.ACCOUNTANT, Role.PRINCIPAL):
        raise ForbiddenError(
            f"«{username}» không phải kế toán hay hiệu trưởng của trường này.",
            f"{username!r} is neither accountant nor principal of this school.",
        )
    return person.user_id


def any_user_id(session: Session, username: str) -> int:
    """The user of that log-in name, active or not. Raises NotFoundError."""
    found = session.scalar(select(User.id).where(User.username == username))
    if found is None:
        raise NotFoundError(f"Không có người dùng «{username}».", f"There is no user {username!r}.")
    return found


def all_users(session: Session, today: date) -> Sequence[RowMapping]:
    """Every user with the roles that hold today as ``role@organisation``."""
    return session.execute(_USERS, {"today": today}).mappings().all()


def users_with(session: Session, organisation_id: int, role: str, today: date) -> list[User]:
    """Active users who hold a role in an organisation today."""
    return users_of_each(session, [organisation_id], role, today)[organisation_id]


def users_of_each(
    session: Session, organisation_ids: Collection[int], role: str, today: date
) -> Mapping[int | None, list[User]]:
    """Active users who hold a role today, by organisation."""
    found = (
        select(Grant.organisation_id, User)
        .join(User, User.id == Grant.user_id)
        .where(
            User.active,
            Grant.role == role,
            Grant.organisation_id.in_(organisation_ids),
            Grant.valid_from <= today,
            or_(Grant.valid_to.is_(None), Grant.valid_to > today),
        )
        .order_by(User.id)
    )
    people: dict[int | None, list[User]] = defaultdict(list)
    for organisation_id, user in session.execute(found):
        people[organisation_id].append(user)
    return people
