"""Prints of a whole school: asked for at the desk, made by a worker, kept for a day."""

import enum
from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from payments.db import Id, SchoolRow, str_enum
from payments.paper.rules import Kind


class PrintState(enum.StrEnum):
    """waiting -> printing -> ready or failed."""

    WAITING = "waiting"
    PRINTING = "printing"
    READY = "ready"
    FAILED = "failed"


class PrintJob(SchoolRow):
    """All slips or class sheets of a round; the file is sealed, for it names pupils and what they owe."""

    __tablename__ = "print_job"
    __table_args__ = (
        ForeignKeyConstraint(["school_id", "round_id"], ["collection_round.school_id", "collection_round.id"]),
        CheckConstraint("slips_done BETWEEN 0 AND slips_total", name="done_within"),
        CheckConstraint("state <> 'ready' OR pages > 0", name="ready_has_pages"),
        Index(None, "school_id", "requested_at"),
        Index("ix__print_job__kept", "requested_at"),
    )

    round_id: Mapped[Id]
    kind: Mapped[Kind] = mapped_column(str_enum(Kind))
    requested_by: Mapped[int] = mapped_column(BigInteger, ForeignKey("app_user.id"))
    requested_at: Mapped[datetime]
    state: Mapped[PrintState] = mapped_column(str_enum(PrintState), default=PrintState.WAITING)
    slips_total: Mapped[int]
    slips_done: Mapped[int] = mapped_column(default=0)
    pages: Mapped[int] = mapped_column(default=0)
    file_sealed: Mapped[bytes | None] = mapped_column(deferred=True)
    """Megabytes: read only by whoever hands it over."""
    problem: Mapped[str | None]
    """Error code of what stood in the way."""
    finished_at: Mapped[datetime | None]
