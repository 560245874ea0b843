"""Payouts and signed periods: school software is told of their days, and a signed payout stays."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from payments.clearing.service import dissolve_by_person
from payments.errors import DomainError
from payments.events.rules import EventKind
from tests.payments.events.told import listen, told
from tests.reconciliation.closing.ledgers import NEXT, Signer
from tests.reconciliation.desk import DAY, OPENING, line
from tests.reconciliation.test_payouts import NET_VND, X_VND, night, through
from tests.reconciliation.test_payouts import wallet as wallet  # noqa: PLC0414 - a fixture

pytestmark = pytest.mark.db
DISSOLVE = "UPDATE payout SET dissolved_at = made_at, dissolved_by = (SELECT min(id) FROM app_user)"


@pytest.fixture
def paid_out(desk: Signer, wallet: int) -> Signer:
    """Two payments of a wallet, and its net line on the next day."""
    with desk.session() as session:
        listen(session, desk.school.id)
    for number in (1, 2):
        through(desk, wallet, desk.issue(X_VND).reference, f"W{number}")
    desk.state(line(2 * NET_VND, "VI QT", "FT9", day=NEXT), days=(DAY, NEXT))
    assert night(desk, NEXT).exceptions == {"fee_netted": 1}
    return desk


def test_the_day_of_a_payout_is_told_with_its_net_and_again_when_it_is_signed(paid_out):
    paid_out.close(NEXT)
    with paid_out.session() as session:
        days = told(session, paid_out.school.id, EventKind.DAY_CLOSED)
    assert [(day["exceptions"], day["credits_vnd"], day["closing_vnd"]) for day in days] == [
        ({"fee_netted": 1}, 2 * NET_VND, OPENING + 2 * NET_VND)
    ] * 2
    assert [day["closed_through"] for day in days] == [None, str(NEXT)]


def test_a_signed_payout_is_not_dissolved_by_a_person(paid_out):
    paid_out.close(NEXT)
    with pytest.raises(DomainError, match="closed_period"), paid_out.session() as session:
        dissolve_by_person(session, paid_out.school.id, 1, paid_out.school.accountant)
    with pytest.raises(IntegrityError, match="closed_period"), paid_out.engine.begin() as connection:
        connection.execute(text(DISSOLVE))
    assert paid_out.rows("SELECT dissolved_at FROM payout") == [(None,)]


def test_without_its_guard_a_signed_payout_could_be_dissolved(paid_out):
    paid_out.close(NEXT)
    with paid_out.engine.connect() as connection:
        connection.execute(text("DROP TRIGGER refuse_closed_period ON payout"))
        connection.execute(text(DISSOLVE))
        connection.rollback()


def test_after_the_reopening_it_can_be_dissolved(paid_out):
    paid_out.close(NEXT)
    paid_out.reopen()
    with paid_out.session() as session:
        dissolve_by_person(session, paid_out.school.id, 1, paid_out.school.accountant)
    paid_out.prove()
