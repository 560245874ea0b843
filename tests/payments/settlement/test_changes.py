"""Money rows are only added: less money takes rows back whole and adds what was too much."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.settlement.changes import NewRow, Standing, differences, new_rows, totals

PLACE = (1, 7)


def test_places_that_stay_give_no_rows():
    assert differences({PLACE: 5}, {PLACE: 5}) == {}


def test_more_money_is_one_more_row():
    assert new_rows({PLACE: 5}, [Standing(3, PLACE, 10)]) == [NewRow(PLACE, 5)]


def test_less_money_takes_the_newest_row_back_and_adds_the_remainder():
    standing = [Standing(3, PLACE, 10), Standing(4, PLACE, 20)]
    assert new_rows({PLACE: -5}, standing) == [NewRow(PLACE, -20, 4), NewRow(PLACE, 15)]
    assert new_rows({PLACE: -30}, standing) == [NewRow(PLACE, -20, 4), NewRow(PLACE, -10, 3)]


def test_more_than_stands_cannot_be_taken_back():
    with pytest.raises(ValueError, match="more to take back"):
        new_rows({PLACE: -11}, [Standing(3, PLACE, 10)])


@given(st.lists(st.integers(1, 50), max_size=5), st.integers(0, 300))
def test_afterwards_stands_what_is_wanted(amounts, wanted):
    standing = [Standing(number, PLACE, amount) for number, amount in enumerate(amounts)]
    rows = new_rows(differences({PLACE: wanted}, totals(standing)), standing)
    assert sum(amounts) + sum(row.amount_vnd for row in rows) == wanted
    taken = [row for row in rows if row.reverses_id is not None]
    assert all(row.amount_vnd == -amounts[row.reverses_id] for row in taken)
    assert len({row.reverses_id for row in taken}) == len(taken)
