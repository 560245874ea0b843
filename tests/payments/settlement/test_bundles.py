"""Money of bundles: from the bank's line to invoices, credit and receipts of several children."""

import pytest
from sqlalchemy import text

from operations.invariants import check_invariants
from payments.bundles.service import Payer, make_bundle
from payments.inbox.models import Direction, TransactionState
from payments.invoices.models import InvoiceState
from payments.settlement import applying, loading
from payments.settlement.loading import Shelf
from payments.settlement.service import assign, decide_refund, propose_refund, undo
from payments.settlement.settling import move_on, settle_transactions
from tests.payments.setting import make_pupil
from tests.payments.settlement.setting import arrive, issue, ledger, outcome_of, state_of, take_out

pytestmark = pytest.mark.db


class Home:
    """Two children of one school with three invoices at one account, and a bundle of all of them."""

    def __init__(self, session, school):
        self.session, self.school = session, school
        self.an = school.pupil
        self.binh = make_pupil(session, school.id, school.class_room, "Bình")
        self.first = issue(session, school, 100_000, 20_000)
        self.second = issue(session, school, 80_000)
        self.third = issue(session, school, 60_000, pupil=self.binh)
        self.all = (self.first, self.second, self.third)
        self.code = self.bundle(*self.all)

    def bundle(self, *invoices):
        payer = Payer(pupil_id=self.an)
        return make_bundle(self.session, self.school.id, payer, [one.id for one in invoices])

    def pay(self, amount_vnd, memo=None, **said):
        transfer = arrive(self.session, self.school, amount_vnd, memo or f"NOP GOP {self.code}", **said)
        settle_transactions(self.session, self.school.id, [transfer])
        self.check()
        return transfer

    def check(self):
        broken = [check for check in check_invariants(self.session.connection()) if not check.ok]
        # Invoices of tests are replaced without an invoice row's help, which I11 counts.
        assert [check for check in broken if check.name != "I11"] == []

    def take_back(self, transfer, amount_vnd):
        debit = arrive(self.session, self.school, amount_vnd, "HOAN TRA", reverses=transfer, direction=Direction.DEBIT)
        settle_transactions(self.session, self.school.id, [debit])
        self.check()

    def paid(self):
        return [state_of(self.session, self.school, one)[1] for one in self.all]

    def credit(self):
        rows = self.session.execute(
            text("""
                SELECT pupil_id, receiving_account_id, sum(amount_vnd)::bigint FROM pupil_credit
                WHERE school_id = :school GROUP BY 1, 2 HAVING sum(amount_vnd) <> 0 ORDER BY 1, 2
            """),
            {"school": self.school.id},
        )
        return [tuple(row) for row in rows]

    def receipts(self, transfer):
        """Pupil -> đồng of live receipts."""
        rows = self.session.execute(
            text("SELECT pupil_id, amount_vnd FROM receipt WHERE transaction_id = :id AND revoked_at IS NULL"),
            {"id": transfer},
        )
        return dict(map(tuple, rows))

    def outcome(self, transfer):
        return outcome_of(self.session, self.school, transfer)


@pytest.fixture
def home(session, school):
    return Home(session, school)


def test_one_transfer_pays_all_of_it_with_a_receipt_for_each_child(home):
    transfer = home.pay(260_000)
    assert home.paid() == [120_000, 80_000, 60_000]
    assert home.outcome(transfer) == ("credited", "exact", ["bundle"])
    assert home.receipts(transfer) == {home.an: 200_000, home.binh: 60_000}
    assert home.credit() == []


def test_less_pays_what_is_mandatory_first_in_the_order_of_the_list(home):
    transfer = home.pay(200_000)
    # 100 and 80 and 20 of 60 mandatory; the club of the first comes last.
    assert home.paid() == [100_000, 80_000, 20_000]
    assert home.outcome(transfer)[1] == "short"
    home.pay(60_000)
    assert home.paid() == [120_000, 80_000, 60_000]


def test_more_is_credit_of_the_last_one_s_child(home):
    transfer = home.pay(300_000)
    assert home.credit() == [(home.binh, home.school.account, 40_000)]
    assert home.outcome(transfer)[1] == "over"
    assert home.receipts(transfer) == {home.an: 200_000, home.binh: 100_000}


def test_the_second_time_all_of_it_is_credit(home):
    home.pay(260_000)
    again = home.pay(260_000)
    assert home.outcome(again) == ("credited", "twice", ["bundle"])
    assert home.credit() == [(home.binh, home.school.account, 260_000)]
    assert home.receipts(again) == {home.binh: 260_000}


