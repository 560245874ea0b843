"""Users, passwords, roles and log-ins. Passwords are argon2id; cookies carry a random token, tables its SHA-256."""

import hashlib
import secrets
from datetime import date, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from payments import clock
from payments.access.models import Grant, LoginAttempt, Role, User, UserSession
from payments.access.queries import actor
from payments.access.rules import ABSOLUTE, Actor, check_password, check_username, lock_after, session_ended
from payments.errors import ConflictError, DomainError, NotFoundError

# OWASP's minimum for argon2id: a log-in on a small server must not become a denial of service.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
# Verified when there is no such user, so that "unknown" takes as long as "wrong".
_NOBODY = _HASHER.hash(secrets.token_hex())

TOKEN_BYTES = 32
TRIES_PER_ADDRESS = 50
ADDRESS_WINDOW = timedelta(minutes=15)
SEEN_EVERY = timedelta(minutes=1)


class LoginRefusedError(DomainError):
    """The same words whether the name is unknown, the password wrong or the account locked."""

    status = 401

    def __init__(self) -> None:
        super().__init__(
            "login_refused",
            "Tên đăng nhập hoặc mật khẩu chưa đúng, hoặc tài khoản đang tạm khóa 15 phút.",
            "User name or password is wrong, or the account is locked for 15 minutes.",
        )


class TooManyTriesError(DomainError):
    """An address that failed too often: said before any name or password is looked at, so it tells about no account."""

    status = 429

    def __init__(self) -> None:
        super().__init__(
            "too_many_tries",
            "Quá nhiều lần đăng nhập sai từ mạng này. Vui lòng thử lại sau 15 phút.",
            "Too many failed log-ins from this network. Please try again in 15 minutes.",
        )


def create_user(session: Session, *, username: str, full_name: str, password: str, email: str | None = None) -> int:
    """Add a user and return the id. Raises DomainError for a bad name or password, ConflictError for a taken name."""
    name = check_username(username)
    check_password(password, name)
    if session.scalar(select(User.id).where(User.username == name)) is not None:
        raise ConflictError("username_taken", "Tên đăng nhập đã có người dùng.", "The user name is taken.")
    user = User(
        username=name,
        full_name=full_name.strip(),
        email=email,
        password_hash=_HASHER.hash(password),
        created_at=clock.now(),
    )
    session.add(user)
    session.flush()
    return user.id


def grant_role(
    session: Session, user_id: int, role: Role, organisation_id: int | None, valid_from: date | None = None
) -> None:
    """Give a role from a day on (today unless told otherwise)."""
    session.add(
        Grant(user_id=user_id, role=role, organisation_id=organisation_id, valid_from=valid_from or clock.today())
    )
    session.flush()


def end_role(session: Session, user_id: int, role: Role, organisation_id: int | None) -> None:
    """Take a role away from today on. Raises NotFoundError when the user does not hold it."""
    today = clock.today()
    held = session.scalars(
        select(Grant).where(
            Grant.user_id == user_id,
            Grant.role == role,
            Grant.organisation_id.is_not_distinct_from(organisation_id),
            or_(Grant.valid_to.is_(None), Grant.valid_to > today),
        )
    ).all()
    if not held:
        raise NotFoundError("Người dùng không có vai trò đó ở đơn vị đó.", "The user does not hold that role there.")
    for grant in held:
        if grant.valid_from < today:
            grant.valid_to = today
        else:
            session.delete(grant)
    session.flush()


def set_password(session: Session, user_id: int, password: str) -> None:
    """Give a new password, unlock the account and end its sessions. Raises DomainError for a weak one."""
    user = session.get_one(User, user_id)
    check_password(password, user.username)
    user.password_hash = _HASHER.hash(password)
    user.failed_logins, user.locked_until = 0, None
    _end_sessions(session, user_id)


def set_active(session: Session, user_id: int, *, active: bool) -> None:
    """Let a user log in, or no longer: open sessions end at once. What the user did stays on record."""
    session.get_one(User, user_id).active = active
    if not active:
        _end_sessions(session, user_id)
    session.flush()


def log_in(session: Session, *, username: str, password: str, remote_addr: str | None) -> str | None:
    """Open a session and return its token; None when refused (the attempt and the lock are kept, so do commit).

    Raises TooManyTriesError for an address that failed too often: guessing must cost neither memory nor rows.
    """
    now = clock.now()
    if _address_is_tired(session, remote_addr):
        raise TooManyTriesError
    user = session.scalar(select(User).where(User.username == username.strip().lower()).with_for_update())
    locked = user is not None and user.locked_until is not None and user.locked_until > now
    right = _verify(user.password_hash if user is not None and user.active else _NOBODY, password)
    succeeded = user is not None and user.active and right and not locked
    session.add(LoginAttempt(at=now, username=username[:40], remote_addr=remote_addr, succeeded=succeeded))
    if user is None:
        return None
    if not succeeded:
        if not locked:
            user.failed_logins += 1
            user.locked_until = lock_after(user.failed_logins, now)
            user.failed_logins = 0 if user.locked_until else user.failed_logins
        return None
    user.failed_logins, user.locked_until = 0, None
    return _open_session(session, user.id)


def session_actor(session: Session, token: str) -> Actor | None:
    """Who holds this token; None: nobody any more."""
    now = clock.now()
    row = session.scalar(select(UserSession).where(UserSession.token_hash == _hash(token)))
    if row is None or row.ended_at is not None or session_ended(row.created_at, row.last_seen_at, now):
        return None
    if now - row.last_seen_at > SEEN_EVERY:
        row.last_seen_at = now
    return actor(session, row.user_id, clock.today())


def log_out(session: Session, token: str) -> None:
    """End the session of a token; an old copy of the cookie is worth nothing afterwards."""
    row = session.scalar(select(UserSession).where(UserSession.token_hash == _hash(token)))
    if row is not None and row.ended_at is None:
        row.ended_at = clock.now()


def _end_sessions(session: Session, user_id: int) -> None:
    session.execute(
        update(UserSession)
        .where(UserSession.user_id == user_id, UserSession.ended_at.is_(None))
        .values(ended_at=clock.now())
    )


def _open_session(session: Session, user_id: int) -> str:
    token = secrets.token_urlsafe(TOKEN_BYTES)
    now = clock.now()
    session.add(
        UserSession(
            token_hash=_hash(token), user_id=user_id, created_at=now, last_seen_at=now, expires_at=now + ABSOLUTE
        )
    )
    return token


def _address_is_tired(session: Session, remote_addr: str | None) -> bool:
    since = clock.now() - ADDRESS_WINDOW
    failures = session.scalar(
        select(func.count())
        .select_from(LoginAttempt)
        .where(LoginAttempt.remote_addr == remote_addr, LoginAttempt.at > since, ~LoginAttempt.succeeded)
    )
    return remote_addr is not None and (failures or 0) >= TRIES_PER_ADDRESS


def _verify(password_hash: str, password: str) -> bool:
    try:
        return _HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
