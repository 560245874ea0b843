"""One row of a roster: its cells become a pupil, or problems that name the column. Nothing is guessed."""

import re
from dataclasses import dataclass, replace
from datetime import date, timedelta

from bank_adapters.statements.tables import Row
from payments.schools import identifiers
from payments.schools.legacy_text import legacy_encoding
from payments.schools.models import EnrollmentStatus, IdentityStatus
from payments.schools.problems import BAD_DATE, LOST_ZERO, Kind, Problem
from payments.schools.roster import problems
from payments.schools.row_reader import (
    RowReader,
    day_of,
    may_have_lost_zeros,
    problem_at,
    read_sector_id,
    required_text,
)
from payments.schools.rules import GRADES, SchoolLevel, Sex, grade_of, is_name, normalise_name
from payments.schools.sheets import Layout, fold_header

EARLIEST_BIRTH = date(1930, 1, 1)
DAY_ZERO = date(1899, 12, 30)
"""Spreadsheets count days from here; since March 1900 every program agrees."""
BIRTH_SERIALS = range((EARLIEST_BIRTH - DAY_ZERO).days, (date(2100, 1, 1) - DAY_ZERO).days)
"""A bare number here can mean nothing but a day: it is no year, and no day written without signs."""
MAX_CLASS_NAME = 40
SEXES = {"nam": Sex.MALE, "nu": Sex.FEMALE}
STATUSES = {
    "": EnrollmentStatus.STUDYING,
    "danghoc": EnrollmentStatus.STUDYING,
    "chuyenden": EnrollmentStatus.STUDYING,
    "chuyendi": EnrollmentStatus.MOVED,
    "chuyentruong": EnrollmentStatus.MOVED,
    "dachuyentruong": EnrollmentStatus.MOVED,
    "thoihoc": EnrollmentStatus.LEFT,
    "dathoihoc": EnrollmentStatus.LEFT,
    "bohoc": EnrollmentStatus.LEFT,
    "nghihoc": EnrollmentStatus.LEFT,
}
IDENTITIES = {"daxacthuc": IdentityStatus.VERIFIED, "chuaxacthuc": IdentityStatus.UNVERIFIED}
RELATIONS = ("guardian", "father", "mother")


@dataclass(frozen=True, slots=True)
class RosterGuardian:
    """Who answers for a pupil; kept only with a phone or an e-mail."""

    relation: str
    name: str | None
    phone: str | None
    email: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterPupil:
    """A pupil as the file tells it; None is what the file does not tell, and never erases what is known."""

    sector_id: str
    full_name: str
    date_of_birth: date
    sex: Sex
    class_name: str
    grade: int | None
    status: EnrollmentStatus
    personal_id: str | None
    identity_status: IdentityStatus | None
    guardians: tuple[RosterGuardian, ...]

    @property
    def class_key(self) -> str:
        """By this a class is the same class: «1a» and «1A»."""
        return self.class_name.casefold()


@dataclass(frozen=True, slots=True)
class ReadRow:
    """A row that was read: its place, the identifier it names (if it can be told), the pupil unless refused."""

    source: Row
    layout: Layout
    sector_id: str | None
    pupil: RosterPupil | None
    problems: tuple[Problem, ...]


def read_row(row: Row, layout: Layout, level: SchoolLevel, today: date) -> ReadRow:
    """Read and judge one row; a refused one has no pupil but all its problems."""
    reader = RowReader(row, layout)
    sector_id = read_sector_id(reader)
    full_name, born, sex = read_full_name(reader), read_birth(reader, today), read_sex(reader)
    class_name = read_class(reader)
    grade = read_grade(reader, class_name, level)
    status, identity = read_status(reader), read_identity(reader)
    personal_id = read_personal_id(reader, born, sex)
    guardians = tuple(found for relation in RELATIONS if (found := read_guardian(reader, relation)))
    pupil = None
    if not reader.refused and sector_id and full_name and born and sex and class_name and status:
        pupil = RosterPupil(
            sector_id=sector_id,
            full_name=full_name,
            date_of_birth=born,
            sex=sex,
            class_name=class_name,
            grade=grade,
            status=status,
            personal_id=personal_id,
            identity_status=identity,
            guardians=guardians,
        )
    return ReadRow(row, layout, sector_id, pupil, tuple(reader.found))


def read_full_name(reader: RowReader) -> str | None:
    """Read the pupil's name in NFC; old font encodings are refused, never converted."""
    text = required_text(reader, "full_name")
    if not text:
        return None
    name = normalise_name(text)
    if legacy_encoding(text):
        reader.tell(problems.LEGACY_FONT, "full_name")
    elif not is_name(name):
        reader.tell(problems.BAD_NAME, "full_name")
    return name


