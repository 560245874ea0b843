"""What a school has decided to show: how it is reached, which rounds, and the figures as they stand in public."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, PrimaryKeyConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from payments.db import Base, Id


class PublicContact(Base):
    """Where a parent asks the school back, by a way that no message can forge."""

    __tablename__ = "public_contact"
    __table_args__ = (
        CheckConstraint("length(phone) <= 30 AND length(email) <= 120 AND length(hours) <= 160", name="short"),
    )

    school_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("school.id"), primary_key=True)
    phone: Mapped[str]
    email: Mapped[str]
    hours: Mapped[str]
    """Place and hours of the school's office, in its own words. Empty, like the others: not told."""
    changed_by: Mapped[int] = mapped_column(BigInteger, ForeignKey("app_user.id"))
    changed_at: Mapped[datetime]


class PublicRound(Base):
    """A round that the principal has published at some time; ``shown`` False: taken from the page again."""

    __tablename__ = "public_round"
    __table_args__ = (
        PrimaryKeyConstraint("school_id", "round_id"),
        ForeignKeyConstraint(["school_id", "round_id"], ["collection_round.school_id", "collection_round.id"]),
    )

    school_id: Mapped[Id]
    round_id: Mapped[Id]
    shown: Mapped[bool]
    changed_by: Mapped[int] = mapped_column(BigInteger, ForeignKey("app_user.id"))
    changed_at: Mapped[datetime]


class PublicFigure(Base):
    """One fee item of a published round as it stands in public. Only what is shown is kept here, never exact sums.

    It outlives the round's being hidden: published again, it still changes only when enough pupils stand behind it.
    """

    __tablename__ = "public_figure"
    __table_args__ = (
        PrimaryKeyConstraint("school_id", "round_id", "fee_item_id"),
        ForeignKeyConstraint(["school_id", "round_id"], ["public_round.school_id", "public_round.round_id"]),
        ForeignKeyConstraint(["school_id", "fee_item_id"], ["fee_item.school_id", "fee_item.id"]),
        CheckConstraint("billed_vnd > 0 AND collected_vnd > 0", name="positive"),
        CheckConstraint("billed_vnd % grain_vnd = 0 AND collected_vnd % grain_vnd = 0", name="rounded"),
    )

    school_id: Mapped[Id]
    round_id: Mapped[Id]
    fee_item_id: Mapped[Id]
    counted_until: Mapped[datetime]
    """The start of a Vietnamese day: everything before it is counted."""
    grain_vnd: Mapped[int] = mapped_column(BigInteger)
    billed_vnd: Mapped[int | None] = mapped_column(BigInteger)
    """Rounded down to the grain; None: too few pupils stand behind it."""
    collected_vnd: Mapped[int | None] = mapped_column(BigInteger)
    prices_vnd: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    """Unit prices that enough pupils were billed."""
