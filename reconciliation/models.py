"""Statements, school ledgers, runs and what they found: imported facts and results are only ever added."""

import enum
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from payments.db import Base, GlobalRow, Id, SchoolRow, Vnd, str_enum

REFERENCE_KEY = 'reference_key("references")'
"""The one payment reference of a row as a number, by a function of the database; NULL: none, or several."""


class Holiday(GlobalRow):
    """A day on which banks do not settle: data, not code (Tết moves)."""

    __tablename__ = "holiday"
    __table_args__ = (UniqueConstraint("day"),)

    day: Mapped[date]
    name: Mapped[str]


class BankStatement(SchoolRow):
    """One imported statement of one receiving account and period, with its balances and whether they prove."""

    __tablename__ = "bank_statement"
    __table_args__ = (
        UniqueConstraint("school_id", "account_id", "content_sha256"),
        ForeignKeyConstraint(["school_id", "account_id"], ["receiving_account.school_id", "receiving_account.id"]),
        CheckConstraint("period_to >= period_from", name="period"),
        Index(None, "school_id", "account_id", "period_from"),
    )

    account_id: Mapped[Id]
    file_name: Mapped[str]
    file_sha256: Mapped[bytes]
    content_sha256: Mapped[bytes]
    """Of period, balances and lines in canonical order: equal when re-saved or reordered."""
    format: Mapped[str]
    period_from: Mapped[date]
    period_to: Mapped[date]
    opening_vnd: Mapped[int | None] = mapped_column(BigInteger)
    closing_vnd: Mapped[int | None] = mapped_column(BigInteger)
    sequence: Mapped[int | None]
    proved: Mapped[bool]
    break_at: Mapped[str | None]
    """Where the balance proof broke, in words, when it did: such a statement brings no evidence of money."""
    break_vnd: Mapped[int | None] = mapped_column(BigInteger)
    """By how much: expected minus found."""
    imported_at: Mapped[datetime]


class BankLine(SchoolRow):
    """One line of a statement: unique by its natural key with occurrence number, so that re-import adds nothing."""

    __tablename__ = "bank_line"
    __table_args__ = (
        UniqueConstraint("school_id", "account_id", "natural_key"),
        ForeignKeyConstraint(["school_id", "account_id"], ["receiving_account.school_id", "receiving_account.id"]),
        ForeignKeyConstraint(["school_id", "statement_id"], ["bank_statement.school_id", "bank_statement.id"]),
        Index(None, "school_id", "account_id", "booked_on"),
        Index(None, "school_id", "statement_id"),
        Index(
            "ix__bank_line__reference_key",
            "school_id",
            "reference_key",
            postgresql_where="reference_key IS NOT NULL",
        ),
        CheckConstraint("amount_vnd > 0", name="amount_positive"),
    )

    account_id: Mapped[Id]
    statement_id: Mapped[Id]
    evidence_id: Mapped[int | None] = mapped_column(BigInteger)
    natural_key: Mapped[str]
    line_no: Mapped[int]
    value_date: Mapped[date]
    booked_on: Mapped[date]
    direction: Mapped[str]
    amount_vnd: Mapped[Vnd]
    bank_reference: Mapped[str | None]
    description: Mapped[str]
    references: Mapped[list[str]] = mapped_column(ARRAY(Text))
    balance_after_vnd: Mapped[int | None] = mapped_column(BigInteger)
    reference_key: Mapped[int | None] = mapped_column(BigInteger, Computed(REFERENCE_KEY, persisted=True))


class BankLineAlias(SchoolRow):
    """Another key under which a line is known: a file worded it otherwise, and balances or a person said it is one."""

    __tablename__ = "bank_line_alias"
    __table_args__ = (
        UniqueConstraint("school_id", "account_id", "natural_key"),
        ForeignKeyConstraint(
            ["school_id", "account_id", "line_key"],
            ["bank_line.school_id", "bank_line.account_id", "bank_line.natural_key"],
        ),
    )

    account_id: Mapped[Id]
    natural_key: Mapped[str]
    """As the file worded it, with occurrence number."""
    line_key: Mapped[str]
    told_at: Mapped[datetime]


