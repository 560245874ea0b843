"""Which pieces of evidence are about the same movement of money: pure, and independent of their order of arrival.

The pieces given share account, direction and amount. A group holds at most one piece of each source, so two equal
payments stay two; pieces find each other by

1. equal bank reference, where their payment references do not contradict each other;
2. equal payment references, then common ones;
3. no payment reference on either side;
4. a payment reference on one side only: such a piece names nobody, so it may well be the other half.

Each step pairs one-to-one as many as it can, from the left of the calendar to the right. Step 4 decides about money
only by count: as many nameless pieces as there are open partners bring no money of their own. Which of several
partners it is, is not guessed: the piece is *tied* and waits for a person (invariant I12).

More evidence never means fewer groups with a given payment reference, so what was credited once stays right
(invariants I3 and I8).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

STATEMENT = "statement"

REFERENCE_DAYS = 10
"""How far apart two sources may date what an equal reference joins: banks book over weekends and Tết."""
NEAR_DAYS = 1
"""The same for pieces that nothing but account, amount and day joins."""
LATE_DAYS = 4
"""A statement may book later than the callback came (after hours, weekend), though not much earlier."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of evidence. ``order`` must not depend on when it arrived."""

    evidence_id: int
    source: str
    day: date
    order: tuple[date, datetime, str, str]
    references: tuple[str, ...]
    bank_reference: str
    """Folded; empty when the source gives none."""
    transaction_id: int | None = None
    """Where it is attached now."""
    fixed: bool = False
    """A person put it there: the pieces of that transaction stay together, and no guess moves them."""


@dataclass(slots=True, eq=False)
class Group:
    """Pieces of one movement; ``tied`` are those whose partner is not certain."""

    pieces: list[Piece]
    tied: set[int] = field(default_factory=set)

    @property
    def references(self) -> tuple[str, ...]:
        """Every payment reference that a piece names, in order."""
        return tuple(dict.fromkeys(name for piece in self.pieces for name in piece.references))

    @property
    def decided(self) -> bool:
        """Whether a person put a piece here."""
        return any(piece.fixed for piece in self.pieces)

    @property
    def order(self) -> tuple[date, datetime, str, str]:
        """Place among other groups."""
        return min(piece.order for piece in self.pieces)

    def absorb(self, other: "Group") -> None:
        """Take over the pieces of another group."""
        self.pieces = sorted(self.pieces + other.pieces, key=lambda piece: piece.order)
        self.tied |= other.tied


Near = Callable[[Piece, Piece], bool]


def pair(pieces: Iterable[Piece]) -> list[Group]:
    """Part the pieces into groups; the same pieces give the same groups in whatever order they are given."""
    groups = _as_decided(sorted(pieces, key=lambda piece: piece.order))
    groups = _merged(groups, lambda group: {piece.bank_reference for piece in group.pieces} - {""}, _agree)
    groups = _merged(groups, lambda group: {frozenset(group.references)} - {frozenset()}, _within_reference_days)
    groups = _merged(groups, lambda group: set(group.references), _within_reference_days)
    named = [group for group in groups if group.references]
    nameless = _merged([group for group in groups if not group.references], lambda _: {""}, _near)
    return sorted(named + _claim(named, nameless), key=lambda group: group.order)


def _as_decided(pieces: Sequence[Piece]) -> list[Group]:
    """Each piece by itself, but together what stands behind a transaction that a person put a piece behind."""
    decided = {piece.transaction_id for piece in pieces if piece.fixed}
    together: dict[int | None, list[Piece]] = defaultdict(list)
    for piece in pieces:
        if piece.transaction_id in decided:
            together[piece.transaction_id].append(piece)
    alone = [Group([piece]) for piece in pieces if piece.transaction_id not in decided]
    return alone + [Group(members) for members in together.values()]


def _merged(groups: Sequence[Group], keys: Callable[[Group], Iterable[object]], near: Near) -> list[Group]:
    """Merge groups that share a key, hold different sources and lie near each other, the earliest first."""
    kept: list[Group] = []
    by_key: dict[object, list[Group]] = defaultdict(list)
    for group in sorted(groups, key=lambda group: group.order):
        partner = next((held for key in keys(group) for held in by_key[key] if _may_join(held, group, near)), None)
        if partner is None:
            kept.append(group)
            partner = group
        else:
            partner.absorb(group)
        for key in keys(group):
            if partner not in by_key[key]:
                by_key[key].append(partner)
    return kept


def _claim(named: Sequence[Group], nameless: Sequence[Group]) -> list[Group]:
    """Let named groups take nameless ones that may be their other half; return the nameless that are left."""
    partners = {
        id(one): [] if one.decided else [other for other in named if _may_join(other, one, _near)] for one in nameless
    }
    rivals: dict[int, int] = defaultdict(int)
    for found in partners.values():
        for other in found:
            rivals[id(other)] += 1
    left = []
    for one in nameless:
        partner = next((other for other in partners[id(one)] if _may_join(other, one, _near)), None)
        if partner is None:
            left.append(one)
            continue
        if len(partners[id(one)]) > 1 or rivals[id(partner)] > 1:
            one.tied = {piece.evidence_id for piece in one.pieces}
        partner.absorb(one)
    return left


def _may_join(one: Group, other: Group, near: Near) -> bool:
    sources = {piece.source for piece in one.pieces}
    return not any(piece.source in sources for piece in other.pieces) and all(
        near(mine, theirs) for mine, theirs in _pairs(one, other)
    )


def _pairs(one: Group, other: Group) -> Iterator[tuple[Piece, Piece]]:
    return ((mine, theirs) for mine in one.pieces for theirs in other.pieces)


def _within_reference_days(one: Piece, other: Piece) -> bool:
    return abs((one.day - other.day).days) <= REFERENCE_DAYS


def _agree(one: Piece, other: Piece) -> bool:
    """Payment references that have nothing in common are two payments, whatever the bank's reference (batches)."""
    contradict = one.references and other.references and not set(one.references) & set(other.references)
    return not contradict and _within_reference_days(one, other)


def _near(one: Piece, other: Piece) -> bool:
    later = (one.day - other.day).days
    if (one.source == STATEMENT) == (other.source == STATEMENT):
        return abs(later) <= NEAR_DAYS
    return -NEAR_DAYS <= (later if one.source == STATEMENT else -later) <= LATE_DAYS
