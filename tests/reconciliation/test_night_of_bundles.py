"""A bundle's money in the night: bank, gateway and books meet, whether the books name the bundle or its invoices."""

import pytest

from payments.bundles.service import Payer, make_bundle
from reconciliation.models import RunState
from tests.reconciliation.desk import line, row


@pytest.fixture
def pooled(desk):
    """Two invoices, their bundle, and its money at gateway and bank."""
    first, second = desk.issue(100_000), desk.issue(60_000)
    with desk.session() as session:
        payer = Payer(pupil_id=desk.school.pupil)
        code = make_bundle(session, desk.school.id, payer, [first.id, second.id])
    desk.pay(160_000, code, "FT25253000001")
    desk.state(line(160_000, f"MBVCB.1.{code}", "FT25253000001"))
    return first, second, code


def test_bank_and_gateway_meet_by_the_bundle_s_reference(desk, pooled):
    run = desk.night()
    assert (run.state, run.matched, run.exceptions) == (RunState.PROVED, 1, {})
    assert desk.rows("SELECT state FROM invoice_balance") == [("paid",), ("paid",)]


@pytest.mark.parametrize("named", ["bundle", "each", "both at once"])
def test_the_books_may_name_the_bundle_or_its_invoices(desk, pooled, named):
    first, second, code = pooled
    rows = {
        "bundle": [row(160_000, f"Thu {code}")],
        "each": [row(100_000, f"Thu {first.reference}"), row(60_000, f"Thu {second.reference}")],
        "both at once": [row(160_000, f"Thu {first.reference} {second.reference}")],
    }
    desk.book(*rows[named])
    run = desk.night()
    assert (run.state, run.exceptions, run.matched) == (RunState.PROVED, {}, 1)
    assert desk.night().id == run.id


def test_books_that_name_the_bundle_alone_find_its_account(desk, pooled):
    desk.book(row(160_000, f"Thu {pooled[2]}"))
    assert desk.rows("SELECT DISTINCT account_id FROM ledger_row") == [(desk.school.account,)]
