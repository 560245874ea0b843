"""An invoice is replaced or cancelled together with the money that is on it."""

import pytest
from sqlalchemy import text

from payments.invoices.models import Invoice
from payments.invoices.service import set_quantity
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
