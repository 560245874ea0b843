"""School software is told what each payment pays, again when that changes, and when it pays nothing any more."""

import pytest
from sqlalchemy import text

from payments.bundles.service import Payer, make_bundle
from payments.events.rules import EventKind
from payments.inbox.models import Direction
from payments.settlement import assigning, refunding, reversing, settling, undoing
from payments.settlement.service import Part, assign, cancel_invoice, decide_refund, propose_refund, split, undo
from payments.settlement.settling import settle_transactions
from tests.payments.events.told import kinds, listen, told
from tests.payments.settlement.setting import arrive, issue, state_of

pytestmark = pytest.mark.db


@pytest.fixture(autouse=True)
def listening(session, school):
    listen(session, school.id)


def settled(session, school):
    return told(session, school.id, EventKind.PAYMENT_SETTLED)


def reversed_(session, school):
    return told(session, school.id, EventKind.PAYMENT_REVERSED)


def totals(event):
    return sum(one["amount_vnd"] for one in event["allocations"] + event["credits"])


def test_an_exact_payment_is_told_with_the_invoice_it_pays(session, school):
    issued = issue(session, school)
    transfer = arrive(session, school, 100_000, issued.reference)
    settle_transactions(session, school.id, [transfer])
    (event,) = settled(session, school)
    assert (event["transaction_id"], event["outcome"], event["amount_vnd"]) == (transfer, "exact", 100_000)
    assert event["allocations"] == [
        {
            "invoice_id": issued.id,
            "reference": issued.reference,
            "pupil_id": school.pupil,
            "invoice_state": "paid",
            "invoice_paid_vnd": 100_000,
            "invoice_amount_vnd": 100_000,
            "invoice_owed_vnd": 0,
            "amount_vnd": 100_000,
        }
    ]
    assert event["credits"] == []
    assert event["bundle_reference"] is None


def test_a_bundle_s_payment_is_told_with_its_reference_also_when_its_money_moves_on(session, school):
    first, second = issue(session, school), issue(session, school, 80_000)
    code = make_bundle(session, school.id, Payer(pupil_id=school.pupil), [first.id, second.id])
    transfer = arrive(session, school, 100_000, f"NOP GOP {code}")
    settle_transactions(session, school.id, [transfer])
    settle_transactions(session, school.id, [arrive(session, school, 100_000, first.reference)])
    mine = [one for one in settled(session, school) if one["transaction_id"] == transfer]
    assert [one["bundle_reference"] for one in mine] == [code, code]
    assert [one["allocations"][0]["reference"] for one in mine] == [first.reference, second.reference]
    beside = arrive(session, school, 180_000, f"{first.reference} {second.reference}")
    settle_transactions(session, school.id, [beside])
    assert settled(session, school)[-1]["bundle_reference"] is None


def test_who_paid_what_is_owed_is_told_to_owe_nothing_though_voluntary_items_are_open(session, school):
    issued = issue(session, school, 100_000, 20_000, chosen=False)
    settle_transactions(session, school.id, [arrive(session, school, 100_000, issued.reference)])
    (event,) = settled(session, school)
    (one,) = event["allocations"]
    assert (event["outcome"], one["invoice_state"], one["invoice_owed_vnd"]) == ("exact", "partial", 0)


def test_short_over_and_twice_add_up_to_what_was_paid(session, school):
    issued = issue(session, school)
    paid = ((1, 40_000), (2, 70_000), (3, 5_000))
    transfers = [arrive(session, school, amount_vnd, issued.reference, hour=hour) for hour, amount_vnd in paid]
    settle_transactions(session, school.id, transfers)
    events = settled(session, school)
    assert [one["outcome"] for one in events] == ["short", "over", "twice"]
    assert [totals(one) for one in events] == [40_000, 70_000, 5_000]
    assert [one["credits"] for one in events] == [
        [],
        [{"pupil_id": school.pupil, "amount_vnd": 10_000}],
        [{"pupil_id": school.pupil, "amount_vnd": 5_000}],
    ]


