"""Which invoice a transfer pays: one decision per transaction, allocations, credit, and the queue for people."""

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from payments.db import Base, Id, SchoolRow, Vnd, str_enum
from payments.ledger.models import ExcludeReason as ExcludeReason  # noqa: PLC0414 - decisions speak of it, too
from payments.settlement.rules import SettlementOutcome


class Lease(Base):
    """Whoever holds the lock of this row settles the school; created with the school."""

    __tablename__ = "settlement_lease"

    school_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("school.id"), primary_key=True)


class Settlement(SchoolRow):
    """The one decision about a transaction: the unique key is the fence of the credit (invariant I3)."""

    __tablename__ = "settlement"
    __table_args__ = (
        UniqueConstraint("school_id", "transaction_id"),
        ForeignKeyConstraint(["school_id", "transaction_id"], ["bank_transaction.school_id", "bank_transaction.id"]),
        Index(None, "school_id", "outcome"),
    )

    transaction_id: Mapped[Id]
    outcome: Mapped[SettlementOutcome] = mapped_column(str_enum(SettlementOutcome))
    flags: Mapped[list[str]] = mapped_column(ARRAY(Text))
    """Further keys that hold too: late, wrong_fund, …"""
    suggestions: Mapped[list[Any]]
    """For people, when no automatic decision is allowed: candidates with reason chips; never acted on by itself."""
    settled_at: Mapped[datetime]


class Allocation(SchoolRow):
    """Money of a transaction on an invoice line. Only ever added; a reversal is a negative row that names the first."""

    __tablename__ = "allocation"
    __table_args__ = (
        ForeignKeyConstraint(["school_id", "transaction_id"], ["bank_transaction.school_id", "bank_transaction.id"]),
        ForeignKeyConstraint(["school_id", "invoice_id"], ["invoice.school_id", "invoice.id"]),
        ForeignKeyConstraint(["school_id", "line_id"], ["invoice_line.school_id", "invoice_line.id"]),
        ForeignKeyConstraint(["school_id", "reverses_id"], ["allocation.school_id", "allocation.id"]),
        ForeignKeyConstraint(["school_id", "decision_id"], ["decision.school_id", "decision.id"]),
        UniqueConstraint("school_id", "reverses_id"),
        CheckConstraint("amount_vnd <> 0 AND (amount_vnd < 0) = (reverses_id IS NOT NULL)", name="sign"),
        Index(None, "school_id", "transaction_id"),
        Index(None, "school_id", "invoice_id"),
    )

    transaction_id: Mapped[Id]
    invoice_id: Mapped[Id]
    line_id: Mapped[Id]
    amount_vnd: Mapped[Vnd]
    reverses_id: Mapped[int | None] = mapped_column(BigInteger)
    decision_id: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime]


class PupilCredit(SchoolRow):
    """Excess of a transaction: credit of one pupil and one account. Only ever added, reversed like allocations."""

    __tablename__ = "pupil_credit"
    __table_args__ = (
        ForeignKeyConstraint(["school_id", "transaction_id"], ["bank_transaction.school_id", "bank_transaction.id"]),
        ForeignKeyConstraint(["school_id", "pupil_id"], ["pupil.school_id", "pupil.id"]),
        ForeignKeyConstraint(
            ["school_id", "receiving_account_id"], ["receiving_account.school_id", "receiving_account.id"]
        ),
        ForeignKeyConstraint(["school_id", "reverses_id"], ["pupil_credit.school_id", "pupil_credit.id"]),
        ForeignKeyConstraint(["school_id", "decision_id"], ["decision.school_id", "decision.id"]),
        UniqueConstraint("school_id", "reverses_id"),
        CheckConstraint("amount_vnd <> 0 AND (amount_vnd < 0) = (reverses_id IS NOT NULL)", name="sign"),
        Index(None, "school_id", "pupil_id", "receiving_account_id"),
        Index(None, "school_id", "transaction_id"),
    )

    transaction_id: Mapped[Id]
    pupil_id: Mapped[Id]
    receiving_account_id: Mapped[Id]
    amount_vnd: Mapped[Vnd]
    reverses_id: Mapped[int | None] = mapped_column(BigInteger)
    decision_id: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime]


