"""Money of a bundle moves on when something else is paid, also when a day is signed meanwhile: into or out of notices
that a signed day's money paid, the day itself stays as it was signed.
"""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from bank_adapters.statements.model import StatementLine
from payments import clock
from payments.bundles.service import Payer, make_bundle
from payments.ledger.models import EntryKind, LedgerRole
from payments.ledger.service import Posting, PostingLine, post
from payments.settlement.service import settle_school
from reconciliation.reports import content
from tests.payments.settlement.bank import Bank
from tests.payments.settlement.setting import Issued
from tests.reconciliation.closing.ledgers import NEXT, SIGNING, Signer
from tests.reconciliation.desk import DAY, OPENING, line

pytestmark = pytest.mark.db
X_VND, Y_VND = 100_000, 80_000
TODAY = SIGNING.date()


class Signed:
    """A day signed with a bundle's money on it; the bundle lists two notices."""

    def __init__(self, desk: Signer) -> None:
        self.desk = desk
        self.lines: list[StatementLine] = []
        self.before: tuple[Any, ...] = ()
        self.first, self.second = desk.issue(X_VND), desk.issue(Y_VND)
        with desk.session() as session:
            payer = Payer(pupil_id=desk.school.pupil)
            self.code = make_bundle(session, desk.school.id, payer, [self.first.id, self.second.id])

    def told(self, amount_vnd: int, memo: str, number: str) -> None:
        """The bank's callback and its line of the day."""
        self.desk.pay(amount_vnd, memo, number)
        self.lines.append(line(amount_vnd, memo, number))

    def sign(self) -> None:
        desk = self.desk
        desk.state(*self.lines, opening=OPENING, days=(DAY, DAY))
        desk.night()
        desk.close()
        desk.prove()
        self.before = self.what_was_signed()

    def what_was_signed(self) -> tuple[Any, ...]:
        """Everything that is of the day: its entries with their lines, its runs with their reports, the chain."""
        desk = self.desk
        entries = desk.rows(f"""
            SELECT e.id, e.source_key, e.booked_on, l.account_id, l.amount_vnd FROM ledger_entry e
            JOIN ledger_line l ON l.school_id = e.school_id AND l.entry_id = e.id
            WHERE e.booked_on <= '{DAY}' ORDER BY e.id, l.account_id, l.amount_vnd
        """)
        runs = desk.rows(f"SELECT run_id FROM standing_run WHERE day <= '{DAY}' ORDER BY run_id")
        with desk.session() as session:
            reports = [content.as_json(content.build(session, run_id)) for (run_id,) in runs]
        return (
            entries,
            runs,
            reports,
            desk.rows("SELECT sequence, sha256, document FROM period_close ORDER BY sequence"),
        )

    def unchanged(self) -> bool:
        self.desk.prove()
        return self.what_was_signed() == self.before

    def paid(self) -> tuple[int, int]:
        return self.state(self.first), self.state(self.second)

    def state(self, issued: Issued) -> int:
        return Bank.state(self.desk, issued)[1]

    def booked(self) -> set[date]:
        """The days of what was booked since."""
        last = max(row[0] for row in self.before[0])
        return {day for (day,) in self.desk.rows(f"SELECT DISTINCT booked_on FROM ledger_entry WHERE id > {last}")}


@pytest.fixture
def signed(desk: Signer) -> Signed:
    return Signed(desk)


def moves_out(signed: Signed) -> None:
    """The signed day's bundle paid the first notice; then that is paid directly, so the bundle's money moves on."""
    signed.told(X_VND, signed.code, "FT1")
    signed.sign()
    signed.desk.pay(X_VND, signed.first.reference, "FT2", day=NEXT)
    signed.desk.settle()


def moves_in(signed: Signed) -> None:
    """On the signed day the first notice was paid directly and the bundle paid the second; then the bank takes the
    direct payment back, so the bundle's money moves to the first.
    """
    signed.told(X_VND, signed.first.reference, "FT1")
    signed.told(Y_VND, signed.code, "FT2")
    signed.sign()
    signed.desk.take_back(X_VND, "FT1")
    signed.desk.settle()


def test_money_that_moves_out_of_a_signed_day_s_notice_is_booked_today(signed):
    moves_out(signed)
    assert signed.paid() == (X_VND, Y_VND)
    assert signed.desk.credit() == [(signed.desk.school.pupil, signed.desk.school.account, X_VND - Y_VND)]
    assert signed.unchanged()
    assert signed.booked() == {NEXT, TODAY}


