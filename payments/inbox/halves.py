"""Which groups of evidence complete each other where at least one side names no invoice: as many as can be. Pure.

Two callbacks that carry different references of the bank are two payments, however equal they are otherwise: in a class
everybody pays the same. A statement may print another number than the callback had, so there only count and day speak.

A half that is left over counts as money of its own, so the nearest partner is only the first choice: it changes where
that makes one more pair (maximum bipartite matching by augmenting paths). Whether two halves fit follows from what
``Half`` keeps, and a school has many that are alike (the same fee on the same days): each kind is compared once.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

NEAR_DAYS = 1
"""How far apart two sources may date what nothing but account, amount and day joins."""
LATE_DAYS = 4
"""A statement may book later than the callback came (after hours, weekend), though not much earlier."""

SHORTEST_TAIL = 8
"""Of a number that another one ends with: fewer characters agree by chance."""

Span = tuple[int, int]
"""First and last day, as ordinals."""
Numbers = frozenset[str]
"""The bank's references that callbacks and polls name; none where a sender gives none."""
NO_NUMBERS: Numbers = frozenset()


class Half(NamedTuple):
    """A group of pieces as far as its partners go."""

    named: bool
    """Whether a piece names an invoice."""
    decided: bool
    """Whether a person put a piece here: if it names no invoice, no guess brings it to one that does."""
    sources: frozenset[str]
    pushes: Span | None
    """Days that callbacks and polls name."""
    lines: Span | None
    """Days that the statement names."""
    own_account: int | None = None
    """The pupil's own account that it names: money on two of them is two movements."""

    @property
    def day(self) -> int:
        """The first day that it names."""
        return min(span[0] for span in (self.pushes, self.lines) if span)

    def fits(self, other: "Half") -> bool:
        """Whether two halves may be one movement. What both names found each other before, or never will."""
        return (
            not (self.named and other.named)
            and not (other.named and self.decided)
            and not (self.named and other.decided)
            and self.sources.isdisjoint(other.sources)
            and (None in (self.own_account, other.own_account) or self.own_account == other.own_account)
            and _apart(self.pushes, other.pushes, NEAR_DAYS)
            and _apart(self.lines, other.pushes, LATE_DAYS)
            and _apart(other.lines, self.pushes, LATE_DAYS)
        )

    def joined(self, other: "Half") -> "Half":
        """Both as one."""
        return Half(
            self.named or other.named,
            self.decided or other.decided,
            self.sources | other.sources,
            _union(self.pushes, other.pushes),
            _union(self.lines, other.lines),
            other.own_account if self.own_account is None else self.own_account,
        )


@dataclass(slots=True)
class Movement:
    """What was joined: places of the halves; ``tied``: the nameless ones may belong to another named one as well."""

    whole: Half
    numbers: Numbers = NO_NUMBERS
    named: int | None = None
    nameless: list[int] = field(default_factory=list)
    tied: bool = False

    def take(self, place: int, half: Half, numbers: Numbers) -> None:
        """Add the half of a place."""
        self.whole = self.whole.joined(half)
        self.numbers |= numbers
        if half.named:
            self.named = place
        else:
            self.nameless.append(place)


def complete(halves: Sequence[Half], numbers: Sequence[Numbers]) -> list[Movement]:
    """Join halves, source by source; among equals the order given decides. ``numbers``: of each half."""
    movements: list[Movement] = []
    by_source: dict[str, list[int]] = defaultdict(list)
    for place, half in enumerate(halves):
        by_source[min(half.sources)].append(place)
    for source in sorted(by_source):
        # Nameless ones first: they rather complete what names nobody either.
        arriving = sorted(by_source[source], key=lambda place: halves[place].named)
        partners = _partners([(halves[place], numbers[place]) for place in arriving], movements)
        found = most_pairs(partners)
        for turn, place in enumerate(arriving):
            if turn not in found:
                movements.append(Movement(halves[place]))
            movements[found.get(turn, -1)].take(place, halves[place], numbers[place])
    _tie(movements, halves, numbers)
    return movements


def differ(one: Numbers, other: Numbers) -> bool:
    """Whether the bank's references say that these are two payments."""
    if not one or not other or not one.isdisjoint(other):
        return False
    return not any(_spelled_alike(mine, theirs) for mine in one for theirs in other)


def _spelled_alike(one: str, other: str) -> bool:
    """Whether two numbers may be one: a sender puts its own letters before the bank's (`MBVCB.3278907687`)."""
    shorter, longer = sorted((one, other), key=len)
    return len(shorter) >= SHORTEST_TAIL and longer.endswith(shorter)


