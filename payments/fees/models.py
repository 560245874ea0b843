"""What may be charged: fee items of the four legal groups, dated rates and ceilings, registrations, exemptions."""

from datetime import date

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from payments.db import GlobalRow, Id, SchoolRow, Vnd, str_enum
from payments.fees.terms import LegalGroup, ReliefKind, Unit


class FeeItem(SchoolRow):
    """Khoản thu. Voluntary items are charged only to registered pupils and are no debt."""

    __tablename__ = "fee_item"
    __table_args__ = (
        UniqueConstraint("school_id", "code"),
        ForeignKeyConstraint(
            ["school_id", "receiving_account_id"], ["receiving_account.school_id", "receiving_account.id"]
        ),
        CheckConstraint("legal_group <> 'sponsorship' OR NOT mandatory", name="sponsorship_is_voluntary"),
    )

    code: Mapped[str]
    name: Mapped[str]
    legal_group: Mapped[LegalGroup] = mapped_column(str_enum(LegalGroup))
    unit: Mapped[Unit] = mapped_column(str_enum(Unit))
    mandatory: Mapped[bool]
    by_registration: Mapped[bool]
    """True: only registered pupils are charged. False: every pupil of the round's classes."""
    receiving_account_id: Mapped[Id]
    legal_basis: Mapped[str]
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]


class FeeRate(SchoolRow):
    """The unit price of an item from a day on, for one grade or for all (None)."""

    __tablename__ = "fee_rate"
    __table_args__ = (
        UniqueConstraint("school_id", "fee_item_id", "grade", "valid_from", postgresql_nulls_not_distinct=True),
        ForeignKeyConstraint(["school_id", "fee_item_id"], ["fee_item.school_id", "fee_item.id"]),
        CheckConstraint("unit_price_vnd >= 0", name="price_not_negative"),
    )

    fee_item_id: Mapped[Id]
    grade: Mapped[int | None]
    unit_price_vnd: Mapped[Vnd]
    valid_from: Mapped[date]


class FeeCeiling(GlobalRow):
    """The most that may be charged for one unit, by the province's resolution, for a level and an area group."""

    __tablename__ = "fee_ceiling"
    __table_args__ = (
        UniqueConstraint("fee_code", "unit", "level", "area_group", "valid_from", postgresql_nulls_not_distinct=True),
    )

    fee_code: Mapped[str]
    unit: Mapped[Unit] = mapped_column(str_enum(Unit))
    level: Mapped[str | None]
    area_group: Mapped[str | None]
    ceiling_vnd: Mapped[Vnd]
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    document: Mapped[str]
    """The resolution that sets it, as a person would cite it."""


class Registration(SchoolRow):
    """A pupil takes part in an item from a day on (boarding, after-hours care, a voluntary purchase)."""

    __tablename__ = "registration"
    __table_args__ = (
        UniqueConstraint("school_id", "pupil_id", "fee_item_id", "valid_from"),
        ForeignKeyConstraint(["school_id", "pupil_id"], ["pupil.school_id", "pupil.id"]),
        ForeignKeyConstraint(["school_id", "fee_item_id"], ["fee_item.school_id", "fee_item.id"]),
        Index(None, "school_id", "fee_item_id"),
        CheckConstraint("quantity >= 0", name="quantity_not_negative"),
    )

    pupil_id: Mapped[Id]
    fee_item_id: Mapped[Id]
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    quantity: Mapped[int] = mapped_column(default=1)
    """Units a round, unless the round gives another quantity; for FREE_AMOUNT the amount in đồng."""


class Exemption(SchoolRow):
    """A dated reduction of a pupil for some items. The category is seen by accountant and approver only."""

    __tablename__ = "exemption"
    __table_args__ = (
        ForeignKeyConstraint(["school_id", "pupil_id"], ["pupil.school_id", "pupil.id"]),
        Index(None, "school_id", "pupil_id"),
        CheckConstraint("(percent IS NULL) <> (fixed_vnd IS NULL)", name="percent_or_fixed"),
        CheckConstraint("percent BETWEEN 1 AND 100", name="percent_range"),
        CheckConstraint("fixed_vnd > 0", name="fixed_positive"),
    )

    pupil_id: Mapped[Id]
    kind: Mapped[ReliefKind] = mapped_column(str_enum(ReliefKind))
    category: Mapped[str]
    percent: Mapped[int | None]
    fixed_vnd: Mapped[int | None] = mapped_column(BigInteger)
    """Off each line, at most the line."""
    fee_codes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    document: Mapped[str]
    approved_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("app_user.id"))