class BookAccount(SchoolRow):
    """Which receiving account an account code of the school's own books stands for: a person says so."""

    __tablename__ = "book_account"
    __table_args__ = (
        UniqueConstraint("school_id", "code"),
        ForeignKeyConstraint(["school_id", "account_id"], ["receiving_account.school_id", "receiving_account.id"]),
    )

    code: Mapped[str]
    """For example ``1121.02``."""
    account_id: Mapped[Id]


class LedgerImport(SchoolRow):
    """One imported export of the school's books: it vouches for its period on the accounts that it knows."""

    __tablename__ = "ledger_import"
    __table_args__ = (UniqueConstraint("school_id", "content_sha256"),)

    file_name: Mapped[str]
    file_sha256: Mapped[bytes]
    content_sha256: Mapped[bytes]
    format: Mapped[str]
    period_from: Mapped[date]
    period_to: Mapped[date]
    opening_vnd: Mapped[int | None] = mapped_column(BigInteger)
    closing_vnd: Mapped[int | None] = mapped_column(BigInteger)
    account_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    vouches: Mapped[bool] = mapped_column(server_default="true")
    """Whether what it lacks is missing in the books: False while bad rows of it wait, and for a part of a push."""
    waiting_rows: Mapped[int] = mapped_column(server_default="0")
    """Bad rows of the file that were not taken: until they are in, no file that lacks its rows vouches, either."""
    imported_at: Mapped[datetime]


class LedgerRow(SchoolRow):
    """One row of the school's books, by natural key with occurrence number."""

    __tablename__ = "ledger_row"
    __table_args__ = (
        UniqueConstraint("school_id", "natural_key"),
        ForeignKeyConstraint(["school_id", "import_id"], ["ledger_import.school_id", "ledger_import.id"]),
        ForeignKeyConstraint(["school_id", "account_id"], ["receiving_account.school_id", "receiving_account.id"]),
        Index(None, "school_id", "account_id", "booked_on"),
        Index(
            "ix__ledger_row__reference_key",
            "school_id",
            "reference_key",
            postgresql_where="reference_key IS NOT NULL",
        ),
        Index("ix__ledger_row__booked_on", "school_id", "booked_on"),
        Index("ix__ledger_row__document", "school_id", "bank_reference", postgresql_where="bank_reference IS NOT NULL"),
        CheckConstraint("amount_vnd > 0", name="amount_positive"),
    )

    import_id: Mapped[Id]
    account_id: Mapped[int | None] = mapped_column(BigInteger)
    """The receiving account that its account code stands for; None: cash, or not one of ours."""
    natural_key: Mapped[str]
    line_no: Mapped[int]
    booked_on: Mapped[date]
    document_no: Mapped[str]
    description: Mapped[str]
    account_code: Mapped[str]
    contra_code: Mapped[str]
    direction: Mapped[str]
    """``credit``: money came in (the books debit 112), seen from the school's bank account like all else here."""
    amount_vnd: Mapped[Vnd]
    references: Mapped[list[str]] = mapped_column(ARRAY(Text))
    bank_reference: Mapped[str | None]
    is_cash: Mapped[bool]
    reference_key: Mapped[int | None] = mapped_column(BigInteger, Computed(REFERENCE_KEY, persisted=True))


class RunState(enum.StrEnum):
    """WAITING_STATEMENT: no statement covers the day, so absence is no exception. FAILED: covered, does not prove."""

    WAITING_STATEMENT = "waiting_statement"
    PROVED = "proved"
    FAILED = "failed"


class ReconcileRun(SchoolRow):
    """A night of one account and day, keyed by the hash of its inputs; a newer run supersedes, nothing is rewritten."""

    __tablename__ = "reconcile_run"
    __table_args__ = (
        UniqueConstraint("school_id", "account_id", "day", "inputs_hash"),
        ForeignKeyConstraint(["school_id", "account_id"], ["receiving_account.school_id", "receiving_account.id"]),
        Index(None, "school_id", "account_id", "day"),
    )

    account_id: Mapped[Id]
    from_day: Mapped[date]
    """First day that the run owns: the one after the last day that was covered before."""
    day: Mapped[date]
    inputs_hash: Mapped[bytes]
    rules_version: Mapped[int]
    state: Mapped[RunState] = mapped_column(str_enum(RunState))
    matched: Mapped[int]
    matched_vnd: Mapped[Vnd]
    proof: Mapped[dict[str, Any]]
    not_due: Mapped[int]
    """Cases that are neither: the silent source does not cover their day yet."""
    exceptions: Mapped[dict[str, Any]]
    """Class -> count."""
    inputs: Mapped[dict[str, Any]]
    """Watermarks of what had arrived: what came later may make a newer run necessary."""
    created_at: Mapped[datetime]


