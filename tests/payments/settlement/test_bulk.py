"""Accept many suggestions at once: the preview says what happens, and exactly that happens or nothing."""

import pytest
from sqlalchemy import text

from payments.errors import ConflictError, DomainError
from payments.settlement import bulk
from payments.settlement.models import ExcludeReason
from payments.settlement.service import Wanted, assign, assign_many, exclude, preview_many
from payments.settlement.settling import settle_transactions
from tests.payments.setting import make_school
from tests.payments.settlement.setting import arrive, issue, state_of

pytestmark = pytest.mark.db


@pytest.fixture
def waiting(session, school):
    """Five invoices and as many transfers that say nothing; the suggestions score 50, 60, …"""
    invoices = [issue(session, school, 10_000 * number) for number in range(1, 6)]
    transfers = [arrive(session, school, 10_000 * number, "hoc phi") for number in range(1, 6)]
    settle_transactions(session, school.id, transfers)
    return [
        Wanted(transfer, (issued.id,), 40 + 10 * number)
        for number, (transfer, issued) in enumerate(zip(transfers, invoices, strict=True), start=1)
    ]


def test_the_preview_counts_what_would_be_taken_and_shows_the_least_sure(session, school, waiting):
    seen = preview_many(session, school.id, waiting)
    assert (seen.count, seen.sum_vnd, seen.lowest_score) == (5, 150_000, 50)
    assert seen.lowest == tuple(waiting[:3])
    assert seen.refused == ()
    assert session.scalar(text("SELECT count(*) FROM decision")) == 0


def test_what_was_previewed_is_done_each_by_a_decision_of_its_own(session, school, waiting):
    seen = preview_many(session, school.id, waiting)
    done = assign_many(session, school.id, waiting, school.accountant, token=seen.token)
    assert (done.count, done.sum_vnd) == (seen.count, seen.sum_vnd)
    assert [transaction for transaction, _ in done.decisions] == [one.transaction_id for one in waiting]
    sums = "SELECT count(*), sum(amount_vnd)::bigint FROM bank_transaction WHERE state = 'credited'"
    assert session.execute(text(sums)).one() == (seen.count, seen.sum_vnd)
    assert session.scalar(text("SELECT count(*) FROM decision")) == 5


@pytest.mark.parametrize("change", ["transfer", "paid", "choice", "score"])
def test_what_has_changed_since_is_not_done(session, school, waiting, change):
    seen = preview_many(session, school.id, waiting)
    if change == "transfer":
        exclude(session, school.id, waiting[4].transaction_id, ExcludeReason.MISTAKEN, school.accountant)
    elif change == "paid":
        other = arrive(session, school, 1_000, "khac")
        settle_transactions(session, school.id, [other])
        assign(session, school.id, other, waiting[0].invoice_ids, school.accountant)
    elif change == "choice":
        waiting = waiting[1:]
    else:
        waiting = [Wanted(one.transaction_id, one.invoice_ids, one.score + 1) for one in waiting]
    before = session.scalar(text("SELECT count(*) FROM decision"))
    with pytest.raises(ConflictError, match="changed_since_preview"):
        assign_many(session, school.id, waiting, school.accountant, token=seen.token)
    assert session.scalar(text("SELECT count(*) FROM decision")) == before


def test_without_the_token_s_check_a_changed_queue_is_assigned_blindly(session, school, waiting, monkeypatch):
    """The teeth of the test above: a token that always agrees lets a short payment pass that nobody saw."""
    monkeypatch.setattr(bulk, "_token", lambda *_: "same")
    other = arrive(session, school, 1_000, "khac")
    settle_transactions(session, school.id, [other])
    seen = preview_many(session, school.id, waiting)
    assign(session, school.id, other, waiting[4].invoice_ids, school.accountant)
    done = assign_many(session, school.id, waiting, school.accountant, token=seen.token)
    assert done.sum_vnd != seen.sum_vnd


def test_what_cannot_be_taken_is_named_with_its_reason_and_the_rest_is_taken(session, school, waiting):
    foreign = make_school(session)
    gone, first = waiting[0], waiting[1]
    exclude(session, school.id, gone.transaction_id, ExcludeReason.MISTAKEN, school.accountant)
    wanted = [
        gone,
        first,
        first,
        Wanted(waiting[2].transaction_id, first.invoice_ids, 90),
        Wanted(waiting[3].transaction_id, (), 90),
        Wanted(waiting[3].transaction_id, waiting[3].invoice_ids * 2, 90),
        Wanted(waiting[4].transaction_id, (issue(session, foreign).id,), 90),
        Wanted(999_999, first.invoice_ids, 90),
        waiting[4],
    ]
    seen = preview_many(session, school.id, wanted)
    assert [one.code for one in seen.refused] == [
        "not_unmatched",
        "transfer_twice",
        "more_than_open",
        "no_invoices",
        "same_invoice_twice",
        "not_found",
        "not_found",
    ]
    assert all(one.vi and one.en for one in seen.refused)
    done = assign_many(session, school.id, wanted, school.accountant, token=seen.token)
    assert [key for key, _ in done.decisions] == [first.transaction_id, waiting[4].transaction_id]


def test_two_parts_of_one_debt_are_taken_and_what_is_more_is_left_to_a_person(session, school):
    issued = issue(session, school, 100_000)
    transfers = [arrive(session, school, amount, "gop") for amount in (60_000, 40_000, 30_000)]
    settle_transactions(session, school.id, transfers)
    wanted = [Wanted(transfer, (issued.id,), 70) for transfer in transfers]
    seen = preview_many(session, school.id, wanted)
    assert [one.wanted for one in seen.refused] == [wanted[2]]
    assign_many(session, school.id, wanted, school.accountant, token=seen.token)
    assert state_of(session, school, issued) == ("paid", 100_000)
    assert session.scalar(text("SELECT count(*) FROM pupil_credit")) == 0


def test_there_is_a_most(session, school):
    with pytest.raises(DomainError, match="too_many"):
        preview_many(session, school.id, [Wanted(number, (), 1) for number in range(1001)])
