"""What settlement shows on screens."""

import pytest

from payments.settlement.queries import proposed_transfers
from payments.settlement.settling import settle_transactions
from tests.payments.settlement.setting import arrive, issue

pytestmark = pytest.mark.db


def test_money_on_another_account_gives_a_proposal_until_the_right_account_pays(session, school):
    issued = issue(session, school)
    astray = arrive(session, school, 100_000, issued.reference, account=school.other_account)
    settle_transactions(session, school.id, [astray])
    (found,) = proposed_transfers(session, school.id)
    assert (found.transaction_id, found.reference, found.amount_vnd) == (astray, issued.reference, 100_000)
    settle_transactions(session, school.id, [arrive(session, school, 100_000, issued.reference)])
    assert proposed_transfers(session, school.id) == [], "now it is the pupil's credit on the account where it lies"