def test_what_was_paid_by_another_way_is_skipped(home):
    home.pay(80_000, home.second.reference)
    transfer = home.pay(180_000)
    assert home.paid() == [120_000, 80_000, 60_000]
    assert home.outcome(transfer)[1] == "exact"
    assert home.credit() == []


def test_a_payment_that_names_an_invoice_itself_moves_it_on_and_the_receipts_follow(home):
    transfer = home.pay(180_000)
    assert home.receipts(transfer) == {home.an: 180_000}
    home.pay(80_000, home.second.reference)
    assert home.paid() == [120_000, 80_000, 60_000]
    assert home.receipts(transfer) == {home.an: 120_000, home.binh: 60_000}
    assert home.outcome(transfer)[1] == "exact"


def test_a_replaced_invoice_of_an_old_picture_is_followed_and_a_cancelled_one_skipped(home):
    session, school = home.session, home.school
    successor = issue(session, school, 90_000, replaces=home.first)
    take_out(session, school, home.first, InvoiceState.REPLACED)
    take_out(session, school, home.third, InvoiceState.CANCELLED)
    transfer = home.pay(200_000)
    assert (state_of(session, school, successor)[1], home.paid()) == (90_000, [0, 80_000, 0])
    assert home.outcome(transfer) == ("credited", "over", ["bundle", "replaced"])
    assert home.credit() == [(home.binh, school.account, 30_000)]


def test_all_cancelled_is_credit(home):
    for one in home.all:
        take_out(home.session, home.school, one, InvoiceState.CANCELLED)
    transfer = home.pay(100_000)
    assert home.credit() == [(home.binh, home.school.account, 100_000)]
    assert home.outcome(transfer) == ("credited", "twice", ["bundle", "replaced"])


def test_what_is_cancelled_after_it_was_paid_goes_where_something_is_open(home):
    home.pay(200_000)
    take_out(home.session, home.school, home.first, InvoiceState.CANCELLED)
    move_on(home.session, home.school.id, home.first.id)
    home.check()
    assert home.paid() == [0, 80_000, 60_000]
    assert home.credit() == [(home.binh, home.school.account, 60_000)]


def test_money_on_another_account_of_the_school_is_booked_where_it_arrived(home):
    transfer = home.pay(300_000, account=home.school.other_account)
    assert home.outcome(transfer) == ("credited", "wrong_fund", ["bundle", "over"])
    assert home.credit() == [(home.binh, home.school.other_account, 40_000)]


def test_late_money_lands_and_says_so(home):
    transfer = home.pay(260_000, day=home.session.scalar(text("SELECT max(due_on) + 1 FROM invoice")))
    assert home.outcome(transfer) == ("credited", "exact", ["bundle", "late"])


def test_the_bank_takes_it_back_from_both_children(home):
    transfer = home.pay(300_000)
    home.take_back(transfer, 300_000)
    assert home.paid() == [0, 0, 0]
    assert home.credit() == []
    assert home.receipts(transfer) == {}
    assert home.outcome(transfer)[0] == "reversed"
    assert ledger(home.session, home.school).get("bank", 0) == 0


def test_when_a_direct_payment_is_taken_back_its_place_is_filled_by_what_was_too_much(home):
    direct = home.pay(120_000, home.first.reference)
    transfer = home.pay(260_000)
    assert home.credit() == [(home.binh, home.school.account, 120_000)]
    home.take_back(direct, 120_000)
    assert home.paid() == [120_000, 80_000, 60_000]
    assert home.credit() == []
    assert home.receipts(transfer) == {home.an: 200_000, home.binh: 60_000}


def test_two_bundles_that_share_an_invoice_fill_it_once(home):
    other = home.bundle(home.second, home.third)
    home.pay(140_000, other)
    transfer = home.pay(120_000)
    assert home.paid() == [120_000, 80_000, 60_000]
    assert home.credit() == []
    assert home.outcome(transfer)[1] == "exact"


def test_a_bundle_and_other_references_are_several(home):
    fourth = issue(home.session, home.school, 50_000)
    exactly = home.pay(310_000, f"{home.code} {fourth.reference}")
    assert home.outcome(exactly)[:2] == ("credited", "several")
    assert home.paid() == [120_000, 80_000, 60_000]
    assert home.receipts(exactly) == {home.an: 250_000, home.binh: 60_000}


def test_a_bundle_and_other_references_with_another_sum_wait_for_a_person(home):
    fourth = issue(home.session, home.school, 50_000)
    assert home.outcome(home.pay(300_000, f"{home.code} {fourth.reference}"))[:2] == ("unmatched", "several")
    assert home.paid() == [0, 0, 0]


