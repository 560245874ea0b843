"""Money goes back to its payer: proposed by one, approved by the principal, confirmed by the bank's debit."""

from datetime import date

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from operations.invariants import check_invariants
from payments.errors import ConflictError, DomainError, ForbiddenError, NotFoundError
from payments.inbox.models import Direction
from payments.settlement.assigning import Part
from payments.settlement.models import DecisionKind, RefundState
from payments.settlement.queries import debits_for, history, refunds
from payments.settlement.service import (
    assign,
    confirm_refund,
    decide_refund,
    propose_refund,
    split,
    undo,
)
from payments.settlement.settling import settle_transactions
from tests.payments.setting import make_pupil, make_school
from tests.payments.settlement.setting import arrive, issue, ledger, outcome_of, state_of

pytestmark = pytest.mark.db


@pytest.fixture(autouse=True)
def _everything_holds(session):
    yield
    session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    assert [check for check in check_invariants(session.connection()) if not check.ok] == []


def debit(session, school, amount_vnd=100_000, **more):
    """A line by which the bank sent money away; returns its id."""
    more.setdefault("day", date(2025, 9, 15))
    made = arrive(session, school, amount_vnd, "chi hoan tra", direction=Direction.DEBIT, **more)
    settle_transactions(session, school.id, [made])
    return made


def propose(session, school, transfer, **more):
    return propose_refund(session, school.id, transfer, school.accountant, **more)


def approve(session, school, refund):
    decide_refund(session, school.id, refund, school.principal, approved=True)


def paid_twice(session, school):
    """An invoice of 100,000 đồng and two transfers for it; returns the invoice and both."""
    issued = issue(session, school)
    transfers = [arrive(session, school, 100_000, issued.reference, hour=hour) for hour in (1, 2)]
    settle_transactions(session, school.id, transfers)
    return issued, *transfers


def test_the_way_of_a_refund(session, school, unmatched):
    refund = propose(session, school, unmatched, note="chuyển nhầm trường")
    assert outcome_of(session, school, unmatched) == ("refund", "refund", [])
    assert ledger(session, school) == {"bank": 100_000, "suspense": -100_000}, "proposed: nothing has moved"

    approve(session, school, refund)
    assert ledger(session, school) == {"bank": 100_000, "refund": -100_000}, "owed to the payer, still at the bank"

    line = debit(session, school)
    assert [row.id for row in debits_for(session, school.id, refund)] == [line]
    confirm_refund(session, school.id, refund, line, school.accountant)
    assert ledger(session, school) == {}
    assert outcome_of(session, school, line) == ("debit", "refund", [])
    [shown] = refunds(session, school.id, RefundState.CONFIRMED)
    assert (shown.refund_id, shown.amount_vnd, shown.debit_id, shown.note) == (
        refund,
        100_000,
        line,
        "chuyển nhầm trường",
    )
    assert debits_for(session, school.id, refund) == []


def test_rejected_it_waits_in_the_queue_as_before(session, school, unmatched):
    refund = propose(session, school, unmatched)
    decide_refund(session, school.id, refund, school.principal, approved=False, reason="đã tìm ra phụ huynh")
    assert outcome_of(session, school, unmatched) == ("unmatched", "unknown", [])
    assert ledger(session, school) == {"bank": 100_000, "suspense": -100_000}
    assert [told.kind for told in history(session, school.id, unmatched)] == [
        DecisionKind.REFUND,
        DecisionKind.REFUND_REJECTED,
    ]
    propose(session, school, unmatched)


def test_each_step_is_undone_the_last_one_first(session, school, unmatched):
    refund = propose(session, school, unmatched)
    approve(session, school, refund)
    line = debit(session, school)
    confirm_refund(session, school.id, refund, line, school.accountant)

    with pytest.raises(ConflictError, match="refund_confirmed"):
        undo(session, school.id, refund, school.accountant)
    undo(session, school.id, kind_of(session, school, unmatched, DecisionKind.REFUND_CONFIRMED), school.accountant)
    assert ledger(session, school) == {"bank": 100_000, "refund": -100_000}
    assert outcome_of(session, school, line) == ("debit", "debit", [])
    undo(session, school.id, refund, school.accountant)
    assert ledger(session, school) == {"bank": 100_000, "suspense": -100_000}
    assert outcome_of(session, school, unmatched) == ("unmatched", "unknown", [])
    with pytest.raises(ConflictError, match="already_undone"):
        undo(session, school.id, refund, school.accountant)
    assert not any(told.undoable for told in history(session, school.id, unmatched))


def test_a_proposal_is_withdrawn(session, school, unmatched):
    refund = propose(session, school, unmatched)
    undo(session, school.id, refund, school.accountant)
    assert outcome_of(session, school, unmatched) == ("unmatched", "unknown", [])
    with pytest.raises(ConflictError, match="decided_already"):
        approve(session, school, refund)