class BundleTransfer(Base):
    """A transfer that named a bundle when it was read: where to look for a bundle's money. What it means is read again.

    Not a money row: it says nothing that the transfer's references do not say.
    """

    __tablename__ = "bundle_transfer"
    __table_args__ = (
        PrimaryKeyConstraint("school_id", "bundle_id", "transaction_id"),
        ForeignKeyConstraint(["school_id", "bundle_id"], ["bundle.school_id", "bundle.id"]),
        ForeignKeyConstraint(["school_id", "transaction_id"], ["bank_transaction.school_id", "bank_transaction.id"]),
        Index(None, "school_id", "transaction_id"),
    )

    school_id: Mapped[Id]
    bundle_id: Mapped[Id]
    transaction_id: Mapped[Id]


class DecisionKind(enum.StrEnum):
    """What a person decided about a transaction."""

    ASSIGN = "assign"
    """It pays these invoices, in order."""
    SPLIT = "split"
    """So much of it pays each of these invoices or is credit of each of these pupils."""
    EXCLUDE = "exclude"
    """It is no fee money."""
    REFUND = "refund"
    """It, or a pupil's excess of it, shall go back to its payer: a second person decides."""
    REFUND_APPROVED = "refund_approved"
    REFUND_REJECTED = "refund_rejected"
    REFUND_CONFIRMED = "refund_confirmed"
    """The bank's debit that sent it back is known."""
    NOTE = "note"
    """Nothing but words."""
    UNDO = "undo"


class Decision(SchoolRow):
    """A manual decision, as an event that later runs replay (invariant I12). Only ever added."""

    __tablename__ = "decision"
    __table_args__ = (
        ForeignKeyConstraint(["school_id", "transaction_id"], ["bank_transaction.school_id", "bank_transaction.id"]),
        ForeignKeyConstraint(["school_id", "undoes_id"], ["decision.school_id", "decision.id"]),
        UniqueConstraint("school_id", "undoes_id"),
        CheckConstraint("cardinality(invoice_ids) = cardinality(amounts_vnd)", name="amount_for_each"),
        CheckConstraint("cardinality(pupil_ids) = cardinality(credits_vnd)", name="credit_for_each"),
        ForeignKeyConstraint(["school_id", "answers_id"], ["decision.school_id", "decision.id"]),
        CheckConstraint("(kind = 'undo') = (undoes_id IS NOT NULL)", name="undoes"),
        CheckConstraint("(kind LIKE 'refund\\__%') = (answers_id IS NOT NULL)", name="answers"),
        CheckConstraint("(kind = 'exclude') = (reason IS NOT NULL)", name="reason"),
        CheckConstraint("kind <> 'note' OR note IS NOT NULL", name="words"),
        Index(None, "school_id", "transaction_id"),
    )

    transaction_id: Mapped[Id]
    kind: Mapped[DecisionKind] = mapped_column(str_enum(DecisionKind))
    undoes_id: Mapped[int | None] = mapped_column(BigInteger)
    answers_id: Mapped[int | None] = mapped_column(BigInteger)
    """The proposed refund that it approves, rejects or confirms."""
    invoice_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    amounts_vnd: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    """So much of the transaction for each of these invoices, in order."""
    pupil_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), server_default="{}")
    credits_vnd: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), server_default="{}")
    """So much of it as credit for each of these pupils."""
    reason: Mapped[ExcludeReason | None] = mapped_column(str_enum(ExcludeReason))
    former_outcome: Mapped[str | None]
    former_flags: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    """What the transfer was taken for before; it is that again when the decision is undone."""
    decided_by: Mapped[int] = mapped_column(BigInteger, ForeignKey("app_user.id"))
    decided_at: Mapped[datetime]
    note: Mapped[str | None]


