"""One pupil's timeline: every event once, the newest first, and no other pupil's."""

import pytest
from sqlalchemy.orm import Session

from payments.console.timeline import Timeline, timeline
from payments.settlement.service import assign, undo
from payments.settlement.settling import settle_transactions
from tests.payments.setting import make_pupil, make_school
from tests.payments.settlement.setting import arrive, issue

pytestmark = pytest.mark.db


def kinds(found: Timeline | None) -> list[str]:
    assert found is not None
    return [event["kind"] for event in found.events]


def test_money_that_pays_two_lines_is_one_event_with_its_receipt(session: Session) -> None:
    school = make_school(session)
    invoice = issue(session, school, 100_000, 15_000)
    settle_transactions(session, school.id, [arrive(session, school, 130_000, invoice.reference)])
    found = timeline(session, school.id, school.pupil)
    assert sorted(kinds(found)) == ["credited", "enrolled", "invoiced", "paid", "receipt"]
    assert found is not None
    by_kind = {event["kind"]: event for event in found.events}
    assert by_kind["paid"]["amount_vnd"] == 115_000
    assert by_kind["credited"]["amount_vnd"] == 15_000
    assert (found.pupil["open_vnd"], found.pupil["credit_vnd"]) == (0, 15_000)
    moments = [event["at"] for event in found.events]
    assert moments == sorted(moments, reverse=True)


def test_a_decision_and_its_undo_tell_who_decided(session: Session) -> None:
    school = make_school(session)
    invoice = issue(session, school, 100_000)
    transaction = arrive(session, school, 100_000, "khong ghi ma")
    settle_transactions(session, school.id, [transaction])
    decision = assign(session, school.id, transaction, [invoice.id], school.accountant)
    undo(session, school.id, decision, school.accountant)
    found = timeline(session, school.id, school.pupil)
    assert found is not None
    assert {"paid", "taken_back", "receipt", "receipt_revoked"} <= set(kinds(found))
    assert {event["by"] for event in found.events if event["kind"] in {"paid", "taken_back"}} == {"Kế toán (mẫu)"}
    assert found.pupil["open_vnd"] == 100_000


def test_another_pupil_and_another_school_have_nothing_of_it(session: Session) -> None:
    school, other = make_school(session), make_school(session)
    mate = make_pupil(session, school.id, school.class_room, "Binh")
    issue(session, school, 100_000)
    assert kinds(timeline(session, school.id, mate)) == ["enrolled"]
    assert timeline(session, other.id, school.pupil) is None
