"""Evidence that tells of a known movement and names another amount: pure.

The bank's reference, the account and the direction say that it is the same movement, so to credit both would invent
money. What stood first goes on standing, what two sources tell alike is believed, and what contradicts either brings
nothing until a person decides. A bank also gives one reference to several payments (a batch): a source that tells of
the other payment as well tells of two, and what waited for its partner in another source is free when that comes.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from payments.inbox.pairing import REFERENCE_DAYS, STATEMENT, Group, Piece, pair


@dataclass(frozen=True, slots=True)
class Saying:
    """What one piece says of the movement that the bank's reference names."""

    number: tuple[object, ...]
    """Account, intermediary, direction and the bank's reference, folded."""
    amount_vnd: int
    piece: Piece


@dataclass(frozen=True, slots=True)
class _Told:
    """An amount, and the pieces that tell it together."""

    amount_vnd: int
    group: Group

    @property
    def is_sure(self) -> bool:
        """It is attached, so money may have moved because of it; or two sources agree."""
        return len(self.group.pieces) > 1 or self.group.pieces[0].transaction_id is not None


def contradicting(sayings: Iterable[Saying]) -> set[int]:
    """The evidence (ids) that must wait for a person, whatever the order in which it is given."""
    by_number: dict[tuple[object, ...], dict[int, list[Piece]]] = defaultdict(lambda: defaultdict(list))
    for saying in sayings:
        by_number[saying.number][saying.amount_vnd].append(saying.piece)
    return {
        piece.evidence_id
        for amounts in by_number.values()
        if len(amounts) > 1
        for told in _contradicting([_Told(key, group) for key, pieces in amounts.items() for group in pair(pieces)])
        for piece in told.group.pieces
    }


def _contradicting(together: Sequence[_Told]) -> Iterable[_Told]:
    standing = [told for told in together if told.is_sure]
    # Of what arrives together the statement goes first, for it has moved the balance.
    alone = sorted(
        (told for told in together if not told.is_sure),
        key=lambda told: (told.group.pieces[0].source != STATEMENT, told.group.order, told.amount_vnd),
    )
    for told in alone:
        if any(_contradict(told, other) for other in standing):
            yield told
        else:
            standing.append(told)


def _contradict(alone: _Told, other: _Told) -> bool:
    """Whether a piece may tell the other movement with another amount.

    A source that tells of both, and pieces for other invoices or of other days, tell of two movements.
    """
    [piece] = alone.group.pieces
    names = other.group.references
    return (
        alone.amount_vnd != other.amount_vnd
        and all(theirs.source != piece.source for theirs in other.group.pieces)
        and not (names and piece.references and set(names).isdisjoint(piece.references))
        and any(abs((theirs.day - piece.day).days) <= REFERENCE_DAYS for theirs in other.group.pieces)
    )
