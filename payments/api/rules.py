"""What a key may do, what it looks like, and where a page goes on: pure."""

import base64
import binascii
import enum
import hashlib
import re
import secrets
from datetime import datetime, timedelta

PREFIX = "hp_live_"
SECRET_BYTES = 32
SHOWN = len(PREFIX) + 6
"""So much of a key is kept readable, to tell one from another."""
KEY = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}", re.ASCII)
PER_MINUTE = 300
LONGEST = timedelta(days=731)
KEPT = timedelta(days=7)
"""Answers to requests with an idempotency key are known for so long at least."""
_CURSOR = re.compile(r"([a-z_]{1,40}):([0-9]{1,18}(?:\.[0-9]{1,18})?)", re.ASCII)


class Scope(enum.StrEnum):
    """What a key may do; whoever makes a key chooses the least that its software needs."""

    ROSTER_READ = "roster:read"
    ROSTER_WRITE = "roster:write"
    REGISTRATIONS_READ = "registrations:read"
    REGISTRATIONS_WRITE = "registrations:write"
    FEES_READ = "fees:read"
    ROUNDS_READ = "rounds:read"
    ROUNDS_WRITE = "rounds:write"
    """Drafts and proposes; approving is for a person at the desk."""
    INVOICES_READ = "invoices:read"
    LINKS_READ = "links:read"
    """The parents' links on invoices: whoever holds one sees what the pupil owes."""
    PAYMENTS_READ = "payments:read"
    RECEIPTS_READ = "receipts:read"
    LEDGER_WRITE = "ledger:write"
    """Rows of the school's own books, for reconciliation: they move no money."""


def new_key() -> str:
    """Draw a key of 256 random bits."""
    return PREFIX + secrets.token_urlsafe(SECRET_BYTES)


def key_hash(key: str) -> bytes:
    """What the table keeps. The key is random, so its hash needs neither salt nor stretching."""
    return hashlib.sha256(key.encode()).digest()


def request_hash(method: str, path: str, body: bytes) -> bytes:
    """Hash what a request asks for: with one idempotency key only this very request may come."""
    return hashlib.sha256(b"\n".join((method.encode(), path.encode(), body))).digest()


def lock_number(key_id: int, idempotency_key: str) -> int:
    """Number of the lock that lets one request of an idempotency key run at a time; a collision only waits."""
    digest = hashlib.sha256(f"{key_id}|{idempotency_key}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def minute_of(moment: datetime) -> datetime:
    """The minute in which requests are counted together, and to which a key's last use is known."""
    return moment.replace(second=0, microsecond=0)


def state_of(revoked_at: datetime | None, expires_at: datetime, now: datetime) -> str:
    """Whether a key is ``live``, ``expired`` or ``revoked``."""
    if revoked_at is not None:
        return "revoked"
    return "expired" if expires_at <= now else "live"


def encode_cursor(operation: str, place: tuple[int, ...]) -> str:
    """Where the next page of a list begins: opaque to whoever gets it."""
    text = f"{operation}:{'.'.join(map(str, place))}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(operation: str, cursor: str, parts: int) -> tuple[int, ...] | None:
    """Read what ``encode_cursor`` gave for the same list; None for anything else."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return None
    match = _CURSOR.fullmatch(text)
    if match is None or match[1] != operation:
        return None
    place = tuple(int(part) for part in match[2].split("."))
    return place if len(place) == parts else None
