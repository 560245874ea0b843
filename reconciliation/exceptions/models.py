"""Exceptions, their facts and their events. Events are only ever added; the state of an exception is their fold.

The database folds (trigger ``fold_exception_events``), refuses any other way to change a state (``guard_exception``),
events out of turn and ends that need a second person (``guard_exception_event``).
"""

from datetime import date, datetime
from typing import Any

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
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from payments.db import Base, Id, SchoolRow, Vnd, str_enum
from reconciliation.exceptions.rules import Kind, Owner, Resolution, State


class ReconcileException(SchoolRow):
    """One case that needs a person, from the night that first saw it to its end; nights update it, none doubles it."""

    __tablename__ = "reconcile_exception"
    __table_args__ = (
        ForeignKeyConstraint(
            ["school_id", "account_id"],
            ["receiving_account.school_id", "receiving_account.id"],
            name="fk__reconcile_exception__account",
        ),
        ForeignKeyConstraint(["school_id", "first_run_id"], ["reconcile_run.school_id", "reconcile_run.id"]),
        ForeignKeyConstraint(["school_id", "last_run_id"], ["reconcile_run.school_id", "reconcile_run.id"]),
        ForeignKeyConstraint(["school_id", "item_id"], ["reconcile_item.school_id", "reconcile_item.id"]),
        ForeignKeyConstraint(
            ["school_id", "merged_into_id"],
            ["reconcile_exception.school_id", "reconcile_exception.id"],
            name="fk__reconcile_exception__merged_into",
        ),
        ForeignKeyConstraint(
            ["school_id", "split_from_id"],
            ["reconcile_exception.school_id", "reconcile_exception.id"],
            name="fk__reconcile_exception__split_from",
        ),
        CheckConstraint("(state IN ('proposed', 'resolved')) = (resolution IS NOT NULL)", name="how_it_ends"),
        CheckConstraint("(state = 'proposed') = (proposal_id IS NOT NULL)", name="proposal"),
        CheckConstraint("state <> 'assigned' OR assignee_id IS NOT NULL", name="assignee"),
        Index(None, "school_id", "last_run_id"),
        Index("ix__reconcile_exception__live", "school_id", "due_on", postgresql_where=text("state <> 'resolved'")),
    )

    account_id: Mapped[Id]
    primary_class: Mapped[str]
    flags: Mapped[list[str]] = mapped_column(ARRAY(Text))
    amount_vnd: Mapped[Vnd]
    day: Mapped[date]
    """The day the case belongs to, as the run says."""
    item_id: Mapped[Id]
    """The item of the last run that found it: rule, note and the rows of the three sources stand there."""
    search_key: Mapped[str]
    """References, texts and amount without diacritics, in lower case."""
    owner: Mapped[Owner] = mapped_column(str_enum(Owner))
    due_on: Mapped[date]
    first_seen_at: Mapped[datetime]
    """When the run was made that saw it first."""
    first_run_id: Mapped[Id]
    last_run_id: Mapped[Id]
    """The newest run that said something about it."""
    split_from_id: Mapped[int | None] = mapped_column(BigInteger)
    merged_into_id: Mapped[int | None] = mapped_column(BigInteger)

    state: Mapped[State] = mapped_column(str_enum(State), default=State.OPEN)
    assignee_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("app_user.id"))
    resolution: Mapped[Resolution | None] = mapped_column(str_enum(Resolution))
    """Proposed or taken."""
    proposal_id: Mapped[int | None] = mapped_column(BigInteger)
    """The event that waits for a second person."""
    last_event_id: Mapped[int | None] = mapped_column(BigInteger)
    changed_at: Mapped[datetime | None]


