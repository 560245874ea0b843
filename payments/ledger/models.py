"""Double entry: what the school's books know. Triggers of the database keep every entry at zero (invariant I1)."""

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

from payments.db import Base, Id, SchoolRow, Vnd, str_enum


class LedgerRole(enum.StrEnum):
    """What an account is for in the way of the money."""

    BANK = "bank"
    """Money on a receiving account (debit balance)."""
    RECEIVABLE = "receivable"
    """Mandatory items that were issued and are not yet paid (debit balance), per fee item."""
    INCOME = "income"
    """What issued mandatory items and paid voluntary ones earned or owe to others (credit balance), per fee item."""
    CREDIT = "credit"
    """Pupils' credit, per receiving account (credit balance)."""
    SUSPENSE = "suspense"
    """Money that arrived and is not yet identified, per receiving account (credit balance)."""
    CLEARING = "clearing"
    """What intermediaries have reported and not yet paid out, per receiving account (debit balance)."""
    FEE = "fee"
    """What intermediaries have kept of their payouts, per receiving account (debit balance)."""
    EXCLUDED = "excluded"
    """Money that a person said is no fee money, per receiving account (credit balance)."""
    REFUND = "refund"
    """Money that two people said goes back to its payer and that the bank has not sent yet, per receiving account
    (credit balance)."""


class ExcludeReason(enum.StrEnum):
    """What money is that pays no fee of a pupil (docs/decisions.md); a chart may have an account for each."""

    BANK_INTEREST = "bank_interest"
    INTERNAL_TRANSFER = "internal_transfer"
    OTHER_INCOME = "other_income"
    STATE_BUDGET = "state_budget"
    RETURNED_PAYMENT = "returned_payment"
    MISTAKEN = "mistaken"


class LedgerAccount(SchoolRow):
    """An account of the sub-ledger: a role, and the receiving account or the fee item it stands for."""

    __tablename__ = "ledger_account"
    __table_args__ = (
        UniqueConstraint(
            "school_id", "role", "receiving_account_id", "fee_item_id", postgresql_nulls_not_distinct=True
        ),
        ForeignKeyConstraint(
            ["school_id", "receiving_account_id"], ["receiving_account.school_id", "receiving_account.id"]
        ),
        ForeignKeyConstraint(["school_id", "fee_item_id"], ["fee_item.school_id", "fee_item.id"]),
    )

    role: Mapped[LedgerRole] = mapped_column(str_enum(LedgerRole))
    receiving_account_id: Mapped[int | None] = mapped_column(BigInteger)
    fee_item_id: Mapped[int | None] = mapped_column(BigInteger)


class EntryKind(enum.StrEnum):
    """Why an entry was posted."""

    ISSUE = "issue"
    SETTLEMENT = "settlement"
    ASSIGNMENT = "assignment"
    """A person's decision on money that already arrived."""
    REVERSAL = "reversal"
    CANCELLATION = "cancellation"
    PAYOUT = "payout"
    """An intermediary paid what it owed, less its fee."""
    EXCLUSION = "exclusion"
    """Money that arrived is no fee money."""
    REFUND = "refund"
    """Money goes back to its payer: two people say so, and then the bank's debit."""


class Entry(SchoolRow):
    """One posting. Never updated, never deleted: a correction is a reversal and a new entry (invariant I7)."""

    __tablename__ = "ledger_entry"
    __table_args__ = (
        UniqueConstraint("school_id", "source_key"),
        ForeignKeyConstraint(["school_id", "reverses_id"], ["ledger_entry.school_id", "ledger_entry.id"]),
    )

    kind: Mapped[EntryKind] = mapped_column(str_enum(EntryKind))
    source_key: Mapped[str]
    """What caused it, e.g. ``transaction:17`` or ``round:3:account:1:fee:2``; the same cause posts once."""
    booked_on: Mapped[date]
    posted_at: Mapped[datetime]
    reverses_id: Mapped[int | None] = mapped_column(BigInteger)
    transaction_xid: Mapped[int] = mapped_column(
        BigInteger, server_default=text("(pg_current_xact_id()::text)::bigint")
    )
    """The database transaction that wrote it: lines from any other one are refused by trigger."""


class EntryLine(SchoolRow):
    """One line: positive is debit, negative is credit, in đồng, never zero."""

    __tablename__ = "ledger_line"
    __table_args__ = (
        ForeignKeyConstraint(["school_id", "entry_id"], ["ledger_entry.school_id", "ledger_entry.id"]),
        ForeignKeyConstraint(["school_id", "account_id"], ["ledger_account.school_id", "ledger_account.id"]),
        CheckConstraint("amount_vnd <> 0", name="amount_not_zero"),
        Index(None, "school_id", "entry_id"),
        Index(None, "school_id", "account_id"),
    )

    entry_id: Mapped[Id]
    account_id: Mapped[Id]
    amount_vnd: Mapped[Vnd]


class LedgerBalance(Base):
    """The fold of an account's lines, kept in the same transaction (invariant I7)."""

    __tablename__ = "ledger_balance"
    __table_args__ = (
        PrimaryKeyConstraint("school_id", "account_id"),
        ForeignKeyConstraint(["school_id", "account_id"], ["ledger_account.school_id", "ledger_account.id"]),
    )

    school_id: Mapped[Id]
    account_id: Mapped[Id]
    balance_vnd: Mapped[Vnd]


class BooksClosed(Base):
    """Up to which day a school's books are signed: the head of its chain of closes, kept by triggers alone.

    The guards of the database ask this row whether a day is closed; ``through`` None: all days are open.
    """

    __tablename__ = "books_closed"

    school_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("school.id"), primary_key=True)
    sequence: Mapped[int]
    sha256: Mapped[bytes | None]
    through: Mapped[date | None]


class ChartMapping(SchoolRow):
    """From our accounts to the school's chart of accounts: editable data, first filled from a preset (TT 107/2017)."""

    __tablename__ = "chart_mapping"
    __table_args__ = (
        UniqueConstraint(
            "school_id", "chart", "role", "legal_group", "fee_item_id", postgresql_nulls_not_distinct=True
        ),
        ForeignKeyConstraint(["school_id", "fee_item_id"], ["fee_item.school_id", "fee_item.id"]),
    )

    chart: Mapped[str]
    """``TT107`` or ``TT24``."""
    role: Mapped[LedgerRole] = mapped_column(str_enum(LedgerRole))
    legal_group: Mapped[str | None]
    """Of income and receivables; of excluded money the reason why it is none."""
    fee_item_id: Mapped[int | None] = mapped_column(BigInteger)
    account_code: Mapped[str]
    """The school's account, e.g. ``1121.02``, ``531``, ``3381``."""
    confirmed: Mapped[bool] = mapped_column(default=False)
    """False: a preset that the accountant has not confirmed yet."""
