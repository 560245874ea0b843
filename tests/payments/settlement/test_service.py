"""A school's waiting evidence is settled in one transaction, once, by one worker, whatever a row among it does."""

from datetime import timedelta

import pytest
from psycopg.errors import ProgramLimitExceeded
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from operations.invariants import check_invariants
from payments import clock
from payments.errors import DomainError
from payments.outbox import MAX_ATTEMPTS
from payments.settlement import service
from payments.settlement.service import problem_code, settle_school
from tests.payments.setting import make_school
from tests.payments.settlement.setting import issue, ledger, say, state_of

pytestmark = pytest.mark.db


def broken(session):
    return {check.name: check.detail for check in check_invariants(session.connection()) if not check.ok}


def test_waiting_evidence_is_settled_and_the_work_removed(session, school):
    invoices = [issue(session, school) for _ in range(3)]
    for one in invoices:
        say(session, school, 100_000, f"CT DEN {one.reference}")
    say(session, school, 70_000, "khong ro")

    result = settle_school(session, school.id)

    assert (result.taken, result.failed, dict(result.outcomes)) == (4, 0, {"exact": 3, "unknown": 1})
    assert session.scalar(text("SELECT count(*) FROM outbox")) == 0
    assert broken(session) == {}


def test_nothing_is_due_twice(session, school):
    issued = issue(session, school)
    say(session, school, 100_000, issued.reference)
    settle_school(session, school.id)
    again = settle_school(session, school.id)
    assert (again.taken, again.outcomes) == (0, {})
    assert ledger(session, school) == {"bank": 100_000, "income": -100_000}


def test_a_batch_has_a_limit_and_the_rest_stays_due(session, school):
    for _ in range(5):
        say(session, school, 100_000, issue(session, school).reference)
    assert [settle_school(session, school.id, limit=2).taken for _ in range(4)] == [2, 2, 1, 0]


def test_only_the_own_school_is_settled(session, school):
    other = make_school(session)
    say(session, other, 100_000, issue(session, other).reference)
    assert settle_school(session, school.id).taken == 0
    assert settle_school(session, other.id).taken == 1


def test_a_school_without_a_lease_is_busy(session, school):
    assert settle_school(session, school.id + 1_000).busy


@pytest.fixture
def poison(monkeypatch):
    """Evidence that cannot be settled, by id: whatever batch it is in fails."""
    poisoned: set[int] = set()
    attach = service.attach_evidence

    def failing(session, school_id, evidence_ids):
        if poisoned & set(evidence_ids):
            raise KeyError("something with a pupil's name in it")
        return attach(session, school_id, evidence_ids)

    monkeypatch.setattr(service, "attach_evidence", failing)
    return poisoned


def test_a_poisoned_row_is_isolated_and_tried_again_later(session, school, poison):
    invoices = [issue(session, school) for _ in range(7)]
    evidence = [say(session, school, 100_000, one.reference) for one in invoices]
    poison.add(evidence[3])

    result = settle_school(session, school.id)

    assert (result.taken, result.failed, result.outcomes["exact"]) == (7, 1, 6)
    assert [state_of(session, school, one)[0] for one in invoices] == ["paid"] * 3 + ["open"] + ["paid"] * 3
    assert session.execute(text("SELECT subject_id, attempts, problem FROM outbox")).all() == [
        (evidence[3], 1, "KeyError")
    ]
    assert settle_school(session, school.id).taken == 0
    poison.clear()
    with clock.turned_to(clock.now() + timedelta(hours=1)):
        assert settle_school(session, school.id).outcomes == {"exact": 1}


def test_a_row_that_always_fails_becomes_a_dead_letter(session, school, poison):
    poison.add(say(session, school, 100_000, issue(session, school).reference))
    for attempt in range(MAX_ATTEMPTS + 2):
        with clock.turned_to(clock.now() + timedelta(days=attempt)):
            settle_school(session, school.id)
    assert session.execute(text("SELECT attempts, dead, problem FROM outbox")).all() == [
        (MAX_ATTEMPTS, True, "KeyError")
    ]


def test_a_server_that_goes_away_is_no_row_s_fault(session, school, monkeypatch):
    say(session, school, 100_000, issue(session, school).reference)

    def gone(*_):
        raise OperationalError("SELECT 1", {}, Exception("gone"))

    monkeypatch.setattr(service, "attach_evidence", gone)
    with pytest.raises(OperationalError):
        settle_school(session, school.id)
    assert session.scalar(text("SELECT attempts FROM outbox")) == 0


def test_a_row_that_asks_too_much_of_the_server_is_that_row_s_fault(session, school, monkeypatch):
    """The driver calls it an operational error, yet it comes again for ever: the others must not wait for it."""
    good = issue(session, school)
    say(session, school, 100_000, good.reference)
    guilty = say(session, school, 100_000, "qua dai")
    attach = service.attach_evidence

    def too_long(session, school_id, evidence_ids):
        if guilty in evidence_ids:
            raise OperationalError("INSERT", {}, ProgramLimitExceeded())
        return attach(session, school_id, evidence_ids)

    monkeypatch.setattr(service, "attach_evidence", too_long)
    result = settle_school(session, school.id)
    assert (result.failed, state_of(session, school, good)) == (1, ("paid", 100_000))
    assert session.scalar(text("SELECT problem FROM outbox")) == "54000"


def test_work_of_another_kind_is_refused_and_kept(session, school):
    session.execute(
        text("INSERT INTO outbox (queue, kind, school_id, due_at) VALUES ('settlement', 'odd', :school, :now)"),
        {"school": school.id, "now": clock.now()},
    )
    assert settle_school(session, school.id).failed == 1
    assert session.scalar(text("SELECT problem FROM outbox")) == "unknown_work"


def test_a_problem_is_a_code_and_never_a_text():
    assert problem_code(DomainError("no_such", "…", "…")) == "no_such"
    assert problem_code(ValueError("Nguyễn Văn A")) == "ValueError"


def test_an_unbalanced_entry_is_caught_within_its_batch(session, school, monkeypatch):
    """The deferred trigger speaks inside the savepoint: the other rows of the batch are settled."""
    good, bad = issue(session, school), issue(session, school)
    say(session, school, 100_000, good.reference)
    guilty = say(session, school, 100_000, bad.reference)
    settle = service._settle_rows

    def unbalanced(session, school_id, rows):
        outcomes = settle(session, school_id, rows)
        if any(row.subject_id == guilty for row in rows):
            session.execute(
                text("""
                    INSERT INTO ledger_line (school_id, entry_id, account_id, amount_vnd)
                    SELECT school_id, entry_id, account_id, 1 FROM ledger_line ORDER BY id DESC LIMIT 1
                """)
            )
        return outcomes

    monkeypatch.setattr(service, "_settle_rows", unbalanced)
    result = settle_school(session, school.id)
    assert result.failed == 1
    assert [state_of(session, school, one)[0] for one in (good, bad)] == ["paid", "open"]


def test_two_workers_share_schools_by_their_leases(engine):
    with Session(engine) as first, Session(engine) as second:
        school = make_school(first)
        say(first, school, 100_000, issue(first, school).reference)
        first.commit()
        assert settle_school(first, school.id).taken == 1
        assert settle_school(second, school.id).busy
        first.commit()
        second.rollback()
        assert settle_school(second, school.id).taken == 0