def test_the_second_person_is_a_principal_who_did_not_propose(session, school, unmatched):
    refund = propose_refund(session, school.id, unmatched, school.principal)
    for person in (school.principal, school.accountant):
        with pytest.raises(ForbiddenError):
            decide_refund(session, school.id, refund, person, approved=True)
    assert refunds(session, school.id)[0].state is RefundState.PROPOSED


def test_the_excess_of_a_transfer_that_paid_twice(session, school):
    issued, first, second = paid_twice(session, school)
    refund = propose(session, school, second, pupil_id=school.pupil)
    assert ledger(session, school)["credit"] == -100_000, "proposed: the pupil has it still"
    approve(session, school, refund)
    assert ledger(session, school) == {"bank": 200_000, "income": -100_000, "refund": -100_000}
    assert outcome_of(session, school, second) == ("credited", "twice", [])

    reversal = arrive(session, school, 100_000, "hoan", direction=Direction.DEBIT, reverses=first)
    settle_transactions(session, school.id, [reversal])
    assert state_of(session, school, issued) == ("open", 0), "what goes back to the payer pays nothing"

    confirm_refund(session, school.id, refund, debit(session, school), school.accountant)
    assert ledger(session, school) == {"receivable": 100_000, "income": -100_000}


def test_undone_the_excess_is_credit_again_and_pays_what_has_opened_since(session, school):
    issued, first, second = paid_twice(session, school)
    refund = propose(session, school, second, pupil_id=school.pupil)
    approve(session, school, refund)
    undo(session, school.id, refund, school.accountant)
    assert ledger(session, school)["credit"] == -100_000
    assert outcome_of(session, school, second) == ("credited", "twice", [])

    again = propose(session, school, second, pupil_id=school.pupil)
    approve(session, school, again)
    reversal = arrive(session, school, 100_000, "hoan", direction=Direction.DEBIT, reverses=first)
    settle_transactions(session, school.id, [reversal])
    undo(session, school.id, again, school.accountant)
    assert state_of(session, school, issued) == ("paid", 100_000)
    assert outcome_of(session, school, second) == ("credited", "exact", [])


def test_only_the_excess_that_is_there_can_go_back(session, school):
    _, first, second = paid_twice(session, school)
    with pytest.raises(DomainError, match="no_credit"):
        propose(session, school, first, pupil_id=school.pupil)
    refund = propose(session, school, second, pupil_id=school.pupil)
    with pytest.raises(ConflictError, match="refund_open"):
        propose(session, school, second, pupil_id=school.pupil)
    reversal = arrive(session, school, 100_000, "hoan", direction=Direction.DEBIT, reverses=first)
    settle_transactions(session, school.id, [reversal])
    with pytest.raises(ConflictError, match="credit_changed"), session.begin_nested():
        approve(session, school, refund)
    decide_refund(session, school.id, refund, school.principal, approved=False)


def test_of_a_split_each_pupil_s_credit_goes_back_by_itself(session, school, unmatched):
    sibling = make_pupil(session, school.id, school.class_room, "Bình")
    issued = issue(session, school, 40_000)
    parts = [Part(70_000, invoice_id=issued.id), Part(30_000, pupil_id=sibling)]
    decision = split(session, school.id, unmatched, parts, school.accountant)
    mine, theirs = (propose(session, school, unmatched, pupil_id=pupil) for pupil in (school.pupil, sibling))
    approve(session, school, mine)
    approve(session, school, theirs)
    assert ledger(session, school) == {"bank": 100_000, "income": -40_000, "refund": -60_000}

    for refused in (decision, mine):
        with pytest.raises(ConflictError, match="refund_open"):
            undo(session, school.id, refused, school.accountant)
    undo(session, school.id, theirs, school.accountant)
    undo(session, school.id, mine, school.accountant)
    assert ledger(session, school) == {"bank": 100_000, "income": -40_000, "credit": -60_000}
    undo(session, school.id, decision, school.accountant)
    assert outcome_of(session, school, unmatched) == ("unmatched", "unknown", [])


@pytest.mark.parametrize("far", ["proposed", "approved", "confirmed"])
@pytest.mark.parametrize("excess", [False, True])
def test_the_bank_takes_the_whole_transfer_back_however_far_a_refund_is(session, school, far, excess):
    if excess:
        _, _, transfer = paid_twice(session, school)
    else:
        transfer = arrive(session, school, 100_000, "chuyen tien")
        settle_transactions(session, school.id, [transfer])
    without = ledger(session, school)
    refund = propose(session, school, transfer, pupil_id=school.pupil if excess else None)
    if far != "proposed":
        approve(session, school, refund)
    line = debit(session, school)
    if far == "confirmed":
        confirm_refund(session, school.id, refund, line, school.accountant)

    reversal = arrive(session, school, 100_000, "hoan", direction=Direction.DEBIT, reverses=transfer)
    settle_transactions(session, school.id, [reversal])

    assert outcome_of(session, school, transfer)[0] == "reversed"
    assert outcome_of(session, school, line) == ("debit", "debit", []), "it explains nothing any more"
    assert [row.state for row in refunds(session, school.id)] == [RefundState.TAKEN_BACK]
    assert ledger(session, school).get("bank", 0) == without["bank"] - 100_000
    with pytest.raises(ConflictError):
        undo(session, school.id, refund, school.accountant)


