"""Lines of a file that may be known ones worded otherwise, where no balances tell: a person says what they are.

An export without balances, a table of a day that is not over and a notification (camt.052, camt.054, MT942) prove
nothing, and MT940 may word a payment otherwise than the bank's workbook does. Taking such a line for a new one may
credit one payment twice (invariant I3), taking it for a known one may lose one, so it is never guessed (invariant I12).

Two lines are two payments for certain only where they name different invoices, or where one form of file gives them
two numbers of the bank. Lines that the file tells under their known keys are not in doubt: a longer export of the same
day says again what the shorter one said, and the rest of it is new.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy.orm import Session

from bank_adapters.statements.keys import fold, fold_reference
from payments.inbox.pairing import REFERENCE_DAYS
from reconciliation.greatest_matching import Sides, greatest_matching
from reconciliation.statement_proving import WITHIN_DAY
from reconciliation.told_otherwise import Told, stored_near

SPREADSHEET_DIGITS = 15
"""What a spreadsheet program keeps of a number; the digits behind become zeros."""
LONG_NUMBER = 8
"""From here on one number on two days is hardly two payments; banks count shorter ones anew each day."""
FEW = 20
"""A word that more known lines of one amount bear tells nobody from another."""
MESSAGES = ("camt", "mt94")
_EXPONENT = re.compile(r"\d+E\d+")


class SameLines(StrEnum):
    """What a person says of the lines in doubt: those that are known already, or other payments."""

    KNOWN = "known"
    NEW = "new"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person says of the lines in doubt of a file: the same of all, and the other of those at some places."""

    same_lines: SameLines
    except_at: frozenset[str] = frozenset()
    """Places in the file, as ``Doubt.place``."""

    def is_known(self, place: str) -> bool:
        """Whether the line in doubt at a place is the known one beside it."""
        return (self.same_lines is SameLines.KNOWN) != (place in self.except_at)


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
    session: Session,
    owner: Mapping[str, Any],
    told: Sequence[Told],
    known_keys: set[str],
    asked: Sequence[tuple[Told, Told]] = (),
) -> list[tuple[Told, Told]]:
    """Pair lines of a file that are not known with known ones that the file does not name and that they may be.

    ``asked``: pairs that are in doubt for other reasons, so that neither line meets another.
    """
    done = known_keys | {ours.key for ours, _ in asked}
    unknown = [line for line in told if line.key not in done]
    numbers = {number for line in unknown if len(number := number_of(line)) >= LONG_NUMBER}
    stored = stored_near(session, owner, unknown, timedelta(days=REFERENCE_DAYS), numbers)
    named = {line.key for line in told} | {known.key for _, known in asked}
    return pairs_in_doubt(unknown, [line for line in stored if line.key not in named])


def certainly_two(one: Told, other: Told) -> bool:
    """Whether invoices or the bank's numbers say that two lines are two payments."""
    return not _may_be_one(_line(one), _line(other))


def pairs_in_doubt(unknown: Iterable[Told], left: Iterable[Told]) -> list[tuple[Told, Told]]:
    """As many pairs as there can be of lines that may be one fact; the likeliest partner is tried first.

    Who has a likely partner is in doubt before who has any: what is left over is new, and must not be the known payer.
    """
    by_money: dict[tuple[str, int], tuple[list[_Line], list[_Line]]] = defaultdict(lambda: ([], []))
    for side, lines in enumerate((unknown, left)):
        for line in lines:
            by_money[line.direction, line.amount_vnd][side].append(_line(line))
    return [
        (ours[mine].told, theirs[other].told)
        for ours, theirs in by_money.values()
        for mine, other in sorted(_paired(ours, theirs).items())
    ]


def _line(told: Told) -> _Line:
    return _Line(told, number_of(told), form_of(told.format), fold(told.description), frozenset(told.references))


