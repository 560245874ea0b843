"""Orders that we opened at payment services, each for what was open of one invoice."""

import enum
from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from payments.db import Id, SchoolRow, Vnd, str_enum


class OrderState(enum.StrEnum):
    """opening -> open -> paid | expired | cancelled; ``failed`` was not opened. Money may come after each of them."""

    OPENING = "opening"
    """Its service is being called."""
    OPEN = "open"
    PAID = "paid"
    """Evidence of a payment has arrived; what the payer's browser says never counts."""
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    FAILED = "failed"


LIVE = (OrderState.OPENING, OrderState.OPEN)


class PaymentOrder(SchoolRow):
    """An order is never changed into another: what it is for stays, so that money that comes late still lands."""

    __tablename__ = "payment_order"
    __table_args__ = (
        # Callbacks name the order within their connection: the order of another one never matches.
        UniqueConstraint("connection_id", "order_ref"),
        # Two taps at the same moment open one order; a payer who changes the way to pay leaves no second one open.
        Index(
            "uq__payment_order__live",
            "school_id",
            "invoice_id",
            unique=True,
            postgresql_where="state IN ('opening', 'open')",
        ),
        Index("ix__payment_order__expiring", "expires_at", postgresql_where="state IN ('opening', 'open')"),
        Index(None, "school_id", "invoice_id", "created_at"),
        ForeignKeyConstraint(["school_id", "invoice_id"], ["invoice.school_id", "invoice.id"]),
        ForeignKeyConstraint(["school_id", "account_id"], ["receiving_account.school_id", "receiving_account.id"]),
        ForeignKeyConstraint(["school_id", "channel_id"], ["channel.school_id", "channel.id"]),
        CheckConstraint("amount_vnd > 0 AND fee_vnd >= 0", name="amounts"),
        CheckConstraint("(state IN ('opening', 'open')) = (closed_at IS NULL)", name="closed"),
    )

    invoice_id: Mapped[Id]
    account_id: Mapped[Id]
    channel_id: Mapped[Id]
    connection_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("connection.id"))
    order_ref: Mapped[str]
    amount_vnd: Mapped[Vnd]
    fee_vnd: Mapped[Vnd]
    """What the payer was told that the channel costs, in đồng; not part of the amount."""
    memo: Mapped[str]
    state: Mapped[OrderState] = mapped_column(str_enum(OrderState))
    checkout_sealed: Mapped[bytes | None]
    """Where it is paid (address, form, QR), sealed: whoever has it can pay, and signatures are in it."""
    provider_order_id: Mapped[str | None]
    problem: Mapped[str | None]
    """Code of what went wrong last; never a text of the service."""
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