def read_birth(reader: RowReader, today: date) -> date | None:
    """Read the date of birth: a date cell, dd/mm/yyyy or yyyy-mm-dd; a day that has lost its format is told."""
    value = reader.value("date_of_birth")
    text = required_text(reader, "date_of_birth")
    if not text:
        return None
    serial = value if isinstance(value, int) and value in BIRTH_SERIALS else None
    born = day_of(value, text) if serial is None else DAY_ZERO + timedelta(days=serial)
    if born is None or not EARLIEST_BIRTH <= born <= today:
        reader.tell(BAD_DATE, "date_of_birth")
        return None
    if serial is not None:
        reader.tell(problems.BIRTH_AS_NUMBER, "date_of_birth")
    return born


def read_sex(reader: RowReader) -> Sex | None:
    """Read the sex by the sector's catalogue."""
    text = required_text(reader, "sex")
    sex = SEXES.get(fold_header(text))
    if text and sex is None:
        reader.tell(problems.BAD_SEX, "sex")
    return sex


def read_class(reader: RowReader) -> str | None:
    """Read the class name; a word «Lớp» before it is dropped."""
    value = reader.value("class_name")
    text = required_text(reader, "class_name")
    if not text:
        return None
    name = re.sub(r"(?i:^lớp\s+)(?=.)", "", normalise_name(text))
    if isinstance(value, date):
        reader.tell(problems.CLASS_IS_DATE, "class_name")
    elif legacy_encoding(text):
        reader.tell(problems.LEGACY_FONT, "class_name")
    elif not 0 < len(name) <= MAX_CLASS_NAME or not name.isprintable() or name.startswith(("=", "+", "@")):
        reader.tell(problems.BAD_CLASS, "class_name")
    return name


def read_grade(reader: RowReader, class_name: str | None, level: SchoolLevel) -> int | None:
    """Read the grade from its column, else off the class name."""
    text = reader.text("grade")
    if not text:
        grade = grade_of(class_name or "", level)
        if grade is None and class_name and level is not SchoolLevel.KINDERGARTEN:
            reader.tell(problems.NO_GRADE, "class_name")
        return grade
    digits = re.sub(r"(?i:^(?:khối|lớp)\s*)", "", normalise_name(text))
    if not (digits.isascii() and digits.isdigit() and len(digits) < 3 and int(digits) in GRADES):
        reader.tell(problems.BAD_GRADE, "grade")
        return None
    return int(digits)


def read_status(reader: RowReader) -> EnrollmentStatus | None:
    """Read whether the pupil studies, has moved or has left; empty means studying."""
    status = STATUSES.get(fold_header(reader.text("status")))
    if status is None:
        reader.tell(problems.BAD_STATUS, "status")
    return status


def read_identity(reader: RowReader) -> IdentityStatus | None:
    """Read whether the sector database has verified the pupil's identity; empty means not told."""
    text = reader.text("identity")
    identity = IDENTITIES.get(fold_header(text))
    if text and identity is None:
        reader.tell(problems.BAD_STATUS, "identity")
    return identity


def read_personal_id(reader: RowReader, born: date | None, sex: Sex | None) -> str | None:
    """Read the personal number and compare it with year of birth and sex; what disagrees is told, not refused."""
    code = identifiers.normalise_code(reader.text("personal_id").removeprefix("'"))
    if not code:
        return None
    if not identifiers.is_personal_id(code):
        lost_zero = len(code) < 12 and may_have_lost_zeros(reader, "personal_id")
        reader.tell(LOST_ZERO if lost_zero else problems.BAD_PERSONAL_ID, "personal_id")
        return None
    if born and sex:
        year_agrees, sex_agrees = identifiers.personal_id_agrees(code, born, sex)
        if not year_agrees:
            reader.tell(problems.PERSONAL_ID_YEAR, "personal_id")
        if not sex_agrees:
            reader.tell(problems.PERSONAL_ID_SEX, "personal_id")
    return code


def read_guardian(reader: RowReader, relation: str) -> RosterGuardian | None:
    """Read one guardian; without a phone or an e-mail there is nothing we need."""
    phone = read_contact(reader, f"{relation}_phone")
    email = read_contact(reader, f"{relation}_email") if relation == "guardian" else None
    text = reader.text(f"{relation}_name")
    name = normalise_name(text)
    if legacy_encoding(text):
        reader.tell(problems.LEGACY_FONT, f"{relation}_name")
    elif name and not is_name(name):
        reader.tell(problems.BAD_CONTACT, f"{relation}_name")
        name = ""
    return RosterGuardian(relation, name or None, phone, email) if phone or email else None


def read_contact(reader: RowReader, key: str) -> str | None:
    """Read a phone or e-mail; one without valid form is told and left out."""
    text = reader.text(key).removeprefix("'")
    fold = identifiers.normalise_email if key.endswith("email") else identifiers.normalise_phone
    contact = fold(text) if text else None
    if text and contact is None:
        reader.tell(problems.BAD_CONTACT, key)
    return contact


def with_problem(row: ReadRow, kind: Kind, key: str, other: ReadRow | None = None) -> ReadRow:
    """The same row with one more problem; a refusing one takes the pupil away."""
    problem = problem_at(kind, row.source, row.layout, key, other.source.number if other else None)
    pupil = None if kind.refuses else row.pupil
    return replace(row, pupil=pupil, problems=(*row.problems, problem))
