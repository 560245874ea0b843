"""Collection rounds and invoices: frozen when issued (invariant I11); what was paid lives in a table of its own."""

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
)
from sqlalchemy.orm import Mapped, mapped_column

from payments.db import Base, Id, SchoolRow, Vnd, str_enum


class RoundState(enum.StrEnum):
    """draft -> approved -> issuing -> issued -> closed; a draft follows the catalogue, an issued round is frozen."""

    DRAFT = "draft"
    APPROVED = "approved"
    ISSUING = "issuing"
    ISSUED = "issued"
    CLOSED = "closed"


class CollectionRound(SchoolRow):
    """Đợt thu: some fee items, for the pupils of a year, due on a day."""

    __tablename__ = "collection_round"
    __table_args__ = (
        UniqueConstraint("school_id", "code"),
        ForeignKeyConstraint(["school_id", "year_id"], ["school_year.school_id", "school_year.id"]),
        CheckConstraint("approved_by IS NULL OR approved_by <> created_by", name="two_people"),
        CheckConstraint("state = 'draft' OR approved_by IS NOT NULL", name="approved"),
        CheckConstraint("due_on >= starts_on", name="dates"),
    )

    code: Mapped[str]
    name: Mapped[str]
    year_id: Mapped[Id]
    starts_on: Mapped[date]
    """Rates, registrations and exemptions are read as of this day."""
    due_on: Mapped[date]
    grouping: Mapped[str]
    """Copied from the school when the round is drafted: per_fee_item or per_account."""
    state: Mapped[RoundState] = mapped_column(str_enum(RoundState), default=RoundState.DRAFT)
    created_by: Mapped[int] = mapped_column(BigInteger, ForeignKey("app_user.id"))
    created_at: Mapped[datetime]
    approved_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("app_user.id"))
    approved_at: Mapped[datetime | None]
    issued_at: Mapped[datetime | None]
    planned_invoices: Mapped[int] = mapped_column(default=0)
    issued_invoices: Mapped[int] = mapped_column(default=0)
    """Progress of issuing, shown while it runs."""
    plan_sha256: Mapped[str | None]
    """Fingerprint of the invoices that were approved: only these are issued."""


class RoundFee(SchoolRow):
    """A fee item of a round, with the quantity every pupil gets unless told otherwise."""

    __tablename__ = "round_fee"
    __table_args__ = (
        UniqueConstraint("school_id", "round_id", "fee_item_id"),
        ForeignKeyConstraint(["school_id", "round_id"], ["collection_round.school_id", "collection_round.id"]),
        ForeignKeyConstraint(["school_id", "fee_item_id"], ["fee_item.school_id", "fee_item.id"]),
        CheckConstraint("quantity >= 0", name="quantity_not_negative"),
    )

    round_id: Mapped[Id]
    fee_item_id: Mapped[Id]
    quantity: Mapped[int | None]
    """None: the registration's quantity."""


class RoundQuantity(SchoolRow):
    """Another quantity for one pupil: 20 days of meals instead of 22."""

    __tablename__ = "round_quantity"
    __table_args__ = (
        UniqueConstraint("school_id", "round_id", "pupil_id", "fee_item_id"),
        ForeignKeyConstraint(["school_id", "round_id"], ["collection_round.school_id", "collection_round.id"]),
        ForeignKeyConstraint(["school_id", "pupil_id"], ["pupil.school_id", "pupil.id"]),
        ForeignKeyConstraint(["school_id", "fee_item_id"], ["fee_item.school_id", "fee_item.id"]),
        CheckConstraint("quantity >= 0", name="quantity_not_negative"),
    )

    round_id: Mapped[Id]
    pupil_id: Mapped[Id]
    fee_item_id: Mapped[Id]
    quantity: Mapped[int] = mapped_column(BigInteger)


class Invoice(SchoolRow):
    """Thông báo thu tiền: one pupil, one round, one receiving account, one reference. Never updated once issued."""

    __tablename__ = "invoice"
    __table_args__ = (
        UniqueConstraint("school_id", "reference"),
        ForeignKeyConstraint(["school_id", "round_id"], ["collection_round.school_id", "collection_round.id"]),
        ForeignKeyConstraint(["school_id", "pupil_id"], ["pupil.school_id", "pupil.id"]),
        ForeignKeyConstraint(
            ["school_id", "receiving_account_id"], ["receiving_account.school_id", "receiving_account.id"]
        ),
        ForeignKeyConstraint(["school_id", "replaces_id"], ["invoice.school_id", "invoice.id"]),
        CheckConstraint("amount_vnd > 0", name="amount_positive"),
        CheckConstraint("mandatory_vnd BETWEEN 0 AND amount_vnd", name="mandatory_within"),
        Index(None, "school_id", "pupil_id"),
        Index(None, "school_id", "round_id"),
        # A parent without a link knows the reference and not which school: payments/portal/lookup.py.
        Index("ix__invoice__reference", "reference", postgresql_using="hash"),
    )

    round_id: Mapped[Id]
    pupil_id: Mapped[Id]
    receiving_account_id: Mapped[Id]
    group_key: Mapped[str]
    """Fee code when one invoice per fee item, else empty: part of the key of ``invoice_current``."""
    reference: Mapped[str]
    amount_vnd: Mapped[Vnd]
    mandatory_vnd: Mapped[Vnd]
    """The part that is a debt (mandatory lines); the rest is voluntary."""
    due_on: Mapped[date]
    issued_at: Mapped[datetime]
    replaces_id: Mapped[int | None] = mapped_column(BigInteger)


