"""Claims of payers: «I have paid, the bank's number is …»."""

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, Computed, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from payments.db import Id, SchoolRow


class PayerClaim(SchoolRow):
    """What the holder of a pupil's link said about a transfer; credits nothing (invariant I2).

    Whether the bank has told of such a transfer is read when it is asked for (payments/payer_claims/queries.py): money
    may come, be matched and be taken back, and nothing here must follow it.
    """

    __tablename__ = "payer_claim"
    __table_args__ = (
        # Per pupil: whether somebody else gave the same number must change no answer.
        UniqueConstraint("school_id", "pupil_id", "bank_number"),
        ForeignKeyConstraint(["school_id", "pupil_id"], ["pupil.school_id", "pupil.id"]),
        ForeignKeyConstraint(["school_id", "invoice_id"], ["invoice.school_id", "invoice.id"]),
        CheckConstraint("bank_reference ~ '^[0-9A-Z]{6,35}$' AND bank_number <> ''", name="reference_shape"),
        CheckConstraint("amount_vnd > 0", name="amount_positive"),
        CheckConstraint(
            "(closed_at IS NULL) = (closed_by IS NULL) AND (closed_at IS NULL) = (closing_note IS NULL)",
            name="closed_by_somebody",
        ),
        Index("ix__payer_claim__number", "school_id", "bank_number"),
        Index("ix__payer_claim__open", "school_id", "claimed_at", postgresql_where="closed_at IS NULL"),
    )

    pupil_id: Mapped[Id]
    invoice_id: Mapped[int | None] = mapped_column(BigInteger)
    """What it was for, as the payer says; empty: not said."""
    bank_reference: Mapped[str]
    """Upper-case letters and digits of what was typed."""
    bank_number: Mapped[str] = mapped_column(Computed("ltrim(bank_reference, '0')", persisted=True))
    """Folded as ``transaction_evidence.bank_number`` is."""
    amount_vnd: Mapped[int | None] = mapped_column(BigInteger)
    paid_on: Mapped[date | None]
    claimed_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("app_user.id"))
    closing_note: Mapped[str | None]
    """What the accountant found; the school's own, never shown to the payer."""
