"""What people keep at the desk for themselves: views of the queue, and whether single keys act."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from payments.db import Base, SchoolRow


class SavedView(SchoolRow):
    """Filters of a list under a name, with the columns of its exports; its owner's, or shared with the school."""

    __tablename__ = "saved_view"
    __table_args__ = (
        UniqueConstraint("school_id", "owner_id", "name"),
        CheckConstraint("length(name) BETWEEN 1 AND 60", name="name_length"),
        CheckConstraint("length(query) <= 2000", name="query_length"),
        Index("ix__saved_view__shared", "school_id", postgresql_where="shared"),
    )

    owner_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("app_user.id"))
    name: Mapped[str]
    shared: Mapped[bool]
    query: Mapped[str]
    """The filters as they stand in an address, without page and view; read again by the same code as an address."""
    columns: Mapped[list[Any]]
    """``[key, heading]`` of each column of an export, in order (payments/console/queue/columns.py)."""
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class DeskPreference(Base):
    """What a person has chosen for every desk of theirs."""

    __tablename__ = "desk_preference"

    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("app_user.id"), primary_key=True)
    shortcuts: Mapped[bool]
    """Whether single keys act (WCAG 2.1.4: they can be switched off)."""
