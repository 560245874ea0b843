"""Evidence that tells of a known movement and names another amount: pure.

The bank's reference, the account and the direction say that it is the same movement, so to credit both would invent
money. What stood first goes on standing, and what contradicts it brings nothing until a person decides. A bank also
gives one reference to several payments (a batch): an amount that two sources tell is such a payment of its own, and
what waited because of it is free again.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from payments.inbox.pairing import REFERENCE_DAYS, STATEMENT


@dataclass(frozen=True, slots=True)
class Saying:
    """What one piece says of a movement; ``stands``: it is attached, so money may have moved because of it."""

    evidence_id: int
    source: str
    day: date
    order: tuple[object, ...]
    number: tuple[object, ...]
    """Account, direction and the bank's reference, folded."""
    amount_vnd: int
    references: frozenset[str]
    stands: bool
    decided: bool = False
    """A person put it where it is."""


def contradicting(sayings: Iterable[Saying]) -> set[int]:
    """The evidence (ids) that must wait for a person."""
    by_number: dict[tuple[object, ...], list[Saying]] = defaultdict(list)
    for saying in sayings:
        by_number[saying.number].append(saying)
    return {found for together in by_number.values() if len(together) > 1 for found in _contradicting(together)}


def _contradicting(together: Sequence[Saying]) -> Iterable[int]:
    sources: dict[int, set[str]] = defaultdict(set)
    for saying in together:
        sources[saying.amount_vnd].add(saying.source)
    alone = [saying for saying in together if len(sources[saying.amount_vnd]) == 1 and not saying.decided]
    # What stands goes first; of what arrives together the statement, for it has moved the balance.
    standing: list[Saying] = []
    for saying in sorted(alone, key=lambda one: (not one.stands, one.source != STATEMENT, one.order)):
        if not saying.stands and any(_contradict(saying, other) for other in standing):
            yield saying.evidence_id
        else:
            standing.append(saying)


def _contradict(one: Saying, other: Saying) -> bool:
    """Whether two pieces may be one movement with two amounts; of one source, or for other invoices, they are two."""
    return (
        one.amount_vnd != other.amount_vnd
        and one.source != other.source
        and not (one.references and other.references and one.references.isdisjoint(other.references))
        and abs((one.day - other.day).days) <= REFERENCE_DAYS
    )
