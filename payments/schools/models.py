"""The organisation tree as dated data, schools, years, classes, pupils and guardians."""

import enum
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from payments.db import Base, GlobalRow, Id, SchoolRow, str_enum
from payments.schools.rules import Ownership, SchoolLevel, Sex


class OrganisationKind(enum.StrEnum):
    """A department (Sở), any middle level (a district office until 30 Jun 2025, a commune since), or a school."""

    DEPARTMENT = "department"
    MIDDLE = "middle"
    SCHOOL = "school"


class Organisation(GlobalRow):
    """A node of the tree; whose child it is, and when, is ``OrganisationParent``."""

    __tablename__ = "organisation"
    __table_args__ = (UniqueConstraint("code"),)

    code: Mapped[str]
    name: Mapped[str]
    kind: Mapped[OrganisationKind] = mapped_column(str_enum(OrganisationKind))


class OrganisationParent(GlobalRow):
    """Dated membership: districts went on 1 Jul 2025 and communes came; history stays (facts: hierarchy is data)."""

    __tablename__ = "organisation_parent"
    __table_args__ = (
        UniqueConstraint("child_id", "valid_from"),
        CheckConstraint("valid_to IS NULL OR valid_to > valid_from", name="dates"),
        CheckConstraint("child_id <> parent_id", name="not_itself"),
    )

    child_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("organisation.id"))
    parent_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("organisation.id"))
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    """The first day on which it no longer holds."""


class InvoiceGrouping(enum.StrEnum):
    """One invoice per fee item (the finest), or lines grouped by receiving account."""

    PER_FEE_ITEM = "per_fee_item"
    PER_ACCOUNT = "per_account"


class NumberWords(enum.StrEnum):
    """How amounts are read aloud on receipts: «linh, nghìn» or «lẻ, ngàn»."""

    NORTH = "north"
    SOUTH = "south"


class School(Base):
    """A tenant. Its id is the id of its organisation."""

    __tablename__ = "school"
    __table_args__ = (UniqueConstraint("code"),)

    id: Mapped[int] = mapped_column(BigInteger, ForeignKey("organisation.id"), primary_key=True)
    code: Mapped[str]
    name: Mapped[str]
    level: Mapped[SchoolLevel] = mapped_column(str_enum(SchoolLevel))
    ownership: Mapped[Ownership] = mapped_column(str_enum(Ownership), default=Ownership.PUBLIC)
    area_group: Mapped[str | None]
    """Area group of the fee resolution, where the province has such groups (TP.HCM: Nhóm 1, Nhóm 2)."""
    invoice_grouping: Mapped[InvoiceGrouping] = mapped_column(
        str_enum(InvoiceGrouping), default=InvoiceGrouping.PER_ACCOUNT
    )
    number_words: Mapped[NumberWords] = mapped_column(str_enum(NumberWords), default=NumberWords.NORTH)
    bank_apps: Mapped[bool] = mapped_column(server_default="false", default=False)
    """Whether parents' pages link into banks' apps: through a third party, so off until the school says otherwise."""
    created_at: Mapped[datetime]


class SchoolYear(SchoolRow):
    """For example 2025-2026; ``ends_on`` is its last day."""

    __tablename__ = "school_year"
    __table_args__ = (UniqueConstraint("school_id", "code"), CheckConstraint("ends_on > starts_on", name="dates"))

    code: Mapped[str]
    starts_on: Mapped[date]
    ends_on: Mapped[date]


class ClassRoom(SchoolRow):
    """A class of one year; the grade is separate from the name («Lá 2», «6/4», «10A1»)."""

    __tablename__ = "class_room"
    __table_args__ = (
        UniqueConstraint("school_id", "year_id", "name"),
        ForeignKeyConstraint(["school_id", "year_id"], ["school_year.school_id", "school_year.id"]),
    )

    year_id: Mapped[Id]
    name: Mapped[str]
    grade: Mapped[int | None]
    """1–12; None in kindergartens and continuing education."""


