"""A callback and a statement line that give one movement two amounts: no đồng is credited for the second."""

import itertools

import pytest

from payments.inbox import service as inbox
from payments.settlement.service import place_held
from tests.reconciliation.desk import line

TRUE_VND, FALSE_VND = 500_000, 50_000


def credited(desk) -> int:
    [(allocated,)] = desk.rows("SELECT coalesce(sum(amount_vnd), 0)::bigint FROM allocation")
    [(credit,)] = desk.rows("SELECT coalesce(sum(amount_vnd), 0)::bigint FROM pupil_credit")
    return allocated + credit


def held(desk) -> list[tuple[str, str, int]]:
    return desk.rows(
        "SELECT h.reason, e.source, e.amount_vnd::int FROM held_evidence h JOIN evidence e ON e.id = h.evidence_id"
    )


def two_amounts(desk, *, statement_first: bool):
    invoice = desk.issue(TRUE_VND)

    def push():
        desk.pay(TRUE_VND, invoice.reference, "FT1")
        desk.settle()

    def state():
        desk.state(line(FALSE_VND, invoice.reference, "FT1"))

    for step in (state, push) if statement_first else (push, state):
        step()
    return invoice


@pytest.mark.parametrize("statement_first", [False, True])
def test_the_second_amount_waits_for_a_person(desk, statement_first):
    two_amounts(desk, statement_first=statement_first)
    assert credited(desk) == (FALSE_VND if statement_first else TRUE_VND)
    assert held(desk) == [("amount_diff", *(("callback", TRUE_VND) if statement_first else ("statement", FALSE_VND)))]
    assert desk.night().exceptions == {"amount_diff": 1}
    desk.prove()


def test_without_the_safeguard_both_are_credited(desk, monkeypatch):
    """Teeth: what the rule keeps from happening."""
    monkeypatch.setattr(inbox, "contradicting", lambda _sayings: set())
    two_amounts(desk, statement_first=False)
    assert credited(desk) == TRUE_VND + FALSE_VND


def test_a_person_may_say_that_it_is_another_payment(desk):
    two_amounts(desk, statement_first=False)
    [(evidence_id,)] = desk.rows("SELECT evidence_id FROM held_evidence")
    with desk.session() as session:
        place_held(session, desk.school.id, evidence_id, None, desk.school.accountant)
    assert credited(desk) == TRUE_VND + FALSE_VND
    assert held(desk) == []
    desk.night()
    assert held(desk) == []
    desk.prove()


ORDERS = sorted(set(itertools.permutations(["push 1", "push 2", "line 1", "line 2"])))


@pytest.mark.parametrize("order", ORDERS[:: len(ORDERS) // 6])
def test_a_batch_under_one_reference_is_two_payments_in_any_order(desk, order):
    """The bank gives one number to both, and the memo names nobody: each amount finds its partner in the end."""
    amounts = {"1": 100_000, "2": 200_000}
    for step in order:
        kind, number = step.split()
        if kind == "push":
            desk.pay(amounts[number], "nop tien", "FT1")
            desk.settle()
        else:
            with desk.session() as session:
                inbox.record_statement_evidence(
                    session, desk.school.id, desk.school.account, [line(amounts[number], "nop tien", "FT1")]
                )
            desk.settle()
    assert held(desk) == []
    found = desk.rows("SELECT amount_vnd::int, state FROM bank_transaction ORDER BY 1")
    assert found == [(100_000, "unmatched"), (200_000, "unmatched")]
    desk.prove()
