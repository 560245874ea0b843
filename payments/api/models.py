"""Keys of school software, and the answers to requests that may be repeated."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from payments.db import Id, SchoolRow


class ApiKey(SchoolRow):
    """A key of one school. The software holds the key, the row only its SHA-256."""

    __tablename__ = "api_key"
    __table_args__ = (
        UniqueConstraint("key_hash"),
        CheckConstraint("octet_length(key_hash) = 32", name="sha256"),
        CheckConstraint("expires_at > created_at", name="dates"),
        CheckConstraint("per_minute > 0", name="some_requests"),
    )

    name: Mapped[str]
    """Which software has it, in the school's words."""
    hint: Mapped[str]
    """Its first characters."""
    key_hash: Mapped[bytes]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("app_user.id"))
    """In whose name it acts: that person may not be the second one, and with the person's role the key ends."""
    per_minute: Mapped[int]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    """The minute of the last request, and how many came in it."""
    used_times: Mapped[int] = mapped_column(default=0)


class ApiRequest(SchoolRow):
    """A POST that was executed, written in its own transaction: the same one again gets the same answer."""

    __tablename__ = "api_request"
    __table_args__ = (
        UniqueConstraint("school_id", "key_id", "idempotency_key"),
        ForeignKeyConstraint(["school_id", "key_id"], ["api_key.school_id", "api_key.id"]),
        CheckConstraint("octet_length(request_sha256) = 32", name="sha256"),
        Index(None, "school_id", "executed_at"),
    )

    key_id: Mapped[Id]
    idempotency_key: Mapped[str]
    request_sha256: Mapped[bytes]
    status: Mapped[int]
    answer: Mapped[bytes]
    """JSON; it holds identifiers and codes, no names."""
    executed_at: Mapped[datetime]
