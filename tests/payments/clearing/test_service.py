"""Payments through a wallet, its net line, and what becomes of both in the books."""

import pytest

from tests.payments.clearing.street import Street, fee
from tests.payments.settlement.setting import state_of

pytestmark = pytest.mark.db


def test_a_payment_pays_its_invoice_at_once_and_is_owed_by_the_wallet(street):
    issued = street.issue()
    street.pays(issued)
    street.work()
    assert state_of(street.session, street.school, issued) == ("paid", 100_000)
    assert street.books() == {"clearing": 100_000, "income": -100_000}


def test_the_net_line_clears_what_is_owed_and_posts_the_fee(street):
    for amount_vnd in (100_000, 300_000):
        street.pays(street.issue(amount_vnd), amount_vnd)
    street.line(400_000 - fee(100_000, 300_000))
    street.work()
    assert street.payouts() == [("due", 400_000, 4_400, 2)]
    assert street.states() == ["payout"]
    assert street.books() == {"bank": 395_600, "fee": 4_400, "income": -400_000}


@pytest.mark.parametrize("line_first", [True, False])
def test_it_does_not_matter_whether_line_or_callbacks_come_first(street, line_first):
    first, second = street.issue(100_000), street.issue(300_000)

    def callbacks():
        street.pays(first)
        street.pays(second, 300_000)
        street.work()

    def line():
        street.line(395_600)
        street.work()

    for step in (line, callbacks) if line_first else (callbacks, line):
        step()
    assert street.books() == {"bank": 395_600, "fee": 4_400, "income": -400_000}


def test_a_line_that_nothing_explains_waits_for_a_person(street):
    street.pays(street.issue())
    street.line(90_000)
    street.work()
    assert street.states() == ["unmatched"]
    assert street.books() == {"bank": 90_000, "suspense": -90_000, "clearing": 100_000, "income": -100_000}


def test_two_explanations_are_none(street):
    """Two payments on two days, and two lines that may be either."""
    for day in (0, 2):
        street.pays(street.issue(), day=day)
    street.line(100_000 - fee(100_000), day=4)
    street.work()
    assert street.states() == ["unmatched"]


def test_what_was_due_on_its_day_goes_first(street):
    for day in (0, 1):
        street.pays(street.issue(), day=day)
    for day in (1, 2):
        street.line(98_900, day=day)
    street.work()
    assert street.payouts() == [("due", 100_000, 1_100, 1)] * 2


def test_a_weekend_and_a_late_payout_are_found_as_days_in_a_row(street):
    for day in (4, 5, 6, 7):
        street.pays(street.issue(100_000 + day), 100_000 + day, day=day)
    amounts = [100_000 + day for day in (4, 5, 6)]
    street.line(sum(amounts) - fee(*amounts), day=9)
    street.work()
    assert street.payouts() == [("run", sum(amounts), fee(*amounts), 3)]
    assert street.books()["clearing"] == 100_007


def test_a_payment_voided_before_its_payout_is_owed_no_more(street):
    gone, stays = street.issue(), street.issue(300_000)
    key = street.pays(gone)
    street.pays(stays, 300_000)
    street.takes_back(100_000, key)
    street.line(300_000 - fee(300_000))
    street.work()
    assert state_of(street.session, street.school, gone) == ("open", 0)
    assert street.payouts() == [("due", 300_000, 3_300, 1)]
    assert "clearing" not in street.books()


def test_a_chargeback_after_the_payout_is_deducted_from_a_later_one(street):
    first, second = street.issue(100_000), street.issue(300_000)
    key = street.pays(first, day=0)
    street.line(98_900, day=1)
    street.work()
    street.takes_back(100_000, key, day=2)
    street.work()
    assert street.books()["clearing"] == -100_000
    street.pays(second, 300_000, day=2)
    street.line(200_000 - fee(300_000), day=3)
    street.work()
    assert street.payouts() == [("due", 100_000, 1_100, 1), ("due", 200_000, 3_300, 2)]
    assert "clearing" not in street.books()
    assert state_of(street.session, street.school, first) == ("open", 0)


def test_a_parent_s_transfer_that_names_an_invoice_is_no_payout(street):
    """Paid through the wallet and once more by transfer: the second payment is the pupil's credit."""
    issued = street.issue()
    street.pays(issued)
    street.line(100_000, f"NOP TIEN {issued.reference}")
    street.work()
    assert street.states() == ["credited"]
    assert street.books()["credit"] == -100_000


@pytest.mark.parametrize("line_first", [True, False])
def test_a_line_that_names_its_payment_and_lacks_exactly_the_fee_is_one(street, line_first):
    issued = street.issue()
    steps = [lambda: street.line(98_900, f"MOMO QT {issued.reference}"), lambda: street.pays(issued)]
    for step in steps if line_first else reversed(steps):
        step()
        street.work()
    assert street.payouts() == [("named", 100_000, 1_100, 1)]
    assert state_of(street.session, street.school, issued) == ("paid", 100_000)
    assert street.books() == {"bank": 98_900, "fee": 1_100, "income": -100_000}


def test_a_later_fact_that_gives_another_explanation_dissolves_the_first(street):
    """The payment that came late belongs to the same day, so the line was never the sum of that day."""
    street.pays(street.issue(100_000))
    street.line(98_900)
    street.work()
    assert street.states() == ["payout"]
    street.pays(street.issue(50_000), 50_000)
    street.work()
    assert street.states() == ["unmatched"]
    assert street.books() == {"bank": 98_900, "suspense": -98_900, "clearing": 150_000, "income": -150_000}


def test_the_bank_takes_the_payout_itself_back(street):
    street.pays(street.issue())
    street.line(98_900, number="FTNET1")
    street.work()
    street.line(98_900, number="FTNET1", day=2, direction="debit", reversal=True)
    street.work()
    assert street.payouts() == []
    assert street.books() == {"clearing": 100_000, "income": -100_000}


def test_a_payment_of_the_wallet_never_meets_a_line_of_the_same_amount(street):
    """The nameless line of another parent is other money, though amount and day are the same."""
    street.pays(street.issue())
    street.line(100_000, "NGUYEN VAN MAU NOP TIEN", day=0)
    street.work()
    assert street.books() == {"bank": 100_000, "suspense": -100_000, "clearing": 100_000, "income": -100_000}


def test_two_wallets_of_one_account_are_not_mixed(street):
    other = street.intermediary()
    street.pays(street.issue(100_000))
    street.pays(street.issue(200_000), 200_000, by=other)
    street.line(300_000 - fee(100_000, 200_000))
    street.work()
    assert street.states() == ["unmatched"]


def test_without_a_tariff_only_several_payments_without_a_fee_are_a_payout(session):
    street = Street(session, tariff=False)
    street.pays(street.issue(100_000))
    street.pays(street.issue(200_000), 200_000)
    street.line(299_000)
    street.line(300_000)
    street.work()
    assert street.payouts() == [("due", 300_000, 0, 2)]
    assert sorted(street.states()) == ["payout", "unmatched"]
