"""What happens in the province's month, and what a reconciliation must find: seeded, the same for everybody.

Every movement is one payment with what bank, sender and books say about it. One in a hundred is wrong in some way; the
way is its class, so the plan is the truth that every contender is measured by.
"""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count

from stdnum.iso7064 import mod_37_2

FIRST, LAST = date(2025, 10, 1), date(2025, 10, 31)
WORKDAYS = [day for n in range(31) if (day := FIRST + timedelta(days=n)).weekday() < 4]
"""Monday to Thursday: what is moved to the next day stays in the week."""
SEED = 20251031
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
WRONG_PER_HUNDRED = 1
LINES_PER_SCHOOL = 1_667
PUPILS_PER_LINE = 0.45
"""450,000 pupils pay 1,000,000 notices a month."""
KINDS = (
    "missing_gateway",
    "missing_bank",
    "missing_ledger",
    "only_ledger",
    "amount_diff",
    "duplicate",
    "date_cutoff",
    "ambiguous",
    "fee_netted",
    "closed_period",
    "balance_break",
)
BY_KEY = frozenset({"matched", *KINDS[:7]})
"""Classes that the key, amount and day of a payment decide: those that a look at single payments can find."""


@dataclass(frozen=True, slots=True)
class Said:
    """What one source says of one movement: amounts in đồng."""

    id: int
    transaction_id: int
    day: date
    amount_vnd: int
    references: tuple[str, ...]
    number: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class School:
    """A school with its one account, and all that the three sources say of it."""

    id: int
    banks: list[Said]
    sent: list[Said]
    booked: list[Said]
    truth: dict[str, set[str]]
    """Class -> what it is about: the first reference, else the bank's number; matched payments too."""
    broken: bool
    """Whether its second statement does not begin where its first one ended."""
    closed: bool
    """Whether it signed September before a row of September came."""

    @property
    def counts(self) -> Counter[str]:
        """How many of each class."""
        return Counter({key: len(found) for key, found in self.truth.items()})


def province(lines: int, *, schools: int | None = None, faults: bool = True, seed: int = SEED) -> Iterator[School]:
    """The schools of a province with so many movements a month."""
    number = schools or max(1, lines // LINES_PER_SCHOOL)
    ids, kinds = count(1), count()
    for school in range(1, number + 1):
        size = lines * school // number - lines * (school - 1) // number
        yield _school(random.Random(seed * 100_003 + school), school, size, ids, kinds if faults else None)


def _school(chance: random.Random, school: int, size: int, ids: Iterator[int], kinds: Iterator[int] | None) -> School:
    made = School(school, [], [], [], {}, broken=False, closed=False)
    prices = [chance.randrange(60, 400) * 5_000 for _ in range(24)]
    wrong: list[str] = []
    if kinds is not None:
        wrong = [KINDS[next(kinds) % len(KINDS)] for _ in range(max(1, size * WRONG_PER_HUNDRED // 100))]
    once = {kind for kind in wrong if kind in {"balance_break", "closed_period"}}
    writer = _Writer(made, chance, ids)
    places = set(chance.sample(range(size), len(wrong)))
    waiting = iter(wrong)
    for place in range(size):
        kind = next(waiting) if place in places else "matched"
        writer.add("matched" if kind == "balance_break" else kind, chance.choice(prices))
    made.truth.update({"balance_break": {"gap"}} if "balance_break" in once else {})
    return School(
        school,
        made.banks,
        made.sent,
        made.booked,
        made.truth,
        broken="balance_break" in once,
        closed="closed_period" in once,
    )


class _Writer:
    """Writes what the sources say of one school."""

    def __init__(self, school: School, chance: random.Random, ids: Iterator[int]) -> None:
        self._school = school
        self._chance = chance
        self._ids = ids

    def add(self, kind: str, amount_vnd: int) -> None:
        """One movement of a kind."""
        day = self._chance.choice(WORKDAYS)
        write = getattr(self, f"_{kind}", None)
        if write is not None:
            write(day, amount_vnd)
            return
        self._one(kind, day, amount_vnd)

    def _one(self, kind: str, day: date, amount_vnd: int) -> None:
        number, name = next(self._ids), self._name()
        moved = day + timedelta(days=1) if kind == "date_cutoff" else day
        if kind not in {"missing_bank", "only_ledger"}:
            self._bank(number, number, moved, amount_vnd, (name,))
        if kind not in {"missing_gateway", "only_ledger"}:
            self._said(number, number, day, amount_vnd, (name,))
        if kind != "missing_ledger":
            self._row(number, moved, amount_vnd - (1_000 if kind == "amount_diff" else 0), (name,))
        if kind == "duplicate":
            self._row(next(self._ids), moved, amount_vnd, (name,))
            self._truth("matched", name)
        self._truth(kind, name)

    def _ambiguous(self, day: date, _amount_vnd: int) -> None:
        """Two messages name a payment, one line of that amount names none."""
        odd_vnd = 3_000_001 + 2 * next(self._ids)
        numbers, names = [next(self._ids) for _ in range(3)], [self._name(), self._name()]
        self._bank(numbers[0], numbers[0], day, odd_vnd, ())
        for number, name in zip(numbers[1:], names, strict=True):
            self._said(number, number, day, odd_vnd, (name,))
            self._row(number, day, odd_vnd, (name,))
        self._truth("ambiguous", min(names))

    def _fee_netted(self, day: date, amount_vnd: int) -> None:
        """One line pays three payments minus a fee that it states."""
        line, numbers, names = next(self._ids), [next(self._ids) for _ in range(3)], [self._name() for _ in range(3)]
        self._bank(line, line, day, 3 * amount_vnd - 3_300, tuple(names), "TT gop phi 3300 VND")
        for number, name in zip(numbers, names, strict=True):
            self._said(number, number, day, amount_vnd, (name,))
            self._row(number, day, amount_vnd, (name,))
        self._truth("fee_netted", min(names))

    def _closed_period(self, _day: date, amount_vnd: int) -> None:
        """A row of September that came when September was signed."""
        name = self._name()
        self._row(next(self._ids), FIRST - timedelta(days=1), amount_vnd, (name,))
        self._truth("closed_period", name)

    def _bank(self, number: int, txn: int, day: date, vnd: int, names: tuple[str, ...], text: str = "") -> None:
        self._school.banks.append(Said(number, txn, day, vnd, names, f"FT{number:014d}", text or "MBVCB"))

    def _said(self, number: int, txn: int, day: date, vnd: int, names: tuple[str, ...]) -> None:
        self._school.sent.append(Said(number, txn, day, vnd, names, f"FT{number:014d}"))

    def _row(self, number: int, day: date, vnd: int, names: tuple[str, ...]) -> None:
        self._school.booked.append(Said(number, 0, day, vnd, names, f"BC{number:07d}"))

    def _truth(self, kind: str, name: str) -> None:
        self._school.truth.setdefault(kind, set()).add(name)

    def _name(self) -> str:
        """As payments/invoices/reference.py, by seeded chance."""
        while True:
            body = "".join(self._chance.choices(ALPHABET, k=9))
            check = mod_37_2.calc_check_digit(body)
            if check in ALPHABET:
                return f"HP{body}{check}"