def test_a_payment_that_waits_for_a_person_is_not_told_until_it_is_assigned_and_undone(session, school):
    issued = issue(session, school)
    transfer = arrive(session, school, 100_000, "nop tien")
    settle_transactions(session, school.id, [transfer])
    assert kinds(session, school.id) == []
    decision = assign(session, school.id, transfer, [issued.id], school.accountant)
    assert settled(session, school)[0]["outcome"] == "assigned"
    undo(session, school.id, decision, school.accountant)
    (event,) = reversed_(session, school)
    assert (event["reason"], event["transaction_id"]) == ("undone", transfer)
    assert [(one["invoice_state"], one["invoice_paid_vnd"]) for one in event["invoices"]] == [("open", 0)]


def test_a_reversal_by_the_bank_is_told_with_the_invoice_open_again(session, school):
    issued = issue(session, school)
    transfer = arrive(session, school, 100_000, issued.reference)
    settle_transactions(session, school.id, [transfer])
    back = arrive(session, school, 100_000, "hoan", direction=Direction.DEBIT, reverses=transfer)
    settle_transactions(session, school.id, [back])
    assert kinds(session, school.id) == ["payment.settled", "payment.reversed"]
    (event,) = reversed_(session, school)
    assert (event["reason"], event["invoices"][0]["invoice_state"]) == ("bank", "open")


def test_money_that_was_never_credited_is_not_told_as_reversed(session, school):
    transfer = arrive(session, school, 100_000, "nop tien")
    settle_transactions(session, school.id, [transfer])
    back = arrive(session, school, 100_000, "hoan", direction=Direction.DEBIT, reverses=transfer)
    settle_transactions(session, school.id, [back])
    assert kinds(session, school.id) == []


def test_a_credit_that_steps_in_for_a_reversed_payment_is_told_again(session, school):
    issued = issue(session, school)
    first, second = (arrive(session, school, 100_000, issued.reference, hour=hour) for hour in (1, 2))
    settle_transactions(session, school.id, [first, second])
    back = arrive(session, school, 100_000, "hoan", direction=Direction.DEBIT, reverses=first)
    settle_transactions(session, school.id, [back])
    assert state_of(session, school, issued) == ("paid", 100_000)
    newest = settled(session, school)[-1]
    assert (newest["transaction_id"], totals(newest), newest["credits"]) == (second, 100_000, [])
    assert reversed_(session, school)[0]["transaction_id"] == first


def test_money_of_a_cancelled_invoice_is_told_as_credit(session, school):
    issued = issue(session, school)
    transfer = arrive(session, school, 100_000, issued.reference)
    settle_transactions(session, school.id, [transfer])
    cancel_invoice(session, school.id, issued.id, school.accountant)
    newest = settled(session, school)[-1]
    assert (newest["allocations"], newest["credits"]) == ([], [{"pupil_id": school.pupil, "amount_vnd": 100_000}])


def test_settling_the_same_again_tells_nothing_new(session, school):
    issued = issue(session, school)
    transfer = arrive(session, school, 100_000, issued.reference)
    settle_transactions(session, school.id, [transfer])
    settle_transactions(session, school.id, [transfer])
    assert len(settled(session, school)) == 1


def test_a_settlement_that_is_taken_back_tells_nothing(session, school):
    issued = issue(session, school)
    transfer = arrive(session, school, 100_000, issued.reference)
    step = session.begin_nested()
    settle_transactions(session, school.id, [transfer])
    assert len(kinds(session, school.id)) == 1
    step.rollback()
    assert state_of(session, school, issued) == ("open", 0)
    assert kinds(session, school.id) == []


def test_no_memo_and_no_payer_is_told(session, school):
    issued = issue(session, school)
    transfer = arrive(session, school, 100_000, f"{issued.reference} NGUYEN MAU AN lop 1A")
    settle_transactions(session, school.id, [transfer])
    (event,) = settled(session, school)
    assert "NGUYEN" not in str(event)


