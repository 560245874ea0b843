"""A person says that a transfer is no fee money, and takes that back."""

import pytest
from sqlalchemy import text

from payments.errors import ConflictError, DomainError, NotFoundError
from payments.inbox.models import Direction
from payments.settlement.models import DecisionKind, ExcludeReason
from payments.settlement.queries import EXCLUDE_REASONS, history
from payments.settlement.service import annotate, assign, exclude, undo
from payments.settlement.settling import settle_transactions
from tests.payments.setting import make_school
from tests.payments.settlement.setting import arrive, issue, ledger, outcome_of

pytestmark = pytest.mark.db


def test_excluded_money_leaves_the_queue_and_credits_nobody(session, school, unmatched):
    exclude(session, school.id, unmatched, ExcludeReason.BANK_INTEREST, school.accountant, note="lãi tháng 9")

    assert outcome_of(session, school, unmatched) == ("excluded", "excluded", [])
    assert ledger(session, school) == {"bank": 100_000, "excluded": -100_000}
    assert session.scalar(text("SELECT count(*) FROM receipt")) == 0
    [told] = history(session, school.id, unmatched)
    assert (told.kind, told.reason, told.note, told.undoable) == (
        DecisionKind.EXCLUDE,
        ExcludeReason.BANK_INTEREST,
        "lãi tháng 9",
        True,
    )


def test_undo_brings_it_back_into_the_queue_as_it_was(session, school):
    first, second = issue(session, school), issue(session, school, 70_000)
    transfer = arrive(session, school, 30_000, f"{first.reference} {second.reference}")
    settle_transactions(session, school.id, [transfer])
    before = row_of(session, transfer), ledger(session, school)
    assert before[0]["outcome"] == "several"
    assert before[0]["suggestions"]

    decision = exclude(session, school.id, transfer, ExcludeReason.MISTAKEN, school.accountant)
    undo(session, school.id, decision, school.accountant, note="nhầm")

    assert (row_of(session, transfer), ledger(session, school)) == before
    assert [told.undoable for told in history(session, school.id, transfer)] == [False, False]
    assign(session, school.id, transfer, [first.id], school.accountant)


def test_what_was_decided_meanwhile_is_a_conflict(session, school, unmatched):
    decision = exclude(session, school.id, unmatched, ExcludeReason.OTHER_INCOME, school.accountant)
    with pytest.raises(ConflictError, match="not_unmatched"):
        exclude(session, school.id, unmatched, ExcludeReason.OTHER_INCOME, school.accountant)
    with pytest.raises(ConflictError, match="not_unmatched"):
        assign(session, school.id, unmatched, [issue(session, school).id], school.accountant)
    undo(session, school.id, decision, school.accountant)
    with pytest.raises(ConflictError, match="already_undone"):
        undo(session, school.id, decision, school.accountant)


def test_the_bank_takes_excluded_money_back(session, school, unmatched):
    decision = exclude(session, school.id, unmatched, ExcludeReason.MISTAKEN, school.accountant)
    debit = arrive(session, school, 100_000, "hoan", direction=Direction.DEBIT, reverses=unmatched)
    settle_transactions(session, school.id, [debit])

    assert outcome_of(session, school, unmatched) == ("reversed", "excluded", ["reversal"])
    assert ledger(session, school) == {}
    assert not history(session, school.id, unmatched)[0].undoable
    with pytest.raises(ConflictError, match="not_excluded"):
        undo(session, school.id, decision, school.accountant)


def test_a_note_moves_nothing_and_stays_for_ever(session, school, unmatched):
    before = row_of(session, unmatched)
    note = annotate(session, school.id, unmatched, school.accountant, "  đã gọi phụ huynh ")
    assert row_of(session, unmatched) == before
    assert [(told.kind, told.note, told.undoable) for told in history(session, school.id, unmatched)] == [
        (DecisionKind.NOTE, "đã gọi phụ huynh", False)
    ]
    with pytest.raises(NotFoundError):
        undo(session, school.id, note, school.accountant)


@pytest.mark.parametrize(("words", "code"), [("  ", "empty_note"), ("x" * 2001, "long_note")])
def test_a_note_has_words_and_not_too_many(session, school, unmatched, words, code):
    with pytest.raises(DomainError, match=code):
        annotate(session, school.id, unmatched, school.accountant, words)


def test_another_school_s_transfer_is_not_found(session, school, unmatched):
    foreign = make_school(session)
    with pytest.raises(NotFoundError):
        exclude(session, foreign.id, unmatched, ExcludeReason.MISTAKEN, foreign.accountant)
    with pytest.raises(NotFoundError):
        annotate(session, foreign.id, unmatched, foreign.accountant, "của ai?")
    assert history(session, foreign.id, unmatched) == []


def test_every_reason_has_words_in_both_languages():
    assert EXCLUDE_REASONS.keys() == set(ExcludeReason)
    assert all(vi and en and vi != en for vi, en in EXCLUDE_REASONS.values())


def row_of(session, transfer):
    return (
        session.execute(
            text("""
                SELECT t.state, s.outcome, s.flags, s.suggestions FROM bank_transaction t
                JOIN settlement s ON s.school_id = t.school_id AND s.transaction_id = t.id WHERE t.id = :id
            """),
            {"id": transfer},
        )
        .mappings()
        .one()
    )
