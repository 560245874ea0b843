"""What banks said: raw callbacks, evidence, and the bank transactions behind it."""

import enum
from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, Computed, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from payments.db import Base, GlobalRow, Id, SchoolRow, Vnd, str_enum


class DeliveryOutcome(enum.StrEnum):
    """What became of one delivery. The words of bank_adapters.contract where there are any."""

    ACCEPTED = "accepted"
    NOT_A_PAYMENT = "not_a_payment"
    """Authentic and recorded, but a test call, a failed payment, or not about money."""
    DUPLICATE = "duplicate"
    AMOUNT_DIFF = "amount_diff"
    """An id that was seen before with other content: recorded beside the first, never credited."""
    FOREIGN_ACCOUNT = "foreign_account"
    UNKNOWN_CUSTOMER = "unknown_customer"
    UNKNOWN_BILL = "unknown_bill"
    AMOUNT_DIFFERS = "amount_differs"
    """These three: a hosted biller was told no, before its customer's money was taken."""
    BAD_SIGNATURE = "bad_signature"
    STALE = "stale"
    MALFORMED = "malformed"
    UNKNOWN_CONNECTION = "unknown_connection"
    BAD_ADDRESS = "bad_address"
    INTERNAL = "internal"
    """Our fault (no such adapter, no live secret): the sender was asked to try again."""


TAKEN = frozenset({DeliveryOutcome.ACCEPTED, DeliveryOutcome.NOT_A_PAYMENT})
"""The class «accepted» of invariant I5; every outcome but these and ``duplicate`` is «refused»."""


class RawCallback(GlobalRow):
    """One request at the banks' door as it was received, sealed, with what became of it (invariants I4, I5)."""

    __tablename__ = "raw_callback"
    __table_args__ = (Index(None, "connection_id", "received_at"), Index(None, "outcome", "received_at"))

    connection_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("connection.id"))
    """None: no such connection."""
    received_at: Mapped[datetime]
    remote_addr: Mapped[str | None]
    sealed: Mapped[bytes]
    """Method, path after the token, query, headers and body, sealed as one value."""
    body_sha256: Mapped[bytes]
    body_bytes: Mapped[int]
    outcome: Mapped[str]
    """What became of the delivery as a whole: a value of ``DeliveryOutcome``; of several items the gravest."""
    reason: Mapped[str]
    """``ok``, or the finer code behind a refusal (no_credentials, too_large, duplicate_key, …)."""


class ThrottleCount(GlobalRow):
    """Refused deliveries that were counted but not stored, per connection and hour (invariant I5: throttled)."""

    __tablename__ = "throttle_count"
    __table_args__ = (UniqueConstraint("connection_id", "hour", postgresql_nulls_not_distinct=True),)

    connection_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("connection.id"))
    hour: Mapped[datetime]
    deliveries: Mapped[int]


class Direction(enum.StrEnum):
    """Seen from the school's account."""

    CREDIT = "credit"
    DEBIT = "debit"


class EvidenceStatus(enum.StrEnum):
    """As the source states it (bank_adapters.contract)."""

    SETTLED = "settled"
    FAILED = "failed"
    VOID = "void"
    TEST = "test"


class Source(enum.StrEnum):
    """Kind of channel; with the connection it makes the source of a piece of evidence."""

    CALLBACK = "callback"
    POLL = "poll"
    STATEMENT = "statement"


POLLED = "poll:"
"""Before the sender's own key of a transaction that we asked for: callbacks have the same keys without it."""