def refunded_excess(session, school):
    """A transfer whose excess of 20,000 đồng goes back; returns it and its refund."""
    issued = issue(session, school, 80_000)
    transfer = arrive(session, school, 100_000, issued.reference)
    settle_transactions(session, school.id, [transfer])
    refund = propose_refund(session, school.id, transfer, school.accountant, pupil_id=school.pupil)
    decide_refund(session, school.id, refund, school.principal, approved=True)
    return transfer, refund


def test_an_excess_that_goes_back_and_comes_again_is_told_each_time(session, school):
    transfer, refund = refunded_excess(session, school)
    undo(session, school.id, refund, school.accountant)
    told_of = [(event["transaction_id"], totals(event)) for event in settled(session, school)]
    assert told_of == [(transfer, 100_000), (transfer, 80_000), (transfer, 100_000)]
    assert reversed_(session, school) == []


def test_a_split_is_told_with_all_its_parts_and_its_undoing_takes_them_back(session, school, unmatched):
    issued = issue(session, school, 60_000)
    parts = [Part(60_000, invoice_id=issued.id), Part(40_000, pupil_id=school.pupil)]
    decision = split(session, school.id, unmatched, parts, school.accountant)
    undo(session, school.id, decision, school.accountant)
    [event] = settled(session, school)
    assert [one["amount_vnd"] for one in event["allocations"] + event["credits"]] == [60_000, 40_000]
    [back] = reversed_(session, school)
    assert (back["transaction_id"], back["reason"]) == (unmatched, "undone")


@pytest.mark.parametrize("module", [refunding, undoing])
def test_a_refund_that_is_not_told_would_be_noticed(session, school, monkeypatch, module):
    """Teeth: as below."""
    monkeypatch.setattr(module, "tell", lambda *_: None)
    _, refund = refunded_excess(session, school)
    undo(session, school.id, refund, school.accountant)
    assert len(settled(session, school)) == 2


@pytest.mark.parametrize("module", [settling, reversing, assigning])
def test_moving_money_without_telling_would_be_noticed(session, school, monkeypatch, module):
    """Teeth: each place that tells is told of by an event that is lacking without it."""
    monkeypatch.setattr(module, "tell", lambda *_: None)
    issued = issue(session, school)
    transfer, unknown = arrive(session, school, 50_000, issued.reference), arrive(session, school, 50_000, "?")
    settle_transactions(session, school.id, [transfer, unknown])
    assign(session, school.id, unknown, [issued.id], school.accountant)
    back = arrive(session, school, 50_000, "hoan", direction=Direction.DEBIT, reverses=transfer)
    settle_transactions(session, school.id, [back])
    assert kinds(session, school.id) != ["payment.settled", "payment.settled", "payment.reversed"]


def test_with_all_telling_the_story_is_whole(session, school):
    issued = issue(session, school)
    transfer, unknown = arrive(session, school, 50_000, issued.reference), arrive(session, school, 50_000, "?")
    settle_transactions(session, school.id, [transfer, unknown])
    assign(session, school.id, unknown, [issued.id], school.accountant)
    back = arrive(session, school, 50_000, "hoan", direction=Direction.DEBIT, reverses=transfer)
    settle_transactions(session, school.id, [back])
    assert kinds(session, school.id) == ["payment.settled", "payment.settled", "payment.reversed"]


def test_the_last_word_on_each_payment_is_the_books(session, school):
    """Folding the events gives what the tables say."""
    invoices = [issue(session, school, 60_000), issue(session, school, 80_000)]
    for hour, (number, amount) in enumerate([(0, 60_000), (0, 60_000), (1, 90_000), (1, 10_000)], start=1):
        transfer = arrive(session, school, amount, invoices[number].reference, hour=hour)
        settle_transactions(session, school.id, [transfer])
    cancel_invoice(session, school.id, invoices[1].id, school.accountant)
    last = {}
    for event in settled(session, school):
        last[event["transaction_id"]] = sum(one["amount_vnd"] for one in event["allocations"])
    rows = session.execute(
        text("SELECT transaction_id, sum(amount_vnd)::bigint FROM allocation WHERE school_id = :s GROUP BY 1"),
        {"s": school.id},
    )
    assert {key: value for key, value in last.items() if value} == {key: value for key, value in rows if value}
