"""When a service is asked, what a channel costs, which secret opens orders."""

from datetime import UTC, datetime, timedelta

import pytest

from payments.orders import rules

START = datetime(2026, 9, 22, 1, 0, tzinfo=UTC)
END = START + timedelta(minutes=30)


def test_questions_grow_rarer_and_end_a_day_after_the_order() -> None:
    moments, now = [], START
    while (moment := rules.next_question(START, END, now)) is not None:
        moments.append(round((moment - START).total_seconds() / 60))
        now = moment
    assert moments == [3, 10, 31, 45, 150, 1470]


def test_an_order_lives_no_longer_than_its_service_allows() -> None:
    assert rules.ends(START, 100) == END
    assert rules.ends(START, 15) == START + timedelta(minutes=15)


@pytest.mark.parametrize(
    ("amount", "cost", "rate", "who", "told"),
    [(100_000, 0, 0, "payer", 0), (100_000, 1_000, 110, "school", 0), (100_001, 1_000, 110, "payer", 2_101)],
)
def test_a_payer_is_told_the_whole_cost(amount: int, cost: int, rate: int, who: str, told: int) -> None:
    assert rules.payers_cost_vnd(amount, cost, rate, who) == told


def test_the_first_secret_that_is_complete_opens_orders() -> None:
    assert rules.opening_secret([{"a": "1"}, {"a": "2", "b": "3"}], ("a", "b")) == {"a": "2", "b": "3"}
    assert rules.opening_secret([{"a": "1", "b": ""}], ("a", "b")) is None
