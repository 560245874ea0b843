"""Who did what, when: rows that are only ever added."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from payments.db import GlobalRow


class AuditEvent(GlobalRow):
    """One deed. ``detail`` holds ids and amounts, never names, secrets or bank texts."""

    __tablename__ = "audit_event"
    __table_args__ = (Index(None, "school_id", "at"), Index(None, "subject_kind", "subject_id"))

    at: Mapped[datetime]
    school_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("school.id"))
    actor_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("app_user.id"))
    """None: the system itself (a worker, the command line)."""
    action: Mapped[str]
    subject_kind: Mapped[str]
    subject_id: Mapped[int | None] = mapped_column(BigInteger)
    detail: Mapped[dict[str, Any]]
