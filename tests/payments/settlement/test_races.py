"""Workers and people at the same moment: one wins, the other learns of it, and the money is right either way."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from payments.errors import ConflictError
from payments.invoices.models import InvoiceState
from payments.settlement.loading import take_lease
from payments.settlement.service import assign, settle_school, undo
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


def in_session(bank: Bank, deed, *arguments):
    def done():
        with bank.session() as session:
            return deed(session, bank.school.id, *arguments)

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
