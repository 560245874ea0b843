"""Parents' links: the row knows only the hash of the token."""

from datetime import datetime

from sqlalchemy import ForeignKeyConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from payments.db import Id, SchoolRow


class ParentLink(SchoolRow):
    """A capability to see one pupil's open invoices (design: `/p/<token>`); revoked by raising the epoch."""

    __tablename__ = "parent_link"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        UniqueConstraint("school_id", "pupil_id"),
        ForeignKeyConstraint(["school_id", "pupil_id"], ["pupil.school_id", "pupil.id"]),
    )

    pupil_id: Mapped[Id]
    epoch: Mapped[int] = mapped_column(default=1)
    key_version: Mapped[int]
    token_hash: Mapped[bytes]
    """SHA-256 of the token; the token itself is derived again from the link key when it is needed."""
    expires_at: Mapped[datetime]
