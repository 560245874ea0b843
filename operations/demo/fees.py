"""The fee catalogue of the school year 2025-26 in the invented province, who takes part, and who pays less.

Amounts are illustrative (facts: demo data); the ceilings are those of an invented resolution, with dates.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from operations.demo.chance import generator
from operations.demo.people import Pupil
from operations.demo.presets import SchoolSize
from payments.fees.terms import LegalGroup, ReliefKind, Unit
from payments.schools.rules import Ownership, SchoolLevel

YEAR_STARTS = date(2025, 9, 1)
RESOLUTION = "Nghị quyết mẫu 05/2025/NQ-HĐND (dữ liệu giả)"
OLD_RESOLUTION = "Nghị quyết mẫu 02/2024/NQ-HĐND (dữ liệu giả)"
MEAL_DAYS = 22
EXCUSED_ABSENCE_PER_1000 = 24  # of pupil-days: 3 % absent, four in five of them excused

SERVICES, AGENCY, SPONSORSHIP = "services", "agency", "sponsorship"
"""The three receiving accounts of a school: services and boarding, health insurance, sponsorship."""


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The most that one unit may cost, from a day on."""

    code: str
    unit: Unit
    ceiling_vnd: int
    valid_from: date
    valid_to: date | None
    document: str


@dataclass(frozen=True, slots=True)
class Fee:
    """A fee item; ``takes_part`` of 100 pupils are registered, None: every pupil is charged without registration."""

    code: str
    name: str
    group: LegalGroup
    unit: Unit
    account: str
    price_vnd: int
    mandatory: bool = False
    takes_part: int | None = None
    with_code: str | None = None
    """Registered exactly when this other item is: what comes with boarding."""
    by_grade: tuple[tuple[int, int], ...] = ()
    """Prices of single grades."""
    round_quantity: int | None = None
    quantities: tuple[int, int] = (1, 1)
    """Least and most of a registration."""
    basis: str = "Thỏa thuận với cha mẹ học sinh đầu năm học (mẫu)"


TUITION = Fee(
    "HP",
    "Học phí",
    LegalGroup.TUITION,
    Unit.MONTH,
    SERVICES,
    2_400_000,
    mandatory=True,
    round_quantity=1,
    basis="Quyết định mức học phí của trường tư thục (mẫu)",
)
MEALS = Fee(
    "AN",
    "Tiền ăn bán trú",
    LegalGroup.AGENCY,
    Unit.DAY,
    SERVICES,
    30_000,
    mandatory=True,
    takes_part=85,
    round_quantity=MEAL_DAYS,
)
CARE = Fee(
    "CSBT",
    "Chăm sóc bán trú",
    LegalGroup.SERVICE,
    Unit.MONTH,
    SERVICES,
    200_000,
    mandatory=True,
    takes_part=85,
    with_code="AN",
    basis=RESOLUTION,
)
EQUIPMENT = Fee(
    "TTB",
    "Trang thiết bị bán trú",
    LegalGroup.SERVICE,
    Unit.YEAR,
    SERVICES,
    100_000,
    mandatory=True,
    takes_part=85,
    with_code="AN",
    basis=RESOLUTION,
)
WATER = Fee(
    "NU",
    "Nước uống",
    LegalGroup.SERVICE,
    Unit.MONTH,
    SERVICES,
    12_000,
    mandatory=True,
    round_quantity=1,
    basis=RESOLUTION,
)
AFTER_HOURS = Fee(
    "NG",
    "Trông giữ ngoài giờ",
    LegalGroup.SERVICE,
    Unit.HOUR,
    SERVICES,
    12_000,
    takes_part=40,
    quantities=(8, 20),
    basis=RESOLUTION,
)
LIFE_SKILLS = Fee(
    "KNS",
    "Kỹ năng sống",
    LegalGroup.SERVICE,
    Unit.PERIOD,
    SERVICES,
    15_000,
    takes_part=70,
    quantities=(4, 4),
    basis=RESOLUTION,
)
ENGLISH = Fee("NNTC", "Tiếng Anh liên kết", LegalGroup.SERVICE, Unit.MONTH, SERVICES, 120_000, takes_part=60)
UNIFORM = Fee("DP", "Đồng phục", LegalGroup.AGENCY, Unit.ONCE, SERVICES, 280_000, takes_part=50)
CONTACT_BOOK = Fee("SLL", "Sổ liên lạc điện tử", LegalGroup.AGENCY, Unit.YEAR, SERVICES, 60_000, takes_part=90)
PARKING = Fee("GX", "Gửi xe", LegalGroup.SERVICE, Unit.MONTH, SERVICES, 15_000, takes_part=75)
HEALTH = Fee(
    "BHYT",
    "Bảo hiểm y tế học sinh",
    LegalGroup.AGENCY,
    Unit.YEAR,
    AGENCY,
    631_800,
    mandatory=True,
    takes_part=94,
    by_grade=((1, 789_750),),
    basis="Luật Bảo hiểm y tế (mức của năm học 2025-2026, minh họa)",
)
ACCIDENT = Fee("BHTT", "Bảo hiểm thân thể", LegalGroup.AGENCY, Unit.YEAR, AGENCY, 100_000, takes_part=75)
SPONSOR = Fee(
    "QTT",
    "Tài trợ theo kế hoạch đã công khai",
    LegalGroup.SPONSORSHIP,
    Unit.FREE_AMOUNT,
    SPONSORSHIP,
    0,
    takes_part=18,
    quantities=(5, 200),  # in steps of SPONSOR_STEP_VND
    basis="Thông tư 16/2018/TT-BGDĐT",
)
SPONSOR_STEP_VND = 10_000

