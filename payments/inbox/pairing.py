"""Which pieces of evidence are about the same movement of money: pure, and independent of their order of arrival.

The pieces given share account, direction and amount. A group holds at most one piece of each source, so two equal
payments stay two; pieces find each other by

0. the sender's own id: what one sender told by itself and when it was asked, where it has one id for both;
1. equal bank reference and equal payment references or none, then equal bank reference where the payment references
   do not contradict each other: one number may belong to several payments (a batch), of which some name nobody;
2. equal payment references, then common ones;
3. no payment reference on either side;
4. a payment reference on one side only: such a piece names nobody, so it may well be the other half.

In 3 and 4 two callbacks with different references of the bank never meet: they are two payments; nor do, in any step,
what one sender told by itself and what it answered when it was asked, under two numbers.
Each step pairs one-to-one as many as it can; 3 and 4 together, the nearest days first (payments/inbox/halves.py): a
pair left out would be money that nobody paid. Step 4 decides about money only by count: as many nameless pieces as
there are open partners bring no money of their own. Which of several partners it is, is not guessed: the piece is
*tied* and waits for a person (invariant I12).

More evidence never means fewer groups with a given payment reference, so what was credited once stays right
(invariants I3 and I8).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from payments.inbox.halves import Half, complete, differ

STATEMENT = "statement"

REFERENCE_DAYS = 10
"""How far apart two sources may date what an equal reference joins: banks book over weekends and Tết."""


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
    sender_id: str = ""
    """The sender's own id with its connection; a statement has none."""
    own_account: int | None = None
    """The pupil's own account (id) that the money came on: no payment reference, and two of them are two payments."""


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
    groups = _merged(groups, lambda group: {piece.sender_id for piece in group.pieces} - {""}, _agree)
    groups = _merged(groups, _numbers_with_names, _within_reference_days)
    groups = _merged(groups, lambda group: {piece.bank_reference for piece in group.pieces} - {""}, _agree)
    groups = _merged(groups, lambda group: {frozenset(group.references)} - {frozenset()}, _within_reference_days)
    groups = _merged(groups, lambda group: set(group.references), _within_reference_days)
    return sorted(_completed(groups), key=lambda group: group.order)


def _numbers_with_names(group: Group) -> set[tuple[str, frozenset[str]]]:
    return {(piece.bank_reference, frozenset(piece.references)) for piece in group.pieces if piece.bank_reference}


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


def _completed(groups: Sequence[Group]) -> list[Group]:
    """Join as many nameless groups as can be with each other and with named ones."""
    in_order = sorted(groups, key=lambda group: group.order)
    joined = []
    for movement in complete([_half(group) for group in in_order], [_numbers(group) for group in in_order]):
        first, *rest = (in_order[place] for place in (*_known(movement.named), *movement.nameless))
        for other in rest:
            first.absorb(other)
            if movement.tied:
                first.tied |= {piece.evidence_id for piece in other.pieces}
        joined.append(first)
    return joined


def _known(place: int | None) -> list[int]:
    return [] if place is None else [place]


def _half(group: Group) -> Half:
    pushes = [piece.day.toordinal() for piece in group.pieces if piece.source != STATEMENT]
    lines = [piece.day.toordinal() for piece in group.pieces if piece.source == STATEMENT]
    return Half(
        bool(group.references),
        group.decided,
        frozenset(piece.source for piece in group.pieces),
        (min(pushes), max(pushes)) if pushes else None,
        (min(lines), max(lines)) if lines else None,
        next((piece.own_account for piece in group.pieces if piece.own_account is not None), None),
    )


def _numbers(group: Group) -> frozenset[str]:
    """The bank's references as callbacks and polls give them; a statement may print others."""
    given = {piece.bank_reference for piece in group.pieces if piece.source != STATEMENT}
    return frozenset(given - {""})


def _may_join(one: Group, other: Group, near: Near) -> bool:
    sources = {piece.source for piece in one.pieces}
    return not any(piece.source in sources for piece in other.pieces) and all(
        near(mine, theirs) and not _told_as_two(mine, theirs) and not _on_two_accounts(mine, theirs)
        for mine, theirs in _pairs(one, other)
    )


def _told_as_two(one: Piece, other: Piece) -> bool:
    """One sender, by itself and when it was asked, under two numbers: two payments, however equal they are."""
    same_sender = one.source.partition(":")[2] == other.source.partition(":")[2] != ""
    return same_sender and differ(*(frozenset({piece.bank_reference} - {""}) for piece in (one, other)))


def _on_two_accounts(one: Piece, other: Piece) -> bool:
    return None not in (one.own_account, other.own_account) and one.own_account != other.own_account


def _pairs(one: Group, other: Group) -> Iterator[tuple[Piece, Piece]]:
    return ((mine, theirs) for mine in one.pieces for theirs in other.pieces)


def _within_reference_days(one: Piece, other: Piece) -> bool:
    return abs((one.day - other.day).days) <= REFERENCE_DAYS


def _agree(one: Piece, other: Piece) -> bool:
    """Payment references that have nothing in common are two payments, whatever the bank's reference (batches)."""
    contradict = one.references and other.references and not set(one.references) & set(other.references)
    return not contradict and _within_reference_days(one, other)
