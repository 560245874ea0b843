"""How large the invented province is, and the days on which its month of fees happens.

All days are fixed in October 2025, so the same seed gives the same month whenever it is played.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from payments.schools.models import InvoiceGrouping
from payments.schools.rules import Ownership, SchoolLevel


@dataclass(frozen=True, slots=True)
class SchoolSize:
    """A school to invent: its classes as «class name: grade», and how many pupils they share."""

    code: str
    name: str
    level: SchoolLevel
    pupils: int
    classes: tuple[str, ...]
    ownership: Ownership = Ownership.PUBLIC
    grouping: InvoiceGrouping = InvoiceGrouping.PER_ACCOUNT


@dataclass(frozen=True, slots=True)
class Preset:
    """A province to invent."""

    name: str
    schools: tuple[SchoolSize, ...]

    @property
    def pupils(self) -> int:
        """How many pupils live in it."""
        return sum(school.pupils for school in self.schools)


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days of the month of fees."""

    year_starts: date = date(2025, 9, 5)
    accounts_proposed: date = date(2025, 9, 29)
    accounts_approved: date = date(2025, 9, 30)
    round_starts: date = date(2025, 10, 6)
    """Prices, registrations and classes count as of this day."""
    round_issued: date = date(2025, 10, 8)
    invoices_corrected: date = date(2025, 10, 9)
    first_payment: date = date(2025, 10, 10)
    """A Friday."""
    due: date = date(2025, 10, 20)
    last_payment: date = date(2025, 10, 22)
    statement_ends: date = date(2025, 10, 24)


CALENDAR = Calendar()
YEAR = "2025-2026"
HOLIDAYS: Mapping[date, str] = {date(2025, 10, 15): "Ngày nghỉ bù của ngân hàng (mẫu)"}
"""Days in the middle of the week on which the invented banks do not settle."""


def is_business_day(day: date) -> bool:
    """Whether the invented banks settle on a day."""
    return day.weekday() < 5 and day not in HOLIDAYS


def business_day_after(day: date) -> date:
    """The next day on which they do."""
    day += timedelta(days=1)
    return day if is_business_day(day) else business_day_after(day)


def _grades(grades: range, letters: tuple[str, ...], pattern: str) -> tuple[str, ...]:
    return tuple(pattern.format(grade, letter) for grade in grades for letter in letters)


def _numbers(last: int) -> tuple[str, ...]:
    return tuple(map(str, range(1, last + 1)))


PRIMARY = SchoolSize(
    "MAU-TH01",
    "Trường Tiểu học Hoa Phượng (mẫu)",
    SchoolLevel.PRIMARY,
    1200,
    _grades(range(1, 6), _numbers(6), "{}A{}"),
)
KINDERGARTEN = SchoolSize(
    "MAU-MN01",
    "Trường Mầm non Hoa Sen (mẫu)",
    SchoolLevel.KINDERGARTEN,
    300,
    ("Nhà trẻ 24–36", *(f"{name} {number}" for name in ("Mầm", "Chồi", "Lá") for number in (1, 2, 3))),
    grouping=InvoiceGrouping.PER_FEE_ITEM,
)
LOWER_SECONDARY = SchoolSize(
    "MAU-THCS01",
    "Trường THCS Hoa Ban (mẫu)",
    SchoolLevel.LOWER_SECONDARY,
    900,
    _grades(range(6, 10), tuple("ABCDEF"), "{}{}"),
)
UPPER_SECONDARY = SchoolSize(
    "MAU-THPT01",
    "Trường THPT Hoa Lư (mẫu)",
    SchoolLevel.UPPER_SECONDARY,
    900,
    _grades(range(10, 13), _numbers(10), "{}A{}"),
)
CONTINUING = SchoolSize(
    "MAU-GDTX01",
    "Trung tâm GDTX Hoa Cúc (mẫu)",
    SchoolLevel.CONTINUING,
    180,
    _grades(range(10, 13), tuple("AB"), "{}{}"),
)
PRIVATE = SchoolSize(
    "MAU-TT01",
    "Trường Tiểu học tư thục Hoa Mai (mẫu)",
    SchoolLevel.PRIMARY,
    120,
    _grades(range(1, 6), ("A",), "{}{}"),
    ownership=Ownership.PRIVATE,
)
SMALL = SchoolSize(
    "MAU-TH01",
    "Trường Tiểu học Hoa Phượng (mẫu)",
    SchoolLevel.PRIMARY,
    120,
    _grades(range(1, 6), ("1",), "{}A{}"),
)

PRESETS: Mapping[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset("tiny", (SMALL,)),
        Preset("demo", (PRIMARY, KINDERGARTEN, LOWER_SECONDARY, UPPER_SECONDARY, CONTINUING, PRIVATE)),
    )
}
