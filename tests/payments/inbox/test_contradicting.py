"""Which evidence contradicts what stands: another amount under one reference of the bank, and no batch."""

import itertools
from datetime import UTC, date, datetime, time

import pytest

from payments.inbox.contradicting import Saying, contradicting
from payments.inbox.pairing import Piece

DAY = date(2025, 9, 10)
A, B, LINES = "callback:1", "callback:2", "statement"


def says(key: int, source: str, amount_vnd: int, *references: str, day: date = DAY, stands: bool = False) -> Saying:
    order = (day, datetime.combine(day, time(8), UTC), source, str(key))
    piece = Piece(key, source, day, order, references, "FT1", transaction_id=key if stands else None)
    return Saying((1, "credit", "FT1"), amount_vnd, piece)


def waiting(*sayings: Saying) -> set[int]:
    """The same for every order in which they are given."""
    found = {frozenset(contradicting(order)) for order in itertools.permutations(sayings)}
    assert len(found) == 1
    return set(found.pop())


def test_what_stands_goes_on_standing() -> None:
    assert waiting(says(1, A, 500, stands=True), says(2, LINES, 50)) == {2}
    assert waiting(says(1, A, 500), says(2, LINES, 50, stands=True)) == {1}


def test_of_what_arrives_together_the_statement_stands() -> None:
    assert waiting(says(1, A, 500), says(2, LINES, 50), says(3, B, 70)) == {1, 3}


@pytest.mark.parametrize(
    "others",
    [
        [says(1, A, 500), says(2, A, 50)],  # one source tells of two payments
        [says(1, A, 500, "HPX"), says(2, LINES, 50, "HPY")],  # for two invoices
        [says(1, A, 500), says(2, LINES, 500)],  # they agree
        [says(1, A, 500), says(2, LINES, 50, day=date(2025, 9, 21))],  # too far apart to be one movement
    ],
)
def test_two_payments_contradict_nothing(others: list[Saying]) -> None:
    assert waiting(*others) == set()


def test_a_batch_under_one_reference_is_free_as_soon_as_each_amount_is_told_twice() -> None:
    batch = [says(1, A, 100), says(2, A, 200), says(3, LINES, 100), says(4, LINES, 200)]
    assert waiting(*batch) == set()
    assert waiting(batch[0], batch[3]) == {1}
    assert waiting(batch[0], batch[2], batch[3]) == set()


def test_a_source_that_confirms_one_amount_tells_of_another_payment() -> None:
    stand = [says(1, A, 100, stands=True), says(2, LINES, 100, stands=True)]
    assert waiting(*stand, says(3, LINES, 200)) == waiting(*stand, says(3, A, 200)) == set()


def test_what_two_sources_tell_alike_is_believed_against_a_third() -> None:
    agree = [says(1, A, 120), says(2, LINES, 120)]
    assert waiting(*agree, says(3, B, 100)) == {3}
    assert waiting(*agree, says(3, B, 100), says(4, B, 120)) == set()


def test_two_equal_payments_of_one_number_do_not_confirm_a_third() -> None:
    """One callback agrees with a line; the other callback and the other line are one payment with two amounts."""
    agree = [says(1, A, 100), says(2, LINES, 100)]
    assert len(waiting(*agree, says(3, A, 100), says(4, LINES, 120))) == 1
