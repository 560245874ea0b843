"""Bundles: a payer's ordered list of invoices under a reference of its own. Never changed once made (invariant I11)."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    SmallInteger,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from payments.db import Base, Id, SchoolRow


class Bundle(SchoolRow):
    """What one transfer shall pay: of one pupil or one family, into one receiving account.

    It has no amount: it pays what is open of its invoices when money comes.
    """

    __tablename__ = "bundle"
    __table_args__ = (
        UniqueConstraint("school_id", "reference"),
        Index("ix__bundle__reference", "reference", postgresql_using="hash"),
        # The same payer, account and list is the same bundle.
        Index(
            "uq__bundle__content",
            "school_id",
            "pupil_id",
            "family_id",
            "receiving_account_id",
            "content_sha256",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
        ForeignKeyConstraint(
            ["school_id", "receiving_account_id"], ["receiving_account.school_id", "receiving_account.id"]
        ),
        ForeignKeyConstraint(["school_id", "pupil_id"], ["pupil.school_id", "pupil.id"]),
        CheckConstraint("(pupil_id IS NULL) <> (family_id IS NULL)", name="one_payer"),
    )

    receiving_account_id: Mapped[Id]
    reference: Mapped[str]
    """As an invoice's; no invoice of the school has the same (a trigger guards it)."""
    pupil_id: Mapped[int | None] = mapped_column(BigInteger)
    family_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("family.id"))
    content_sha256: Mapped[bytes]
    """Of the invoices' ids in order."""
    created_at: Mapped[datetime]


class BundleLine(Base):
    """An invoice of a bundle, at its place in the list."""

    __tablename__ = "bundle_line"
    __table_args__ = (
        PrimaryKeyConstraint("school_id", "bundle_id", "position"),
        UniqueConstraint("school_id", "bundle_id", "invoice_id"),
        ForeignKeyConstraint(["school_id", "bundle_id"], ["bundle.school_id", "bundle.id"]),
        ForeignKeyConstraint(["school_id", "invoice_id"], ["invoice.school_id", "invoice.id"]),
        Index(None, "school_id", "invoice_id"),
    )

    school_id: Mapped[Id]
    bundle_id: Mapped[Id]
    position: Mapped[int] = mapped_column(SmallInteger)
    invoice_id: Mapped[Id]
