"""A person's decisions as matching reads them: which facts are one, which are not, what holds no more. Pure.

Decisions are read in the order in which they were made. One whose facts are not all there, or that contradicts an
earlier one, is not replayed in part: it is reported on every case that holds one of its facts.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from reconciliation.facts import BankFact, GatewayFact, LedgerFact

Kind = Literal["join", "part"]
Fact = BankFact | GatewayFact | LedgerFact
FactKey = tuple[str, int]

GONE: Final = "gone"
"""A fact of it does not count any more (a statement that was replaced, a message that was held), or is not here."""
CONTRADICTS: Final = "contradicts"
"""An earlier decision says otherwise about two of its facts."""
UNFIT: Final = "unfit"
"""It joins what can never be one: money in and money out, cash, or what an intermediary owes."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """A decision that stands, its facts named by the ids that they have now."""

    id: int
    kind: Kind
    banks: tuple[int, ...] = ()
    evidence: tuple[int, ...] = ()
    """Of callbacks and polls: which bank transaction they stand behind may change."""
    ledgers: tuple[int, ...] = ()
    gone: int = 0
    """How many of its facts do not count any more."""


@dataclass(frozen=True, slots=True)
class Joined:
    """Facts that are one movement because a person says so."""

    id: int
    banks: tuple[BankFact, ...]
    gateways: tuple[GatewayFact, ...]
    ledgers: tuple[LedgerFact, ...]

    @property
    def facts(self) -> tuple[Fact, ...]:
        """All of them."""
        return (*self.banks, *self.gateways, *self.ledgers)


@dataclass(frozen=True, slots=True)
class Unmet:
    """A decision that is not replayed, why, and those of its facts that are here."""

    id: int
    why: str
    facts: tuple[Fact, ...] = ()


@dataclass(slots=True)
class Hand:
    """What people decided about the facts of a run."""

    joins: list[Joined] = field(default_factory=list)
    parts: list[int] = field(default_factory=list)
    apart: dict[FactKey, set[FactKey]] = field(default_factory=dict)
    unmet: list[Unmet] = field(default_factory=list)

    def splits(self, one: Iterable[Fact], other: Iterable[Fact]) -> bool:
        """Whether a person said that a fact of the one side and a fact of the other are not one."""
        if not self.apart:
            return False
        others = {key_of(fact) for fact in other}
        return any(self.apart.get(key_of(fact), set()) & others for fact in one)

    def splits_within(self, facts: Sequence[Fact]) -> bool:
        """The same of any two facts among these."""
        return self.splits(facts, facts)


def key_of(fact: Fact) -> FactKey:
    """What tells facts of all three sources apart."""
    source = "bank" if isinstance(fact, BankFact) else "gateway" if isinstance(fact, GatewayFact) else "ledger"
    return source, fact.id


def hand_of(
    rulings: Iterable[Ruling],
    banks: Sequence[BankFact],
    gateways: Sequence[GatewayFact],
    ledgers: Sequence[LedgerFact],
) -> Hand:
    """Lay decisions on facts, the earliest first."""
    hand = Hand()
    ordered = sorted(rulings, key=lambda ruling: ruling.id)
    if not ordered:
        return hand
    known = _Known.of(banks, gateways, ledgers)
    taken: set[FactKey] = set()
    for ruling in ordered:
        found, complete = known.facts(ruling)
        keys = [key_of(fact) for fact in found.facts]
        why = _why_not(ruling, found, hand, taken, complete=complete and not ruling.gone)
        if why:
            hand.unmet.append(Unmet(ruling.id, why, found.facts))
        elif ruling.kind == "join":
            hand.joins.append(found)
            taken |= set(keys)
        else:
            hand.parts.append(ruling.id)
            for key in keys:
                hand.apart.setdefault(key, set()).update(other for other in keys if other != key)
    return hand


def _why_not(ruling: Ruling, found: Joined, hand: Hand, taken: set[FactKey], *, complete: bool) -> str:
    """Why a decision is not replayed; empty when it is."""
    if not complete or len(found.facts) < 2:
        return GONE
    if ruling.kind == "part":
        keys = {key_of(fact) for fact in found.facts}
        together = any(len(keys & {key_of(fact) for fact in join.facts}) > 1 for join in hand.joins)
        return CONTRADICTS if together else ""
    if unfit(found.facts):
        return UNFIT
    again = any(key_of(fact) in taken for fact in found.facts)
    return CONTRADICTS if again or hand.splits_within(found.facts) else ""


def unfit(facts: Iterable[Fact]) -> bool:
    """Whether facts can never be one movement on a bank account."""
    found = list(facts)
    owed = any(isinstance(fact, GatewayFact) and fact.owed for fact in found)
    payout = any(isinstance(fact, BankFact) and fact.payout_fee_vnd is not None for fact in found)
    cash = any(isinstance(fact, LedgerFact) and fact.is_cash for fact in found)
    return owed or payout or cash or len({fact.direction for fact in found}) > 1


@dataclass(frozen=True, slots=True)
class _Known:
    """Facts by what decisions call them."""

    banks: Mapping[int, BankFact]
    said: Mapping[int, Sequence[GatewayFact]]
    ledgers: Mapping[int, LedgerFact]

    @classmethod
    def of(cls, banks: Iterable[BankFact], gateways: Iterable[GatewayFact], ledgers: Iterable[LedgerFact]) -> "_Known":
        said: dict[int, list[GatewayFact]] = defaultdict(list)
        for gateway in gateways:
            for number in gateway.evidence_ids:
                said[number].append(gateway)
        return cls({one.id: one for one in banks}, said, {one.id: one for one in ledgers})

    def facts(self, ruling: Ruling) -> tuple[Joined, bool]:
        """The facts of a decision that are here, and whether these are all."""
        told = {fact.id: fact for number in ruling.evidence for fact in self.said.get(number, ())}
        banks = tuple(self.banks[number] for number in sorted(set(ruling.banks)) if number in self.banks)
        rows = tuple(self.ledgers[number] for number in sorted(set(ruling.ledgers)) if number in self.ledgers)
        complete = (
            len(banks) == len(set(ruling.banks))
            and len(rows) == len(set(ruling.ledgers))
            and all(self.said.get(number) for number in ruling.evidence)
        )
        return Joined(ruling.id, banks, tuple(told[key] for key in sorted(told)), rows), complete
