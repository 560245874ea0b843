"""What is believed to be one movement of money, with what each source says about it; and the names of the classes."""

from dataclasses import dataclass, field
from datetime import date
from typing import Final

from reconciliation.facts import BankFact, Direction, GatewayFact, LedgerFact
from reconciliation.grounds import T0, T1, T2, T3, Ground

__all__ = ["MATCHED", "NOT_DUE", "PRECEDENCE", "T0", "T1", "T2", "T3", "Movement"]

MATCHED: Final = "matched"
NOT_DUE: Final = "not_due"
"""Neither matched nor an exception yet: the source that is silent does not cover the day."""
PRECEDENCE: Final = (
    "balance_break",
    "closed_period",
    "duplicate",
    "ambiguous",
    "amount_diff",
    "missing_bank",
    "missing_gateway",
    "missing_ledger",
    "only_ledger",
    "fee_netted",
    "date_cutoff",
)
"""The primary class of a case is the first of its keys in this order; the further ones are flags."""


@dataclass(slots=True, eq=False)
class Movement:
    """Facts of the three sources that belong together; ``keys`` are classes already known."""

    banks: list[BankFact] = field(default_factory=list)
    gateways: list[GatewayFact] = field(default_factory=list)
    ledgers: list[LedgerFact] = field(default_factory=list)
    grounds: list[Ground] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    note: str | None = None
    cancelled: bool = False
    """Nothing of it will ever be on a statement: an intermediary took a payment back before it paid it out."""

    @property
    def facts(self) -> list[BankFact | GatewayFact | LedgerFact]:
        """All of them, source by source."""
        return [*self.banks, *self.gateways, *self.ledgers]

    @property
    def money(self) -> list[BankFact] | list[GatewayFact]:
        """What the bank says, else what the gateway says; of a payout the net line alone."""
        return self.banks or [fact for fact in self.gateways if not fact.owed] or self.gateways

    @property
    def owed(self) -> list[GatewayFact]:
        """Payments that an intermediary owes or owed."""
        return [fact for fact in self.gateways if fact.owed]

    @property
    def direction(self) -> Direction:
        """Which way the money went."""
        facts = self.money or self.ledgers
        return facts[0].direction

    @property
    def amount_vnd(self) -> int:
        """The amount by the best source there is: bank, gateway, books."""
        return sum(fact.amount_vnd for fact in self.money or self.ledgers)

    @property
    def day(self) -> date:
        """The day the case belongs to: booked by the bank, else due at the bank, else booked by the school."""
        if self.banks:
            return min(fact.day for fact in self.banks)
        if self.gateways:
            return min(fact.due for fact in self.money if isinstance(fact, GatewayFact))
        return min(fact.day for fact in self.ledgers)

    @property
    def references(self) -> tuple[str, ...]:
        """Every payment reference that bank or gateway name, in canonical order."""
        told = {fact.references for fact in self.banks} | {fact.references for fact in self.gateways}
        if len(told) == 1 and len(names := next(iter(told))) < 2:
            return names
        return tuple(sorted({name for names in told for name in names}))

    @property
    def rules(self) -> tuple[str, ...]:
        """By which rules its facts were joined, each once."""
        return tuple(dict.fromkeys(ground.rule for ground in self.grounds if ground.rule))

    @property
    def open_for_books(self) -> bool:
        """Whether a row of the books may still join: no row yet, and it is clear what the movement is."""
        return not self.ledgers and "ambiguous" not in self.keys

    def absorb(self, other: "Movement") -> None:
        """Take over what another movement knows."""
        self.banks += other.banks
        self.gateways += other.gateways
        self.ledgers += other.ledgers
        self.grounds += other.grounds
        self.keys |= other.keys
