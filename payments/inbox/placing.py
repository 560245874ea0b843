"""Which bank transaction each group of evidence belongs to: pure; pairings may move, what was credited may not.

A transaction that was credited keeps its payment reference for life. One that moved no money yet says what its
evidence says; where a person has decided about it, evidence that names another invoice and may be the same money is
held for a person instead of being credited beside it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from payments.inbox.pairing import Group, Piece


@dataclass(frozen=True, slots=True)
class Standing:
    """A bank transaction that exists; ``free``: it may learn a reference.

    That is so while no money was moved because of it, or only because of the pupil's own account that it came on.
    """

    id: int
    references: tuple[str, ...]
    free: bool
    own_account: int | None = None
    """The pupil's own account (id) that the money came on."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Pieces that stand behind one transaction; ``transaction_id`` None: a new one."""

    transaction_id: int | None
    pieces: tuple[Piece, ...]


@dataclass(slots=True)
class Plan:
    """Where every piece goes; ``held`` are attached to nothing until a person or more evidence decides."""

    placed: list[Placed] = field(default_factory=list)
    held: list[Piece] = field(default_factory=list)


def place(groups: Sequence[Group], standings: Iterable[Standing]) -> Plan:
    """Give each group its transaction, and each transaction at least one of its pieces."""
    owners = _owners(groups, list(standings))
    placed_ids = {standing.id for standing in owners.values()}
    staying: dict[int, list[Piece]] = defaultdict(list)
    plan = Plan()
    for group in groups:
        here: list[Piece] = []
        for piece in group.pieces:
            if piece.transaction_id is not None and piece.transaction_id not in placed_ids:
                staying[piece.transaction_id].append(piece)
            elif _may_stand(piece, group, owners.get(id(group))):
                here.append(piece)
            else:
                plan.held.append(piece)
        owner = owners.get(id(group))
        if here:
            plan.placed.append(Placed(owner.id if owner else None, tuple(here)))
    plan.placed += [Placed(key, tuple(pieces)) for key, pieces in staying.items()]
    return plan


def rule_of(piece: Piece, others: Iterable[Piece]) -> str:
    """How a piece found its place, for people to read."""
    rest = [other for other in others if other is not piece]
    if piece.bank_reference and any(other.bank_reference == piece.bank_reference for other in rest):
        return "bank_reference"
    if any(set(other.references) & set(piece.references) for other in rest):
        return "reference"
    return "unique_candidate"


def _may_stand(piece: Piece, group: Group, owner: Standing | None) -> bool:
    """Whether a piece may be attached to its group's transaction; otherwise it is held."""
    if owner is not None and piece.transaction_id == owner.id:
        return True
    if piece.evidence_id in group.tied:
        return False
    decided_otherwise = owner is not None and not owner.free and not owner.references
    return not (decided_otherwise and piece.references)


def _owners(groups: Sequence[Group], standings: Sequence[Standing]) -> dict[int, Standing]:
    """Transactions by group: those with a reference first, then those a person decided, then the free ones."""
    owners: dict[int, Standing] = {}
    named = sorted((one for one in standings if one.references), key=lambda one: (one.free, one.id))
    nameless = sorted((one for one in standings if not one.references), key=lambda one: (one.free, one.id))
    _choose(groups, owners, named, lambda one, group: _equal(one, group) and _holds(one, group))
    _choose(groups, owners, named, lambda one, group: _equal(one, group) and not group.decided)
    _choose(groups, owners, named, lambda one, group: _share(one, group) and _holds(one, group))
    _choose(groups, owners, named, lambda one, group: _share(one, group) and not group.decided)
    # What was credited for the account that it came on stays with money on that account.
    owned = [one for one in nameless if one.own_account is not None]
    _choose(groups, owners, owned, lambda one, group: _same_account(one, group) and _holds(one, group))
    _choose(groups, owners, owned, lambda one, group: _same_account(one, group) and not group.decided)
    _choose(groups, owners, nameless, lambda one, group: not group.references and _holds(one, group))
    _choose(groups, owners, nameless, _holds)
    free = [one for one in nameless if one.free]
    _choose(groups, owners, free, lambda _, group: not group.references)
    # Its pieces have all found other places: it becomes the next movement instead of staying as money too much.
    _choose(groups, owners, free, lambda *_: True)
    return owners


def _choose(
    groups: Sequence[Group],
    owners: dict[int, Standing],
    standings: Sequence[Standing],
    fits: Callable[[Standing, Group], bool],
) -> None:
    taken = {standing.id for standing in owners.values()}
    for standing in standings:
        if standing.id in taken:
            continue
        found = next((group for group in groups if id(group) not in owners and fits(standing, group)), None)
        if found is not None:
            owners[id(found)] = standing


def _holds(standing: Standing, group: Group) -> bool:
    return any(piece.transaction_id == standing.id for piece in group.pieces)


def _same_account(standing: Standing, group: Group) -> bool:
    return any(piece.own_account == standing.own_account for piece in group.pieces)


def _equal(standing: Standing, group: Group) -> bool:
    return set(standing.references) == set(group.references)


def _share(standing: Standing, group: Group) -> bool:
    return not set(standing.references).isdisjoint(group.references)