class InvoiceLine(SchoolRow):
    """One fee item on an invoice, with arithmetic a parent can follow: ``amount = quantity x price - relief``."""

    __tablename__ = "invoice_line"
    __table_args__ = (
        UniqueConstraint("school_id", "invoice_id", "line_no"),
        ForeignKeyConstraint(["school_id", "invoice_id"], ["invoice.school_id", "invoice.id"]),
        ForeignKeyConstraint(["school_id", "fee_item_id"], ["fee_item.school_id", "fee_item.id"]),
        CheckConstraint("amount_vnd = quantity * unit_price_vnd - relief_vnd", name="arithmetic"),
        CheckConstraint("amount_vnd >= 0 AND relief_vnd >= 0", name="not_negative"),
    )

    invoice_id: Mapped[Id]
    line_no: Mapped[int]
    fee_item_id: Mapped[Id]
    description: Mapped[str]
    legal_group: Mapped[str]
    mandatory: Mapped[bool]
    quantity: Mapped[int] = mapped_column(BigInteger)
    unit_price_vnd: Mapped[Vnd]
    relief_vnd: Mapped[Vnd]
    amount_vnd: Mapped[Vnd]
    legal_basis: Mapped[str]


class InvoiceState(enum.StrEnum):
    """``replaced`` and ``cancelled`` invoices still take money: it lands on the successor, else becomes credit."""

    OPEN = "open"
    PARTIAL = "partial"
    PAID = "paid"
    REPLACED = "replaced"
    CANCELLED = "cancelled"


class InvoiceBalance(Base):
    """State and paid amount of an invoice: the only thing about it that changes."""

    __tablename__ = "invoice_balance"
    __table_args__ = (
        PrimaryKeyConstraint("school_id", "invoice_id"),
        ForeignKeyConstraint(["school_id", "invoice_id"], ["invoice.school_id", "invoice.id"]),
        CheckConstraint("paid_vnd BETWEEN 0 AND amount_vnd", name="paid_within"),
        CheckConstraint(
            "state IN ('replaced', 'cancelled')"
            " OR state = CASE WHEN paid_vnd = 0 THEN 'open' WHEN paid_vnd < amount_vnd THEN 'partial' ELSE 'paid' END",
            name="state_follows_amounts",
        ),
    )

    school_id: Mapped[Id]
    invoice_id: Mapped[Id]
    amount_vnd: Mapped[Vnd]
    paid_vnd: Mapped[Vnd]
    state: Mapped[InvoiceState] = mapped_column(str_enum(InvoiceState))
    changed_at: Mapped[datetime]


class InvoiceCurrent(Base):
    """Which invoice stands for (round, pupil, account, group) now: the unique key that makes issuing idempotent."""

    __tablename__ = "invoice_current"
    __table_args__ = (
        PrimaryKeyConstraint("school_id", "round_id", "pupil_id", "receiving_account_id", "group_key"),
        ForeignKeyConstraint(["school_id", "invoice_id"], ["invoice.school_id", "invoice.id"]),
    )

    school_id: Mapped[Id]
    round_id: Mapped[Id]
    pupil_id: Mapped[Id]
    receiving_account_id: Mapped[Id]
    group_key: Mapped[str]
    invoice_id: Mapped[Id]


class VoluntaryChoice(SchoolRow):
    """A family's word about a voluntary line: it takes part, does not, or has not decided. The invoice stays."""

    __tablename__ = "voluntary_choice"
    __table_args__ = (
        UniqueConstraint("school_id", "line_id"),
        ForeignKeyConstraint(["school_id", "line_id"], ["invoice_line.school_id", "invoice_line.id"]),
        CheckConstraint("NOT (chosen AND declined)", name="one_word"),
    )

    line_id: Mapped[Id]
    declined: Mapped[bool]
    chosen: Mapped[bool] = mapped_column(server_default="false")
    """It is asked for with what is owed, and money fills it; a line without it takes none (docs/adr/0031)."""
    kept: Mapped[bool] = mapped_column(server_default="false")
    """Money stood on the line without a choice (paid before choices were kept): it stays, nobody is asked for more."""
    changed_at: Mapped[datetime]


class PayerCode(SchoolRow):
    """The code under which a bank's customer asks for the bills of a pupil: opaque, one in the province."""

    __tablename__ = "payer_code"
    __table_args__ = (
        UniqueConstraint("code"),
        UniqueConstraint("school_id", "pupil_id"),
        ForeignKeyConstraint(["school_id", "pupil_id"], ["pupil.school_id", "pupil.id"]),
    )

    pupil_id: Mapped[Id]
    code: Mapped[str]
