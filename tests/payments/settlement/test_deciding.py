"""A person assigns what no machine may, and takes it back."""

import pytest
from sqlalchemy import text

from payments.errors import ConflictError, DomainError, NotFoundError
from payments.settlement.service import assign, undo
from payments.settlement.settling import settle_transactions
from tests.payments.setting import make_pupil, make_school
from tests.payments.settlement.setting import arrive, issue, ledger, outcome_of, state_of

pytestmark = pytest.mark.db


def test_money_without_a_reference_waits_in_suspense(session, school, unmatched):
    assert outcome_of(session, school, unmatched) == ("unmatched", "unknown", [])
    assert ledger(session, school) == {"bank": 100_000, "suspense": -100_000}


def test_an_assigned_transfer_pays_the_invoice_and_gives_a_receipt(session, school, unmatched):
    issued = issue(session, school)

    assign(session, school.id, unmatched, [issued.id], school.accountant, note="mẹ gọi điện")

    assert state_of(session, school, issued) == ("paid", 100_000)
    assert outcome_of(session, school, unmatched) == ("credited", "assigned", ["unknown"])
    assert ledger(session, school) == {"bank": 100_000, "income": -100_000}
    assert session.scalar(text("SELECT count(*) FROM receipt WHERE revoked_at IS NULL")) == 1
    assert session.scalar(text("SELECT action FROM audit_event ORDER BY id DESC LIMIT 1")) == "settlement.assign"


def test_several_invoices_are_paid_in_the_given_order_and_the_rest_is_credit(session, school, unmatched):
    sibling = make_pupil(session, school.id, school.class_room, "Bình")
    second = issue(session, school, 30_000, pupil=sibling)
    first = issue(session, school, 60_000)

    assign(session, school.id, unmatched, [first.id, second.id], school.accountant)

    assert state_of(session, school, first) == ("paid", 60_000)
    assert state_of(session, school, second) == ("paid", 30_000)
    credit = session.execute(text("SELECT pupil_id, amount_vnd FROM pupil_credit")).all()
    assert credit == [(sibling, 10_000)]


def test_undo_brings_everything_back_and_it_can_be_assigned_anew(session, school, unmatched):
    wrong, right = issue(session, school), issue(session, school)
    decision = assign(session, school.id, unmatched, [wrong.id], school.accountant)

    undo(session, school.id, decision, school.accountant)

    assert state_of(session, school, wrong) == ("open", 0)
    assert outcome_of(session, school, unmatched) == ("unmatched", "unknown", [])
    assert ledger(session, school) == {
        "bank": 100_000,
        "suspense": -100_000,
        "receivable": 200_000,
        "income": -200_000,
    }
    assign(session, school.id, unmatched, [right.id], school.accountant)
    assert state_of(session, school, right) == ("paid", 100_000)
    assert session.scalar(text("SELECT count(*) FROM decision")) == 3


def test_undo_lets_a_later_payment_take_the_place(session, school, unmatched):
    issued = issue(session, school)
    decision = assign(session, school.id, unmatched, [issued.id], school.accountant)
    settle_transactions(session, school.id, [arrive(session, school, 100_000, issued.reference, hour=9)])
    assert ledger(session, school)["credit"] == -100_000

    undo(session, school.id, decision, school.accountant)

    assert state_of(session, school, issued) == ("paid", 100_000)
    assert ledger(session, school) == {"bank": 200_000, "suspense": -100_000, "income": -100_000}


def test_what_was_decided_meanwhile_is_a_conflict(session, school, unmatched):
    issued = issue(session, school)
    decision = assign(session, school.id, unmatched, [issued.id], school.accountant)
    with pytest.raises(ConflictError, match="not_unmatched"):
        assign(session, school.id, unmatched, [issued.id], school.accountant)
    undo(session, school.id, decision, school.accountant)
    with pytest.raises(ConflictError, match="already_undone"):
        undo(session, school.id, decision, school.accountant)


def test_another_school_s_invoices_and_transfers_are_not_found(session, school, unmatched):
    foreign = make_school(session)
    theirs = issue(session, foreign)
    with pytest.raises(NotFoundError):
        assign(session, school.id, unmatched, [theirs.id], school.accountant)
    with pytest.raises(NotFoundError):
        assign(session, foreign.id, unmatched, [theirs.id], foreign.accountant)


def test_an_assignment_needs_invoices_and_each_once(session, school, unmatched):
    issued = issue(session, school)
    with pytest.raises(DomainError, match="no_invoices"):
        assign(session, school.id, unmatched, [], school.accountant)
    with pytest.raises(DomainError, match="same_invoice_twice"):
        assign(session, school.id, unmatched, [issued.id, issued.id], school.accountant)