class Evidence(GlobalRow):
    """What one source said about one movement of money, as received. Only ever added."""

    __tablename__ = "evidence"
    __table_args__ = (
        # A void is evidence of its own beside the credit it takes back; other content under the same key is kept
        # as conflicting evidence, never as a duplicate.
        Index(
            "uq__evidence__key",
            "connection_id",
            "dedup_key",
            "direction",
            "status",
            unique=True,
            postgresql_where="connection_id IS NOT NULL AND NOT conflicting AND school_id IS NOT NULL",
        ),
        # What is quarantined must not block the same message once its account has been registered.
        Index(
            "uq__evidence__foreign",
            "connection_id",
            "dedup_key",
            "direction",
            "status",
            unique=True,
            postgresql_where="connection_id IS NOT NULL AND NOT conflicting AND school_id IS NULL",
        ),
        Index(
            "uq__evidence__conflict",
            "connection_id",
            "dedup_key",
            "direction",
            "status",
            "content_sha256",
            unique=True,
            postgresql_where="connection_id IS NOT NULL AND conflicting",
        ),
        Index(
            "uq__evidence__statement_line",
            "school_id",
            "account_id",
            "dedup_key",
            unique=True,
            postgresql_where="source = 'statement'",
        ),
        CheckConstraint("amount_vnd > 0", name="amount_positive"),
        CheckConstraint("(school_id IS NULL) = (account_id IS NULL)", name="school_with_account"),
        CheckConstraint("(source = 'statement') = (connection_id IS NULL)", name="connection_or_statement"),
        Index(None, "school_id", "account_id", "value_date", "amount_vnd"),
        # Of blocks, not of rows: what arrived in a week is found, and the door pays nothing for it.
        Index(None, "received_at", postgresql_using="brin"),
        Index(
            "ix__evidence__reference_key",
            "school_id",
            "reference_key",
            postgresql_where="reference_key IS NOT NULL AND source <> 'statement'",
        ),
        Index("ix__evidence__conflicting", "school_id", "account_id", postgresql_where="conflicting"),
        Index("ix__evidence__polled", "connection_id", "received_at", postgresql_where="source = 'poll'"),
    )

    source: Mapped[Source] = mapped_column(str_enum(Source))
    connection_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("connection.id"))
    raw_callback_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("raw_callback.id"))
    school_id: Mapped[int | None] = mapped_column(BigInteger)
    account_id: Mapped[int | None] = mapped_column(BigInteger)
    """Both empty: an account outside the connection's closed list, quarantined as foreign_account."""
    account_named: Mapped[str]
    """Last four characters of the account that the source named: enough to see, too little to leak."""
    dedup_key: Mapped[str]
    direction: Mapped[Direction] = mapped_column(str_enum(Direction))
    status: Mapped[EvidenceStatus] = mapped_column(str_enum(EvidenceStatus))
    amount_vnd: Mapped[Vnd]
    occurred_at: Mapped[datetime]
    value_date: Mapped[date]
    provider_txn_id: Mapped[str]
    bank_reference: Mapped[str | None]
    order_reference: Mapped[str | None]
    virtual_account: Mapped[str | None]
    description: Mapped[str]
    references: Mapped[list[str]] = mapped_column(ARRAY(Text))
    """Valid payment references found in the description, in order of position."""
    content_sha256: Mapped[bytes]
    conflicting: Mapped[bool] = mapped_column(default=False)
    sandbox: Mapped[bool] = mapped_column(default=False)
    received_at: Mapped[datetime]
    reference_key: Mapped[int | None] = mapped_column(
        BigInteger, Computed('reference_key("references")', persisted=True)
    )
    """Its one payment reference as a number, by a function of the database; NULL: none, or several."""


class TransactionState(enum.StrEnum):
    """``new`` until settlement decided it once."""

    NEW = "new"
    CREDITED = "credited"
    UNMATCHED = "unmatched"
    REVERSED = "reversed"
    DEBIT = "debit"
    PAYOUT = "payout"
    """The line by which an intermediary pays what it owes: nobody is credited by it."""
    EXCLUDED = "excluded"
    """A person said that it is no fee money."""
    REFUND = "refund"
    """A person proposed to send it back; the table ``refund`` says how far that is."""


class BankTransaction(SchoolRow):
    """The fact behind one or more pieces of evidence: money came in, or went out."""

    __tablename__ = "bank_transaction"
    __table_args__ = (
        ForeignKeyConstraint(["school_id", "account_id"], ["receiving_account.school_id", "receiving_account.id"]),
        ForeignKeyConstraint(["school_id", "reverses_id"], ["bank_transaction.school_id", "bank_transaction.id"]),
        ForeignKeyConstraint(["school_id", "virtual_account_id"], ["virtual_account.school_id", "virtual_account.id"]),
        CheckConstraint("amount_vnd > 0", name="amount_positive"),
        Index(
            "ix__bank_transaction__own_account",
            "school_id",
            "virtual_account_id",
            postgresql_where="virtual_account_id IS NOT NULL",
        ),
        Index(None, "school_id", "account_id", "value_date"),
        Index(None, "school_id", "account_id", "bank_reference"),
        Index(
            "ix__bank_transaction__reverses_id", "school_id", "reverses_id", postgresql_where="reverses_id IS NOT NULL"
        ),
        Index(None, "school_id", "clearing_id", "account_id", "value_date", postgresql_where="clearing_id IS NOT NULL"),
        Index("ix__bank_transaction__neighbours", "school_id", "account_id", "direction", "amount_vnd", "value_date"),
        Index(None, "school_id", "state"),
    )

    account_id: Mapped[Id]
    direction: Mapped[Direction] = mapped_column(str_enum(Direction))
    amount_vnd: Mapped[Vnd]
    value_date: Mapped[date]
    occurred_at: Mapped[datetime]
    bank_reference: Mapped[str | None]
    description: Mapped[str]
    references: Mapped[list[str]] = mapped_column(ARRAY(Text))
    virtual_account_id: Mapped[int | None] = mapped_column(BigInteger)
    """The pupil's own account that it came on, as any of its evidence says."""
    state: Mapped[TransactionState] = mapped_column(str_enum(TransactionState), default=TransactionState.NEW)
    reverses_id: Mapped[int | None] = mapped_column(BigInteger)
    clearing_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("connection.id"))
    """The intermediary that owes this money until its payout; empty: it is on the bank account."""
    created_at: Mapped[datetime]


