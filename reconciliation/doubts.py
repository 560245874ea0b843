"""Lines of a file that may be known ones worded otherwise, where no balances tell: a person says what they are.

An export without balances, a table of a day that is not over and a notification (camt.052, camt.054, MT942) prove
nothing, and MT940 may word a payment otherwise than the bank's workbook does. Taking such a line for a new one may
credit one payment twice (invariant I3), taking it for a known one may lose one, so it is never guessed (invariant I12).

Two lines are two payments for certain only where they name different invoices, or where one form of file gives them
two numbers of the bank. Lines that the file tells under their known keys are not in doubt: a longer export of the same
day says again what the shorter one said, and the rest of it is new.
"""

import re
from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy.orm import Session

from bank_adapters.statements.keys import fold, fold_reference
from payments.inbox.pairing import REFERENCE_DAYS
from reconciliation.statement_proving import WITHIN_DAY
from reconciliation.told_otherwise import Told, stored_near

SPREADSHEET_DIGITS = 15
"""What a spreadsheet program keeps of a number; the digits behind become zeros."""
LONG_NUMBER = 8
"""From here on one number on two days is hardly two payments; banks count shorter ones anew each day."""
_EXPONENT = re.compile(r"\d+E\d+")


class SameLines(StrEnum):
    """What a person says of the lines in doubt: those that are known already, or other payments."""

    KNOWN = "known"
    NEW = "new"


@dataclass(frozen=True, slots=True)
class Doubt:
    """A line of a file beside the known line that it may be; amount in đồng."""

    place: str
    booked_on: date
    direction: str
    amount_vnd: int
    bank_reference: str | None
    description: str
    known_on: date
    known_reference: str | None
    known_description: str

    @classmethod
    def of(cls, place: str, ours: Told, known: Told) -> "Doubt":
        """What a person compares: the line at a place of the file, and the known one."""
        line = (ours.booked_on, ours.direction, ours.amount_vnd, ours.bank_reference, ours.description)
        return cls(place, *line, known.booked_on, known.bank_reference, known.description)


@dataclass(frozen=True, slots=True)
class _Line:
    """A line as it is compared."""

    told: Told
    number: str
    form: str
    words: str
    names: frozenset[str]


def doubtful(
    session: Session, owner: Mapping[str, Any], told: Sequence[Told], known_keys: Collection[str]
) -> list[tuple[Told, Told]]:
    """Pair lines of a file that are not known with known ones that the file does not name and that they may be."""
    unknown = [line for line in told if line.key not in known_keys]
    numbers = {number for line in unknown if len(number := number_of(line)) >= LONG_NUMBER}
    stored = stored_near(session, owner, unknown, timedelta(days=REFERENCE_DAYS), numbers)
    named = {line.key for line in told}
    return pairs_in_doubt(unknown, [line for line in stored if line.key not in named])


def pairs_in_doubt(unknown: Iterable[Told], left: Iterable[Told]) -> list[tuple[Told, Told]]:
    """As many pairs as there can be of lines that may be one fact; the likeliest partner is tried first."""
    by_money: dict[tuple[str, int], tuple[list[_Line], list[_Line]]] = defaultdict(lambda: ([], []))
    for side, lines in enumerate((unknown, left)):
        for line in lines:
            by_money[line.direction, line.amount_vnd][side].append(_line(line))
    return [
        (ours[mine].told, theirs[other].told)
        for ours, theirs in by_money.values()
        for mine, other in sorted(_most_pairs([_partners(line, theirs) for line in ours]).items())
    ]


def _line(told: Told) -> _Line:
    return _Line(told, number_of(told), form_of(told.format), fold(told.description), frozenset(told.references))


def _partners(line: _Line, theirs: Sequence[_Line]) -> list[int]:
    found = [place for place, other in enumerate(theirs) if _may_be_one(line, other)]
    return sorted(found, key=lambda place: (not line.names & theirs[place].names, theirs[place].words != line.words))


def _may_be_one(one: _Line, other: _Line) -> bool:
    if one.names and other.names and not one.names & other.names:
        return False
    if one.told.booked_on != other.told.booked_on:
        return one.number == other.number and len(one.number) >= LONG_NUMBER
    comparable = one.number and other.number and one.form == other.form
    return not comparable or _cut_or_rounded(one.number, other.number)


def _most_pairs(partners: Sequence[Sequence[int]]) -> dict[int, int]:
    """A greatest matching, by augmenting paths: what is left over has no partner and is new for certain."""
    taken: dict[int, int] = {}
    for start in range(len(partners)):
        came_from: dict[int, int] = {}
        waiting = deque([start])
        while waiting:
            mine = waiting.popleft()
            fresh = [other for other in partners[mine] if other not in came_from]
            came_from |= dict.fromkeys(fresh, mine)
            free = next((other for other in fresh if other not in taken), None)
            if free is not None:
                _hand_on(taken, came_from, start, free)
                break
            waiting.extend(taken[other] for other in fresh)
    return {mine: other for other, mine in taken.items()}


def _hand_on(taken: dict[int, int], came_from: Mapping[int, int], start: int, free: int) -> None:
    """Along the path from ``free`` back to ``start``, each line takes the partner that it was reached from."""
    before = {mine: other for other, mine in taken.items()}
    other = free
    while True:
        mine = came_from[other]
        taken[other] = mine
        if mine == start:
            return
        other = before[mine]


def form_of(statement_format: str) -> str:
    """What formats have in common that give one payment one number: camt, MT, or the layout of a bank's workbook."""
    name = statement_format.removeprefix(WITHIN_DAY).partition("/")[0]
    return next((family for family in ("camt", "mt94") if name.startswith(family)), name)


def number_of(line: Told) -> str:
    """The bank's number, folded; empty also where a spreadsheet program left «1,23E+16» of it."""
    number = fold_reference(line.bank_reference)
    return "" if _EXPONENT.fullmatch(number) else number


def _cut_or_rounded(one: str, other: str) -> bool:
    """Whether one number is the beginning of the other, or what a spreadsheet program left of it."""
    shorter, longer = sorted((one, other), key=len)
    if len(shorter) >= LONG_NUMBER and longer.startswith(shorter):
        return True
    if len(one) != len(other) or len(one) <= SPREADSHEET_DIGITS or not (one.isdecimal() and other.isdecimal()):
        return False
    unit = 10 ** (len(one) - SPREADSHEET_DIGITS)
    numbers = int(one), int(other)
    return abs(numbers[0] - numbers[1]) < unit and any(number % unit == 0 for number in numbers)
