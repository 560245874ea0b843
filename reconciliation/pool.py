"""The facts of three sources that a night looks at, each of them once. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from reconciliation.facts import BankFact, GatewayFact, LedgerFact


@dataclass(frozen=True, slots=True)
class Facts:
    """What the sources say, each fact once."""

    banks: tuple[BankFact, ...]
    gateways: tuple[GatewayFact, ...]
    ledgers: tuple[LedgerFact, ...]

    def in_order(self) -> "Facts":
        """The same facts whatever the order in which the database gave them."""
        return Facts(
            tuple(sorted(self.banks, key=_id)),
            tuple(sorted(self.gateways, key=_id)),
            tuple(sorted(self.ledgers, key=_id)),
        )

    def joined(self, other: "Facts") -> "Facts":
        """These facts and those of the other that are not among them."""
        return Facts(
            _joined(self.banks, other.banks),
            _joined(self.gateways, other.gateways),
            _joined(self.ledgers, other.ledgers),
        )


def _joined(own: Iterable[Any], others: Iterable[Any]) -> tuple[Any, ...]:
    first = tuple(own)
    known = {fact.id for fact in first}
    added = {fact.id: fact for fact in others if fact.id not in known}
    return (*first, *added.values())


def _id(fact: BankFact | GatewayFact | LedgerFact) -> int:
    return fact.id
