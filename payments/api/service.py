"""Keys: made by a person of the school, shown once, counted at every request, ended by anybody of the school."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import clock
from payments.access.models import Role
from payments.access.queries import actor
from payments.api.models import ApiKey
from payments.api.rules import LONGEST, PER_MINUTE, SHOWN, Scope, key_hash, minute_of, new_key
from payments.audit.service import record
from payments.errors import DomainError, ForbiddenError, NotFoundError

HOLDERS = (Role.ACCOUNTANT, Role.PRINCIPAL)
"""In the name of these a key may act."""
MAX_NAME = 80

# One statement finds the key, counts the request and notes the minute of its use.
_USE = text("""
    UPDATE api_key SET used_times = CASE WHEN used_at = :minute THEN used_times + 1 ELSE 1 END, used_at = :minute
    WHERE key_hash = :key_hash AND revoked_at IS NULL AND expires_at > :now
    RETURNING id, school_id, user_id, name, scopes, per_minute, used_times, expires_at
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Whom a key stands for: a school, and the person in whose name it acts."""

    key_id: int
    school_id: int
    user_id: int
    name: str
    scopes: frozenset[str]
    per_minute: int
    used_times: int
    """Requests in this minute, with this one."""
    expires_at: datetime

    def refuse_too_many(self) -> None:
        """Raises TooManyRequestsError for a request beyond the key's measure."""
        if self.used_times > self.per_minute:
            raise TooManyRequestsError(self.per_minute)


class TooManyRequestsError(DomainError):
    """A key that asked more often in this minute than it may."""

    status = 429

    def __init__(self, per_minute: int) -> None:
        super().__init__(
            "too_many_requests",
            f"Khóa này chỉ được gửi {per_minute} yêu cầu mỗi phút. Hãy đợi rồi gửi lại.",
            f"This key may send {per_minute} requests a minute. Wait and send it again.",
        )


def add_key(
    session: Session,
    school_id: int,
    *,
    name: str,
    scopes: Collection[Scope],
    user_id: int,
    lives: timedelta,
    per_minute: int = PER_MINUTE,
) -> tuple[int, str]:
    """Make a key and return its id and the key itself, which nobody can read again.

    It acts in the name of ``user_id``, an accountant or principal of the school. Raises DomainError ``bad_key`` and
    ForbiddenError.
    """
    name = " ".join(name.split())
    if not 0 < len(name) <= MAX_NAME or not name.isprintable() or not scopes:
        raise DomainError(
            "bad_key",
            f"Hãy đặt tên cho khóa (tối đa {MAX_NAME} ký tự) và chọn ít nhất một quyền.",
            f"Give the key a name (at most {MAX_NAME} characters) and choose one scope or more.",
        )
    if not timedelta(days=1) <= lives <= LONGEST or per_minute < 1:
        raise DomainError(
            "bad_key",
            f"Khóa có hạn từ 1 đến {LONGEST.days} ngày và được ít nhất một yêu cầu mỗi phút.",
            f"A key lives 1 to {LONGEST.days} days and may send at least one request a minute.",
        )
    if not _may_hold(session, school_id, user_id):
        raise ForbiddenError(
            "Khóa chỉ hoạt động nhân danh kế toán hoặc hiệu trưởng của trường.",
            "A key acts in the name of an accountant or principal of the school.",
        )
    key, now = new_key(), clock.now()
    row = ApiKey(
        school_id=school_id,
        name=name,
        hint=key[:SHOWN],
        key_hash=key_hash(key),
        scopes=sorted(set(scopes)),
        user_id=user_id,
        per_minute=per_minute,
        created_at=now,
        expires_at=now + lives,
    )
    session.add(row)
    session.flush()
    record(
        session,
        user_id,
        "api_key.added",
        subject_kind="api_key",
        subject_id=row.id,
        school_id=school_id,
        detail={"scopes": row.scopes, "expires_at": row.expires_at.isoformat()},
    )
    return row.id, key


def revoke_key(session: Session, school_id: int, key_id: int, actor_id: int | None) -> None:
    """End a key at once; again changes nothing. Raises NotFoundError."""
    row = session.get(ApiKey, (school_id, key_id), with_for_update=True)
    if row is None:
        raise NotFoundError("Không tìm thấy khóa này.", "There is no such key.")
    if row.revoked_at is None:
        row.revoked_at = clock.now()
        record(session, actor_id, "api_key.revoked", subject_kind="api_key", subject_id=key_id, school_id=school_id)


def use_key(session: Session, key: str) -> Holder | None:
    """Whom a key stands for, with this request counted; None: unknown, expired, revoked, or its person has left.

    The count shall stay whatever becomes of the request, so commit before anything else is done.
    """
    now = clock.now()
    row = session.execute(_USE, {"key_hash": key_hash(key), "now": now, "minute": minute_of(now)}).first()
    if row is None or not _may_hold(session, row.school_id, row.user_id):
        return None
    return Holder(
        key_id=row.id,
        school_id=row.school_id,
        user_id=row.user_id,
        name=row.name,
        scopes=frozenset(row.scopes),
        per_minute=row.per_minute,
        used_times=row.used_times,
        expires_at=row.expires_at,
    )


def _may_hold(session: Session, school_id: int, user_id: int) -> bool:
    person = actor(session, user_id, clock.today())
    return person is not None and person.may_in(school_id, *HOLDERS)
