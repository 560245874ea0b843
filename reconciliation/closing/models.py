"""Closes and reopenings as a signed chain, the keys that sign, and what a close knew when it was signed."""

import enum
from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from payments.db import Base, Id, SchoolRow, str_enum


class LinkKind(enum.StrEnum):
    """What a link of the chain says."""

    CLOSE = "close"
    REOPEN = "reopen"


class CloseKey(SchoolRow):
    """The school's key for its closes. The private half is sealed; old keys stay, for their closes do too."""

    __tablename__ = "close_key"
    __table_args__ = (Index("uq__close_key__current", "school_id", unique=True, postgresql_where="retired_at IS NULL"),)

    private_sealed: Mapped[bytes]
    public: Mapped[bytes]
    """32 raw bytes, Ed25519."""
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]


class PeriodClose(SchoolRow):
    """A link of a school's chain: its books are signed from ``first`` to ``through``, or open again from ``first`` on.

    Triggers keep the chain whole (``keep_chain``) and refuse every change.
    """

    __tablename__ = "period_close"
    __table_args__ = (
        UniqueConstraint("school_id", "sequence"),
        ForeignKeyConstraint(["school_id", "key_id"], ["close_key.school_id", "close_key.id"]),
        ForeignKeyConstraint(["school_id", "approval_id"], ["approval.school_id", "approval.id"]),
        CheckConstraint("first <= through", name="days"),
        CheckConstraint("sequence >= 1 AND (sequence = 1) = (previous_sha256 IS NULL)", name="linked"),
        CheckConstraint("(signature IS NULL) = (key_id IS NULL)", name="signed"),
        CheckConstraint(
            "(kind = 'reopen') = (proposed_by IS NOT NULL) AND proposed_by IS DISTINCT FROM closed_by",
            name="two_people",
        ),
        CheckConstraint("(kind = 'reopen') = (approval_id IS NOT NULL)", name="approved"),
    )

    sequence: Mapped[int]
    kind: Mapped[LinkKind] = mapped_column(str_enum(LinkKind))
    first: Mapped[date]
    through: Mapped[date]
    closed_by: Mapped[int] = mapped_column(BigInteger, ForeignKey("app_user.id"))
    """Who signed; of a reopening the principal who approved it."""
    closed_at: Mapped[datetime]
    proposed_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("app_user.id"))
    approval_id: Mapped[int | None] = mapped_column(BigInteger)
    document: Mapped[bytes]
    """Canonical JSON: the very bytes that are signed."""
    sha256: Mapped[bytes]
    previous_sha256: Mapped[bytes | None]
    key_id: Mapped[int | None] = mapped_column(BigInteger)
    """None, like the signature: closed before there were signatures."""
    signature: Mapped[bytes | None]
    transaction_xid: Mapped[int] = mapped_column(
        BigInteger, server_default=text("(pg_current_xact_id()::text)::bigint")
    )
    """The database transaction that wrote it: an entry of a later one is not in what was signed, whatever the clock."""


class CloseRun(Base):
    """A run that stood when a close was signed: what its cases held was known then, all else is late."""

    __tablename__ = "close_run"
    __table_args__ = (
        PrimaryKeyConstraint("school_id", "close_id", "run_id"),
        ForeignKeyConstraint(["school_id", "close_id"], ["period_close.school_id", "period_close.id"]),
        ForeignKeyConstraint(["school_id", "run_id"], ["reconcile_run.school_id", "reconcile_run.id"]),
    )

    school_id: Mapped[Id]
    close_id: Mapped[Id]
    run_id: Mapped[Id]


class CloseSignature(SchoolRow):
    """A further signature on a close, by the school's own certificate."""

    __tablename__ = "close_signature"
    __table_args__ = (
        UniqueConstraint("school_id", "close_id", "certificate", name="uq__close_signature__once"),
        ForeignKeyConstraint(["school_id", "close_id"], ["period_close.school_id", "period_close.id"]),
    )

    close_id: Mapped[Id]
    algorithm: Mapped[str]
    certificate: Mapped[bytes]
    """X.509, DER."""
    signature: Mapped[bytes]
    added_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("app_user.id"))
    added_at: Mapped[datetime]


class LateItem(Base):
    """What arrived after a close, in the run of the open day where it landed: which close, and which day it missed."""

    __tablename__ = "late_item"
    __table_args__ = (
        PrimaryKeyConstraint("school_id", "run_id", "position"),
        ForeignKeyConstraint(["school_id", "close_id"], ["period_close.school_id", "period_close.id"]),
        ForeignKeyConstraint(["school_id", "run_id"], ["reconcile_run.school_id", "reconcile_run.id"]),
    )

    school_id: Mapped[Id]
    run_id: Mapped[Id]
    position: Mapped[int]
    close_id: Mapped[Id]
    day: Mapped[date]
