"""Who may do what, and when a log-in ends or is refused: pure decisions on values."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from payments.errors import DomainError

IDLE = timedelta(minutes=15)
ABSOLUTE = timedelta(hours=10)
MAX_FAILURES = 5
LOCK = timedelta(minutes=15)
MIN_PASSWORD = 12
_USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,39}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Granted:
    """A role that holds today; ``organisation_id`` None is the whole server."""

    role: str
    organisation_id: int | None


@dataclass(frozen=True, slots=True)
class Actor:
    """The person behind a request."""

    user_id: int
    username: str
    full_name: str
    grants: tuple[Granted, ...]

    def has(self, *roles: str) -> bool:
        """Any of the roles, anywhere."""
        return any(grant.role in roles for grant in self.grants)

    def may_in(self, organisation_id: int, *roles: str) -> bool:
        """Any of the roles in this very organisation (a school's id is its organisation's id)."""
        return any(grant.role in roles and grant.organisation_id == organisation_id for grant in self.grants)

    def organisations(self, *roles: str) -> frozenset[int]:
        """Where the person has any of the roles."""
        return frozenset(
            grant.organisation_id for grant in self.grants if grant.role in roles and grant.organisation_id is not None
        )


def session_ended(created_at: datetime, last_seen_at: datetime, now: datetime) -> bool:
    """After a quarter of an hour without a click, and after ten hours in any case (TCVN 11930 level 3: time-outs)."""
    return now - last_seen_at > IDLE or now - created_at > ABSOLUTE


def lock_after(failures: int, now: datetime) -> datetime | None:
    """Until when an account stays locked after this many failures in a row."""
    return now + LOCK if failures >= MAX_FAILURES else None


def check_username(username: str) -> str:
    """The name in lower case. Raises DomainError ``bad_username``."""
    folded = username.strip().lower()
    if not _USERNAME.fullmatch(folded):
        raise DomainError(
            "bad_username",
            "Tên đăng nhập gồm 2–40 chữ thường không dấu, chữ số, dấu chấm, gạch ngang.",
            "A user name has 2–40 lower-case letters, digits, dots or hyphens.",
        )
    return folded


def check_password(password: str, username: str) -> None:
    """At least twelve characters and not the user name. Raises DomainError ``weak_password``."""
    if len(password) < MIN_PASSWORD or username in password.lower():
        raise DomainError(
            "weak_password",
            f"Mật khẩu cần ít nhất {MIN_PASSWORD} ký tự và không chứa tên đăng nhập.",
            f"A password needs at least {MIN_PASSWORD} characters and must not contain the user name.",
        )
