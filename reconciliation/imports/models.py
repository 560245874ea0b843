"""Files that wait or were taken in, and the layouts that a school has confirmed."""

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from payments.db import SchoolRow, str_enum
from reconciliation.doubts import Answer, SameLines


class ImportKind(enum.StrEnum):
    """What a file is: a bank's statement, or the school's own books."""

    STATEMENT = "statement"
    LEDGER = "ledger"


class JobState(enum.StrEnum):
    """``reading`` and ``writing``: a worker's turn; ``mapping`` and ``ready``: a person's; the others are ends."""

    READING = "reading"
    MAPPING = "mapping"
    READY = "ready"
    WRITING = "writing"
    DONE = "done"
    REFUSED = "refused"
    DROPPED = "dropped"


class ImportJob(SchoolRow):
    """One uploaded file: its content is kept sealed until it is forgotten, what became of it stays."""

    __tablename__ = "import_job"
    __table_args__ = (
        ForeignKeyConstraint(["school_id", "account_id"], ["receiving_account.school_id", "receiving_account.id"]),
        CheckConstraint("(kind = 'statement') = (account_id IS NOT NULL)", name="account_of_statement"),
        Index("ix__import_job__kept", "created_at", postgresql_where="content_sealed IS NOT NULL"),
    )

    kind: Mapped[ImportKind] = mapped_column(str_enum(ImportKind))
    account_id: Mapped[int | None] = mapped_column(BigInteger)
    """The receiving account of a statement; books find theirs by the codes in them."""
    file_name: Mapped[str]
    file_sha256: Mapped[bytes]
    file_bytes: Mapped[int]
    content_sealed: Mapped[bytes | None]
    returned_sealed: Mapped[bytes | None]
    """The same workbook with reasons beside its bad rows."""
    state: Mapped[JobState] = mapped_column(str_enum(JobState), default=JobState.READING)
    phase: Mapped[str]
    """read, check, preview, write: where the worker is."""
    done_rows: Mapped[int] = mapped_column(default=0)
    total_rows: Mapped[int] = mapped_column(default=0)
    phase_at: Mapped[datetime]
    report: Mapped[dict[str, Any]]
    """What the file would do, later what it did; the first rows go when the file is forgotten."""
    problems: Mapped[list[Any]]
    bad_rows: Mapped[int] = mapped_column(default=0)
    plan_sha256: Mapped[bytes | None]
    """Of what was shown: only that is written."""
    same_lines: Mapped[SameLines | None] = mapped_column(str_enum(SameLines))
    """What the person who had it written said of the lines in doubt."""
    other_lines: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    """Places of those lines of which the other is true."""
    created_by: Mapped[int] = mapped_column(BigInteger, ForeignKey("app_user.id"))
    created_at: Mapped[datetime]
    confirmed_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("app_user.id"))
    finished_at: Mapped[datetime | None]

    @property
    def answer(self) -> Answer | None:
        """What was said of the lines in doubt."""
        return None if self.same_lines is None else Answer(self.same_lines, frozenset(self.other_lines))


class ImportLayout(SchoolRow):
    """How one export names its columns, confirmed by a person of the school; a newer version retires the older."""

    __tablename__ = "import_layout"
    __table_args__ = (
        UniqueConstraint("school_id", "kind", "name", "version"),
        Index(
            "uq__import_layout__in_use", "school_id", "kind", "name", unique=True, postgresql_where="retired_at IS NULL"
        ),
    )

    kind: Mapped[ImportKind] = mapped_column(str_enum(ImportKind))
    name: Mapped[str]
    version: Mapped[int]
    definition: Mapped[dict[str, Any]]
    """The form of the files in ``bank_adapters/statements/layouts`` and ``reconciliation/school_ledgers/mappings``."""
    confirmed_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("app_user.id"))
    """None: added by the operator's command."""
    confirmed_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]
