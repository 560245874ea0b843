"""Known fees, and explanations from facts alone."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.banking.rules import Tariff
from payments.clearing.explaining import explain, propose
from payments.clearing.rules import Announced, Line, Owed, fee_of, known_fees, stated_fee_vnd
from tests.payments.clearing.street import on

ONE = 7
TARIFF = Tariff(0, 110)


def owed(key: int, amount_vnd: int, day: int = 0, **more) -> Owed:
    values = {"connection_id": ONE, "due": on(day + 1)} | more
    return Owed(key, day=on(day), amount_vnd=amount_vnd, **values)


def line(key: int, amount_vnd: int, day: int = 1, **more) -> Line:
    return Line(key, on(day), amount_vnd, **more)


def test_a_fee_is_known_by_payment_or_by_sum_and_what_is_taken_back_may_give_its_fee_back():
    items = [owed(1, 333_333), owed(2, 100_000), owed(3, -50_000)]
    assert known_fees(items, [TARIFF]) == {0, 3_667 + 1_100, 3_667 + 1_100 - 550, 4_217}
    assert known_fees([owed(1, 100_000)], [TARIFF]) == {1_100}
    assert known_fees([owed(1, 100_000)], []) == frozenset()


def test_a_fee_that_the_line_states_is_known():
    assert fee_of(line(1, 489_000, stated_fee_vnd=11_000), [owed(1, 500_000)], []) == 11_000
    assert fee_of(line(1, 489_000), [owed(1, 500_000)], []) is None
    assert stated_fee_vnd("QT VI PHI 11.000 VND") == 11_000


def test_a_report_s_payout_goes_to_the_line_that_bears_its_number():
    lines = [line(1, 99_000, number="FT1"), line(2, 99_000, number="FT2", words="QUYETTOANPO123456")]
    told = Announced(ONE, "PO123456", on(1), 99_000, 1_000, frozenset({5}), whole=True)
    [found] = explain(lines, [owed(5, 100_000)], [told])
    assert (found.line_id, found.fee_vnd, found.rule) == (2, 1_000, "report")


def test_of_two_equal_lines_a_report_without_number_takes_the_one_of_its_day_else_none():
    told = Announced(ONE, "", on(1), 99_000, 1_000, frozenset({5}), whole=True)
    lines = [line(1, 99_000, day=1), line(2, 99_000, day=2)]
    assert [one.line_id for one in explain(lines, [owed(5, 100_000)], [told])] == [1]
    later = [line(1, 99_000, day=2), line(2, 99_000, day=3)]
    assert explain(later, [owed(5, 100_000)], [told]) == []


def test_a_report_of_which_a_payment_is_unknown_explains_nothing_and_withholds_the_others():
    told = Announced(ONE, "PO123456", on(1), 198_900, 1_100, frozenset({5}), whole=False)
    assert explain([line(1, 98_900)], [owed(5, 100_000)], [told], [TARIFF]) == []


def test_what_a_person_dissolved_is_not_explained_so_again():
    [found] = explain([line(1, 98_900)], [owed(5, 100_000)], (), [TARIFF])
    assert explain([line(1, 98_900)], [owed(5, 100_000)], (), [TARIFF], {found.content}) == []


def test_a_line_that_may_be_one_payment_of_its_amount_is_no_payout_by_itself():
    items = [owed(1, 100_000), owed(2, 200_000), owed(3, 300_000, day=-3)]
    assert explain([line(1, 300_000)], items) == []


@pytest.mark.parametrize("days", [-1, 22])
def test_a_payout_comes_after_its_payments_and_not_weeks_later(days):
    found = Line(1, on(0) + timedelta(days=days), 98_900)
    assert explain([found], [owed(5, 100_000)], (), [TARIFF]) == []


def test_proposals_leave_out_the_one_payment_that_did_not_arrive():
    items = [owed(1, 100_000), owed(2, 200_000), owed(3, 400_000)]
    net_vnd = 500_000 - 5_500
    assert explain([line(1, net_vnd)], items, (), [TARIFF]) == []
    assert [one.item_ids for one in propose(line(1, net_vnd), items, [TARIFF])] == [(1, 3)]


def test_else_all_that_was_due_is_proposed_with_the_fee_that_comes_out():
    [found] = propose(line(1, 280_001), [owed(1, 100_000), owed(2, 200_000)], [TARIFF])
    assert (found.item_ids, found.fee_vnd) == ((1, 2), 19_999)
    assert propose(line(1, 300_001), [owed(1, 100_000), owed(2, 200_000)], [TARIFF]) == []


FACTS = st.tuples(
    st.lists(st.tuples(st.integers(0, 9), st.sampled_from([100_000, 200_000, -100_000])), max_size=8),
    st.lists(st.tuples(st.integers(0, 12), st.sampled_from([98_900, 100_000, 197_800, 296_700, 200_000])), max_size=5),
)


@given(FACTS, st.randoms())
def test_explanations_do_not_depend_on_the_order_of_facts_and_share_nothing(facts, chance):
    items = [owed(key, vnd, day) for key, (day, vnd) in enumerate(facts[0], start=1)]
    lines = [line(key, vnd, day) for key, (day, vnd) in enumerate(facts[1], start=1)]
    found = explain(lines, items, (), [TARIFF])
    chance.shuffle(items)
    chance.shuffle(lines)
    assert explain(lines, items, (), [TARIFF]) == found
    assert len({one.line_id for one in found}) == len(found)
    held = [item_id for one in found for item_id in one.item_ids]
    assert len(set(held)) == len(held)
    amounts = {item.id: item.amount_vnd for item in items}
    nets = {one.id: one.amount_vnd for one in lines}
    for one in found:
        assert sum(amounts[item_id] for item_id in one.item_ids) - one.fee_vnd == nets[one.line_id]
