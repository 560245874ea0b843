"""A family's word about a voluntary line never moves money: it is no ledger entry (invariants I7, I8)."""

import pytest
from sqlalchemy import text

from payments.bundles.service import Payer, make_bundle
from payments.errors import ConflictError
from payments.portal import service
from payments.portal.choosing import Word
from payments.portal.queries import Holder
from payments.portal.service import choose
from payments.settlement.applying import stands
from payments.settlement.settling import settle_transactions
from tests.payments.setting import make_pupil
from tests.payments.settlement.setting import arrive, issue, ledger, state_of

pytestmark = pytest.mark.db


class Home:
    """Two children, each with one notice of 100,000 and a voluntary 20,000, and a bundle of both."""

    def __init__(self, session, school):
        self.session, self.school = session, school
        self.binh = make_pupil(session, school.id, school.class_room, "Bình")
        self.first = issue(session, school, 100_000, 20_000, chosen=False)
        self.second = issue(session, school, 100_000, 20_000, pupil=self.binh, chosen=False)
        payer = Payer(pupil_id=school.pupil)
        self.code = make_bundle(session, school.id, payer, [self.first.id, self.second.id])

    def say(self, pupil, invoice, word):
        who = Holder(self.school.id, "", pupil, "", None)
        line = self.session.scalar(
            text("SELECT id FROM invoice_line WHERE school_id = :school AND invoice_id = :invoice AND NOT mandatory"),
            {"school": self.school.id, "invoice": invoice.id},
        )
        with self.session.begin_nested():
            choose(self.session, who, line, word)

    def pay(self, amount_vnd, memo):
        settle_transactions(self.session, self.school.id, [arrive(self.session, self.school, amount_vnd, memo)])

    def paid(self):
        return [state_of(self.session, self.school, one)[1] for one in (self.first, self.second)]

    def credit(self):
        return -ledger(self.session, self.school).get("credit", 0)


def test_a_bundle_s_money_fills_what_was_chosen_and_nothing_else_that_is_voluntary(session, school):
    home = Home(session, school)
    home.say(school.pupil, home.first, Word.DECLINED)
    home.say(home.binh, home.second, Word.CHOSEN)
    home.pay(240_000, home.code)
    assert (home.paid(), home.credit()) == ([100_000, 120_000], 20_000)


def test_a_word_is_refused_where_a_bundle_s_credit_would_come_onto_the_line(session, school):
    home = Home(session, school)
    home.pay(220_000, home.code)
    before = home.paid(), ledger(session, school)
    with pytest.raises(ConflictError) as refused:
        home.say(school.pupil, home.first, Word.CHOSEN)
    assert refused.value.code == "already_paid"
    assert (home.paid(), ledger(session, school)) == before
    home.pay(1_000, home.second.reference)
    assert home.paid() == [100_000, 100_000]


def test_a_word_that_moves_nothing_is_taken_at_any_time(session, school):
    home = Home(session, school)
    home.pay(200_000, home.code)
    for word in (Word.DECLINED, Word.UNDECIDED, Word.CHOSEN, Word.UNDECIDED):
        home.say(school.pupil, home.first, word)
    assert home.paid() == [100_000, 100_000]


def test_without_the_look_at_the_fold_the_next_payment_would_move_older_money(session, school, monkeypatch):
    home = Home(session, school)
    home.pay(220_000, home.code)
    monkeypatch.setattr(service, "stands", lambda *_: True)
    home.say(school.pupil, home.first, Word.CHOSEN)
    assert not stands(session, school.id, home.first.id)
