"""The plan of the month: every way of paying, each with its label, the same from the same seed."""

from collections import Counter

import pytest

from operations.demo import together
from operations.demo.facts import Together
from operations.demo.mix import LUMP_PUPILS
from operations.demo.presets import CALENDAR, is_business_day
from payments.invoices import reference
from tests.operations.demo import tiny


@pytest.fixture(scope="module")
def plan():
    return tiny.month()


def of_kind(plan, kind):
    return [movement for movement in plan.movements if movement.kind == kind]


def test_the_same_seed_plans_the_same_month(plan):
    assert tiny.month() == plan
    assert tiny.month(8) != plan


def test_every_bill_is_paid_once_twice_or_not_at_all_as_planned(plan):
    paid = Counter(
        bill.reference
        for movement in plan.movements
        if movement.direction == "credit" and movement.kind != "net"
        for bill in movement.bills
    )
    twice = {bill.reference for movement in of_kind(plan, "twice") for bill in movement.bills}
    assert {code for code, count in paid.items() if count == 2} == twice
    cash = sum(row.is_cash for row in plan.book_rows)
    assert len(paid) + len(plan.unpaid) + cash == len(tiny.bills())


def test_a_clean_or_mangled_memo_gives_back_its_code(plan):
    for movement in of_kind(plan, "clean") + of_kind(plan, "mangled"):
        assert reference.find(movement.memo) == [movement.bills[0].reference]


def test_no_code_can_be_read_from_nameless_damaged_and_lump_memos(plan):
    for kind in ("nameless", "damaged", "lump"):
        assert of_kind(plan, kind)
        assert all(reference.find(movement.memo) == [] for movement in of_kind(plan, kind))


def test_a_transfer_for_siblings_names_both_and_brings_the_sum(plan):
    (movement,) = of_kind(plan, "several")
    assert reference.find(movement.memo) == [bill.reference for bill in movement.bills]
    assert movement.amount_vnd == sum(bill.amount_vnd for bill in movement.bills)
    assert len({bill.family for bill in movement.bills}) == 1


def test_a_bundle_s_transfer_names_its_code_alone_and_what_is_paid_beside_it_comes_first():
    bills = tiny.bills()
    exact, three = together.pick(bills)
    assert len({bill.family for bill in exact}) == 1
    assert len({bill.account for bill in three}) == 1
    assert len({bill.sector_id for bill in three}) == 3
    plan = tiny.month(
        together=[Together(reference.generate(), exact), Together(reference.generate(), three[:2], three[2:])]
    )
    one, other = of_kind(plan, "bundle")
    (beside,) = of_kind(plan, "beside")
    assert (one.amount_vnd, other.bills) == (sum(bill.amount_vnd for bill in exact), three[:2])
    assert beside.bills == three[2:]
    assert beside.booked_on <= min(one.booked_on, other.booked_on)


def test_a_lump_is_of_five_pupils_of_one_class_and_one_account(plan):
    (movement,) = of_kind(plan, "lump")
    assert len({bill.sector_id for bill in movement.bills}) == LUMP_PUPILS
    assert len({(bill.class_name, bill.account) for bill in movement.bills}) == 1


def test_the_intermediary_pays_less_than_it_collected(plan):
    (net,) = of_kind(plan, "net")
    collected = of_kind(plan, "netted")
    assert net.amount_vnd < sum(movement.amount_vnd for movement in collected)
    assert set(net.together_with) == {movement.number for movement in collected}
    assert {movement.stated for movement in collected} == {"never"}


def test_late_payments_come_after_the_due_day_and_no_others(plan):
    for movement in plan.movements:
        assert ("late" in movement.settles_as) == (movement.occurred_at.date() > CALENDAR.due)


def test_what_the_bank_takes_back_came_before_under_the_same_reference(plan):
    paid, back = (of_kind(plan, kind)[0] for kind in ("reversed", "reversal"))
    assert (back.bank_reference, back.direction) == (paid.bank_reference, "debit")
    assert back.occurred_at > paid.occurred_at


def test_night_payments_are_booked_on_the_next_business_day(plan):
    (movement,) = [one for one in plan.movements if one.reconciles_as == "date_cutoff"]
    assert movement.occurred_at.hour == 23
    assert is_business_day(movement.booked_on)
    assert movement.booked_on > movement.occurred_at.date()


def test_every_class_of_reconciliation_is_planted_each_on_payments_of_its_own(plan):
    classes = Counter(movement.reconciles_as for movement in plan.movements if movement.reconciles_as)
    assert classes.keys() == {
        "ambiguous",
        "amount_diff",
        "date_cutoff",
        "duplicate",
        "fee_netted",
        "missing_bank",
        "missing_gateway",
        "missing_ledger",
    }
    assert {row.is_cash for row in plan.book_rows} == {True, False}
    spoiled = tiny.spoiled_account()
    assert not [one for one in plan.movements if one.reconciles_as and one.account == spoiled]


def test_bank_references_tell_movements_apart_except_what_is_taken_back(plan):
    again = Counter(movement.bank_reference for movement in plan.movements)
    (back,) = of_kind(plan, "reversal")
    assert [name for name, count in again.items() if count > 1] == [back.bank_reference]
