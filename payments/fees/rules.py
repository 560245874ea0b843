"""What a pupil is charged for a fee item on a day, or why it may not be charged: pure arithmetic in whole đồng.

Sources: NĐ 238/2025 and NQ 217/2025/QH15 (public tuition), TT 16/2018 (sponsorship), the province's resolutions
(ceilings, kept as data).
"""

from collections.abc import Sequence
from datetime import date

from payments.fees import refusals
from payments.fees.terms import (
    UNIT_WORDS,
    Ceiling,
    Item,
    LegalGroup,
    Line,
    Participation,
    Rate,
    Refusal,
    Relief,
    ReliefKind,
    SchoolTerms,
    Unit,
)
from payments.i18n import Text
from payments.money import MAX_VND, format_number, share_percent
from payments.schools.rules import Ownership

PUBLIC_TUITION_ENDED = date(2025, 9, 1)
PARENTS_FUND = "QCM"
"""Quỹ Ban đại diện cha mẹ học sinh: not the school's money (TT 55/2011)."""


def compute_line(
    item: Item,
    school: SchoolTerms,
    *,
    grade: int | None,
    day: date,
    registration: Participation | None = None,
    round_quantity: int | None = None,
    pupil_quantity: int | None = None,
    reliefs: Sequence[Relief] = (),
) -> Line | Refusal | None:
    """Compute what one pupil is charged for one item on ``day``; None: the pupil does not take part.

    The quantity is the pupil's own for this round, else the round's, else the registration's, else one. A pupil
    outside an item that needs registration is never charged, whatever the quantities say. Where several reliefs
    apply the largest one wins (they are not added up), and no relief exceeds the line.
    """
    taking_part = registration if registration and holds(registration, day) else None
    if item.by_registration and taking_part is None:
        return None
    quantity = choose_quantity(taking_part, round_quantity, pupil_quantity)
    refusal = check_terms(item, day, round_quantity, quantity)
    if refusal or quantity == 0:
        return refusal
    if item.unit is Unit.FREE_AMOUNT:
        return free_amount_line(quantity)
    price = price_on(item, school, grade, day)
    if isinstance(price, Refusal):
        return price
    if quantity * price > MAX_VND:
        return refusals.too_large(item)
    return priced_line(item, quantity, price, reliefs, day)


def choose_quantity(registration: Participation | None, round_quantity: int | None, pupil_quantity: int | None) -> int:
    """Pick the pupil's own quantity, else the round's, else the registration's, else one."""
    if pupil_quantity is not None:
        return pupil_quantity
    if round_quantity is not None:
        return round_quantity
    return registration.quantity if registration else 1


def holds(dated: Item | Ceiling | Participation | Relief, day: date) -> bool:
    """Tell whether something dated holds on a day; its last day is included."""
    return dated.valid_from <= day and (dated.valid_to is None or day <= dated.valid_to)


def price_on(item: Item, school: SchoolTerms, grade: int | None, day: date) -> int | Refusal:
    """Find the unit price of an item in đồng, or why it may not be charged; the price of a grade beats the general."""
    started = [rate for rate in item.rates if rate.valid_from <= day and rate.grade in {grade, None}]
    if not started:
        return refusals.no_rate(item, grade, day)
    best = max(started, key=lambda rate: (rate.grade is not None, rate.valid_from))
    return check_price(item, school, best.unit_price_vnd, day) or best.unit_price_vnd


def check_price(item: Item, school: SchoolTerms, price_vnd: int, day: date) -> Refusal | None:
    """Refuse tuition of public schools and prices above the ceiling of the day."""
    public_tuition = item.legal_group is LegalGroup.TUITION and school.ownership is Ownership.PUBLIC
    if public_tuition and price_vnd and day >= PUBLIC_TUITION_ENDED:
        return refusals.public_tuition_ended(item)
    applicable = [ceiling for ceiling in item.ceilings if holds(ceiling, day) and concerns(ceiling, school)]
    if not applicable:
        return None
    in_unit = [ceiling for ceiling in applicable if ceiling.unit is item.unit]
    if not in_unit:
        return refusals.other_unit(item, applicable[0])
    ceiling = binding(in_unit)
    return refusals.above_ceiling(item, price_vnd, ceiling) if price_vnd > ceiling.ceiling_vnd else None


def binding(ceilings: Sequence[Ceiling]) -> Ceiling:
    """Pick the ceiling that counts of those that hold: the most specific one, of these the newest."""
    return max(ceilings, key=lambda row: (specificity(row), row.valid_from))


