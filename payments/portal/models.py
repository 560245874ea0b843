"""Parents' links: the row knows only the hash of the token."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    SmallInteger,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from payments.db import Base, GlobalId, Id, SchoolRow


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


class Family(Base):
    """Some children whose parents see them on one page: a global row, for they may go to several schools.

    Its link (`/p/<token>`) is as a pupil's; it is good as long as a member's own link is.
    """

    __tablename__ = "family"
    __table_args__ = (UniqueConstraint("token_hash"),)

    id: Mapped[GlobalId]
    epoch: Mapped[int] = mapped_column(default=1)
    key_version: Mapped[int]
    token_hash: Mapped[bytes]
    created_at: Mapped[datetime]


class FamilyMember(Base):
    """A child of a family: seen as long as the link is good with which it joined (its epoch)."""

    __tablename__ = "family_member"
    __table_args__ = (
        UniqueConstraint("family_id", "school_id", "pupil_id"),
        UniqueConstraint("family_id", "colour"),
        ForeignKeyConstraint(["school_id", "pupil_id"], ["pupil.school_id", "pupil.id"]),
        CheckConstraint("colour BETWEEN 1 AND 12", name="colour_known"),
        Index(None, "school_id", "pupil_id"),
    )

    id: Mapped[GlobalId]
    family_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("family.id"))
    school_id: Mapped[Id]
    pupil_id: Mapped[Id]
    link_epoch: Mapped[int]
    colour: Mapped[int] = mapped_column(SmallInteger)
    """Which of the page's classes of colour; a child keeps it whoever comes or goes."""
    joined_at: Mapped[datetime]
