"""Which evidence contradicts what stands: another amount under one reference of the bank, and no batch."""

import itertools
from collections.abc import Iterable
from datetime import date

import pytest

from payments.inbox.contradicting import Saying, contradicting

DAY = date(2025, 9, 10)
A, B, LINES = "callback:1", "callback:2", "statement"


def says(key: int, source: str, amount_vnd: int, *references: str, **more: object) -> Saying:
    values = {"day": DAY, "stands": False, **more}
    return Saying(key, source, order=(key,), number=(1, "credit", "FT1"), amount_vnd=amount_vnd,
                  references=frozenset(references), **values)  # fmt: skip


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
        [says(1, A, 500), says(2, LINES, 50, decided=True)],  # a person has spoken
    ],
)
def test_two_payments_contradict_nothing(others: list[Saying]) -> None:
    assert waiting(*others) == set()


def test_a_batch_under_one_reference_is_free_as_soon_as_each_amount_is_told_twice() -> None:
    batch = [says(1, A, 100), says(2, A, 200), says(3, LINES, 100), says(4, LINES, 200)]
    assert waiting(*batch) == set()
    assert waiting(batch[0], batch[3]) == {1}
    assert waiting(batch[0], batch[2], batch[3]) == set()


def test_a_confirmed_amount_contradicts_nobody() -> None:
    stand: Iterable[Saying] = (says(1, A, 100, stands=True), says(2, LINES, 100, stands=True))
    assert waiting(*stand, says(3, LINES, 200)) == set()