class StandingRun(Base):
    """The run that holds for an account and day: the only thing about a night that changes."""

    __tablename__ = "standing_run"
    __table_args__ = (
        PrimaryKeyConstraint("school_id", "account_id", "day"),
        ForeignKeyConstraint(["school_id", "run_id"], ["reconcile_run.school_id", "reconcile_run.id"]),
    )

    school_id: Mapped[Id]
    account_id: Mapped[Id]
    day: Mapped[date]
    run_id: Mapped[Id]


class ReconcileItem(SchoolRow):
    """One match or exception of a run, with its rule and its evidence."""

    __tablename__ = "reconcile_item"
    __table_args__ = (
        ForeignKeyConstraint(["school_id", "run_id"], ["reconcile_run.school_id", "reconcile_run.id"]),
        Index(None, "school_id", "run_id", "primary_class"),
    )

    run_id: Mapped[Id]
    position: Mapped[int]
    """Order within the run: the same inputs give the same order."""
    primary_class: Mapped[str]
    """``matched`` or a key of the one vocabulary; the first that applies from balance_break down."""
    flags: Mapped[list[str]] = mapped_column(ARRAY(Text))
    rule: Mapped[str | None]
    """T0–T3 for matches; several where three sources met."""
    amount_vnd: Mapped[Vnd]
    value_date: Mapped[date]
    """The day the case belongs to: booked by the bank, else due there, else booked by the school."""
    references: Mapped[list[str]] = mapped_column(ARRAY(Text))
    bank_line_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    transaction_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    evidence_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    """What callbacks and polls said: it never changes, while pairings may move."""
    ledger_row_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    note: Mapped[str | None]
    grounds: Mapped[list[Any]] = mapped_column(server_default=text("'[]'::jsonb"))
    """Why the facts stand together, one object for each join (reconciliation/grounds.py); empty: kept before that."""


class ReconcileBlock(SchoolRow):
    """Payments of a run on which all sources plainly agree, up to ten thousand of them as one row of arrays.

    The n-th entries of all arrays are one payment, in the order of the run; items and blocks together are its findings.
    Read them through ``reconciliation.queries.items``.
    """

    __tablename__ = "reconcile_block"
    __table_args__ = (
        ForeignKeyConstraint(["school_id", "run_id"], ["reconcile_run.school_id", "reconcile_run.id"]),
        UniqueConstraint("school_id", "run_id", "number"),
    )

    run_id: Mapped[Id]
    number: Mapped[int]
    size: Mapped[int]
    days: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))
    """Days after the run's first day on which the bank booked it."""
    rules: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))
    """Places in ``reconciliation.bulk.rules.RULES``."""
    keys: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    """The payment reference as a number (``reconciliation.bulk.rules.reference_of``)."""
    amounts: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    bank_line_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    transaction_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    evidence_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    ledger_row_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    """0: the school's books do not cover the day."""


class NightState(enum.StrEnum):
    """Of one group of schools in one night."""

    OPEN = "open"
    DONE = "done"
    DEAD = "dead"


class NightRun(GlobalRow):
    """The truth about a night: one row per group of 50–100 schools; Celery only wakes workers."""

    __tablename__ = "night_run"
    __table_args__ = (UniqueConstraint("day", "group_no"),)

    day: Mapped[date]
    group_no: Mapped[int]
    school_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    state: Mapped[NightState] = mapped_column(str_enum(NightState), default=NightState.OPEN)
    attempts: Mapped[int] = mapped_column(default=0)
    leased_until: Mapped[datetime | None]
    lease_token: Mapped[int] = mapped_column(BigInteger, default=0)
    problem: Mapped[str | None]
    finished_at: Mapped[datetime | None]


class NightSummary(GlobalRow):
    """Written once when no group of a day is open any more."""

    __tablename__ = "night_summary"
    __table_args__ = (UniqueConstraint("day"),)

    day: Mapped[date]
    counts: Mapped[dict[str, Any]]
    finished_at: Mapped[datetime]