def _paired(ours: Sequence[_Line], theirs: Sequence[_Line]) -> dict[int, int]:
    if not ours or not theirs:
        return {}
    our_kinds, their_kinds = _kinds(ours, theirs), _kinds(theirs, ours)
    bearers: dict[str, list[int]] = defaultdict(list)  # A line that names an invoice meets only those and the nameless.
    for kind, members in enumerate(their_kinds):
        for name in theirs[members[0]].names or {""}:
            bearers[name].append(kind)
    reach = []
    for members in our_kinds:
        line = ours[members[0]]
        near = {kind for name in {"", *line.names} for kind in bearers[name]} if line.names else range(len(their_kinds))
        found = [kind for kind in near if _may_be_one(line, theirs[their_kinds[kind][0]])]
        reach.append(sorted(found, key=lambda kind: (bool(theirs[their_kinds[kind][0]].names), kind)))
    kind_of = {mine: kind for kind, members in enumerate(our_kinds) for mine in members}
    sides = Sides([kind_of[mine] for mine in range(len(ours))], reach, their_kinds)
    nameless_first = sorted(range(len(ours)), key=lambda mine: bool(ours[mine].names))
    return greatest_matching(sides, _likely(ours, theirs), nameless_first)


def _kinds(lines: Sequence[_Line], others: Sequence[_Line]) -> list[list[int]]:
    """Places of lines that may be one with the same others; most numbers tell nothing to those of another form."""
    forms = {other.form for other in others if other.number}
    numbers = {other.number for other in others}
    kinds: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for place, line in enumerate(lines):
        number = line.number if line.form in forms or line.number in numbers else bool(line.number)
        kinds[line.told.booked_on, line.form, line.names, number].append(place)
    return list(kinds.values())


def _likely(ours: Sequence[_Line], theirs: Sequence[_Line]) -> list[tuple[int, int]]:
    """Pairs with a common invoice, then with equal texts, then with the most words that few others have."""
    bearers: dict[object, list[int]] = defaultdict(list)
    for place, line in enumerate(theirs):
        for mark in _marks(line):
            bearers[mark].append(place)
    found: list[tuple[float, int, int]] = []
    for mine, line in enumerate(ours):
        weights: dict[int, float] = defaultdict(float)
        for mark, weight in _marks(line).items():
            for other in bearers[mark] if 0 < len(bearers[mark]) <= FEW else ():
                weights[other] += weight / len(bearers[mark])
        found += [(-weight, mine, other) for other, weight in weights.items() if _may_be_one(line, theirs[other])]
    return [(mine, other) for _, mine, other in sorted(found)]


def _marks(line: _Line) -> dict[object, float]:
    words = {word for word in map(fold, line.told.description.split()) if word}
    return {("name", name): 1e6 for name in line.names} | {("text", line.words): 1e3} | dict.fromkeys(words, 1.0)


def _may_be_one(one: _Line, other: _Line) -> bool:
    if one.names and other.names and not one.names & other.names:
        return False
    if one.number and other.number and one.form == other.form and _tell_apart(one, other):
        return False
    if one.told.booked_on == other.told.booked_on:
        return True
    same = one.names & other.names or (one.number == other.number and len(one.number) >= LONG_NUMBER)
    return bool(same) and abs(one.told.booked_on - other.told.booked_on).days <= REFERENCE_DAYS


def _tell_apart(one: _Line, other: _Line) -> bool:
    """Whether two numbers of one form of file are two payments'.

    Messages have several places for a number (AcctSvcrRef, TxId; the bank's and the customer's of :61:), and a first
    one may lack what the second has: numbers of another length are of another kind.
    """
    if one.form in MESSAGES and len(one.number) != len(other.number):
        return False
    return not _cut_or_rounded(one.number, other.number)


def form_of(statement_format: str) -> str:
    """What formats have in common that give one payment one number: camt, MT, or the layout of a bank's workbook."""
    name = statement_format.removeprefix(WITHIN_DAY).partition("/")[0]
    return next((family for family in MESSAGES if name.startswith(family)), name)


def number_of(line: Told) -> str:
    """The bank's number, folded; empty also for a word, and where a spreadsheet program left «1,23E+16» of it."""
    number = fold_reference(line.bank_reference)
    is_number = any(map(str.isdecimal, number)) and not _EXPONENT.fullmatch(number)
    return number if is_number else ""


def _cut_or_rounded(one: str, other: str) -> bool:
    """Whether one number is the beginning of the other, or what a spreadsheet program left of it."""
    if len(one) != len(other):
        shorter, longer = sorted((one, other), key=len)
        return len(shorter) >= LONG_NUMBER and longer.startswith(shorter)
    if one == other:
        return len(one) >= LONG_NUMBER
    lost = len(one) - SPREADSHEET_DIGITS
    if lost <= 0 or not (one.endswith("0" * lost) or other.endswith("0" * lost)):
        return False
    return one.isdecimal() and other.isdecimal() and abs(int(one) - int(other)) < 10**lost
