"""Reports: their sums are the database's, and their curves the payments'."""

from datetime import date, timedelta

import pytest
from sqlalchemy.orm import Session

from payments.console import aging, collection
from payments.console.collection import Round, running, year_before
from payments.settlement.settling import settle_transactions
from tests.payments.setting import make_school
from tests.payments.settlement.setting import DUE, arrive, issue, open_round

START = date(2025, 9, 1)


def test_open_amounts_grow_older_by_the_day(session: Session) -> None:
    school = make_school(session)
    invoice = issue(session, school, 100_000)
    settle_transactions(session, school.id, [arrive(session, school, 30_000, invoice.reference)])
    for days, bucket in ((0, "not_due"), (1, "d1_7"), (7, "d1_7"), (8, "d8_30"), (31, "d31_60"), (61, "over_60")):
        ages = aging.ages(session, school.id, DUE + timedelta(days=days))
        assert [key for key, _, _ in ages] == list(aging.BUCKETS)
        assert {key: (count, vnd) for key, count, vnd in ages if count} == {bucket: (1, 70_000)}


def test_a_curve_ends_with_what_is_paid_of_the_round_and_no_other(session: Session) -> None:
    school = make_school(session)
    round_id = open_round(session, school)
    first, second = (issue(session, school, 100_000, round_id=round_id) for _ in range(2))
    elsewhere = issue(session, school, 50_000)
    paid = [arrive(session, school, 100_000, first.reference), arrive(session, school, 50_000, second.reference)]
    settle_transactions(session, school.id, [*paid, arrive(session, school, 50_000, elsewhere.reference)])
    chosen = next(one for one in collection.rounds(session, school.id) if one.id == round_id)
    curve = collection.curve(session, school.id, chosen, date(2025, 10, 1))
    assert chosen.asked_vnd == 200_000
    assert curve.paid_vnd[-1] == 150_000
    assert curve.percents[-1] == 75.0


def test_money_before_the_start_and_after_the_end_is_not_lost_from_the_curve() -> None:
    paid = [(START - timedelta(days=3), 10), (START + timedelta(days=2), 5), (START + timedelta(days=400), 7)]
    sums = running(START, paid, START + timedelta(days=4))
    assert sums[0] == 10
    assert sums[2] == 15
    assert sums[-1] == 22
    assert len(sums) == collection.LONGEST + 1
    assert running(START, [], START - timedelta(days=1)) == (0,)


@pytest.mark.parametrize(
    ("days", "found"), [(365, True), (350, True), (384, True), (386, False), (30, False), (0, False)]
)
def test_a_round_is_compared_with_one_of_a_year_before(days: int, found: bool) -> None:
    chosen = Round(1, "9/2025", START, DUE, 1)
    older = Round(2, "9/2024", START - timedelta(days=days), DUE - timedelta(days=days), 1)
    assert (year_before(chosen, [chosen, older]) is older) is found


def test_channels_and_credit_add_up_to_what_was_credited(session: Session) -> None:
    school = make_school(session)
    invoice = issue(session, school, 100_000)
    settle_transactions(session, school.id, [arrive(session, school, 130_000, invoice.reference)])
    shares = aging.shares(session, school.id, START, date(2025, 12, 1))
    assert [(row["kind"], row["free"], row["payments"], row["amount_vnd"]) for row in shares] == [
        ("statement", True, 1, 130_000)
    ]
    (purse,) = aging.credits_of_pupils(session, school.id, 10)
    assert (purse["id"], purse["credit_vnd"], purse["class_name"]) == (school.pupil, 30_000, "1A")
