"""What a hostile hand at the database or the desk tries with decisions about money, and what stops it."""

from datetime import date, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from operations.invariants import check_invariants
from payments import clock
from payments.errors import DomainError, NotFoundError
from payments.inbox.models import Direction
from payments.money import parse_vnd
from payments.settlement.assigning import Part
from payments.settlement.bulk import Wanted
from payments.settlement.models import ExcludeReason
from payments.settlement.service import (
    annotate,
    assign,
    assign_many,
    confirm_refund,
    decide_refund,
    exclude,
    preview_many,
    propose_refund,
    split,
    undo,
)
from payments.settlement.settling import settle_transactions
from tests.payments.setting import make_school
from tests.payments.settlement.setting import arrive, issue

pytestmark = pytest.mark.db


def broken(session) -> str:
    session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    session.execute(text("SET CONSTRAINTS ALL DEFERRED"))
    return "; ".join(f"{one.name}: {one.detail}" for one in check_invariants(session.connection()) if not one.ok)


def debit(session, school, amount_vnd=100_000, **more):
    more.setdefault("day", date(2025, 9, 15))
    made = arrive(session, school, amount_vnd, "chi hoan tra", direction=Direction.DEBIT, **more)
    settle_transactions(session, school.id, [made])
    return made


@pytest.fixture
def other(session):
    """Another school of the same server, with a person, an invoice, a pupil and transfers of its own."""
    return make_school(session)


def waiting(session, school, **more):
    transfer = arrive(session, school, 100_000, "chuyen tien", **more)
    settle_transactions(session, school.id, [transfer])
    return transfer


def test_nothing_of_another_school_can_be_named_in_any_place(session, school, other, unmatched):
    theirs, invoice, pupil = waiting(session, other), issue(session, other), other.pupil
    refund = propose_refund(session, other.id, waiting(session, other), other.accountant)
    mine = propose_refund(session, school.id, waiting(session, school), school.accountant)
    decide_refund(session, school.id, mine, school.principal, approved=True)
    line = debit(session, other)
    who = school.accountant
    for attempt in (
        lambda: assign(session, school.id, theirs, [issue(session, school).id], who),
        lambda: assign(session, school.id, unmatched, [invoice.id], who),
        lambda: split(session, school.id, unmatched, [Part(100_000, invoice_id=invoice.id)], who),
        lambda: split(session, school.id, unmatched, [Part(100_000, pupil_id=pupil)], who),
        lambda: exclude(session, school.id, theirs, ExcludeReason.MISTAKEN, who),
        lambda: annotate(session, school.id, theirs, who, "x"),
        lambda: propose_refund(session, school.id, theirs, who),
        lambda: decide_refund(session, school.id, refund, school.principal, approved=True),
        lambda: confirm_refund(session, school.id, refund, line, who),
        lambda: confirm_refund(session, school.id, mine, line, who),
        lambda: undo(session, school.id, refund, who),
    ):
        with pytest.raises(NotFoundError), session.begin_nested():
            attempt()
    wanted = [Wanted(theirs, (invoice.id,), 90), Wanted(unmatched, (invoice.id,), 90)]
    assert [one.code for one in preview_many(session, school.id, wanted).refused] == ["not_found", "not_found"]
    token = preview_many(session, other.id, wanted[:1]).token
    with pytest.raises(DomainError, match="changed_since_preview"), session.begin_nested():
        assign_many(session, school.id, wanted[:1], who, token=token)
    assert broken(session) == ""


def test_a_bulk_token_is_good_once(session, school):
    wanted = [Wanted(waiting(session, school), (issue(session, school).id,), 90)]
    token = preview_many(session, school.id, wanted).token
    assign_many(session, school.id, wanted, school.accountant, token=token)
    with pytest.raises(DomainError, match="changed_since_preview"), session.begin_nested():
        assign_many(session, school.id, wanted, school.accountant, token=token)
    assert broken(session) == ""


@pytest.mark.parametrize("amounts", [(0, 100_000), (-1, 100_001), (2**63, 100_000 - 2**63), (100_000, 2**200)])
def test_parts_that_are_no_parts_are_refused(session, school, unmatched, amounts):
    parts = [Part(amounts[0], pupil_id=school.pupil), Part(amounts[1], invoice_id=issue(session, school).id)]
    with pytest.raises(DomainError, match=r"part_amount|split_sum"), session.begin_nested():
        split(session, school.id, unmatched, parts, school.accountant)
    assert broken(session) == ""


def test_an_undoing_is_not_undone_and_nothing_is_undone_twice(session, school, unmatched):
    decision = exclude(session, school.id, unmatched, ExcludeReason.MISTAKEN, school.accountant)
    back = undo(session, school.id, decision, school.accountant)
    with pytest.raises(NotFoundError), session.begin_nested():
        undo(session, school.id, back, school.accountant)
    with pytest.raises(DomainError, match="already_undone"), session.begin_nested():
        undo(session, school.id, decision, school.accountant)
    noted = annotate(session, school.id, unmatched, school.accountant, "xem lại")
    with pytest.raises(NotFoundError), session.begin_nested():
        undo(session, school.id, noted, school.accountant)
    assert broken(session) == ""


REFUND_ROW = """
    INSERT INTO refund (school_id, decision_id, transaction_id, amount_vnd, state, proposed_by, changed_at)
    SELECT school_id, id, transaction_id, 100000, 'proposed', {0}, decided_at FROM decision WHERE id = {1}
"""


