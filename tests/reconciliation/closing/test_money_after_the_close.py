"""Money that moves after a close: booked on an open day, never refused for ever, never in what was signed."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from sqlalchemy import text

from payments import clock
from payments.errors import DomainError
from payments.settlement.models import ExcludeReason
from payments.settlement.service import (
    confirm_refund,
    decide_refund,
    exclude,
    propose_refund,
    undo,
)
from payments.settlement.settling import settle_transactions
from reconciliation import service
from tests.reconciliation.closing.ledgers import NEXT, SIGNING, Signer
from tests.reconciliation.desk import DAY, OPENING, line

pytestmark = pytest.mark.db
X_VND = 100_000
TODAY = SIGNING.date()


@pytest.fixture
def half_done(desk: Signer) -> Iterator[tuple[Signer, int, int]]:
    """A signed period with an approved refund, and the bank's debit of the same period that nobody has linked yet."""
    for number in range(3):
        desk.pay(X_VND, "CHUYEN TIEN", f"FT{number}")
    money_in = [line(X_VND, "CHUYEN TIEN", f"FT{number}") for number in range(3)]
    out = line(X_VND, "HOAN TRA", "FT8", direction="debit")
    desk.state(*money_in, out)
    transfers = [one for (one,) in desk.rows("SELECT id FROM bank_transaction WHERE direction = 'credit' ORDER BY id")]
    [(debit,)] = desk.rows("SELECT id FROM bank_transaction WHERE direction = 'debit'")
    with desk.session() as session:
        refund = propose_refund(session, desk.school.id, transfers[0], desk.school.accountant)
        decide_refund(session, desk.school.id, refund, desk.school.principal, approved=True)
        exclude(session, desk.school.id, transfers[1], ExcludeReason.MISTAKEN, desk.school.accountant)
    desk.night()
    desk.close()
    [(desk.mark,)] = desk.rows("SELECT max(id) FROM ledger_entry")
    with clock.turned_to(SIGNING + timedelta(hours=1)):
        yield desk, refund, debit


def days(desk: Signer) -> list[tuple[date]]:
    """On which days the entries since the close are booked."""
    return desk.rows(f"SELECT booked_on FROM ledger_entry WHERE id > {desk.mark} ORDER BY id")


def test_decisions_about_a_signed_day_are_booked_on_an_open_one(half_done):
    desk, refund, debit = half_done
    with desk.session() as session:
        confirm_refund(session, desk.school.id, refund, debit, desk.school.accountant)
    assert days(desk) == [(TODAY,)]
    desk.prove()
    [(confirmed,)] = desk.rows("SELECT max(id) FROM decision")
    with desk.session() as session:
        undo(session, desk.school.id, confirmed, desk.school.accountant)
        confirm_refund(session, desk.school.id, refund, debit, desk.school.accountant)
    assert days(desk) == [(TODAY,)] * 3
    desk.prove()
    [(signed,)] = desk.rows("SELECT id FROM decision WHERE kind = 'exclude'")
    for decision in (refund, signed):
        with pytest.raises(DomainError, match=r"closed_period|refund_confirmed"), desk.session() as session:
            undo(session, desk.school.id, decision, desk.school.accountant)
    desk.prove()


def test_what_the_bank_takes_back_on_a_signed_day_and_what_it_tells_late_is_booked_on_an_open_one(half_done):
    desk, _, _ = half_done
    desk.pay(2 * X_VND, "NOP MUON", "FT20")
    desk.settle()
    assert days(desk) == [(TODAY,)]
    [(excluded,)] = desk.rows("SELECT id FROM bank_transaction WHERE state = 'excluded'")
    with desk.session() as session:
        session.execute(
            text("UPDATE bank_transaction SET reverses_id = :id WHERE direction = 'debit'"), {"id": excluded}
        )
    [(debit,)] = desk.rows("SELECT id FROM bank_transaction WHERE direction = 'debit'")
    with desk.session() as session:
        settle_transactions(session, desk.school.id, [debit])
    assert days(desk) == [(TODAY,)] * 2
    assert desk.rows(f"SELECT state FROM bank_transaction WHERE id = {excluded}") == [("reversed",)]
    desk.prove()
    desk.day_of(NEXT, opening=OPENING + 2 * X_VND)
    with desk.session() as session:
        service.catch_up(session, desk.school.id, desk.school.account, NEXT)
    desk.close(NEXT)
    desk.day_of(NEXT + timedelta(days=1), opening=OPENING + 2 * X_VND)
    assert desk.through() == NEXT > DAY
    desk.prove()