BOARDING = (MEALS, CARE, EQUIPMENT)
EVERYWHERE = (WATER, CONTACT_BOOK, ACCIDENT, SPONSOR)
PRIMARY_EXTRAS = (AFTER_HOURS, LIFE_SKILLS, ENGLISH, UNIFORM, HEALTH)
SECONDARY_EXTRAS = (PARKING, ENGLISH, UNIFORM, HEALTH)

CEILINGS = tuple(
    Ceiling(code, unit, ceiling_vnd, valid_from, valid_to, document)
    for valid_from, valid_to, document, sums in (
        (date(2024, 9, 1), date(2025, 8, 31), OLD_RESOLUTION, (220_000, 120_000, 15_000, 11_000, 14_000)),
        (date(2025, 9, 1), None, RESOLUTION, (235_000, 133_000, 16_000, 12_000, 15_000)),
    )
    for (code, unit), ceiling_vnd in zip(
        (
            ("CSBT", Unit.MONTH),
            ("TTB", Unit.YEAR),
            ("NU", Unit.MONTH),
            ("NG", Unit.HOUR),
            ("KNS", Unit.PERIOD),
        ),
        sums,
        strict=True,
    )
)


def catalogue(school: SchoolSize) -> tuple[Fee, ...]:
    """The items of a school, in the order in which they stand on an invoice."""
    if school.level is SchoolLevel.KINDERGARTEN:
        return (*BOARDING, UNIFORM, *EVERYWHERE)
    if school.level is SchoolLevel.PRIMARY:
        tuition = (TUITION,) if school.ownership is Ownership.PRIVATE else ()
        return (*tuition, *BOARDING, *PRIMARY_EXTRAS, *EVERYWHERE)
    return (*SECONDARY_EXTRAS, *EVERYWHERE)


@dataclass(frozen=True, slots=True)
class Participation:
    """A pupil takes part in an item; the quantity of a free amount is đồng."""

    sector_id: str
    code: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Reduction:
    """A dated reduction of a pupil."""

    sector_id: str
    kind: ReliefKind
    category: str
    codes: tuple[str, ...]
    percent: int | None
    fixed_vnd: int | None
    valid_to: date | None
    document: str


@dataclass(frozen=True, slots=True)
class _Category:
    """Of 1,000 pupils so many fall under it."""

    name: str
    of_1000: int
    kind: ReliefKind
    codes: tuple[str, ...]
    percent: int


CATEGORIES = (
    _Category("ho_ngheo", 25, ReliefKind.SUPPORT, ("BHYT", "HP"), 100),
    _Category("can_ngheo", 30, ReliefKind.SUPPORT, ("BHYT", "HP"), 50),
    _Category("khuyet_tat", 6, ReliefKind.WAIVER, ("CSBT", "NU", "HP"), 100),
    _Category("nguoi_co_cong", 5, ReliefKind.EXEMPTION, ("HP",), 100),
    _Category("truong_mien_giam", 10, ReliefKind.WAIVER, ("AN", "CSBT"), 50),
)
END_OF_TERM = date(2026, 1, 15)
PRIVATE_SUPPORT_VND = 155_000


def participations(school: SchoolSize, pupils: Sequence[Pupil], seed: int) -> Iterator[Participation]:
    """Who is registered for what, item by item."""
    boarders: set[str] = set()
    for fee in catalogue(school):
        if fee.takes_part is None:
            continue
        chance = generator(seed, "registration", school.code, fee.code)
        for pupil in pupils:
            drawn = chance.randrange(100) < fee.takes_part
            quantity = chance.randint(*fee.quantities) * (SPONSOR_STEP_VND if fee is SPONSOR else 1)
            if pupil.sector_id in boarders if fee.with_code else drawn:
                boarders |= {pupil.sector_id} if fee is MEALS else set()
                yield Participation(pupil.sector_id, fee.code, quantity)


def reductions(school: SchoolSize, pupils: Sequence[Pupil], seed: int) -> Iterator[Reduction]:
    """Who pays less, and until when: a third of the decisions end with the first term."""
    chance = generator(seed, "reductions", school.code)
    offered = {fee.code for fee in catalogue(school)}
    for pupil in pupils:
        if TUITION.code in offered:
            yield _state_support(pupil)
        for category in CATEGORIES:
            codes = tuple(code for code in category.codes if code in offered)
            falls, ends = chance.randrange(1000) < category.of_1000, chance.randrange(3) == 0
            if falls and codes:
                yield Reduction(
                    pupil.sector_id,
                    category.kind,
                    category.name,
                    codes,
                    category.percent,
                    None,
                    END_OF_TERM if ends else None,
                    f"QĐ-{category.name.upper()}-{pupil.sector_id} (mẫu)",
                )
                break


def _state_support(pupil: Pupil) -> Reduction:
    """What the state pays for a pupil of a private school (invented amount)."""
    return Reduction(
        pupil.sector_id,
        ReliefKind.SUPPORT,
        "ho_tro_tu_thuc",
        (TUITION.code,),
        None,
        PRIVATE_SUPPORT_VND,
        None,
        "Hỗ trợ học phí cho học sinh tư thục (mẫu)",
    )


def meal_days(chance: random.Random) -> int:
    """The days charged to one boarder: those planned less last month's excused absences."""
    absent = sum(chance.randrange(1000) < EXCUSED_ABSENCE_PER_1000 for _ in range(MEAL_DAYS))
    return MEAL_DAYS - absent
