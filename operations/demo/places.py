"""The invented province: its department, and the offices between it and the schools, before and after 1 July 2025."""

from dataclasses import dataclass
from datetime import date

from operations.demo.presets import SchoolSize
from payments.schools.rules import SchoolLevel

PROVINCE_CODE, PROVINCE_NAME = "MAU-SO", "Sở GD&ĐT Tỉnh Mẫu (dữ liệu giả)"
SINCE = date(2020, 8, 1)
REFORM = date(2025, 7, 1)
"""Districts with their education offices went; communes and wards came."""
MIDDLE_UNITS = 12
FLOWERS = ("Sen", "Ban", "Cúc", "Mai", "Đào", "Huệ", "Lan", "Quế", "Sim", "Súng", "Trà", "Mận")
DIRECTLY_UNDER_DEPARTMENT = frozenset({SchoolLevel.UPPER_SECONDARY, SchoolLevel.CONTINUING})

BANK_A, BANK_B = "970998", "970999"
BANKS = {BANK_A: "Ngân hàng Mẫu A", BANK_B: "Ngân hàng Mẫu B"}
"""BINs that NAPAS has given to nobody."""


@dataclass(frozen=True, slots=True)
class Office:
    """A unit between department and schools."""

    code: str
    name: str


def districts() -> list[Office]:
    """The twelve offices until 30 June 2025."""
    return [Office(f"MAU-H{number:02d}", f"Phòng GD&ĐT huyện {flower} (mẫu)") for number, flower in _numbered()]


def communes() -> list[Office]:
    """The twelve communes and wards since 1 July 2025."""
    return [Office(f"MAU-X{number:02d}", f"Ủy ban nhân dân phường {flower} (mẫu)") for number, flower in _numbered()]


def _numbered() -> list[tuple[int, str]]:
    return list(enumerate(FLOWERS[:MIDDLE_UNITS], start=1))


def has_middle_unit(school: SchoolSize) -> bool:
    """Upper secondary schools and centres of continuing education stand directly below the department."""
    return school.level not in DIRECTLY_UNDER_DEPARTMENT