def test_a_refund_names_whoever_proposed_it(session, school, unmatched):
    """Else its true proposer could be the second person."""
    noted = annotate(session, school.id, unmatched, school.accountant, "x")
    with pytest.raises(IntegrityError, match="whoever it names"), session.begin_nested():
        session.execute(text(REFUND_ROW.format(school.accountant, noted)))
    proposal = propose_refund(session, school.id, unmatched, school.accountant)
    with pytest.raises(IntegrityError, match="whoever it names"), session.begin_nested():
        session.execute(text(REFUND_ROW.format(school.principal, proposal)))
    with pytest.raises(IntegrityError, match="in this order"), session.begin_nested():
        session.execute(text(f"UPDATE refund SET state = 'approved', decided_by = {school.principal}"))
    with pytest.raises(IntegrityError, match="two_people"), session.begin_nested():
        session.execute(text(f"UPDATE approval SET state = 'approved', decided_by = {school.accountant}"))


FORGED = {
    "an excluded transfer that nobody excluded": "UPDATE bank_transaction SET state = 'excluded' WHERE id = {transfer}",
    "a refund that nobody proposed": "UPDATE bank_transaction SET state = 'refund' WHERE id = {transfer}",
    "a transfer that is paid for nothing": "UPDATE bank_transaction SET state = 'credited' WHERE id = {transfer}",
    "a transfer taken back by no debit": "UPDATE bank_transaction SET state = 'reversed' WHERE id = {transfer}",
    "another amount": "UPDATE bank_transaction SET amount_vnd = amount_vnd + 1 WHERE id = {transfer}",
    "a decision without its deed": (
        "INSERT INTO decision (school_id, transaction_id, kind, reason, invoice_ids, amounts_vnd, decided_by,"
        " decided_at) SELECT school_id, {transfer}, 'exclude', 'mistaken', '{{}}', '{{}}', decided_by, decided_at"
        " FROM decision LIMIT 1"
    ),
    "an assignment without its deed": (
        "INSERT INTO decision (school_id, transaction_id, kind, invoice_ids, amounts_vnd, decided_by,"
        " decided_at) SELECT school_id, {transfer}, 'assign', '{{1}}', '{{100000}}', decided_by, decided_at"
        " FROM decision LIMIT 1"
    ),
    "a debit that is said to be a refund": "UPDATE settlement SET outcome = 'refund' WHERE transaction_id = {debit}",
    "a refund that was withdrawn beside its transfer": "UPDATE refund SET state = 'withdrawn', debit_id = NULL",
    "a confirmation by nothing in the books": (
        "UPDATE refund SET state = 'confirmed', debit_id = {debit} WHERE state = 'approved'"
    ),
    "a balance": "UPDATE ledger_balance SET balance_vnd = balance_vnd + 1",
    "a credit": (
        "INSERT INTO pupil_credit (school_id, pupil_id, receiving_account_id, transaction_id, amount_vnd, created_at)"
        " SELECT school_id, id, (SELECT min(id) FROM receiving_account WHERE school_id = p.school_id), {transfer},"
        " 5, now() FROM pupil p LIMIT 1"
    ),
}


@pytest.mark.parametrize("name", FORGED)
def test_doctor_notices_each_forged_row(session, school, name):
    transfer, line = waiting(session, school), debit(session, school)
    refund = propose_refund(session, school.id, waiting(session, school, hour=3), school.accountant)
    decide_refund(session, school.id, refund, school.principal, approved=True)
    assert broken(session) == ""
    session.execute(text(FORGED[name].format(transfer=transfer, debit=line)))
    assert broken(session) != ""


def test_what_the_bank_takes_back_ends_every_decision_and_the_sums_hold(session, school):
    """Excluded, proposed, approved, confirmed: then the bank takes the whole transfer back; late word comes last."""
    steps = ("waiting", "excluded", "proposed", "approved", "confirmed")
    for place, step in enumerate(steps):
        transfer = waiting(session, school, hour=place + 4)
        if step == "excluded":
            done = exclude(session, school.id, transfer, ExcludeReason.MISTAKEN, school.accountant)
        if step in ("proposed", "approved", "confirmed"):
            done = propose_refund(session, school.id, transfer, school.accountant)
        if step in ("approved", "confirmed"):
            decide_refund(session, school.id, done, school.principal, approved=True)
        if step == "confirmed":
            confirm_refund(session, school.id, done, debit(session, school), school.accountant)
        back = debit(session, school, reverses=transfer, day=date(2025, 9, 16))
        state = session.scalar(text("SELECT state FROM bank_transaction WHERE id = :id"), {"id": transfer})
        assert (step, state, broken(session)) == (step, "reversed", "")
        refund = propose_refund(session, school.id, waiting(session, school, hour=20), school.accountant)
        decide_refund(session, school.id, refund, school.principal, approved=True)
        with pytest.raises(DomainError, match="debit_taken"), session.begin_nested():
            confirm_refund(session, school.id, refund, back, school.accountant)
        if step != "waiting":
            with pytest.raises(DomainError), session.begin_nested():
                undo(session, school.id, done, school.accountant)
        undo(session, school.id, refund, school.accountant)
        assert broken(session) == ""


@pytest.mark.timeout(20)
@pytest.mark.parametrize("typed", ["1" + " " * 200_000 + "1", "1." * 200_000, "9" * 200_000, "1 " + "đ" * 200_000])
def test_an_amount_of_a_hundred_thousand_characters_is_refused_at_once(typed):
    began = clock.now()
    with pytest.raises(DomainError, match="bad_amount"):
        parse_vnd(typed)
    assert clock.now() - began < timedelta(seconds=1)
