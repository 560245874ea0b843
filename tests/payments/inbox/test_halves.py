"""As many halves as can be find a partner: judged against every choice there is."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from payments.inbox import halves
from payments.inbox.halves import Half, Movement, most_pairs


def best(options: Sequence[Sequence[int]], taken: frozenset[int] = frozenset()) -> int:
    """The largest number of pairs, by trying all."""
    if not options:
        return 0
    first, *rest = options
    without = best(rest, taken)
    return max([without, *(1 + best(rest, taken | {one}) for one in set(first) - taken)])


@settings(max_examples=400)
@given(st.lists(st.lists(st.integers(0, 5), max_size=4, unique=True), max_size=6))
def test_no_other_choice_makes_more_pairs(options: list[list[int]]) -> None:
    pairs = most_pairs(options)
    assert all(partner in options[place] for place, partner in pairs.items())
    assert len(set(pairs.values())) == len(pairs) == best(options)


def test_the_first_choice_stays_where_it_costs_nobody_a_partner() -> None:
    assert most_pairs([[2, 1], [0, 2]]) == {0: 2, 1: 0}


def complete(given: Sequence[Half], *numbers: str) -> list[Movement]:
    """Joined halves, with the bank's reference of each where some are given."""
    own = [frozenset({number}) if number else frozenset() for number in numbers] or [frozenset()] * len(given)
    return halves.complete(given, own)


def push(day: int, *, named: bool = False, decided: bool = False, connection: int = 1) -> Half:
    return Half(named, decided, frozenset({f"callback:{connection}"}), (day, day), None)


def line(day: int, *, named: bool = False) -> Half:
    return Half(named, False, frozenset({"statement"}), None, (day, day))


def test_a_half_left_over_by_the_nearest_choice_takes_another_one() -> None:
    """The line of the third day fits both callbacks, the line with a name only the first: two payments, not three."""
    found = complete([push(0), push(2), line(3), line(0, named=True)])
    assert sorted(sorted([*one.nameless, *[one.named] * (one.named is not None)]) for one in found) == [[0, 3], [1, 2]]


def test_halves_with_names_never_join_here() -> None:
    assert len(complete([push(0, named=True), line(0, named=True)])) == 2


def test_what_a_person_put_where_no_name_is_stays_there() -> None:
    assert len(complete([push(0, decided=True), line(0, named=True)])) == 2


def test_a_choice_between_named_partners_is_marked_and_its_count_kept() -> None:
    found = complete([push(0, named=True), push(1, named=True), line(1)])
    assert len(found) == 2
    assert sorted(one.tied for one in found) == [False, True]


def test_callbacks_with_different_references_of_the_bank_are_two_payments() -> None:
    both = [push(0), push(0, named=True, connection=2)]
    assert len(complete(both, "FT1", "FT2")) == 2
    assert len(complete(both, "FT1", "")) == len(complete(both, "FT1", "FT1")) == len(complete(both)) == 1


def test_a_statement_may_print_another_number_than_the_callback() -> None:
    assert len(complete([push(0), line(0, named=True)], "FT1", "")) == 1


def test_a_partner_that_the_bank_s_reference_rules_out_makes_no_tie() -> None:
    """The callback without a name fits both others by amount and day; one of them is certainly another payment."""
    given = [push(0), push(0, named=True, connection=2), push(0, named=True, connection=2)]
    assert [one.tied for one in complete(given, "FT1", "FT2", "")] == [False, False]
    assert any(one.tied for one in complete(given, "FT1", "", ""))
