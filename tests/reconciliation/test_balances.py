"""The balance proof over days: closing(n) = opening(n+1), gaps, sequences, overlaps, and corrections."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from reconciliation.balances import StatementFact, prove, proved_days

FIRST = date(2025, 10, 1)


def day(number: int) -> date:
    return FIRST + timedelta(days=number - 1)


def fact(first: int, last: int, opening: int | None, closing: int | None, number: int = 0, **more) -> StatementFact:
    values = {"sequence": None, "proved": True, "format": "camt"} | more
    return StatementFact(number or first, day(first), day(last), opening, closing, **values)


def whats(statements, sums, first: int = 1, last: int = 3, previous: int | None = None) -> list[str]:
    return [found.what for found in prove(day(first), day(last), statements, sums, previous).breaks]


SUMS = {day(1): (100, 0), day(2): (50, 20), day(3): (0, 30)}
DAILY = [fact(1, 1, 1_000, 1_100), fact(2, 2, 1_100, 1_130), fact(3, 3, 1_130, 1_100)]


def test_days_that_follow_each_other_prove():
    proof = prove(day(1), day(3), DAILY, SUMS)
    assert (proof.ok, proof.opening_vnd, proof.credits_vnd, proof.debits_vnd, proof.closing_vnd) == (
        True,
        1_000,
        150,
        50,
        1_100,
    )


def test_a_day_in_the_middle_of_a_statement_has_its_own_balances():
    proof = prove(day(2), day(2), [fact(1, 3, 1_000, 1_100)], SUMS)
    assert (proof.ok, proof.opening_vnd, proof.closing_vnd) == (True, 1_100, 1_130)


def test_a_gap_between_statements_breaks_by_its_amount():
    statements = [DAILY[0], fact(3, 3, 1_130, 1_100)]
    sums = {day(1): (100, 0), day(3): (0, 30)}
    [found] = prove(day(1), day(3), statements, sums).breaks
    assert (found.what, found.amount_vnd, found.day) == ("gap", 30, day(3))


def test_days_without_statement_and_without_movement_are_no_gap():
    assert whats([DAILY[0], fact(3, 3, 1_100, 1_070)], {day(1): (100, 0), day(3): (0, 30)}) == []


def test_a_missing_sequence_number_breaks_even_where_the_balances_meet():
    statements = [fact(1, 1, 1_000, 1_100, sequence=7), fact(3, 3, 1_100, 1_070, sequence=9)]
    assert whats(statements, {day(1): (100, 0), day(3): (0, 30)}) == ["sequence"]


def test_the_balance_that_was_proved_before_must_be_the_opening():
    assert whats(DAILY[1:], SUMS, first=2, previous=1_100) == []
    assert whats(DAILY[1:], SUMS, first=2, previous=1_099) == ["before"]


def test_overlapping_statements_prove_when_their_lines_agree():
    assert whats([fact(1, 2, 1_000, 1_130), fact(2, 3, 1_100, 1_100)], SUMS) == []


def test_overlapping_statements_with_other_lines_break():
    # The second one knows 5 more on its days than its balances say: a line that only the first one has.
    assert whats([fact(1, 2, 1_000, 1_130), fact(2, 3, 1_100, 1_100)], SUMS | {day(2): (55, 20)}) == ["overlap"]


def test_parts_of_one_day_follow_each_other():
    parts = [fact(1, 1, 1_000, 1_040, 1, sequence=1), fact(1, 1, 1_040, 1_100, 2, sequence=2)]
    assert whats(parts, {day(1): (100, 0)}, last=1) == []


def test_a_broken_statement_gives_way_to_a_later_one_that_proves_over_its_days():
    broken = fact(1, 1, 1_000, 1_101, 1, proved=False, break_at="closing", break_vnd=-1)
    assert whats([broken], {day(1): (100, 0)}, last=1) == ["inside"]
    assert whats([broken, fact(1, 1, 1_000, 1_100, 2)], {day(1): (100, 0)}, last=1) == []


def test_a_statement_without_balances_proves_nothing():
    proof = prove(day(1), day(1), [fact(1, 1, None, None, proved=False)], {day(1): (100, 0)})
    assert (proof.ok, [found.what for found in proof.breaks]) == (False, ["unstated"])


def test_only_proved_days_vouch_for_absence():
    broken = fact(3, 3, 0, 0, proved=False, break_at="x", break_vnd=1)
    days = proved_days([fact(1, 1, 0, 0), fact(2, 2, 0, 0), broken, fact(5, 6, 0, 0)])
    assert [number for number in range(1, 8) if day(number) in days] == [1, 2, 5, 6]
    assert len(days.intervals) == 2


@given(
    st.lists(st.lists(st.integers(-500, 500).filter(bool), max_size=4), min_size=1, max_size=10),
    st.data(),
)
def test_any_cut_of_a_true_history_proves_and_any_false_balance_breaks(history, data):
    """Statements of random lengths over one true history prove; one wrong balance is always noticed."""
    sums = {
        day(number): (sum(vnd for vnd in moves if vnd > 0), -sum(vnd for vnd in moves if vnd < 0))
        for number, moves in enumerate(history, start=1)
    }
    balances = [1_000]
    for moves in history:
        balances.append(balances[-1] + sum(moves))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(history)), max_size=4)) | {len(history)})
    starts = [1, *(cut + 1 for cut in cuts[:-1])]
    made = [fact(first, last, balances[first - 1], balances[last]) for first, last in zip(starts, cuts, strict=True)]
    assert whats(made, sums, last=len(history)) == []
    wrong = data.draw(st.integers(0, len(made) - 1))
    slip = data.draw(st.integers(1, 99))
    opening, closing = made[wrong].opening_vnd, made[wrong].closing_vnd
    side = data.draw(st.booleans())
    spoiled = fact(starts[wrong], cuts[wrong], opening + slip * side, closing + slip * (not side))
    noticed = whats([*made[:wrong], spoiled, *made[wrong + 1 :]], sums, last=len(history))
    # A wrong opening of the first statement shifts everything: the statement's own proof sees that one.
    assert noticed or (wrong == 0 and side and len(made) == 1) or spoiled == made[wrong]
