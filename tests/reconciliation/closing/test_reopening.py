"""Reopening: two people, a reason, a link of its own; then the runs are made again, and it is signed again."""

import json

import pytest

from payments.errors import ConflictError, DomainError, ForbiddenError
from payments.events.rules import EventKind
from reconciliation.closing import chain, reopening
from tests.payments.events.told import listen, told
from tests.payments.setting import make_school
from tests.reconciliation.closing.ledgers import NEXT
from tests.reconciliation.desk import DAY, OPENING

pytestmark = pytest.mark.db
X_VND = 100_000


def reopened(desk):
    """A signed day to which something came late, reopened."""
    desk.day_of(DAY, X_VND)
    first = desk.close()
    desk.day_of(NEXT, opening=OPENING + X_VND)
    desk.pay(X_VND, desk.issue(X_VND).reference, "FT9")
    assert desk.night(NEXT).exceptions == {"closed_period": 1}
    return first, desk.reopen()


def test_a_reopening_is_a_signed_link_with_both_people_and_the_reason(desk):
    first, link = reopened(desk)
    said = json.loads(link.document)
    assert (link.sequence, link.kind, link.previous_sha256) == (2, "reopen", first.sha256)
    assert said["proposed_by"] == {"name": "Kế toán (mẫu)", "role": "accountant"}
    assert said["signed_by"] == {"name": "Hiệu trưởng (mẫu)", "role": "principal"}
    assert (said["reopens"], said["reason"]) == ([1], "Sao kê ngày 10 nhập thiếu")
    assert said["still_closed_through"] is None
    assert desk.through() is None
    actions = [action for (action,) in desk.rows("SELECT action FROM audit_event ORDER BY id")]
    assert actions[-2:] == ["propose_reopening", "reopen_period"]


def test_after_it_the_runs_are_made_again_and_what_was_late_is_at_home(desk):
    reopened(desk)
    assert desk.night(DAY).exceptions == {"missing_bank": 1}
    assert desk.night(NEXT).exceptions == {}


def test_it_is_signed_again_and_all_of_it_stays_readable(desk):
    first, link = reopened(desk)
    again = desk.close()
    assert (again.sequence, again.previous_sha256, again.first) == (3, link.sha256, first.first)
    with desk.session() as session:
        assert [one.sequence for one in chain.links(session, desk.school.id)] == [1, 2, 3]
        assert [one.sequence for one in chain.standing(session, desk.school.id)] == [3]
    assert len(json.loads(again.document)["exceptions"]) == 1


def test_reopening_a_month_reopens_what_follows_and_nothing_before(desk):
    desk.day_of(DAY, X_VND)
    desk.close()
    desk.day_of(NEXT, opening=OPENING + X_VND)
    desk.close(NEXT)
    said = json.loads(desk.reopen(2).document)
    assert (said["reopens"], said["still_closed_through"], desk.through()) == ([2], str(DAY), DAY)
    said = json.loads(desk.reopen(1).document)
    assert (said["reopens"], desk.through()) == ([1], None)


def test_whoever_proposed_cannot_approve_and_only_a_principal_can(desk):
    desk.day_of(DAY, X_VND)
    desk.close()
    proposed = desk.propose(by=desk.school.principal)
    for person in (desk.school.principal, desk.school.accountant):
        with pytest.raises(ForbiddenError):
            desk.approve(proposed, by=person)
    with desk.session() as session:
        stranger = make_school(session)
    with pytest.raises(ForbiddenError):
        desk.approve(proposed, by=stranger.principal)
    assert desk.through() == DAY


def test_without_the_second_person_in_the_code_the_database_refuses(desk, monkeypatch):
    """Teeth: the same person proposes and approves."""
    desk.day_of(DAY, X_VND)
    desk.close()
    proposed = desk.propose(by=desk.school.principal)
    monkeypatch.setattr("payments.access.approvals.require_second_person", lambda *_: None)
    with pytest.raises(Exception, match="two_people"):
        desk.approve(proposed)
    assert desk.through() == DAY


def test_a_reason_is_needed_and_one_question_at_a_time(desk):
    desk.day_of(DAY, X_VND)
    desk.close()
    with pytest.raises(DomainError, match="needs_reason"):
        desk.propose(reason="   sai  ")
    desk.propose()
    with pytest.raises(ConflictError, match="proposed_already"):
        desk.propose()


def test_a_refusal_leaves_everything_as_it_was_signed(desk):
    desk.day_of(DAY, X_VND)
    desk.close()
    proposed = desk.propose()
    with desk.session() as session:
        reopening.refuse_reopening(session, desk.school.id, proposed, actor_id=desk.school.principal, reason="Không")
    assert desk.through() == DAY
    with pytest.raises(ConflictError, match="decided_already"):
        desk.approve(proposed)


def test_what_was_reopened_cannot_be_reopened_again(desk):
    desk.day_of(DAY, X_VND)
    desk.close()
    desk.reopen()
    with pytest.raises(ConflictError, match="not_standing"):
        desk.propose()


def test_school_software_is_told_what_became_of_the_closed_days(desk):
    with desk.session() as session:
        listen(session, desk.school.id)
    reopened(desk)
    with desk.session() as session:
        days = told(session, desk.school.id, EventKind.DAY_CLOSED)
    through = [(event["day"], event["closed_through"], event["exceptions"]) for event in days]
    assert through == [
        ("2025-09-10", None, {}),
        ("2025-09-10", "2025-09-10", {}),
        ("2025-09-11", "2025-09-10", {}),
        ("2025-09-11", "2025-09-10", {"closed_period": 1}),
        ("2025-09-10", None, {"missing_bank": 1}),
        ("2025-09-11", None, {}),
        ("2025-09-10", None, {"missing_bank": 1}),
    ]
