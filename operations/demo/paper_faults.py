"""What goes wrong between the sources: calls that never come, lines that a statement lacks, slips in the books.

Only payments that are ordinary otherwise are touched, one fault each, so that each has exactly one class.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from random import Random

from operations.demo.chance import generator
from operations.demo.draw import at_least, at_second, bank_reference
from operations.demo.facts import Account, BookRow, Movement, Plan
from operations.demo.presets import CALENDAR, business_day_after, is_business_day

OF_1000: Mapping[str, int] = {
    "ambiguous": 1,
    "lost_call": 15,
    "not_stated": 3,
    "resent_otherwise": 2,
    "stated_otherwise": 1,
    "stated_twice": 1,
    "night": 6,
    "not_booked": 5,
    "booked_otherwise": 4,
    "booked_twice": 3,
    "booked_for_nobody": 2,
}
"""Of every thousand payments, at least one of each; ``ambiguous`` counts pairs."""
NIGHT_S = (23 * 3600 + 300, 24 * 3600 - 60)
SLIP_VND = 9_000
"""By so much another amount differs: it makes no other bill's amount of it."""
NOBODY_VND = 77_001
"""Amounts of rows in the books that stand for nothing: no bill asks for such."""

Fault = Callable[[Movement], Movement]


def plant(plan: Plan, spoiled: Account, seed: int) -> None:
    """Change the plan: each fault on payments of its own, never on the account whose statement does not add up."""
    chance = generator(seed, "paper")
    pool = [movement for movement in plan.movements if movement.kind == "clean" and movement.account != spoiled]
    chance.shuffle(pool)
    total = len(pool)
    tied: set[tuple[Account, int]] = set()
    for _ in range(_count("ambiguous", total)):
        tied.add(_make_ambiguous(plan, pool, tied))
    faults: dict[str, Fault] = {
        "lost_call": lambda paid: replace(paid, called=False, reconciles_as="missing_gateway"),
        "not_stated": lambda paid: replace(paid, stated="never", reconciles_as="missing_bank"),
        "resent_otherwise": _resend_otherwise,
        "stated_otherwise": _state_otherwise,
        "stated_twice": _state_twice,
        "night": lambda paid: _pay_at_night(paid, chance),
        "not_booked": lambda paid: replace(paid, posted="never", reconciles_as="missing_ledger"),
        "booked_otherwise": _book_otherwise,
        "booked_twice": lambda paid: replace(paid, posted="twice", reconciles_as="duplicate"),
    }
    # Whatever a statement lacks would join a tie of the same amount.
    pool = [movement for movement in pool if (movement.account, movement.amount_vnd) not in tied]
    for name, fault in faults.items():
        for _ in range(_count(name, total)):
            _put(plan, fault(pool.pop()))
    for number in range(_count("booked_for_nobody", total)):
        plan.book_rows.append(_row_for_nobody(chance.choice(pool), number))


def _count(name: str, total: int) -> int:
    return at_least(1, OF_1000[name], total)


def _put(plan: Plan, movement: Movement) -> None:
    plan.movements[movement.number - 1] = movement


def _resend_otherwise(paid: Movement) -> Movement:
    """The sender says it a second time, with another amount under the same id."""
    return replace(paid, resent_vnd=paid.amount_vnd + SLIP_VND, reconciles_as="amount_diff")


def _state_otherwise(paid: Movement) -> Movement:
    """Callback and statement give two amounts under one number of the bank: a person decides about the second."""
    return replace(paid, stated_vnd=paid.amount_vnd + SLIP_VND, reconciles_as="amount_diff")


def _state_twice(paid: Movement) -> Movement:
    """One line a second time, in the balance too: money that is there, and that nobody else knows."""
    return replace(paid, stated="twice", reconciles_as="duplicate", settles_as=paid.settles_as | {"twice"})


def _book_otherwise(paid: Movement) -> Movement:
    return replace(paid, posted_vnd=paid.amount_vnd + SLIP_VND, reconciles_as="amount_diff")


def _pay_at_night(paid: Movement, chance: Random) -> Movement:
    """Shortly before midnight of a business day: the bank books it on the next one."""
    day = min(paid.occurred_at.date(), CALENDAR.due - timedelta(days=3))
    while not is_business_day(day):
        day -= timedelta(days=1)
    moment = at_second(day, chance.randrange(*NIGHT_S))
    return replace(
        paid,
        occurred_at=moment,
        booked_on=business_day_after(day),
        bank_reference=bank_reference(moment, paid.number),
        reconciles_as="date_cutoff",
    )


def _make_ambiguous(plan: Plan, pool: list[Movement], tied: set[tuple[Account, int]]) -> tuple[Account, int]:
    """Two equal payments of one day, of which the statement shows one, without any reference: nobody can say which.

    Returns their account and amount; two ties of one amount would be one.
    """
    seen: dict[tuple[Account, int], Movement] = {}
    for movement in pool:
        key = (movement.account, movement.amount_vnd)
        other = seen.setdefault(key, movement)
        if other is not movement and key not in tied:
            break
    else:
        raise ValueError("no two payments on one account are equal")
    pool[:] = [one for one in pool if one not in {movement, other}]
    moment = movement.occurred_at.replace(day=other.occurred_at.day)
    same_day = replace(movement, occurred_at=moment, booked_on=moment.date(), stated="never")
    _put(plan, replace(same_day, bank_reference=bank_reference(moment, movement.number)))
    _put(plan, replace(other, stated="nameless", reconciles_as="ambiguous", together_with=(movement.number,)))
    return key


def _row_for_nobody(beside: Movement, number: int) -> BookRow:
    """Booked by mistake: no money came."""
    amount_vnd = NOBODY_VND + 1_000 * number
    return BookRow(beside.account, beside.booked_on, amount_vnd, "Ghi nham", f"GN{number + 1:06d}", is_cash=False)
