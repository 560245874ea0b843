"""What the three sources say about one receiving account, reduced to what matching needs. Pure."""

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

Direction = Literal["credit", "debit"]
"""Seen from the school's bank account, in all three sources."""


@dataclass(frozen=True, slots=True)
class BankFact:
    """A line of an imported statement."""

    id: int
    day: date
    """When the bank booked it: the day whose closing balance holds it."""
    value_date: date
    direction: Direction
    amount_vnd: int
    bank_reference: str = ""
    """Folded; empty when the bank gives none."""
    references: tuple[str, ...] = ()
    """Valid payment references in its text, in order."""
    transaction_id: int | None = None
    """The bank transaction that its evidence stands behind."""
    reverses_id: int | None = None
    """The bank transaction that this one takes back."""
    stated_fee_vnd: int = 0
    """A fee that the line itself states."""
    payout_fee_vnd: int | None = None
    """What an intermediary kept of the payout that this line is; None: it is none."""
    after_close: bool = False


@dataclass(frozen=True, slots=True)
class GatewayFact:
    """A movement of money that a callback or a poll reported."""

    id: int
    """Of its bank transaction; below zero: minus the id of evidence that is attached to none."""
    day: date
    due: date
    """The day whose statement must show it: the next business day when it came late at night, of an intermediary the
    agreed one."""
    direction: Direction
    amount_vnd: int
    bank_reference: str = ""
    references: tuple[str, ...] = ()
    source: str = ""
    evidence_ids: tuple[int, ...] = ()
    conflicting: bool = False
    """The sender said it a second time with other content."""
    reverses_id: int | None = None
    owed: bool = False
    """An intermediary owes it until its payout, which is due on ``due``."""
    paid_by: int | None = None
    """The bank transaction of the payout that paid it."""
    cancelled: bool = False
    """Owed no more and never paid out: taken back before its payout, or what took it back."""
    after_close: bool = False


@dataclass(frozen=True, slots=True)
class LedgerFact:
    """A row of the school's own books on one of its money accounts."""

    id: int
    day: date
    direction: Direction
    amount_vnd: int
    references: tuple[str, ...] = ()
    document: str = ""
    """Folded document number: often the number of the bank's own notice."""
    occurrence: int = 1
    """Above 1: the same row, word for word, for the so-manieth time."""
    is_cash: bool = False
    after_close: bool = False
    bundles: tuple[str, ...] = ()
    """References of paid bundles that list what the row names: the bank's line names the bundle."""

    @property
    def names(self) -> tuple[str, ...]:
        """What the row names, and what may have paid it."""
        return (*self.references, *self.bundles) if self.bundles else self.references


@dataclass(frozen=True, slots=True)
class Days:
    """A set of days as closed intervals."""

    intervals: tuple[tuple[date, date], ...] = ()

    def __contains__(self, day: date) -> bool:
        return any(first <= day <= last for first, last in self.intervals)

    def within(self, first: date, last: date) -> "Days":
        """The days that lie between two days, both included."""
        cut = ((max(first, start), min(last, end)) for start, end in self.intervals)
        return Days(tuple((start, end) for start, end in cut if start <= end))


@dataclass(frozen=True, slots=True)
class Scope:
    """The days a run owns, and which days each source vouches for: absence counts only where it does."""

    first: date
    last: date
    bank_proved: Days = field(default_factory=Days)
    """Days of statements that prove."""
    ledger: Days = field(default_factory=Days)
    """Days of imported books."""

    def owns(self, day: date) -> bool:
        """Whether a case of that day is reported by this run."""
        return self.first <= day <= self.last