class ExceptionFact(Base):
    """A fact by its natural key, and the one exception that it belongs to."""

    __tablename__ = "exception_fact"
    __table_args__ = (
        PrimaryKeyConstraint("school_id", "key"),
        ForeignKeyConstraint(
            ["school_id", "exception_id"],
            ["reconcile_exception.school_id", "reconcile_exception.id"],
            name="fk__exception_fact__exception",
        ),
        Index(None, "school_id", "exception_id"),
    )

    school_id: Mapped[Id]
    key: Mapped[str]
    """``bank:ACCOUNT:NATURAL KEY``, ``evidence:ID``, ``ledger:NATURAL KEY`` or ``break:STATEMENT:WHERE``."""
    exception_id: Mapped[Id]
    current: Mapped[bool]
    """False: it was once part of the case."""


class ExceptionEvent(SchoolRow):
    """What happened to an exception; ``state``, ``assignee_id`` and ``resolution`` are those after it."""

    __tablename__ = "exception_event"
    __table_args__ = (
        ForeignKeyConstraint(
            ["school_id", "exception_id"],
            ["reconcile_exception.school_id", "reconcile_exception.id"],
            name="fk__exception_event__exception",
        ),
        ForeignKeyConstraint(["school_id", "run_id"], ["reconcile_run.school_id", "reconcile_run.id"]),
        # Who decides on a proposal names the proposal, its author and what it says: none of it can be another's.
        UniqueConstraint("school_id", "exception_id", "id", "actor_id", "resolution", name="uq__exception_event__said"),
        ForeignKeyConstraint(
            ["school_id", "exception_id", "proposal_id", "proposed_by", "resolution"],
            [
                "exception_event.school_id",
                "exception_event.exception_id",
                "exception_event.id",
                "exception_event.actor_id",
                "exception_event.resolution",
            ],
            name="fk__exception_event__proposal",
        ),
        CheckConstraint("kind <> 'approved' OR actor_id <> proposed_by", name="two_people"),
        CheckConstraint(
            "kind NOT IN ('approved', 'rejected') OR (actor_id IS NOT NULL AND proposal_id IS NOT NULL"
            " AND proposed_by IS NOT NULL AND resolution IS NOT NULL)",
            name="decides",
        ),
        CheckConstraint(
            "kind NOT IN ('assigned', 'proposed', 'resolved', 'noted') OR actor_id IS NOT NULL OR run_id IS NOT NULL",
            name="by_somebody",
        ),
        CheckConstraint("kind <> 'proposed' OR actor_id IS NOT NULL", name="proposer"),
        Index(None, "school_id", "exception_id", "id"),
        Index(
            "uq__exception_event__decided_once",
            "school_id",
            "proposal_id",
            unique=True,
            postgresql_where=text("proposal_id IS NOT NULL"),
        ),
    )

    exception_id: Mapped[Id]
    kind: Mapped[Kind] = mapped_column(str_enum(Kind))
    at: Mapped[datetime]
    actor_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("app_user.id"))
    """None: a night."""
    run_id: Mapped[int | None] = mapped_column(BigInteger)
    """The run that said so."""
    state: Mapped[State] = mapped_column(str_enum(State))
    assignee_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("app_user.id"))
    resolution: Mapped[Resolution | None] = mapped_column(str_enum(Resolution))
    proposal_id: Mapped[int | None] = mapped_column(BigInteger)
    """The proposal that this event decides."""
    proposed_by: Mapped[int | None] = mapped_column(BigInteger)
    note: Mapped[str | None]
    detail: Mapped[dict[str, Any]]
    """What changed, as codes, counts and amounts in đồng; never bank texts or names."""


class ExceptionSync(Base):
    """The run of an account and day that the exceptions were last brought in line with."""

    __tablename__ = "exception_sync"
    __table_args__ = (
        PrimaryKeyConstraint("school_id", "account_id", "day"),
        ForeignKeyConstraint(["school_id", "run_id"], ["reconcile_run.school_id", "reconcile_run.id"]),
    )

    school_id: Mapped[Id]
    account_id: Mapped[Id]
    day: Mapped[date]
    run_id: Mapped[Id]