def test_money_that_moves_into_a_signed_day_s_notice_is_booked_today(signed):
    moves_in(signed)
    assert signed.paid() == (Y_VND, 0)
    assert signed.unchanged()
    assert DAY not in signed.booked()


def test_what_the_bank_tells_late_of_the_signed_day_moves_it_too_and_the_day_stays(signed):
    signed.told(X_VND, signed.code, "FT1")
    signed.sign()
    signed.desk.pay(X_VND, signed.first.reference, "FT2")
    signed.desk.settle()
    assert signed.paid() == (X_VND, Y_VND)
    assert signed.unchanged()
    assert signed.booked() == {TODAY}


def test_also_when_today_is_a_signed_day_itself(signed):
    """A clock that is behind, or a period that was signed to its end on its last day."""
    signed.told(X_VND, signed.code, "FT1")
    signed.sign()
    with clock.turned_to(SIGNING.replace(month=DAY.month, day=DAY.day)):
        signed.desk.pay(X_VND, signed.first.reference, "FT2")
        signed.desk.settle()
    assert signed.paid() == (X_VND, Y_VND)
    assert signed.unchanged()
    assert signed.booked() == {NEXT}


def test_in_a_reopened_day_it_is_booked_like_any_other_money_and_the_day_is_signed_again(signed):
    signed.told(X_VND, signed.code, "FT1")
    signed.sign()
    desk = signed.desk
    desk.reopen()
    desk.pay(X_VND, signed.first.reference, "FT2")
    desk.settle()
    assert signed.paid() == (X_VND, Y_VND)
    assert signed.booked() == {DAY, TODAY}, "the payment on its own day, what it moves today"
    desk.night()
    desk.close()
    signed.before = signed.what_was_signed()
    desk.take_back(X_VND, "FT2")
    desk.settle()
    assert signed.paid() == (X_VND, 0)
    assert signed.unchanged()


def test_the_database_itself_refuses_what_would_be_booked_on_the_signed_day(signed, monkeypatch):
    """Teeth: without the shift to an open day nothing of it is written, and the work waits."""
    signed.told(X_VND, signed.code, "FT1")
    signed.sign()
    desk = signed.desk
    monkeypatch.setattr("payments.ledger.service.open_day", lambda _through, _day: DAY)
    desk.pay(X_VND, signed.first.reference, "FT2", day=NEXT)
    with desk.session() as session:
        assert settle_school(session, desk.school.id).failed == 1
    assert signed.paid() == (X_VND, 0)
    assert signed.unchanged()
    assert desk.rows("SELECT problem FROM outbox WHERE queue = 'settlement' AND problem IS NOT NULL") != []


def test_a_correcting_entry_of_the_signed_day_by_raw_posting_is_refused(signed, monkeypatch):
    moves_out(signed)
    monkeypatch.setattr("payments.ledger.service.open_day", lambda _through, day: day)
    account = signed.desk.school.account
    lines = [
        PostingLine(LedgerRole.CREDIT, account, None, 1),
        PostingLine(LedgerRole.SUSPENSE, account, None, -1),
    ]
    with pytest.raises(IntegrityError, match="closed_period"), signed.desk.session() as session:
        post(session, signed.desk.school.id, [Posting(EntryKind.REVERSAL, "x", DAY, lines)])
    assert signed.unchanged()


def test_a_line_added_to_a_signed_entry_would_be_noticed(signed):
    """Teeth of the comparison."""
    moves_out(signed)
    with signed.desk.session() as session:
        session.execute(text("ALTER TABLE ledger_entry DISABLE TRIGGER USER"))
        session.execute(text("UPDATE ledger_entry SET booked_on = :day WHERE booked_on > :day"), {"day": DAY})
        session.execute(text("ALTER TABLE ledger_entry ENABLE TRIGGER USER"))
    assert signed.what_was_signed() != signed.before


def test_the_later_days_prove_with_what_moved(signed):
    moves_out(signed)
    desk = signed.desk
    desk.state(line(X_VND, signed.first.reference, "FT2", day=NEXT), opening=OPENING + X_VND, days=(NEXT, NEXT))
    assert desk.night(NEXT).exceptions == {}
    desk.close(NEXT)
    desk.prove()
    assert desk.through() == NEXT