class IdentityStatus(enum.StrEnum):
    """As imported; we never query the population database."""

    UNVERIFIED = "unverified"
    VERIFIED = "verified"


class Pupil(SchoolRow):
    """A pupil, known by the sector database's identifier (mã định danh), which is text and never recomputed."""

    __tablename__ = "pupil"
    __table_args__ = (
        UniqueConstraint("school_id", "sector_id"),
        Index(None, "school_id", "sort_key"),
        Index(None, "sector_id"),
        Index(None, "school_id", "personal_id_index"),
    )

    sector_id: Mapped[str]
    full_name: Mapped[str]
    """NFC."""
    sort_key: Mapped[str]
    """Vietnamese order: given name, family name, middle names (payments.schools.rules)."""
    search_key: Mapped[str]
    """Lower case without diacritics, for search by part of the name."""
    date_of_birth: Mapped[date]
    sex: Mapped[Sex] = mapped_column(str_enum(Sex))
    personal_id_sealed: Mapped[bytes | None]
    personal_id_index: Mapped[bytes | None]
    identity_status: Mapped[IdentityStatus] = mapped_column(str_enum(IdentityStatus), default=IdentityStatus.UNVERIFIED)


class EnrollmentStatus(enum.StrEnum):
    """«Sống» of the sector's criteria: who is there, who has moved, who has left."""

    STUDYING = "studying"
    MOVED = "moved"
    LEFT = "left"


class Enrollment(SchoolRow):
    """A pupil in a class from a day on; open while ``valid_to`` is None."""

    __tablename__ = "enrollment"
    __table_args__ = (
        UniqueConstraint("school_id", "pupil_id", "class_id", "valid_from"),
        ForeignKeyConstraint(["school_id", "pupil_id"], ["pupil.school_id", "pupil.id"]),
        ForeignKeyConstraint(["school_id", "class_id"], ["class_room.school_id", "class_room.id"]),
        Index(None, "school_id", "class_id"),
        CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="dates"),
    )

    pupil_id: Mapped[Id]
    class_id: Mapped[Id]
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    status: Mapped[EnrollmentStatus] = mapped_column(str_enum(EnrollmentStatus), default=EnrollmentStatus.STUDYING)


class Guardian(SchoolRow):
    """Who answers for a pupil; phone and name are sealed, the phone is searchable by blind index."""

    __tablename__ = "guardian"
    __table_args__ = (
        UniqueConstraint("school_id", "pupil_id", "relation"),
        ForeignKeyConstraint(["school_id", "pupil_id"], ["pupil.school_id", "pupil.id"]),
        Index(None, "school_id", "phone_index"),
    )

    pupil_id: Mapped[Id]
    relation: Mapped[str]
    """``father``, ``mother``, ``guardian``."""
    name_sealed: Mapped[bytes | None]
    phone_sealed: Mapped[bytes | None]
    phone_index: Mapped[bytes | None]
    email: Mapped[str | None]


class RosterImport(SchoolRow):
    """One import of the sector template: what came, what changed, what was refused and why."""

    __tablename__ = "roster_import"
    __table_args__ = (Index(None, "school_id", "imported_at"),)

    imported_at: Mapped[datetime]
    imported_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("app_user.id"))
    file_name: Mapped[str]
    file_sha256: Mapped[bytes]
    content_sha256: Mapped[bytes]
    """Of the rows in canonical order: equal for the same roster re-saved or reordered."""
    report: Mapped[dict[str, Any]]


class RosterUpload(SchoolRow):
    """A file that somebody has uploaded and looks at before it is imported; gone when it is, or after a day."""

    __tablename__ = "roster_upload"
    __table_args__ = (Index(None, "school_id", "uploaded_by"),)

    uploaded_by: Mapped[int] = mapped_column(BigInteger, ForeignKey("app_user.id"))
    uploaded_at: Mapped[datetime]
    file_name: Mapped[str]
    content_sealed: Mapped[bytes]
    """The bytes as they came: they name children and their parents."""
