"""An invoice is replaced or cancelled together with the money that is on it."""

import pytest
from sqlalchemy import text

from payments.fees.models import Registration
from payments.invoices import corrections
from payments.invoices.models import Invoice
from payments.invoices.service import set_quantity
from payments.portal.choosing import Word
from payments.portal.queries import Holder
from payments.portal.service import choose
from payments.settlement.service import cancel_invoice, replace_invoice
from payments.settlement.settling import settle_transactions
from tests.payments.invoices import rounds
from tests.payments.settlement.setting import Issued, arrive, ledger, outcome_of, state_of

pytestmark = pytest.mark.db


@pytest.fixture
def invoice(session, school):
    """22 days of meals: 660,000 đồng."""
    rounds.issued(session, school)
    return session.query(Invoice).filter_by(school_id=school.id).one()


def pay(session, school, invoice, amount_vnd, hour=1):
    transfer = arrive(session, school, amount_vnd, invoice.reference, hour=hour)
    settle_transactions(session, school.id, [transfer])
    return transfer


def days(session, school, invoice, quantity):
    set_quantity(
        session,
        school.id,
        invoice.round_id,
        pupil_id=invoice.pupil_id,
        fee_item_id=school.meals,
        quantity=quantity,
        actor_id=school.accountant,
    )


def test_what_was_paid_moves_to_the_successor_and_the_rest_becomes_credit(session, school, invoice):
    pay(session, school, invoice, 660_000)
    days(session, school, invoice, 20)

    successor = replace_invoice(session, school.id, invoice.id, school.accountant)

    assert state_of(session, school, Issued(invoice.id, invoice.reference)) == ("replaced", 0)
    assert state_of(session, school, Issued(successor, "")) == ("paid", 600_000)
    assert ledger(session, school) == {"bank": 660_000, "income": -600_000, "credit": -60_000}


def test_what_was_paid_on_a_cancelled_invoice_becomes_credit(session, school, invoice):
    transfer = pay(session, school, invoice, 400_000)

    cancel_invoice(session, school.id, invoice.id, school.accountant)

    assert state_of(session, school, Issued(invoice.id, invoice.reference)) == ("cancelled", 0)
    assert ledger(session, school) == {"bank": 400_000, "credit": -400_000}
    assert outcome_of(session, school, transfer) == ("credited", "replaced", [])
    assert session.scalar(text("SELECT count(*) FROM receipt WHERE revoked_at IS NULL")) == 1


def test_money_that_comes_later_for_the_old_reference_lands_on_the_successor(session, school, invoice):
    pay(session, school, invoice, 100_000)
    days(session, school, invoice, 20)
    successor = replace_invoice(session, school.id, invoice.id, school.accountant)

    late = pay(session, school, invoice, 500_000, hour=9)

    assert state_of(session, school, Issued(successor, "")) == ("paid", 600_000)
    assert outcome_of(session, school, late) == ("credited", "replaced", [])
    assert ledger(session, school) == {"bank": 600_000, "income": -600_000}


def with_a_club(session, school):
    """22 days of meals and a voluntary club of 4 lessons on one notice, and the club's line."""
    rounds.register_for_club(session, school, school.pupil)
    rounds.issued(session, school)
    issued = session.query(Invoice).filter_by(school_id=school.id, pupil_id=school.pupil).one()
    return issued, club_of(session, issued.id)


def club_of(session, invoice_id):
    return session.scalar(
        text("SELECT id FROM invoice_line WHERE invoice_id = :id AND NOT mandatory"), {"id": invoice_id}
    )


def said_of(session, line_id):
    """(declined, chosen, kept) of a line; None: nobody said anything."""
    row = session.execute(
        text("SELECT declined, chosen, kept FROM voluntary_choice WHERE line_id = :id"), {"id": line_id}
    ).first()
    return tuple(row) if row else None


def say_of(session, school, line_id, word):
    choose(session, Holder(school.id, "", school.pupil, "", None), line_id, word)


@pytest.mark.parametrize(
    ("word", "carried"), [(Word.DECLINED, (True, False, False)), (Word.CHOSEN, (False, True, False))]
)
def test_what_the_family_said_of_a_voluntary_item_holds_for_the_successor(session, school, word, carried):
    invoice, club = with_a_club(session, school)
    say_of(session, school, club, word)
    days(session, school, invoice, 20)
    successor = replace_invoice(session, school.id, invoice.id, school.accountant)
    assert said_of(session, club_of(session, successor)) == carried
    assert said_of(session, club)[:2] == carried[:2], "the old notice stays as it was"


def test_a_no_holds_at_another_price_and_a_yes_does_not(session, school):
    invoice, club = with_a_club(session, school)
    for word, carried in ((Word.DECLINED, (True, False, False)), (Word.CHOSEN, (False, False, False))):
        say_of(session, school, club, word)
        registration = session.query(Registration).filter_by(school_id=school.id, fee_item_id=school.club).one()
        registration.quantity += 1
        session.flush()
        successor = replace_invoice(session, school.id, invoice.id, school.accountant)
        assert said_of(session, club_of(session, successor)) == carried
        invoice, club = session.get(Invoice, (school.id, successor)), club_of(session, successor)


def test_money_on_a_chosen_item_follows_it_to_the_successor(session, school):
    invoice, club = with_a_club(session, school)
    say_of(session, school, club, Word.CHOSEN)
    pay(session, school, invoice, invoice.amount_vnd)
    days(session, school, invoice, 20)
    successor = replace_invoice(session, school.id, invoice.id, school.accountant)
    assert said_of(session, club_of(session, successor)) == (False, True, True)
    assert state_of(session, school, Issued(successor, ""))[0] == "paid"
    assert ledger(session, school)["credit"] == -60_000, "two days of meals"


def test_without_a_word_nothing_is_said_of_the_successor(session, school):
    invoice, _ = with_a_club(session, school)
    days(session, school, invoice, 20)
    successor = replace_invoice(session, school.id, invoice.id, school.accountant)
    assert said_of(session, club_of(session, successor)) is None


def test_words_that_were_not_carried_would_be_missed(session, school, monkeypatch):
    """Teeth: a family that declined would be asked again, and paid money would become credit."""
    monkeypatch.setattr(corrections, "_carry_words", lambda *_: None)
    invoice, club = with_a_club(session, school)
    say_of(session, school, club, Word.CHOSEN)
    pay(session, school, invoice, invoice.amount_vnd)
    days(session, school, invoice, 20)
    successor = replace_invoice(session, school.id, invoice.id, school.accountant)
    assert said_of(session, club_of(session, successor)) is None
    assert ledger(session, school)["credit"] < -60_000
