"""Suggestions from the database: who paid before, in time, and nothing about a payer who paid for many."""

import pytest

from payments.settlement import hunting
from payments.settlement.settling import settle_transactions
from tests.payments.setting import make_pupil
from tests.payments.settlement.setting import arrive, issue

pytestmark = pytest.mark.db
PAYER = "MBVCB.1.2.{}.CT tu 0011001932418 NGUYEN VAN MAU toi 0000000002 TRUONG MAU"


def suggestions(session, school, memo, amount=55_000):
    transfer = arrive(session, school, amount, memo)
    settle_transactions(session, school.id, [transfer])
    return session.execute(
        hunting.text("SELECT suggestions FROM settlement WHERE transaction_id = :id"), {"id": transfer}
    ).scalar_one()


def test_who_paid_for_a_pupil_before_leads_to_what_the_pupil_owes_now(session, school):
    paid = issue(session, school)
    settle_transactions(session, school.id, [arrive(session, school, 100_000, PAYER.format(paid.reference))])
    owes = issue(session, school, 55_000)
    issue(session, school, 70_000, pupil=make_pupil(session, school.id, school.class_room, "Binh"))
    [found] = suggestions(session, school, PAYER.format("NOP TIEN"))
    assert found["invoice_ids"] == [owes.id]
    assert found["chips"] == ["payer_known", "same_amount", "in_time", "same_account"]
    assert (found["against"], found["score"]) == ([], 55)


def test_who_paid_for_many_says_nothing(session, school):
    for number in range(6):
        pupil = make_pupil(session, school.id, school.class_room, f"Em {number}")
        paid = issue(session, school, pupil=pupil)
        settle_transactions(session, school.id, [arrive(session, school, 100_000, PAYER.format(paid.reference))])
        issue(session, school, 55_000, pupil=pupil)
    assert suggestions(session, school, PAYER.format("NOP TIEN"), 54_000) == []


def test_without_the_history_the_chip_is_missing(session, school, monkeypatch):
    paid = issue(session, school)
    settle_transactions(session, school.id, [arrive(session, school, 100_000, PAYER.format(paid.reference))])
    issue(session, school, 55_000)
    monkeypatch.setattr(hunting, "payer_marks", lambda _: frozenset())
    [found] = suggestions(session, school, PAYER.format("NOP TIEN"))
    assert "payer_known" not in found["chips"]
