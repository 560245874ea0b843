"""Each safeguard of the money is taken away, and the proofs notice."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from operations.invariants import check_invariants
from payments.access import approvals
from payments.errors import ConflictError
from payments.inbox.models import Direction
from payments.settlement import loading, refund_rows, settling, undoing
from payments.settlement.models import ExcludeReason
from payments.settlement.service import decide_refund, exclude, propose_refund, undo
from payments.settlement.settling import settle_transactions
from tests.payments.settlement.setting import arrive, issue, ledger, state_of

pytestmark = pytest.mark.db
FENCE = "uq__settlement__school_id_transaction_id"


@pytest.fixture
def settled(session, school):
    """A transfer that was settled and, as a stale reader would see it, not yet."""
    issued = issue(session, school)
    transfer = arrive(session, school, 100_000, issued.reference)
    settle_transactions(session, school.id, [transfer])
    session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    session.execute(text("UPDATE bank_transaction SET state = 'new'"))
    return transfer


def broken(session):
    return {check.name: check.detail for check in check_invariants(session.connection()) if not check.ok}


def test_the_fence_stops_a_second_credit(session, school, settled):
    with pytest.raises(IntegrityError, match=FENCE), session.begin_nested():
        settle_transactions(session, school.id, [settled])


def test_the_books_are_a_second_fence(session, school, settled):
    session.execute(text(f"ALTER TABLE settlement DROP CONSTRAINT {FENCE}"))
    with pytest.raises(ConflictError, match="posted_otherwise"), session.begin_nested():
        settle_transactions(session, school.id, [settled])


def test_without_both_fences_a_transfer_is_credited_twice_and_doctor_names_it(session, school, settled, monkeypatch):
    session.execute(text(f"ALTER TABLE settlement DROP CONSTRAINT {FENCE}"))
    monkeypatch.setattr(settling, "post", lambda *_: None)
    settle_transactions(session, school.id, [settled])
    found = broken(session)
    assert f"({school.id}, {settled}) was decided 2 times" in found["I3"]
    assert "credited with 200000" in found["I3"]


def test_without_looking_for_claims_that_became_credit_a_reversal_leaves_a_paid_invoice_open(
    session, school, monkeypatch
):
    def reverse_the_first():
        issued = issue(session, school)
        transfers = [arrive(session, school, 100_000, issued.reference, hour=hour) for hour in (1, 2)]
        settle_transactions(session, school.id, transfers)
        back = arrive(session, school, 100_000, "hoan", direction=Direction.DEBIT, reverses=transfers[0])
        settle_transactions(session, school.id, [back])
        return state_of(session, school, issued)

    assert reverse_the_first() == ("paid", 100_000)
    monkeypatch.setattr(loading, "credited_transfers", lambda *_: set())
    assert reverse_the_first() == ("open", 0)


def test_an_invoice_paid_behind_settlement_s_back_is_noticed(session, school):
    issued = issue(session, school)
    session.execute(
        text("UPDATE invoice_balance SET paid_vnd = 100000, state = 'paid' WHERE invoice_id = :id"), {"id": issued.id}
    )
    assert "says 100000 paid, its allocations 0" in broken(session)["I7"]


def test_a_transfer_that_is_allocated_but_claims_nothing_stops_the_batch(session, school):
    """Its references were changed behind our back: nothing is moved on such grounds."""
    issued = issue(session, school)
    transfer = arrive(session, school, 40_000, issued.reference)
    settle_transactions(session, school.id, [transfer])
    session.execute(text("UPDATE bank_transaction SET \"references\" = '{}' WHERE id = :id"), {"id": transfer})
    with pytest.raises(ValueError, match="claim nothing"):
        settle_transactions(session, school.id, [arrive(session, school, 60_000, issued.reference)])
    assert ledger(session, school)["bank"] == 40_000


GUARDS_OF_TWO = (
    "ALTER TABLE approval DROP CONSTRAINT ck__approval__two_people",
    "ALTER TABLE refund DROP CONSTRAINT ck__refund__two_people",
    "ALTER TABLE refund DISABLE TRIGGER keep_refund",
)


def test_without_the_rule_of_two_people_the_database_refuses_and_without_that_doctor_names_the_refund(
    session, school, unmatched, monkeypatch
):
    for rule in ("require_principal", "require_second_person"):
        monkeypatch.setattr(approvals, rule, lambda *_: None)
    refund = propose_refund(session, school.id, unmatched, school.accountant)
    with pytest.raises(IntegrityError, match="two_people"), session.begin_nested():
        decide_refund(session, school.id, refund, school.accountant, approved=True)
    for mode in ("IMMEDIATE", "DEFERRED"):  # nothing may wait on tables that are altered now
        session.execute(text(f"SET CONSTRAINTS ALL {mode}"))
    for guard in GUARDS_OF_TWO:
        session.execute(text(guard))
    decide_refund(session, school.id, refund, school.accountant, approved=True)
    found = broken(session)["decisions"]
    assert "no second person approved it" in found
    assert "trigger keep_refund of refund is off" in found


def test_a_refund_that_the_bank_s_reversal_forgets_is_noticed(session, school, unmatched, monkeypatch):
    refund = propose_refund(session, school.id, unmatched, school.accountant)
    decide_refund(session, school.id, refund, school.principal, approved=True)
    monkeypatch.setattr(refund_rows, "step", lambda *_, **__: None)
    back = arrive(session, school, 100_000, "hoan", direction=Direction.DEBIT, reverses=unmatched)
    settle_transactions(session, school.id, [back])
    assert "is reversed and 1 refunds of it stand" in broken(session)["decisions"]


def test_an_undoing_that_forgets_the_books_is_noticed(session, school, unmatched, monkeypatch):
    decision = exclude(session, school.id, unmatched, ExcludeReason.MISTAKEN, school.accountant)
    monkeypatch.setattr(undoing, "post", lambda *_: None)
    undo(session, school.id, decision, school.accountant)
    found = broken(session)["subledger"]
    assert "suspense of school" in found
    assert "excluded of school" in found


def test_a_state_behind_the_decisions_back_is_noticed(session, school, unmatched):
    session.execute(text("UPDATE bank_transaction SET state = 'excluded' WHERE id = :id"), {"id": unmatched})
    assert "is excluded and 0 decisions that hold exclude it" in broken(session)["decisions"]