def _partners(arriving: Sequence[tuple[Half, Numbers]], movements: Sequence[Movement]) -> list[list[int]]:
    """Places of the movements that each half may join: nameless ones first, then the nearest days."""
    alike: dict[Half, list[int]] = defaultdict(list)
    for place, movement in enumerate(movements):
        alike[movement.whole].append(place)
    by_kind = {}
    for half in {half for half, _ in arriving}:
        fitting = sorted(
            ((whole.named, abs(whole.day - half.day), places[0]), places)
            for whole, places in alike.items()
            if whole.fits(half)
        )
        by_kind[half] = [place for _, places in fitting for place in places]
    return [
        [place for place in by_kind[half] if not differ(movements[place].numbers, own)] if own else by_kind[half]
        for half, own in arriving
    ]


Kinds = Mapping[Half, Counter[Numbers]]
"""How many there are of each kind, by the numbers that they bear."""


def _tie(movements: Sequence[Movement], halves: Sequence[Half], numbers: Sequence[Numbers]) -> None:
    bundles = {id(one): _bundle([(halves[p], numbers[p]) for p in one.nameless]) for one in movements if one.nameless}
    guests = _kinds(bundles.values())
    hosts = _kinds((halves[one.named], numbers[one.named]) for one in movements if one.named is not None)
    partners = {guest: _fitting(guest, hosts) for guest in set(bundles.values())}
    for movement in movements:
        if movement.named is not None and movement.nameless:
            host = (halves[movement.named], numbers[movement.named])
            movement.tied = partners[bundles[id(movement)]] > 1 or _fitting(host, guests) > 1


def _bundle(parts: Sequence[tuple[Half, Numbers]]) -> tuple[Half, Numbers]:
    """Several halves as one."""
    (whole, numbers), *rest = parts
    for half, own in rest:
        whole, numbers = whole.joined(half), numbers | own
    return whole, numbers


def _kinds(given: Iterable[tuple[Half, Numbers]]) -> Kinds:
    found: dict[Half, Counter[Numbers]] = defaultdict(Counter)
    for half, numbers in given:
        found[half][numbers] += 1
    return found


def _fitting(one: tuple[Half, Numbers], others: Kinds) -> int:
    """How many of the others it may belong to."""
    half, numbers = one
    return sum(
        count
        for other, by_numbers in others.items()
        if other.fits(half)
        for its_numbers, count in by_numbers.items()
        if not differ(its_numbers, numbers)
    )


def most_pairs(options: Sequence[Sequence[int]]) -> dict[int, int]:
    """One partner each for as many as can be: place -> partner.

    ``options``: by place, the possible partners in order of preference.
    """
    owner: dict[int, int] = {}
    for place, partners in enumerate(options):
        free = next((partner for partner in partners if partner not in owner), None)
        if free is not None:
            owner[free] = place
    # What a search without success has reached stays out of reach for good.
    hopeless: set[int] = set()
    for place in sorted(set(range(len(options))) - set(owner.values())):
        owner |= _path(place, options, owner, hopeless)
    return {place: partner for partner, place in owner.items()}


def _path(start: int, options: Sequence[Sequence[int]], owner: dict[int, int], hopeless: set[int]) -> dict[int, int]:
    """Partner -> new owner for each step from ``start`` to a free partner; empty when there is no way."""
    came_from: dict[int, int] = {}
    former: dict[int, int] = {}
    waiting = deque([start])
    while waiting:
        place = waiting.popleft()
        for partner in options[place]:
            if partner in came_from or partner in hopeless:
                continue
            came_from[partner] = place
            if partner not in owner:
                return _steps(partner, start, came_from, former)
            former[owner[partner]] = partner
            waiting.append(owner[partner])
    hopeless |= came_from.keys()
    return {}


def _steps(free: int, start: int, came_from: dict[int, int], former: dict[int, int]) -> dict[int, int]:
    steps = {free: came_from[free]}
    while steps[free] != start:
        free = former[steps[free]]
        steps[free] = came_from[free]
    return steps


def _apart(later: Span | None, earlier: Span | None, at_most: int) -> bool:
    """Whether no day of one lies more than ``at_most`` after, or more than NEAR_DAYS before, one of the other."""
    if later is None or earlier is None:
        return True
    return later[1] - earlier[0] <= at_most and earlier[1] - later[0] <= NEAR_DAYS


def _union(one: Span | None, other: Span | None) -> Span | None:
    if one is None or other is None:
        return one or other
    return min(one[0], other[0]), max(one[1], other[1])
