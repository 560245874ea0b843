"""Matching loses no fact, invents none, and does not see the order of the facts: also where all amounts are equal."""

import random
from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from reconciliation.decisions.rules import Ruling, hand_of
from reconciliation.facts import BankFact, GatewayFact, LedgerFact
from tests.effort import calls
from tests.reconciliation.makers import NO_BOOKS, SCOPE, bank, gateway, judged, ledger
from tests.reconciliation.worlds import sides

NAMES = [f"HP{number:09d}0" for number in range(4)]
AMOUNTS = st.sampled_from([500_000, 500_000, 500_000, 300_000, 200_000, 800_000])
names = st.lists(st.sampled_from(NAMES), max_size=2, unique=True)
days = st.integers(6, 14)
numbers = st.sampled_from(["", "", "FT0001", "FT0002"])
ways = st.sampled_from(["credit", "credit", "credit", "debit"])

banks = st.builds(
    lambda vnd, named, day, number, way: bank(vnd, *named, day=day, number=number, way=way),
    AMOUNTS, names, days, numbers, ways,
)  # fmt: skip
gateways = st.builds(
    lambda vnd, named, day, number, way: gateway(vnd, *named, day=day, number=number, way=way),
    AMOUNTS, names, days, numbers, ways,
)  # fmt: skip
ledgers = st.builds(
    lambda vnd, named, day, cash: ledger(vnd, *named, day=day, is_cash=cash), AMOUNTS, names, days, st.booleans()
)
facts = st.lists(st.one_of(banks, gateways, ledgers), max_size=40)


def shown(cases):
    """The report without what it is called."""
    sides = ("banks", "gateways", "ledgers")
    return [
        (case.keys, case.rules, *(sorted(fact.id for fact in getattr(case, side)) for side in sides)) for case in cases
    ]


@given(facts, st.randoms(use_true_random=False))
def test_every_fact_is_in_one_case_and_order_does_not_matter(given_facts, chance):
    cases = judged(*given_facts)
    found = Counter(
        (type(fact), fact.id) for case in cases for side in (case.banks, case.gateways, case.ledgers) for fact in side
    )
    assert found == Counter((type(fact), fact.id) for fact in given_facts)
    shuffled = list(given_facts)
    chance.shuffle(shuffled)
    assert shown(judged(*shuffled)) == shown(cases)


@given(facts)
def test_a_match_never_joins_what_contradicts(given_facts):
    for case in judged(*given_facts):
        if case.primary_class == "matched":
            assert len({fact.direction for side in (case.banks, case.gateways, case.ledgers) for fact in side}) == 1
            sums = {sum(fact.amount_vnd for fact in side) for side in (case.banks, case.gateways, case.ledgers) if side}
            assert len(sums) == 1


@given(st.lists(banks, max_size=25))
def test_sources_that_agree_give_no_exception(lines):
    pushed = [
        gateway(line.amount_vnd, *line.references, day=line.day.day, number=line.bank_reference, way=line.direction)
        for line in lines
    ]
    booked = [ledger(line.amount_vnd, *line.references, day=line.day.day, way=line.direction) for line in lines]
    assert {case.primary_class for case in judged(*lines, *pushed, *booked)} <= {"matched"}


@given(st.integers(1, 40), st.data())
def test_uniform_amounts_lose_nothing(payers, data):
    """A class in which everybody pays one amount: each lost callback is found, and nothing else."""
    named = [f"HP{number:09d}0" for number in range(payers)]
    lost = data.draw(st.sets(st.sampled_from(named)))
    lines = [bank(500_000, name) for name in named]
    pushed = [gateway(500_000, name) for name in named if name not in lost]
    cases = judged(*lines, *pushed, scope=NO_BOOKS)
    assert {case.references[0] for case in cases if case.primary_class == "missing_gateway"} == lost
    assert all(case.primary_class in {"matched", "missing_gateway"} for case in cases)


def test_effort_grows_with_the_number_of_facts():
    """Ten times the facts, among them many equal ones, take about ten times the steps."""

    def steps(size: int) -> int:
        chance = random.Random(7)
        names = [f"HP{number:09d}0" for number in range(size)]
        lines = [
            bank(500_000, *([name] if chance.random() < 0.9 else []), day=6 + chance.randrange(3)) for name in names
        ]
        pushed = [gateway(500_000, *line.references, day=line.day.day) for line in lines if chance.random() < 0.98]
        booked = [ledger(500_000, *line.references, day=line.day.day) for line in lines if chance.random() < 0.98]
        return calls(lambda: judged(*lines, *pushed, *booked))

    assert steps(10_000) < 12 * steps(1_000)


def test_the_ids_of_facts_do_not_decide_what_is_found():
    """The same facts stored in another order: the same classes on the same payments."""
    lines = [bank(500_000, name, day=day) for name in NAMES for day in (6, 7)]
    pushed = [gateway(500_000, name, day=6) for name in NAMES[:3]]
    renumbered = [replace(fact, id=10_000 - fact.id) for fact in (*lines, *pushed)]
    found = [
        sorted((case.keys, case.references, case.day) for case in judged(*some, scope=SCOPE))
        for some in ([*lines, *pushed], renumbered)
    ]
    assert found[0] == found[1]


@given(facts, st.lists(st.tuples(st.sampled_from(["join", "part"]), st.randoms(use_true_random=False)), max_size=4))
def test_decisions_lose_no_fact_and_join_no_contradiction_unseen(given_facts, words):
    rulings = [ruling(number, kind, given_facts, chance) for number, (kind, chance) in enumerate(words, start=1)]
    cases = judged(*given_facts, rulings=rulings)
    found = Counter((type(fact), fact.id) for case in cases for fact in sides(case))
    assert found == Counter((type(fact), fact.id) for fact in given_facts)
    assert shown(judged(*reversed(given_facts), rulings=rulings[::-1])) == shown(cases)
    holder = {(type(fact), fact.id): id(case) for case in cases for fact in sides(case)}
    hand = hand_of(rulings, *sorted_out(given_facts))
    for join in hand.joins:
        assert len({holder[type(fact), fact.id] for fact in join.facts}) == 1
    for one in hand.unmet:
        noted = {case.note for case in cases for fact in sides(case) if any(fact is lost for lost in one.facts)}
        assert all(f"={one.id}" in (note or "") for note in noted)
    for case in cases:
        if case.primary_class == "matched":
            sums = {sum(fact.amount_vnd for fact in side) for side in (case.banks, case.gateways, case.ledgers) if side}
            assert len(sums) == 1
        # A tie says that nobody can tell, so it joins nothing: facts that were parted may wait in it together.
        assert not hand.splits_within(list(sides(case))) or "person" in case.rules or "ambiguous" in case.keys


def sorted_out(given_facts):
    return ([fact for fact in given_facts if isinstance(fact, kind)] for kind in (BankFact, GatewayFact, LedgerFact))


def ruling(number, kind, given_facts, chance):
    lines, told, rows = sorted_out(chance.sample(given_facts, min(len(given_facts), chance.randint(0, 4))))
    return Ruling(
        number,
        kind,
        tuple(fact.id for fact in lines),
        tuple(fact.evidence_ids[0] for fact in told),
        tuple(fact.id for fact in rows),
    )
