"""Take bills out of a pool and plan movements of money for them: what all kinds of the mix share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random

from operations.demo import memos
from operations.demo.facts import Account, Bill, Movement, Plan
from operations.demo.presets import CALENDAR, HOLIDAYS
from payments.clock import VIETNAM

OPENS_S, CLOSES_S = 6 * 3600, 22 * 3600
"""Seconds of the day between which people pay: by daylight, so that a payment belongs to its own day."""

Test = Callable[[Bill], bool]


def at_least(minimum: int, of_1000: int, total: int) -> int:
    """So many of every thousand, but never fewer than the minimum."""
    return max(minimum, (total * of_1000 + 500) // 1000)


@dataclass(slots=True)
class Draw:
    """A pool of bills in chance order, and the plan that grows from it."""

    bills: Sequence[Bill]
    chance: Random
    plan: Plan = field(default_factory=Plan)
    pool: list[Bill] = field(init=False)

    def __post_init__(self) -> None:
        self.pool = list(self.bills)
        self.chance.shuffle(self.pool)

    def accounts(self, school_code: str) -> list[Account]:
        """The receiving accounts of a school."""
        return sorted({bill.account for bill in self.bills if bill.account.school_code == school_code})

    def take(self, count: int, fits: Test = lambda _: True) -> list[Bill]:
        """Take the next bills that fit; fewer when there are not so many."""
        taken: list[Bill] = []
        left: list[Bill] = []
        for bill in self.pool:
            (taken if len(taken) < count and fits(bill) else left).append(bill)
        self.pool = left
        return taken

    def remove(self, bills: Sequence[Bill]) -> None:
        """Take these very bills."""
        gone = {bill.reference for bill in bills}
        self.pool = [bill for bill in self.pool if bill.reference not in gone]

    def share(self, minimum: int, of_1000: int) -> int:
        """So many of every thousand bills."""
        return at_least(minimum, of_1000, len(self.bills))

    def day(self, first: date = CALENDAR.first_payment, last: date = CALENDAR.due) -> date:
        """A day on which people pay."""
        day = first + timedelta(days=self.chance.randint(0, (last - first).days))
        return day + timedelta(days=1) if day in HOLIDAYS else day

    def moment(self, day: date) -> datetime:
        """A moment of a day by which its own statement shows it."""
        return at_second(day, self.chance.randrange(OPENS_S, CLOSES_S))

    def pay(
        self, kind: str, bill: Bill, *keys: str, amount_vnd: int | None = None, day: date | None = None
    ) -> Movement:
        """Plan an ordinary transfer for one bill."""
        memo = memos.clean(bill.reference, self.chance)
        return self.transfer(kind, [bill], memo, bill.amount_vnd if amount_vnd is None else amount_vnd, *keys, day=day)

    def transfer(
        self, kind: str, bills: Sequence[Bill], memo: str, amount_vnd: int, *keys: str, day: date | None = None
    ) -> Movement:
        """Plan a transfer for bills, on the account of the first one."""
        moment = self.moment(day or self.day())
        number = len(self.plan.movements) + 1
        return self.put(
            Movement(
                number=number,
                account=bills[0].account,
                amount_vnd=amount_vnd,
                memo=memo,
                bank_reference=bank_reference(moment, number),
                occurred_at=moment,
                booked_on=moment.date(),
                bills=tuple(bills),
                kind=kind,
                settles_as=frozenset(keys),
            )
        )

    def put(self, movement: Movement) -> Movement:
        """Add a movement, or put it in the place of the one with its number."""
        movements = self.plan.movements
        if movement.number > len(movements):
            movements.append(movement)
        else:
            movements[movement.number - 1] = movement
        return movement


def at_second(day: date, second: int) -> datetime:
    """A moment of a Vietnamese day."""
    return datetime.combine(day, time(), VIETNAM) + timedelta(seconds=second)


def bank_reference(moment: datetime, number: int) -> str:
    """The bank's own number of a movement: year, day of the year, serial."""
    return f"FT{moment:%y%j}{number:09d}"
