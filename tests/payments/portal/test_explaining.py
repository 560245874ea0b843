"""Amounts explain themselves: days, absences, reductions, and what a new notice changes."""

from payments.fees.terms import Unit
from payments.portal.explaining import Change, arithmetic, changes


def explained(unit: Unit = Unit.DAY, quantity: int = 22, planned: int | None = 22, relief: int = 0, kind=None):
    return arithmetic(
        unit=unit, quantity=quantity, unit_price_vnd=30_000, planned=planned, relief_vnd=relief, relief_kind=kind
    )


def test_days_that_a_pupil_was_absent_are_taken_off_in_sight() -> None:
    assert explained(quantity=20).vi == "22 ngày × 30.000 − 2 ngày nghỉ × 30.000"
    assert explained(quantity=20).en == "22 days × 30.000 − 2 absent days × 30.000"


def test_other_units_keep_their_word_and_more_than_planned_is_just_counted() -> None:
    assert explained(Unit.PERIOD, quantity=3, planned=4).vi == "4 tiết × 30.000 − 1 tiết × 30.000"
    assert explained(quantity=25).vi == "25 ngày × 30.000"
    assert explained(planned=None).vi == "22 ngày × 30.000"


def test_one_of_something_is_singular_in_english() -> None:
    assert explained(quantity=21).en == "22 days × 30.000 − 1 absent day × 30.000"
    assert explained(quantity=1, planned=None).en == "1 day × 30.000"


def test_a_reduction_says_its_kind_and_never_its_reason() -> None:
    assert explained(relief=330_000, kind="exemption").vi == "22 ngày × 30.000 − 330.000 (miễn giảm theo luật)"
    assert explained(relief=330_000).vi == "22 ngày × 30.000 − 330.000 (miễn, giảm theo quy định)"
    assert explained(Unit.FREE_AMOUNT).vi == "số tiền gia đình tự chọn"


def test_a_successor_tells_what_it_changes() -> None:
    found = changes({"Ăn": 660_000, "Xe": 50_000, "Nước": 10_000}, {"Ăn": 600_000, "Nước": 10_000, "Vở": 5_000})
    assert found == [Change("Ăn", 660_000, 600_000), Change("Xe", 50_000, None), Change("Vở", None, 5_000)]
