"""Decisions about facts of the three sources, as events: added, never changed; an undo is an event of its own."""

import enum
from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from payments.db import Id, SchoolRow, str_enum


class ReconcileDecisionKind(enum.StrEnum):
    """What a person said about facts."""

    JOIN = "join"
    """They are one."""
    PART = "part"
    """No two of them are one."""
    UNDO = "undo"
    """An earlier decision holds no more."""


class ReconcileDecision(SchoolRow):
    """A person's word about bank lines, callbacks and rows of the books of one account (invariant I12)."""

    __tablename__ = "reconcile_decision"
    __table_args__ = (
        ForeignKeyConstraint(["school_id", "account_id"], ["receiving_account.school_id", "receiving_account.id"]),
        ForeignKeyConstraint(["school_id", "undoes_id"], ["reconcile_decision.school_id", "reconcile_decision.id"]),
        UniqueConstraint("school_id", "undoes_id"),
        CheckConstraint("(kind = 'undo') = (undoes_id IS NOT NULL)", name="undo_names_one"),
        CheckConstraint("kind = 'undo' OR cardinality(facts) > 1", name="at_least_two"),
        Index(None, "school_id", "account_id"),
    )

    account_id: Mapped[Id]
    kind: Mapped[ReconcileDecisionKind] = mapped_column(str_enum(ReconcileDecisionKind))
    undoes_id: Mapped[int | None] = mapped_column(BigInteger)
    facts: Mapped[list[str]] = mapped_column(ARRAY(Text))
    """Names that survive every run and import: ``bank:NATURAL KEY``, ``evidence:ID``, ``ledger:NATURAL KEY``."""
    first_day: Mapped[date]
    last_day: Mapped[date]
    """Days of the facts when it was decided: the runs that it touches."""
    decided_by: Mapped[int] = mapped_column(BigInteger, ForeignKey("app_user.id"))
    decided_at: Mapped[datetime]
    note: Mapped[str | None]