class TransactionEvidence(SchoolRow):
    """Which evidence stands behind a transaction: each piece behind one, at most one of each source."""

    __tablename__ = "transaction_evidence"
    __table_args__ = (
        UniqueConstraint("evidence_id"),
        UniqueConstraint("school_id", "transaction_id", "source_key"),
        Index(None, "school_id", "bank_number", postgresql_where="bank_number IS NOT NULL"),
        ForeignKeyConstraint(["school_id", "transaction_id"], ["bank_transaction.school_id", "bank_transaction.id"]),
    )

    transaction_id: Mapped[Id]
    evidence_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("evidence.id"))
    source_key: Mapped[str]
    """``callback:<connection>``, ``poll:<connection>`` or ``statement``."""
    rule: Mapped[str]
    """How it was attached: created, bank_reference, reference, unique_candidate, person."""
    bank_number: Mapped[str | None]
    """The bank's reference as this piece gives it, folded; empty when it gives none."""


class PollState(GlobalRow):
    """How far a connection's sender has been asked for what its callbacks missed (payments/inbox/polling.py)."""

    __tablename__ = "poll_state"
    __table_args__ = (
        UniqueConstraint("connection_id"),
        Index(None, "due_at"),
        CheckConstraint("(window_since IS NULL) = (window_until IS NULL)", name="window_whole"),
        CheckConstraint("window_since IS NOT NULL OR cursor IS NULL", name="cursor_in_window"),
    )

    connection_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("connection.id"))
    covered_to: Mapped[datetime | None]
    """Everything until this moment has been asked for and answered."""
    window_since: Mapped[datetime | None]
    window_until: Mapped[datetime | None]
    """What is being asked for now; both are kept while a pass is not complete."""
    cursor: Mapped[str | None]
    """Where the next page of the window begins."""
    unreadable: Mapped[int] = mapped_column(server_default="0")
    """Rows of this pass, or else of the last one, that may be money and could not be read."""
    due_at: Mapped[datetime]
    failures: Mapped[int] = mapped_column(server_default="0")
    """In a row."""
    problem: Mapped[str | None]
    """Error code of the last try; never a text of the sender."""
    attempted_at: Mapped[datetime | None]
    succeeded_at: Mapped[datetime | None]
    """When the last pass was complete."""
    gap_since: Mapped[datetime | None]
    gap_seen_at: Mapped[datetime | None]
    gap_closed_at: Mapped[datetime | None]
    """The last stretch that was asked for much later than usual: where it began, when we returned, when all was in."""
    lease_token: Mapped[int] = mapped_column(BigInteger, server_default="0")
    leased_until: Mapped[datetime | None]


class PollBudget(Base):
    """When a sender may be asked next: all processes that ask it share its limit."""

    __tablename__ = "poll_budget"

    name: Mapped[str] = mapped_column(primary_key=True)
    free_at: Mapped[datetime]


class HeldReason(enum.StrEnum):
    """Why evidence stands behind no transaction."""

    AMBIGUOUS = "ambiguous"
    """It may be the other half of several transactions, or of one that a person gave to another invoice."""
    NO_ORIGINAL = "no_original"
    """It takes back a payment that we have not seen."""
    AMOUNT_DIFF = "amount_diff"
    """Another source tells of the same movement, by the bank's reference, and names another amount."""


class HeldEvidence(SchoolRow):
    """Evidence of a school that brings no money by itself: a person looks, or later evidence decides."""

    __tablename__ = "held_evidence"
    __table_args__ = (UniqueConstraint("evidence_id"),)

    evidence_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("evidence.id"))
    reason: Mapped[HeldReason] = mapped_column(str_enum(HeldReason))
    held_at: Mapped[datetime]
