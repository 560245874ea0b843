"""Lines are exact to the đồng, reliefs never exceed them, and what may not be charged is refused with its document."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.fees import rules
from payments.fees.rules import check_item, compute_line
from payments.fees.terms import (
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
from payments.money import MAX_VND
from payments.schools.rules import Ownership, SchoolLevel

START = date(2025, 9, 1)
DAY = date(2025, 10, 8)
SCHOOL = SchoolTerms(SchoolLevel.PRIMARY, Ownership.PUBLIC, "Nhóm 1")
MEALS = Item(
    code="AN",
    name="Tiền ăn bán trú",
    legal_group=LegalGroup.AGENCY,
    unit=Unit.DAY,
    mandatory=True,
    by_registration=True,
    legal_basis="Thỏa thuận với cha mẹ học sinh 05/9/2025",
    valid_from=START,
    rates=(Rate(None, 30_000, START),),
)
BOARDER = Participation(22, START)
TUITION = replace(
    MEALS, code="HP", name="Học phí", legal_group=LegalGroup.TUITION, unit=Unit.MONTH, by_registration=False
)
GIFT = replace(
    MEALS,
    code="QTT",
    name="Tài trợ",
    legal_group=LegalGroup.SPONSORSHIP,
    unit=Unit.FREE_AMOUNT,
    mandatory=False,
    rates=(),
)
CEILING = Ceiling(Unit.DAY, None, None, 30_000, START, None, "Nghị quyết 00/2025/NQ-HĐND (mẫu)")


def relief(percent=None, fixed_vnd=None, kind=ReliefKind.WAIVER, codes=("AN",), valid_to=None):
    return Relief(kind=kind, fee_codes=codes, valid_from=START, valid_to=valid_to, percent=percent, fixed_vnd=fixed_vnd)


def meals(item=MEALS, school=SCHOOL, grade=1, day=DAY, registration=BOARDER, **more):
    return compute_line(item, school, grade=grade, day=day, registration=registration, **more)


def test_a_month_of_meals_is_days_times_price():
    assert meals() == Line(22, 30_000, 0, 660_000, meals().explanation)
    assert meals().explanation.vi == "22 ngày × 30.000"


def test_half_off_is_spelled_out_without_its_reason():
    line = meals(reliefs=[relief(percent=50)])
    assert (line.relief_vnd, line.amount_vnd) == (330_000, 330_000)
    assert line.explanation.vi == "22 ngày × 30.000 − giảm 50 %"
    assert line.explanation.en == "22 days × 30.000 − reduced by 50 %"


def test_a_fixed_relief_never_exceeds_the_line():
    line = meals(reliefs=[relief(fixed_vnd=1_000_000)])
    assert (line.relief_vnd, line.amount_vnd) == (660_000, 0)


def test_of_several_reliefs_only_the_largest_counts():
    line = meals(reliefs=[relief(percent=50), relief(fixed_vnd=400_000), relief(percent=10)])
    assert line.relief_vnd == 400_000


def test_a_relief_for_another_fee_or_another_time_does_not_count():
    ended = relief(percent=100, valid_to=DAY - timedelta(days=1))
    assert meals(reliefs=[ended, relief(percent=100, codes=("HP",))]).relief_vnd == 0


def test_a_relief_holds_on_its_last_day():
    assert meals(reliefs=[relief(percent=100, valid_to=DAY)]).amount_vnd == 0


def test_the_pupils_own_quantity_beats_the_rounds_and_the_rounds_beats_the_registrations():
    assert meals(round_quantity=20).quantity == 20
    assert meals(round_quantity=20, pupil_quantity=18).quantity == 18


def test_nobody_is_charged_for_what_they_did_not_register():
    assert meals(registration=None, pupil_quantity=22) is None
    assert meals(registration=Participation(22, START, DAY - timedelta(days=1))) is None


def test_nothing_taken_is_no_line():
    assert meals(pupil_quantity=0) is None


def test_an_item_for_everybody_is_charged_once_without_a_registration():
    item = replace(MEALS, by_registration=False)
    assert meals(item=item, registration=None).quantity == 1


def test_the_price_of_a_grade_beats_the_general_one_and_the_newest_beats_the_older():
    rates = (
        Rate(None, 30_000, START),
        Rate(1, 20_000, START),
        Rate(1, 25_000, date(2025, 10, 1)),
        Rate(1, 99_000, date(2026, 1, 1)),
        Rate(None, 31_000, date(2025, 10, 1)),
    )
    item = replace(MEALS, rates=rates)
    assert meals(item=item).unit_price_vnd == 25_000
    assert meals(item=item, grade=2).unit_price_vnd == 31_000
    assert meals(item=item, grade=None).unit_price_vnd == 31_000


def test_a_price_above_the_ceiling_is_refused_with_the_document_and_the_ceiling():
    item = replace(MEALS, rates=(Rate(None, 30_001, START),), ceilings=(CEILING,))
    refused = meals(item=item)
    assert refused.code == "above_ceiling"
    assert "Nghị quyết 00/2025/NQ-HĐND (mẫu)" in refused.text.vi
    assert "30.000 đ/ngày" in refused.text.vi
    assert isinstance(meals(item=replace(MEALS, ceilings=(CEILING,))), Line)


def test_the_ceiling_of_level_and_area_beats_the_general_one():
    own = replace(CEILING, level="primary", area_group="Nhóm 1", ceiling_vnd=40_000)
    other = replace(CEILING, level="primary", area_group="Nhóm 2", ceiling_vnd=10_000)
    item = replace(MEALS, rates=(Rate(None, 35_000, START),), ceilings=(CEILING, own, other))
    assert meals(item=item).amount_vnd == 22 * 35_000


def test_a_ceiling_outside_its_dates_does_not_bind():
    old = replace(CEILING, ceiling_vnd=1, valid_to=DAY - timedelta(days=1))
    future = replace(CEILING, ceiling_vnd=1, valid_from=DAY + timedelta(days=1))
    assert isinstance(meals(item=replace(MEALS, ceilings=(old, future))), Line)


def test_counting_in_another_unit_does_not_dodge_the_ceiling():
    item = replace(MEALS, unit=Unit.MONTH, rates=(Rate(None, 600_000, START),), ceilings=(CEILING,))
    assert meals(item=item).code == "ceiling_unit"


@pytest.mark.parametrize(
    ("ownership", "day", "price", "charged"),
    [
        (Ownership.PUBLIC, date(2025, 8, 31), 100_000, True),
        (Ownership.PUBLIC, date(2025, 9, 1), 100_000, False),
        (Ownership.PUBLIC, date(2025, 9, 1), 0, True),
        (Ownership.PUBLIC_HIGH_QUALITY, date(2025, 9, 1), 100_000, True),
        (Ownership.PRIVATE, date(2026, 9, 1), 2_400_000, True),
    ],
)
def test_public_schools_charge_no_tuition_since_september_2025(ownership, day, price, charged):
    item = replace(TUITION, valid_from=date(2024, 9, 1), rates=(Rate(None, price, date(2024, 9, 1)),))
    result = meals(item=item, school=replace(SCHOOL, ownership=ownership), day=day, registration=None)
    assert isinstance(result, Line) if charged else result.code == "public_tuition"


def test_an_item_without_a_price_or_outside_its_dates_is_refused():
    assert meals(item=replace(MEALS, rates=())).code == "no_rate"
    assert meals(item=replace(MEALS, valid_to=DAY - timedelta(days=1))).code == "item_not_in_force"


def test_impossible_quantities_are_refused():
    assert meals(pupil_quantity=-1).code == "bad_quantity"
    assert meals(pupil_quantity=MAX_VND).code == "too_large"


def test_sponsorship_is_the_sum_that_the_giver_named():
    line = meals(item=GIFT, registration=Participation(200_000, START), reliefs=[relief(percent=50, codes=("QTT",))])
    assert line == Line(1, 200_000, 0, 200_000, line.explanation)
    assert line.explanation.vi == "tự nguyện 200.000"


def test_sponsorship_has_no_level_for_everybody():
    assert meals(item=GIFT, round_quantity=100_000).code == "sponsorship_level"
    assert check_item(GIFT) is None
    for wrong in ({"mandatory": True}, {"unit": Unit.ONCE}, {"by_registration": False}):
        assert check_item(replace(GIFT, **wrong)).code == "sponsorship_level"
    assert check_item(replace(MEALS, unit=Unit.FREE_AMOUNT)).code == "sponsorship_level"


def test_an_item_may_not_end_before_it_starts():
    assert check_item(replace(MEALS, valid_to=START - timedelta(days=1))).code == "bad_dates"


RELIEFS = st.lists(
    st.one_of(
        st.integers(1, 100).map(lambda percent: relief(percent=percent)),
        st.integers(1, 10**9).map(lambda sum_vnd: relief(fixed_vnd=sum_vnd)),
    ),
    max_size=4,
)


@given(price=st.integers(0, 10**8), quantity=st.integers(0, 1000), reliefs=RELIEFS)
def test_a_line_always_adds_up_and_stays_between_zero_and_its_gross(price, quantity, reliefs):
    line = meals(item=replace(MEALS, rates=(Rate(None, price, START),)), pupil_quantity=quantity, reliefs=reliefs)
    if quantity == 0:
        assert line is None
        return
    assert line.amount_vnd == line.quantity * line.unit_price_vnd - line.relief_vnd
    assert 0 <= line.relief_vnd <= quantity * price
    alone = [
        meals(item=replace(MEALS, rates=(Rate(None, price, START),)), pupil_quantity=quantity, reliefs=[one])
        for one in reliefs
    ]
    assert line.relief_vnd == max((one.relief_vnd for one in alone), default=0)


@given(reliefs=RELIEFS, seed=st.randoms())
def test_the_order_of_reliefs_does_not_matter(reliefs, seed):
    shuffled = list(reliefs)
    seed.shuffle(shuffled)
    assert meals(reliefs=reliefs).amount_vnd == meals(reliefs=shuffled).amount_vnd


@given(
    price=st.integers(0, 10**6),
    ceiling=st.integers(0, 10**6),
    quantity=st.one_of(st.none(), st.integers(-5, 10**14)),
)
def test_no_line_is_ever_priced_above_its_ceiling(price, ceiling, quantity):
    item = replace(MEALS, rates=(Rate(None, price, START),), ceilings=(replace(CEILING, ceiling_vnd=ceiling),))
    result = meals(item=item, pupil_quantity=quantity)
    if isinstance(result, Line):
        assert result.unit_price_vnd <= ceiling
        assert result.amount_vnd <= MAX_VND
    elif result is not None:
        assert isinstance(result, Refusal)


def test_without_the_ceiling_check_a_line_above_it_would_be_priced(monkeypatch):
    item = replace(MEALS, rates=(Rate(None, 99_000, START),), ceilings=(CEILING,))
    assert meals(item=item).code == "above_ceiling"
    monkeypatch.setattr(rules, "check_price", lambda *_arguments: None)
    assert meals(item=item).unit_price_vnd == 99_000


def test_without_its_bound_a_relief_would_exceed_the_line(monkeypatch):
    monkeypatch.setattr(rules, "relief_amount", lambda relief, _gross: relief.fixed_vnd)
    assert meals(reliefs=[relief(fixed_vnd=1_000_000)]).amount_vnd < 0