def ceiling_on(item: Item, school: SchoolTerms, day: date) -> Ceiling | None:
    """Find the ceiling that binds an item of a school on a day; None: there is none in its unit."""
    holding = [row for row in item.ceilings if holds(row, day) and concerns(row, school) and row.unit is item.unit]
    return binding(holding) if holding else None


def rates_on(item: Item, day: date) -> list[Rate]:
    """List the prices in force on a day: the newest for all grades, then the newest of each grade."""
    newest = {rate.grade: rate for rate in sorted(item.rates, key=lambda row: row.valid_from) if rate.valid_from <= day}
    return sorted(newest.values(), key=lambda rate: rate.grade or 0)


def concerns(ceiling: Ceiling, school: SchoolTerms) -> bool:
    """Tell whether a ceiling is one of this school's level and area group."""
    return ceiling.level in {None, school.level} and ceiling.area_group in {None, school.area_group}


def specificity(ceiling: Ceiling) -> int:
    """Rank ceilings: one for a level and an area group beats a general one, as resolutions mean them."""
    return (ceiling.level is not None) + (ceiling.area_group is not None)


def priced_line(item: Item, quantity: int, price_vnd: int, reliefs: Sequence[Relief], day: date) -> Line:
    """Put together a line with the largest relief of the day."""
    gross = quantity * price_vnd
    relief = largest_relief(item, gross, reliefs, day)
    relief_vnd = relief_amount(relief, gross) if relief else 0
    return Line(quantity, price_vnd, relief_vnd, gross - relief_vnd, explain(item.unit, quantity, price_vnd, relief))


def free_amount_line(amount_vnd: int) -> Line:
    """Put together the line of a free amount: nothing is computed, nothing reduced (TT 16/2018)."""
    number = format_number(amount_vnd)
    return Line(1, amount_vnd, 0, amount_vnd, Text(f"tự nguyện {number}", f"voluntary {number}"))


def largest_relief(item: Item, gross_vnd: int, reliefs: Sequence[Relief], day: date) -> Relief | None:
    """Pick the relief that takes most off; among equals the first of exemption, waiver, support."""
    order = list(ReliefKind)
    fitting = [relief for relief in reliefs if item.code in relief.fee_codes and holds(relief, day)]
    return max(fitting, key=lambda row: (relief_amount(row, gross_vnd), -order.index(row.kind)), default=None)


def relief_amount(relief: Relief, gross_vnd: int) -> int:
    """Compute what a relief takes off a line: a share rounded half up, or a fixed sum; at most the line."""
    if relief.percent is not None:
        return min(share_percent(gross_vnd, relief.percent), gross_vnd)
    return min(relief.fixed_vnd or 0, gross_vnd)


def explain(unit: Unit, quantity: int, price_vnd: int, relief: Relief | None) -> Text:
    """Spell out the arithmetic for a parent, without the reason of a reduction."""
    words, price = UNIT_WORDS[unit], format_number(price_vnd)
    vi, en = f"{quantity} {words.vi} × {price}", f"{quantity} {words.en} × {price}"
    if relief is None:
        return Text(vi, en)
    off = f"{relief.percent} %" if relief.percent is not None else format_number(relief.fixed_vnd or 0)
    return Text(f"{vi} − giảm {off}", f"{en} − reduced by {off}")


def check_terms(item: Item, day: date, round_quantity: int | None, quantity: int) -> Refusal | None:
    """Refuse an item outside its dates, a per-head level of a free amount, and impossible quantities."""
    if not holds(item, day):
        return refusals.not_in_force(item, day)
    if item.unit is Unit.FREE_AMOUNT and round_quantity is not None:
        return refusals.per_head_level(item)
    if quantity < 0:
        return refusals.negative_quantity(item)
    if item.unit is Unit.FREE_AMOUNT and quantity > MAX_VND:
        return refusals.too_large(item)
    return None


def check_item(item: Item) -> Refusal | None:
    """Refuse a fee item whose own terms break the rules of its legal group, before any price is set."""
    if item.valid_to is not None and item.valid_to < item.valid_from:
        return refusals.bad_dates(item)
    if item.code == PARENTS_FUND:
        return refusals.parents_fund(item)
    sponsorship = item.legal_group is LegalGroup.SPONSORSHIP
    if sponsorship != (item.unit is Unit.FREE_AMOUNT) or (sponsorship and item.mandatory):
        return refusals.per_head_level(item)
    if sponsorship and not item.by_registration:
        return refusals.per_head_level(item)
    return None