@pytest.mark.parametrize("amount_vnd", [260_000, 380_000])
def test_a_bundle_and_one_of_its_own_invoices_is_a_tie(home, amount_vnd):
    transfer = home.pay(amount_vnd, f"{home.code} {home.first.reference}")
    assert home.outcome(transfer)[:2] == ("unmatched", "several")
    assert home.paid() == [0, 0, 0]


def test_a_bundle_and_the_successor_of_one_of_its_invoices_is_a_tie(home):
    successor = issue(home.session, home.school, 120_000, replaces=home.first)
    take_out(home.session, home.school, home.first, InvoiceState.REPLACED)
    assert home.outcome(home.pay(260_000, f"{home.code} {successor.reference}"))[:2] == ("unmatched", "several")


def test_two_bundles_with_a_common_invoice_are_a_tie(home):
    other = home.bundle(home.second, home.third)
    assert home.outcome(home.pay(400_000, f"{home.code} {other}"))[:2] == ("unmatched", "several")


def test_a_person_decides_on_a_tie_and_may_undo_it(home):
    transfer = home.pay(260_000, f"{home.code} {home.first.reference}")
    ids = [one.id for one in home.all]
    decision = assign(home.session, home.school.id, transfer, ids, home.school.accountant)
    assert home.paid() == [120_000, 80_000, 60_000]
    home.check()
    undo(home.session, home.school.id, decision, home.school.accountant)
    assert home.paid() == [0, 0, 0]
    home.check()


def test_what_was_too_much_is_sent_back_and_that_is_undone(home):
    session, school = home.session, home.school
    transfer = home.pay(300_000)
    refund = propose_refund(session, school.id, transfer, school.accountant, pupil_id=home.binh)
    decide_refund(session, school.id, refund, school.principal, approved=True)
    home.check()
    assert (home.credit(), home.receipts(transfer)) == ([], {home.an: 200_000, home.binh: 60_000})
    approval = session.scalar(text("SELECT max(id) FROM decision WHERE kind = 'refund_approved'"))
    undo(session, school.id, approval, school.accountant)
    home.check()
    assert home.credit() == [(home.binh, school.account, 40_000)]
    assert home.receipts(transfer) == {home.an: 200_000, home.binh: 100_000}
    assert home.outcome(transfer)[:2] == ("credited", "over")


def test_a_reference_near_a_bundle_s_suggests_all_that_is_open_of_it(home):
    home.pay(80_000, home.second.reference)
    damaged = home.code[:-1] + ("0" if home.code[-1] != "0" else "1")
    transfer = home.pay(180_000, f"NOP {damaged}")
    assert home.outcome(transfer)[:2] == ("unmatched", "damaged")
    hints = home.session.scalar(text("SELECT suggestions FROM settlement WHERE transaction_id = :id"), {"id": transfer})
    assert sorted(hints[0]["invoice_ids"]) == sorted([home.first.id, home.third.id])
    assert {"near_reference", "open_sum"} <= set(hints[0]["chips"])


def test_reading_again_changes_nothing(home):
    transfer = home.pay(200_000)
    before = (home.paid(), home.credit(), ledger(home.session, home.school), home.receipts(transfer))
    settle_transactions(home.session, home.school.id, [transfer], [transfer], 7)
    settle_transactions(home.session, home.school.id, [transfer])
    assert (home.paid(), home.credit(), ledger(home.session, home.school), home.receipts(transfer)) == before
    assert home.outcome(transfer)[0] == TransactionState.CREDITED


def test_a_school_without_bundles_is_asked_one_thing_more(session, school, monkeypatch):
    asked = []
    plain = loading.rows_for

    def counting(session_, statement, school_id, ids):
        asked.append(statement)
        return plain(session_, statement, school_id, ids)

    monkeypatch.setattr(loading, "rows_for", counting)
    settle_transactions(session, school.id, [arrive(session, school, 100_000, issue(session, school).reference)])
    assert asked.count(loading.BUNDLE_MONEY) == 1
    assert loading.BUNDLES_BY_ID not in asked


def test_teeth_without_the_look_for_bundles_money_an_invoice_that_opens_again_stays_open(home, monkeypatch):
    direct = home.pay(120_000, home.first.reference)
    home.pay(260_000)
    monkeypatch.setattr(applying.loading, "bundle_money", lambda *_: [])
    debit = arrive(home.session, home.school, 120_000, "HOAN", reverses=direct, direction=Direction.DEBIT)
    settle_transactions(home.session, home.school.id, [debit])
    assert home.paid() == [0, 80_000, 60_000]


def test_a_bundle_of_another_school_means_nothing_here(home):
    shelf = Shelf(home.session, home.school.id + 1)
    shelf.fetch([home.code])
    assert shelf.bundles == {}
