"""Workers and people at the same moment: one wins, the other learns of it, and the money is right either way."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest

from operations.invariants import check_invariants
from payments.errors import ConflictError
from payments.invoices.models import InvoiceState
from payments.settlement import deciding, loading
from payments.settlement.loading import take_lease
from payments.settlement.models import ExcludeReason
from payments.settlement.service import (
    Part,
    assign,
    confirm_refund,
    decide_refund,
    exclude,
    propose_refund,
    settle_school,
    split,
    undo,
)
from payments.settlement.settling import move_on
from tests.payments.settlement.bank import Bank
from tests.payments.settlement.setting import say, take_out

pytestmark = pytest.mark.db
ROUNDS = 8


def at_once(*deeds: Callable[[], object]) -> list[object]:
    """Run the deeds in threads that start together; results and conflicts in their order."""
    barrier = threading.Barrier(len(deeds))

    def run(deed):
        barrier.wait(10)
        try:
            return deed()
        except ConflictError as error:
            return error.code

    with ThreadPoolExecutor(len(deeds)) as pool:
        return list(pool.map(run, deeds))


def in_session(bank: Bank, deed, *arguments, **more):
    def done():
        with bank.session() as session:
            return deed(session, bank.school.id, *arguments, **more)

    return done


def unmatched(bank: Bank) -> int:
    bank.call(100_000, "khong ro")
    bank.settle()
    return bank.rows("SELECT max(id) FROM bank_transaction")[0][0]


def test_of_two_people_one_assigns_and_the_other_learns_of_it(bank):
    for _ in range(ROUNDS):
        first, second, transfer = bank.issue(100_000), bank.issue(100_000), unmatched(bank)
        results = at_once(
            in_session(bank, assign, transfer, [first.id], bank.school.accountant),
            in_session(bank, assign, transfer, [second.id], bank.school.principal),
        )
        assert sorted(map(type, results), key=str) == [int, str]
        assert "not_unmatched" in results
        assert sorted(bank.state(one)[1] for one in (first, second)) == [0, 100_000]
        bank.prove()


def test_of_two_undoings_one_wins(bank):
    issued, transfer = bank.issue(100_000), unmatched(bank)
    with bank.session() as session:
        decision = assign(session, bank.school.id, transfer, [issued.id], bank.school.accountant)
    results = at_once(*[in_session(bank, undo, decision, bank.school.accountant)] * 2)
    assert "already_undone" in results
    assert bank.state(issued) == ("open", 0)
    bank.prove()


def test_a_person_and_a_reversal_that_a_worker_settles(bank):
    """Either the person comes too late, or the assigned money is taken back: never both left standing."""
    for number in range(ROUNDS):
        issued = bank.issue(100_000)
        bank.call(100_000, "khong ro", referenceCode=f"FT9{number}")
        bank.settle()
        transfer = bank.rows("SELECT max(id) FROM bank_transaction")[0][0]
        bank.take_back(100_000, f"FT9{number}")
        results = at_once(
            in_session(bank, assign, transfer, [issued.id], bank.school.accountant),
            in_session(bank, settle_school),
        )
        bank.settle()
        assert results[0] == "not_unmatched" or isinstance(results[0], int)
        assert bank.state(issued) == ("open", 0)
        assert bank.rows(f"SELECT state FROM bank_transaction WHERE id = {transfer}") == [("reversed",)]


def test_of_four_different_decisions_about_one_transfer_one_holds(bank):
    for _ in range(3):
        first, transfer, person = bank.issue(100_000), unmatched(bank), bank.school.accountant
        results = at_once(
            in_session(bank, assign, transfer, [first.id], person),
            in_session(bank, split, transfer, [Part(100_000, pupil_id=bank.school.pupil)], person),
            in_session(bank, exclude, transfer, ExcludeReason.MISTAKEN, person),
            in_session(bank, propose_refund, transfer, person),
        )
        assert sorted(results, key=str)[1:] == ["not_unmatched"] * 3
        assert bank.rows(f"SELECT count(*) FROM decision WHERE transaction_id = {transfer}") == [(1,)]
        bank.prove()


def test_a_refund_is_decided_once_and_its_proposer_cannot_withdraw_it_at_the_same_moment(bank):
    for _ in range(3):
        transfer = unmatched(bank)
        with bank.session() as session:
            refund = propose_refund(session, bank.school.id, transfer, bank.school.accountant)
        at_once(
            in_session(bank, decide_refund, refund, bank.school.principal, approved=True),
            in_session(bank, decide_refund, refund, bank.school.principal, approved=False),
            in_session(bank, undo, refund, bank.school.accountant),
        )
        bank.prove()


def test_a_refund_and_the_bank_s_own_reversal_never_both_send_the_money(bank):
    """The person approves while a worker hears that the bank has taken the transfer back."""
    for number in range(4):
        bank.call(100_000, "khong ro", referenceCode=f"FT8{number}")
        bank.settle()
        transfer = bank.rows("SELECT max(id) FROM bank_transaction")[0][0]
        with bank.session() as session:
            refund = propose_refund(session, bank.school.id, transfer, bank.school.accountant)
        bank.take_back(100_000, f"FT8{number}")
        at_once(
            in_session(bank, decide_refund, refund, bank.school.principal, approved=True),
            in_session(bank, settle_school),
        )
        bank.settle()
        assert bank.rows(f"SELECT state FROM refund WHERE decision_id = {refund}") == [("taken_back",)]
        assert bank.rows(f"SELECT state FROM bank_transaction WHERE id = {transfer}") == [("reversed",)]


def test_one_debit_confirms_one_of_two_refunds(bank):
    refunds = []
    for _ in range(2):
        transfer = unmatched(bank)
        with bank.session() as session:
            refunds.append(propose_refund(session, bank.school.id, transfer, bank.school.accountant))
        with bank.session() as session:
            decide_refund(session, bank.school.id, refunds[-1], bank.school.principal, approved=True)
    bank.state_line(100_000, "chi hoan tra", "FT99", day=date(2025, 9, 20), debit=True)
    bank.settle()
    debit = bank.rows("SELECT id FROM bank_transaction WHERE direction = 'debit'")[0][0]
    results = at_once(*[in_session(bank, confirm_refund, refund, debit, bank.school.accountant) for refund in refunds])
    assert sorted(results, key=str) == [None, "debit_taken"]
    bank.prove()


def test_without_the_lease_two_people_decide_one_transfer(bank, monkeypatch):
    """The teeth: each sees it unmatched, both write, and the proof names the transfer."""
    monkeypatch.setattr(loading, "take_lease", lambda *_, **__: True)
    both_have_looked = threading.Barrier(2)
    record = deciding.record

    def recorded(*arguments, **more):
        both_have_looked.wait(10)
        return record(*arguments, **more)

    monkeypatch.setattr("payments.settlement.excluding.record", recorded)
    transfer = unmatched(bank)
    at_once(*[in_session(bank, exclude, transfer, ExcludeReason.MISTAKEN, bank.school.accountant)] * 2)
    with bank.engine.connect() as connection:
        broken = {check.name: check.detail for check in check_invariants(connection) if not check.ok}
    assert "2 decisions that hold exclude it" in broken["decisions"]
    assert "excluded of school" in broken["subledger"]


def test_four_workers_settle_each_transfer_once(bank):
    invoices = [bank.issue(100_000) for _ in range(40)]
    with bank.session() as session:
        for one in invoices:
            say(session, bank.school, 100_000, one.reference)

    def worker():
        taken = 0
        while bank.rows("SELECT count(*) FROM outbox") != [(0,)]:
            with bank.session() as session:
                taken += settle_school(session, bank.school.id, 3).taken
        return taken

    assert sum(at_once(*[worker] * 4)) == 40
    assert {bank.state(one) for one in invoices} == {("paid", 100_000)}
    assert bank.credit() == []
    bank.prove()


def test_money_finds_the_successor_while_an_invoice_is_being_replaced(bank):
    for _ in range(ROUNDS):
        old = bank.issue(100_000)
        bank.call(100_000, old.reference)

        def replace(old=old):
            with bank.session() as session:
                take_lease(session, bank.school.id, wait=True)
                take_out(session, bank.school, old, InvoiceState.REPLACED)
                new = bank.issue_in(session, 100_000, replaces=old)
                move_on(session, bank.school.id, old.id)
                return new

        new, _ = at_once(replace, in_session(bank, settle_school))
        bank.settle()
        assert [bank.state(old), bank.state(new)] == [("replaced", 0), ("paid", 100_000)]
