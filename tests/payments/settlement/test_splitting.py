"""One transfer for several, several transfers for one: a person says how much is for whom, to the đồng."""

import pytest
from sqlalchemy import text

from payments.errors import DomainError, NotFoundError
from payments.inbox.models import Direction
from payments.invoices.models import InvoiceState
from payments.settlement import assigning
from payments.settlement.queries import history
from payments.settlement.service import Part, assign, split, undo
from payments.settlement.settling import settle_transactions
from tests.payments.setting import make_pupil, make_school
from tests.payments.settlement.setting import arrive, issue, ledger, outcome_of, state_of, take_out

pytestmark = pytest.mark.db


def credit(session):
    rows = session.execute(text("SELECT pupil_id, sum(amount_vnd)::bigint FROM pupil_credit GROUP BY 1 ORDER BY 1"))
    return {pupil: amount for pupil, amount in rows if amount}


def test_a_split_pays_invoices_and_keeps_the_rest_for_a_pupil(session, school, unmatched):
    sibling = make_pupil(session, school.id, school.class_room, "Bình")
    mine, theirs = issue(session, school, 60_000), issue(session, school, 60_000, pupil=sibling)
    parts = [Part(60_000, invoice_id=mine.id), Part(25_000, invoice_id=theirs.id), Part(15_000, pupil_id=sibling)]

    decision = split(session, school.id, unmatched, parts, school.accountant, note="hai anh em")

    assert [state_of(session, school, one) for one in (mine, theirs)] == [("paid", 60_000), ("partial", 25_000)]
    assert credit(session) == {sibling: 15_000}, "credit although the pupil owes: the person said so"
    assert outcome_of(session, school, unmatched) == ("credited", "assigned", ["unknown", "short"])
    receipts = session.execute(text("SELECT pupil_id, amount_vnd FROM receipt ORDER BY number")).all()
    assert receipts == [(school.pupil, 60_000), (sibling, 40_000)], "one receipt for each pupil, over all of it"
    [told] = history(session, school.id, unmatched)
    assert (told.invoices, told.credits) == ([(mine.id, 60_000), (theirs.id, 25_000)], [(sibling, 15_000)])

    undo(session, school.id, decision, school.accountant)
    assert [state_of(session, school, one) for one in (mine, theirs)] == [("open", 0), ("open", 0)]
    assert credit(session) == {}
    assert outcome_of(session, school, unmatched) == ("unmatched", "unknown", [])
    assert session.scalar(text("SELECT count(*) FROM receipt WHERE revoked_at IS NULL")) == 0
    assert ledger(session, school)["suspense"] == -100_000


def test_a_split_only_into_credit_needs_no_invoice(session, school, unmatched):
    split(session, school.id, unmatched, [Part(100_000, pupil_id=school.pupil)], school.accountant)
    assert ledger(session, school) == {"bank": 100_000, "credit": -100_000}
    assert session.scalar(text("SELECT amount_vnd FROM receipt")) == 100_000


def test_later_facts_replay_a_split_unchanged(session, school, unmatched):
    """Another payment comes, the invoice is replaced, the other payment goes back: the split says the same for ever."""
    issued = issue(session, school, 60_000)
    split(
        session,
        school.id,
        unmatched,
        [Part(70_000, invoice_id=issued.id), Part(30_000, pupil_id=school.pupil)],
        school.accountant,
    )
    assert credit(session) == {school.pupil: 40_000}
    earlier = arrive(session, school, 60_000, issued.reference, hour=0)
    settle_transactions(session, school.id, [earlier])
    assert credit(session) == {school.pupil: 100_000}
    reversal = arrive(session, school, 60_000, "hoan", direction=Direction.DEBIT, reverses=earlier)
    settle_transactions(session, school.id, [reversal])
    assert (state_of(session, school, issued), credit(session)) == (("paid", 60_000), {school.pupil: 40_000})


@pytest.mark.parametrize(
    ("amounts", "said"), [((60_000,), "40.000 đồng remain"), ((60_000, 50_000), "10.000 đồng too much")]
)
def test_the_parts_are_the_transfer_to_the_dong(session, school, unmatched, amounts, said):
    parts = [Part(amount, invoice_id=issue(session, school).id) for amount in amounts]
    with pytest.raises(DomainError, match=said) as refused:
        split(session, school.id, unmatched, parts, school.accountant)
    assert refused.value.code == "split_sum"
    assert outcome_of(session, school, unmatched) == ("unmatched", "unknown", [])


def test_without_the_check_of_the_sum_the_books_refuse_the_entry(session, school, unmatched, monkeypatch):
    monkeypatch.setattr(assigning, "_require_sum", lambda *_: None)
    issued = issue(session, school)
    with pytest.raises(DomainError, match="unbalanced"), session.begin_nested():
        split(session, school.id, unmatched, [Part(60_000, invoice_id=issued.id)], school.accountant)
    assert state_of(session, school, issued) == ("open", 0)


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ([], "no_parts"),
        ([Part(0, pupil_id=1)], "part_amount"),
        ([Part(-5, pupil_id=1)], "part_amount"),
        ([Part(100_000)], "part_target"),
        ([Part(100_000, invoice_id=1, pupil_id=1)], "part_target"),
        ([Part(50_000, pupil_id=1), Part(50_000, pupil_id=1)], "same_pupil_twice"),
    ],
)
def test_a_part_is_more_than_nothing_and_for_one(session, school, unmatched, parts, code):
    with pytest.raises(DomainError, match=code):
        split(session, school.id, unmatched, parts, school.accountant)


def test_an_invoice_and_its_successor_are_one(session, school, unmatched):
    old = issue(session, school)
    take_out(session, school, old, InvoiceState.REPLACED)
    new = issue(session, school, replaces=old)
    parts = [Part(50_000, invoice_id=one.id) for one in (old, new)]
    with pytest.raises(DomainError, match="same_invoice_twice"):
        split(session, school.id, unmatched, parts, school.accountant)


def test_another_school_s_pupils_and_invoices_are_not_found(session, school, unmatched):
    foreign = make_school(session)
    for part in (Part(100_000, pupil_id=foreign.pupil), Part(100_000, invoice_id=issue(session, foreign).id)):
        with pytest.raises(NotFoundError):
            split(session, school.id, unmatched, [part], school.accountant)


def test_several_partial_transfers_fill_one_invoice_and_each_can_be_undone(session, school):
    issued = issue(session, school, 90_000)
    transfers = [
        arrive(session, school, amount, "gop", hour=hour) for hour, amount in enumerate((20_000, 30_000, 60_000))
    ]
    settle_transactions(session, school.id, transfers)
    decisions = [assign(session, school.id, one, [issued.id], school.accountant) for one in transfers]
    assert state_of(session, school, issued) == ("paid", 90_000)
    assert credit(session) == {school.pupil: 20_000}

    undo(session, school.id, decisions[0], school.accountant)
    assert state_of(session, school, issued) == ("paid", 90_000), "the excess of the last one takes the place"
    assert credit(session) == {}
    undo(session, school.id, decisions[2], school.accountant)
    assert state_of(session, school, issued) == ("partial", 30_000)
    assert ledger(session, school)["suspense"] == -80_000
