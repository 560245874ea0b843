"""Receiving accounts of schools, bank connections with their secrets, and channels with what they cost."""

import enum
from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from payments.db import Base, GlobalRow, Id, SchoolRow, str_enum


class Bank(Base):
    """A bank by BIN: the shipped registry, and what an operator imported since."""

    __tablename__ = "bank"

    bin: Mapped[str] = mapped_column(primary_key=True)
    code: Mapped[str]
    short_name: Mapped[str]
    name: Mapped[str]
    aliases: Mapped[list[str]] = mapped_column(ARRAY(Text))
    valid_from: Mapped[date]


class AccountState(enum.StrEnum):
    """``cooling``: approved by the second person, usable from ``usable_at`` on."""

    PROPOSED = "proposed"
    COOLING = "cooling"
    ACTIVE = "active"
    CLOSED = "closed"


class ReceivingAccount(SchoolRow):
    """A bank account that the school owns. Money never passes through us (NĐ 52/2024)."""

    __tablename__ = "receiving_account"
    __table_args__ = (
        UniqueConstraint("bin", "number"),
        CheckConstraint("bin ~ '^[0-9]{6}$'", name="bin_six_digits"),
        CheckConstraint("number ~ '^[0-9A-Za-z]{1,19}$'", name="number_plain"),
        CheckConstraint("approved_by IS NULL OR approved_by <> proposed_by", name="two_people"),
        CheckConstraint(
            "state IN ('proposed', 'closed') OR (approved_by IS NOT NULL AND usable_at IS NOT NULL)", name="approved"
        ),
        CheckConstraint("usable_at >= proposed_at + interval '24 hours'", name="cooled"),
    )

    bin: Mapped[str]
    number: Mapped[str]
    holder_name: Mapped[str]
    fund: Mapped[str]
    """What the account is for, in the school's words: «Dịch vụ & bán trú», «Thu hộ BHYT»."""
    memo_prefix: Mapped[str | None]
    """A word that the sender of notices needs first in the memo (VietinBank through SePay: SEVQR)."""
    state: Mapped[AccountState] = mapped_column(str_enum(AccountState), default=AccountState.PROPOSED)
    proposed_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("app_user.id"))
    proposed_at: Mapped[datetime]
    approved_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("app_user.id"))
    usable_at: Mapped[datetime | None]
    """End of the cooling-off day; before it no round may be issued on the account."""
    closed_at: Mapped[datetime | None]


class ChannelKind(enum.StrEnum):
    """How a payer pays."""

    BANK_TRANSFER = "bank_transfer"
    WALLET = "wallet"
    CARD = "card"
    COUNTER = "counter"


class BorneBy(enum.StrEnum):
    """Who pays the channel's cost."""

    PAYER = "payer"
    SCHOOL = "school"
    BANK = "bank"


class Channel(SchoolRow):
    """A way to pay into an account, its cost and who bears it. One that is free for the payer must be active."""

    __tablename__ = "channel"
    __table_args__ = (
        UniqueConstraint("school_id", "receiving_account_id", "name"),
        ForeignKeyConstraint(
            ["school_id", "receiving_account_id"], ["receiving_account.school_id", "receiving_account.id"]
        ),
        CheckConstraint("cost_vnd >= 0 AND cost_per_10000 >= 0", name="cost_not_negative"),
    )

    receiving_account_id: Mapped[Id]
    name: Mapped[str]
    kind: Mapped[ChannelKind] = mapped_column(str_enum(ChannelKind))
    cost_vnd: Mapped[int] = mapped_column(BigInteger, default=0)
    cost_per_10000: Mapped[int] = mapped_column(default=0)
    """Hundredths of a percent of the amount."""
    borne_by: Mapped[BorneBy] = mapped_column(str_enum(BorneBy), default=BorneBy.PAYER)
    active: Mapped[bool] = mapped_column(default=True)
    connection_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("connection.id"))
    """Who opens orders for it (payOS, VNPAY, MoMo, …); None: the payer transfers without an order."""


