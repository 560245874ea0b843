"""The terms of a fee item as plain values: legal group, unit, dated prices and ceilings, participation, relief.

Dates named ``valid_to`` in this room are the last day on which something holds, as a decision states it («đến hết
31/12»).
"""

import enum
from dataclasses import dataclass
from datetime import date

from payments.i18n import Text
from payments.schools.rules import Ownership, SchoolLevel


class LegalGroup(enum.StrEnum):
    """Học phí, thu hộ, dịch vụ (theo thỏa thuận), tài trợ: the group decides duty, document, books and ceiling."""

    TUITION = "tuition"
    AGENCY = "agency"
    SERVICE = "service"
    SPONSORSHIP = "sponsorship"


class Unit(enum.StrEnum):
    """What one quantity of a fee item is."""

    MONTH = "month"
    SEMESTER = "semester"
    YEAR = "year"
    DAY = "day"
    HOUR = "hour"
    PERIOD = "period"
    KM = "km"
    ONCE = "once"
    FREE_AMOUNT = "free_amount"


class ReliefKind(enum.StrEnum):
    """Exemption by law, waiver by the school, support paid by a third party."""

    EXEMPTION = "exemption"
    WAIVER = "waiver"
    SUPPORT = "support"


UNIT_WORDS = {
    Unit.MONTH: Text("tháng", "months"),
    Unit.SEMESTER: Text("học kỳ", "semesters"),
    Unit.YEAR: Text("năm", "years"),
    Unit.DAY: Text("ngày", "days"),
    Unit.HOUR: Text("giờ", "hours"),
    Unit.PERIOD: Text("tiết", "periods"),
    Unit.KM: Text("km", "km"),
    Unit.ONCE: Text("lần", "times"),
    Unit.FREE_AMOUNT: Text("số tiền tự nguyện", "free amount"),
}


RELIEF_WORDS = {
    ReliefKind.EXEMPTION: Text("miễn giảm theo luật", "exemption by law"),
    ReliefKind.WAIVER: Text("trường giảm", "waived by the school"),
    ReliefKind.SUPPORT: Text("được hỗ trợ", "supported by somebody"),
}


@dataclass(frozen=True, slots=True)
class Rate:
    """A unit price from a day on, for one grade or for all (None)."""

    grade: int | None
    unit_price_vnd: int
    valid_from: date


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The most one unit may cost by a resolution; level or area None means every one."""

    unit: Unit
    level: str | None
    area_group: str | None
    ceiling_vnd: int
    valid_from: date
    valid_to: date | None
    document: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A fee item with its prices and the ceilings of its code."""

    code: str
    name: str
    legal_group: LegalGroup
    unit: Unit
    mandatory: bool
    by_registration: bool
    legal_basis: str
    valid_from: date
    valid_to: date | None = None
    rates: tuple[Rate, ...] = ()
    ceilings: tuple[Ceiling, ...] = ()


@dataclass(frozen=True, slots=True)
class SchoolTerms:
    """What rates and ceilings depend on."""

    level: SchoolLevel
    ownership: Ownership
    area_group: str | None = None


@dataclass(frozen=True, slots=True)
class Participation:
    """A registration: units a round, or the amount in đồng of a free amount."""

    quantity: int
    valid_from: date
    valid_to: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Relief:
    """A dated reduction. Its reason (category, document) is left out: nothing here may reach a parent's page."""

    kind: ReliefKind
    fee_codes: tuple[str, ...]
    valid_from: date
    valid_to: date | None = None
    percent: int | None = None
    fixed_vnd: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """``amount_vnd = quantity * unit_price_vnd - relief_vnd``, never below zero; a free amount is one unit."""

    quantity: int
    unit_price_vnd: int
    relief_vnd: int
    amount_vnd: int
    explanation: Text
    """«22 ngày × 30.000 − giảm 50 %»."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an item may not be charged: a stable code and a sentence that names the document and the way out."""

    code: str
    text: Text