def test_the_bank_s_own_word_on_a_debit_comes_before_a_person_s(session, school, unmatched):
    """The debit that confirmed one refund turns out to take another transfer back."""
    refund = propose(session, school, unmatched)
    approve(session, school, refund)
    other = arrive(session, school, 100_000, "chuyen tien khac")
    settle_transactions(session, school.id, [other])
    line = debit(session, school)
    confirm_refund(session, school.id, refund, line, school.accountant)
    session.execute(
        text("UPDATE bank_transaction SET reverses_id = :other WHERE id = :id"), {"other": other, "id": line}
    )
    settle_transactions(session, school.id, [], [line])

    assert outcome_of(session, school, other)[0] == "reversed"
    assert refunds(session, school.id)[0].state is RefundState.APPROVED
    assert ledger(session, school) == {"bank": 100_000, "refund": -100_000}


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"amount_vnd": 90_000}, "debit_differs"),
        ({"day": date(2025, 9, 1)}, "debit_differs"),
        ({"account": "other"}, "debit_differs"),
    ],
)
def test_only_a_debit_that_fits_confirms(session, school, unmatched, more, code):
    refund = propose(session, school, unmatched)
    if more.get("account"):
        more = {"account": school.other_account}
    line = debit(session, school, **more)
    with pytest.raises(ConflictError, match="not_approved"):
        confirm_refund(session, school.id, refund, line, school.accountant)
    approve(session, school, refund)
    with pytest.raises(DomainError, match=code):
        confirm_refund(session, school.id, refund, line, school.accountant)
    with pytest.raises(NotFoundError):
        confirm_refund(session, school.id, refund, unmatched, school.accountant)


def test_a_debit_confirms_one_refund(session, school, unmatched):
    other = arrive(session, school, 100_000, "chuyen tien khac")
    settle_transactions(session, school.id, [other])
    line = debit(session, school)
    first, second = propose(session, school, unmatched), propose(session, school, other)
    for refund in (first, second):
        approve(session, school, refund)
    confirm_refund(session, school.id, first, line, school.accountant)
    with pytest.raises(ConflictError, match="debit_taken"):
        confirm_refund(session, school.id, second, line, school.accountant)


def test_the_database_refuses_one_person_twice_and_steps_out_of_order(session, school, unmatched):
    refund = propose(session, school, unmatched)
    steps = [
        "state = 'approved', decided_by = proposed_by",
        f"state = 'approved', decided_by = {school.principal}",  # no approval stands behind it
        "state = 'confirmed'",
        "amount_vnd = amount_vnd + 1",
        "proposed_by = proposed_by + 0, pupil_id = NULL, state = 'proposed'",
    ]
    for step in steps:
        with pytest.raises(IntegrityError), session.begin_nested():
            session.execute(text(f"UPDATE refund SET {step} WHERE decision_id = {refund}"))
    with pytest.raises(IntegrityError), session.begin_nested():
        session.execute(text("DELETE FROM refund"))


def test_another_school_s_refunds_are_not_found(session, school, unmatched):
    refund = propose(session, school, unmatched)
    foreign = make_school(session)
    with pytest.raises(NotFoundError):
        decide_refund(session, foreign.id, refund, foreign.principal, approved=True)
    with pytest.raises(NotFoundError):
        undo(session, foreign.id, refund, foreign.accountant)
    assert refunds(session, foreign.id) == []


def test_a_transfer_that_was_assigned_can_send_its_excess_back(session, school, unmatched):
    issued = issue(session, school, 60_000)
    assign(session, school.id, unmatched, [issued.id], school.accountant)
    refund = propose(session, school, unmatched, pupil_id=school.pupil)
    approve(session, school, refund)
    assert ledger(session, school) == {"bank": 100_000, "income": -60_000, "refund": -40_000}
    assert outcome_of(session, school, unmatched) == ("credited", "assigned", ["unknown", "over"])
    receipts = session.execute(text("SELECT amount_vnd, revoked_reason FROM receipt ORDER BY number")).all()
    assert receipts == [(100_000, "refund"), (60_000, None)], "a receipt says what the school keeps"
    undo(session, school.id, refund, school.accountant)
    standing = session.execute(text("SELECT amount_vnd FROM receipt WHERE revoked_at IS NULL")).all()
    assert standing == [(100_000,)]


def kind_of(session, school, transfer, kind):
    """The newest decision of a kind about a transfer."""
    return [told.decision_id for told in history(session, school.id, transfer) if told.kind is kind][-1]
