"""Transactions become paid invoices, credit, receipts and entries, whatever they say."""

import pytest
from sqlalchemy import text

from payments.inbox.models import Direction
from payments.settlement.settling import settle_transactions
from tests.payments.settlement.setting import arrive, issue, ledger, state_of

pytestmark = pytest.mark.db


def test_an_exact_transfer_pays_the_invoice_with_receipt_and_entry(session, school):
    issued = issue(session, school, 80_000, 20_000)
    transfer = arrive(session, school, 100_000, f"{issued.reference} an truong")

    counts = settle_transactions(session, school.id, [transfer])

    assert counts == {"exact": 1}
    assert state_of(session, school, issued) == ("paid", 100_000)
    assert ledger(session, school) == {"bank": 100_000, "income": -100_000}
    assert session.execute(text("SELECT number, amount_vnd FROM receipt")).all() == [(1, 100_000)]


def test_a_reversal_opens_the_invoice_again(session, school):
    issued = issue(session, school)
    first = arrive(session, school, 100_000, issued.reference)
    second = arrive(session, school, 100_000, issued.reference, hour=5)
    back = arrive(session, school, 100_000, "hoan tien", direction=Direction.DEBIT, reverses=first)

    settle_transactions(session, school.id, [first, second])
    assert ledger(session, school) == {"bank": 200_000, "credit": -100_000, "income": -100_000}
    counts = settle_transactions(session, school.id, [back])

    assert counts["reversal"] == 1
    assert state_of(session, school, issued) == ("paid", 100_000)
    assert ledger(session, school) == {"bank": 100_000, "income": -100_000}