class Settles(enum.StrEnum):
    """When the money that a sender reports is on the bank account."""

    DIRECT = "direct"
    """At once: each payment is a line of the bank's statement."""
    BATCH = "batch"
    """Later, in one sum less a fee: until then the sender owes it (docs/adr/0012)."""


class VirtualAccount(SchoolRow):
    """A number of the bank's that leads to the receiving account and belongs to one pupil for ever.

    Rows are never deleted and name the same pupil for life, so a number never becomes another child's: the database
    refuses both.
    """

    __tablename__ = "virtual_account"
    __table_args__ = (
        UniqueConstraint("number"),
        Index(
            "uq__virtual_account__live",
            "school_id",
            "pupil_id",
            "receiving_account_id",
            unique=True,
            postgresql_where="revoked_at IS NULL",
        ),
        Index(None, "school_id", "pupil_id"),
        ForeignKeyConstraint(["school_id", "pupil_id"], ["pupil.school_id", "pupil.id"]),
        ForeignKeyConstraint(
            ["school_id", "receiving_account_id"], ["receiving_account.school_id", "receiving_account.id"]
        ),
        CheckConstraint("number ~ '^[0-9A-Z]{6,19}$'", name="number_plain"),
    )

    pupil_id: Mapped[Id]
    receiving_account_id: Mapped[Id]
    number: Mapped[str]
    assigned_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    """No longer shown to anybody; money that still comes is the pupil's, flagged."""


class Connection(GlobalRow):
    """A sender of callbacks: adapter, closed list of accounts, secrets, opaque URL token, allowed addresses."""

    __tablename__ = "connection"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        CheckConstraint("(settles = 'batch') = (payout_days IS NOT NULL)", name="days_of_a_batch"),
        CheckConstraint("payout_days BETWEEN 1 AND 10", name="payout_days"),
    )

    name: Mapped[str]
    adapter: Mapped[str]
    token_hash: Mapped[bytes]
    """SHA-256 of the URL token."""
    token_sealed: Mapped[bytes]
    allowed_networks: Mapped[list[str]] = mapped_column(ARRAY(Text))
    """CIDR; empty: any address."""
    sandbox: Mapped[bool] = mapped_column(default=False)
    """Test connections: what they report can never touch a live invoice."""
    settles: Mapped[Settles] = mapped_column(str_enum(Settles), default=Settles.DIRECT, server_default="direct")
    payout_days: Mapped[int | None]
    """Business days within which an intermediary has agreed to pay out."""
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]


class ConnectionSecret(GlobalRow):
    """A secret of a connection; at most two are live, so that keys rotate without a refused callback."""

    __tablename__ = "connection_secret"
    __table_args__ = (Index(None, "connection_id"),)

    connection_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("connection.id"))
    sealed: Mapped[bytes]
    """JSON object of the adapter's SECRET_FIELDS, sealed."""
    prepared: Mapped[bool] = mapped_column(default=False)
    """It opens the door already, but the other one's key still signs our answers: the bank must learn first."""
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    """When a sender last proved to hold it, to the minute."""
    revoked_at: Mapped[datetime | None]


class ConnectionAccount(GlobalRow):
    """An account that a connection may report on, under the name the sender uses for it."""

    __tablename__ = "connection_account"
    __table_args__ = (
        UniqueConstraint("connection_id", "kind", "identifier"),
        ForeignKeyConstraint(["school_id", "account_id"], ["receiving_account.school_id", "receiving_account.id"]),
        CheckConstraint("kind IN ('number', 'virtual_prefix', 'merchant')", name="kind"),
    )

    connection_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("connection.id"))
    school_id: Mapped[Id]
    account_id: Mapped[Id]
    kind: Mapped[str]
    identifier: Mapped[str]


class ConnectionReader(GlobalRow):
    """A bank's engineer who may look at a connection on the developers' desk; test connections need no row."""

    __tablename__ = "connection_reader"
    __table_args__ = (UniqueConstraint("user_id", "connection_id"),)

    connection_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("connection.id"))
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("app_user.id"))
    since: Mapped[datetime]
