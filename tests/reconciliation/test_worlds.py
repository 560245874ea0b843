"""In random weeks every planted fault is found with its class, and nothing else is an alarm."""

import pytest

from reconciliation import booking, pairing
from reconciliation.movements import PRECEDENCE
from tests.reconciliation.makers import judged
from tests.reconciliation.worlds import FAULTS, TARIFF, World, sides, world_of

SEEDS = range(12)
CALM = {"matched", "not_due"}


def cases_of(world: World):
    return judged(*world.facts, tariffs=[TARIFF])


def report(world: World) -> tuple[list[str], list[str]]:
    """What was planted and not found so, and alarms that nobody planted."""
    cases = cases_of(world)
    of_fact = {id(fact): case for case in cases for fact in sides(case)}
    missed, wanted = [], set()
    for key, shown in world.planted:
        found = {id(case): case for case in (of_fact[id(fact)] for fact in shown)}
        wanted |= found.keys()
        if [case.primary_class for case in found.values()] != [key]:
            missed.append(f"{key}: {[case.keys for case in found.values()]}")
    alarms = [str(case.keys) for case in cases if case.primary_class not in CALM and id(case) not in wanted]
    return missed, alarms


@pytest.mark.parametrize("uniform", [False, True], ids=["spread", "uniform"])
@pytest.mark.parametrize("seed", SEEDS)
def test_every_planted_fault_is_found_and_nothing_else(seed, uniform):
    assert report(world_of(seed, uniform=uniform)) == ([], [])


@pytest.mark.parametrize("seed", SEEDS)
def test_a_clean_week_gives_no_alarm(seed):
    world = world_of(seed, payments=200, faults=0, uniform=bool(seed % 2))
    assert {case.primary_class for case in cases_of(world)} <= CALM


def test_every_class_of_matching_is_planted():
    planted = {key for key, _ in world_of(1).planted}
    assert planted == set(PRECEDENCE) - {"balance_break"}
    assert len(FAULTS) >= len(planted)


BLINDED = {
    "several lines of one payment": (pairing.Pool, "join_parts"),
    "one row for several payments": (booking.Desk, "join_sums"),
    "rows that are parts": (booking.Desk, "join_parts"),
    "ties": (pairing.Pool, "claim"),
    "duplicates": (booking.Desk, "set_duplicates_aside"),
}


@pytest.mark.parametrize("blinded", BLINDED)
def test_a_rule_that_is_taken_away_is_noticed(blinded, monkeypatch):
    monkeypatch.setattr(*BLINDED[blinded], lambda *_: None)
    assert report(world_of(3)) != ([], [])


def test_a_tie_that_is_broken_by_guess_is_noticed(monkeypatch):
    """Teeth of «a tie refuses»: whoever comes first is taken."""
    plain = pairing.neighbourhoods

    def guessing(left, right, window):
        for lefts, rights in plain(left, right, window):
            yield from (([one], [other]) for one, other in zip(lefts, rights, strict=False))

    monkeypatch.setattr(pairing, "neighbourhoods", guessing)
    missed, _ = report(world_of(3))
    assert any(text.startswith("ambiguous") for text in missed)
