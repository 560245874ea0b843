"""Sharing out pots over lines, against formulas that know nothing of how it is done."""

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from payments.settlement.pooling import Pot, share_out


def most(pots, lines, room):
    """The most that these pots can place on these lines: the smallest cut."""
    cuts = []
    for size in range(len(pots) + 1):
        for cut in combinations(range(len(pots)), size):
            reached = {line for place, (_, may) in enumerate(pots) if place not in cut for line in may} & set(lines)
            cuts.append(sum(pots[place][0] for place in cut) + sum(room[line] for line in reached))
    return min(cuts)


def wanted(pots, room):
    """(placed of each pot, paid of each line): earlier pots and earlier lines come first, as far as anybody can."""
    lines = list(room)
    placed = [most(pots[: n + 1], lines, room) - most(pots[:n], lines, room) for n in range(len(pots))]
    filled = [most(pots, lines[: n + 1], room) - most(pots, lines[:n], room) for n in range(len(lines))]
    return placed, filled


def shared(pots, room):
    made = [Pot(amount, frozenset(may)) for amount, may in pots]
    share_out(made, room)
    for pot, (_, may) in zip(made, pots, strict=True):
        assert set(pot.pays) <= set(may)
        assert all(vnd > 0 for vnd in pot.pays.values())
    filled = [sum(pot.pays.get(line, 0) for pot in made) for line in room]
    return [sum(pot.pays.values()) for pot in made], filled


def test_a_pot_that_can_pay_elsewhere_leaves_room_for_one_that_cannot():
    assert shared([(100, {1, 2}), (80, {1})], {1: 100, 2: 80}) == ([100, 80], [100, 80])


def test_of_two_that_compete_the_first_is_used_up():
    assert shared([(70, {1}), (70, {1})], {1: 100}) == ([70, 30], [100])


def test_what_is_due_first_is_filled_first():
    assert shared([(100, {1, 2, 3})], {3: 50, 1: 40, 2: 90}) == ([100], [50, 40, 10])


LINES = st.lists(st.integers(0, 60), min_size=1, max_size=5)


@settings(max_examples=300, deadline=None)
@given(LINES, st.lists(st.tuples(st.integers(0, 120), st.sets(st.integers(0, 4))), min_size=1, max_size=4))
def test_all_that_can_be_placed_is_placed_lines_and_pots_in_their_order(open_vnd, pots):
    room = dict(enumerate(open_vnd))
    known = [(amount, {line for line in may if line in room}) for amount, may in pots]
    assert shared(known, room) == wanted(known, room)