class RefundState(enum.StrEnum):
    """How far a refund is. hocphi never moves money: between approval and confirmation the school's bank does."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    """Undone by a person."""
    TAKEN_BACK = "taken_back"
    """The bank took the whole transfer back itself."""


LIVE_REFUND = "state IN ('proposed', 'approved', 'confirmed')"


class Refund(SchoolRow):
    """Money that shall go back to its payer: a whole transfer, or a pupil's excess of one.

    Two people by constraint: whoever proposed it cannot be who decided. What was asked for is frozen by trigger.
    """

    __tablename__ = "refund"
    __table_args__ = (
        ForeignKeyConstraint(["school_id", "decision_id"], ["decision.school_id", "decision.id"]),
        ForeignKeyConstraint(["school_id", "transaction_id"], ["bank_transaction.school_id", "bank_transaction.id"]),
        ForeignKeyConstraint(["school_id", "pupil_id"], ["pupil.school_id", "pupil.id"]),
        ForeignKeyConstraint(["school_id", "debit_id"], ["bank_transaction.school_id", "bank_transaction.id"]),
        UniqueConstraint("school_id", "decision_id"),
        CheckConstraint("amount_vnd > 0", name="amount_positive"),
        CheckConstraint("decided_by <> proposed_by", name="two_people"),
        CheckConstraint("state NOT IN ('approved', 'confirmed') OR decided_by IS NOT NULL", name="decided"),
        CheckConstraint("(state = 'confirmed') = (debit_id IS NOT NULL)", name="confirmed_by_the_bank"),
        Index(
            "uq__refund__live",
            "school_id",
            "transaction_id",
            "pupil_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=LIVE_REFUND,
        ),
        Index("uq__refund__debit", "school_id", "debit_id", unique=True, postgresql_where="debit_id IS NOT NULL"),
    )

    decision_id: Mapped[Id]
    """The proposal; screens and commands name a refund by it."""
    transaction_id: Mapped[Id]
    pupil_id: Mapped[int | None] = mapped_column(BigInteger)
    """Whose excess it is; empty: the whole transfer."""
    amount_vnd: Mapped[Vnd]
    state: Mapped[RefundState] = mapped_column(str_enum(RefundState))
    proposed_by: Mapped[int] = mapped_column(BigInteger, ForeignKey("app_user.id"))
    decided_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("app_user.id"))
    debit_id: Mapped[int | None] = mapped_column(BigInteger)
    """The bank's line that sent it back."""
    changed_at: Mapped[datetime]


class PayoutRule(enum.StrEnum):
    """Who says that a line is an intermediary's payout, the strongest first (docs/adr/0012)."""

    PERSON = "person"
    REPORT = "report"
    """The intermediary's own settlement report."""
    NAMED = "named"
    """The line names the payments."""
    DUE = "due"
    """All that was due on the line's day, minus the known fee."""
    RUN = "run"
    """All payments of some days in a row, minus the known fee, and nothing else explains the line."""


class Payout(SchoolRow):
    """A bank line by which an intermediary paid what it owed, less its fee. Ended, never changed or deleted."""

    __tablename__ = "payout"
    __table_args__ = (
        ForeignKeyConstraint(["school_id", "transaction_id"], ["bank_transaction.school_id", "bank_transaction.id"]),
        CheckConstraint("fee_vnd >= 0 AND gross_vnd > fee_vnd", name="fee_of_gross"),
        CheckConstraint("(rule = 'person') = (decided_by IS NOT NULL)", name="decided"),
        Index(
            "uq__payout__live_line",
            "school_id",
            "transaction_id",
            unique=True,
            postgresql_where="dissolved_at IS NULL",
        ),
    )

    transaction_id: Mapped[Id]
    connection_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("connection.id"))
    gross_vnd: Mapped[Vnd]
    fee_vnd: Mapped[Vnd]
    rule: Mapped[PayoutRule] = mapped_column(str_enum(PayoutRule))
    former_outcome: Mapped[str]
    """What the line was taken for before; it is that again when the payout is dissolved."""
    decided_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("app_user.id"))
    note: Mapped[str | None]
    made_at: Mapped[datetime]
    dissolved_at: Mapped[datetime | None]
    dissolved_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("app_user.id"))


class PayoutItem(SchoolRow):
    """What a payout pays: a payment, or (negative) one that the intermediary took back; each in one live payout."""

    __tablename__ = "payout_item"
    __table_args__ = (
        ForeignKeyConstraint(["school_id", "payout_id"], ["payout.school_id", "payout.id"]),
        ForeignKeyConstraint(["school_id", "transaction_id"], ["bank_transaction.school_id", "bank_transaction.id"]),
        CheckConstraint("amount_vnd <> 0", name="amount_not_zero"),
        Index(None, "school_id", "payout_id"),
        Index("uq__payout_item__live", "school_id", "transaction_id", unique=True, postgresql_where="live"),
    )

    payout_id: Mapped[Id]
    transaction_id: Mapped[Id]
    amount_vnd: Mapped[Vnd]
    live: Mapped[bool] = mapped_column(default=True, server_default="true")
