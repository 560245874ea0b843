"""Receipts («xác nhận đã thu»): numbered without gaps per school, year and series; revoked, never deleted."""

from datetime import date, datetime

from sqlalchemy import ForeignKeyConstraint, Index, PrimaryKeyConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped

from payments.db import Base, Id, SchoolRow, Vnd


class ReceiptCounter(Base):
    """The next free number of a series; the row is locked by whoever numbers, so there are no gaps."""

    __tablename__ = "receipt_counter"
    __table_args__ = (PrimaryKeyConstraint("school_id", "year", "series"),)

    school_id: Mapped[Id]
    year: Mapped[int]
    series: Mapped[str]
    next_number: Mapped[int]


class Receipt(SchoolRow):
    """Proof for the payer that a bank transaction was credited to a pupil."""

    __tablename__ = "receipt"
    __table_args__ = (
        UniqueConstraint("school_id", "year", "series", "number"),
        UniqueConstraint("verify_code"),
        ForeignKeyConstraint(["school_id", "transaction_id"], ["bank_transaction.school_id", "bank_transaction.id"]),
        ForeignKeyConstraint(["school_id", "pupil_id"], ["pupil.school_id", "pupil.id"]),
        Index(None, "school_id", "transaction_id"),
        Index(None, "school_id", "pupil_id"),
    )

    year: Mapped[int]
    series: Mapped[str]
    number: Mapped[int]
    transaction_id: Mapped[Id]
    pupil_id: Mapped[Id]
    amount_vnd: Mapped[Vnd]
    received_on: Mapped[date]
    issued_at: Mapped[datetime]
    verify_code: Mapped[str]
    """Random, for the public check; says nothing about the pupil."""
    revoked_at: Mapped[datetime | None]
    revoked_reason: Mapped[str | None]


class ReceiptKey(SchoolRow):
    """The school's key for its receipts. The private half is sealed; old keys stay, for their receipts do too."""

    __tablename__ = "receipt_key"
    __table_args__ = (
        Index("uq__receipt_key__current", "school_id", unique=True, postgresql_where="retired_at IS NULL"),
    )

    private_sealed: Mapped[bytes]
    public: Mapped[bytes]
    """32 raw bytes, Ed25519."""
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]
