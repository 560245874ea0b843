"""What an intermediary owes, lines that may pay it, and which fees are known: pure.

A fee is never guessed: a report tells it, the line's own text states it, or it follows from the tariff of the account's
channels. An intermediary may or may not give its fee back with a payment that it takes back, so both are known fees.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from payments.banking.rules import Tariff

REACH_DAYS = 21
"""How long after the first payment its payout may come without anybody saying so: Tết and a late intermediary."""
RUN_DAYS = 10
"""How many days of payments one payout holds: a week, or the holidays."""
SHORTEST_NUMBER = 6
"""Shorter numbers are no reference of a payout: they stand in any text."""

_FEE = re.compile(r"\b(?:PHI|FEE)\b\D{0,12}([0-9][0-9.,]*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Owed:
    """A payment that an intermediary owes, or (negative) one that it has taken back."""

    id: int
    """Of its bank transaction."""
    connection_id: int
    day: date
    due: date
    """By when it should be paid out, as agreed."""
    amount_vnd: int
    references: tuple[str, ...] = ()
    takes_back: int | None = None
    """The payment that this one takes back."""


@dataclass(frozen=True, slots=True)
class Line:
    """Money that came in on the bank account and may be a payout."""

    id: int
    day: date
    amount_vnd: int
    references: tuple[str, ...] = ()
    number: str = ""
    """The bank's reference, folded."""
    words: str = ""
    """Its text, folded like a reference."""
    stated_fee_vnd: int = 0


@dataclass(frozen=True, slots=True)
class Announced:
    """A payout as the intermediary's report tells it; ``whole``: every row was found, with the amount that it has."""

    connection_id: int
    number: str
    """Its reference, folded; empty when the report gives none."""
    day: date | None
    net_vnd: int
    fee_vnd: int
    item_ids: frozenset[int]
    whole: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """A line, and what it pays."""

    line_id: int
    connection_id: int
    item_ids: tuple[int, ...]
    fee_vnd: int
    rule: str

    @property
    def content(self) -> tuple[int, int, tuple[int, ...], int]:
        """What it says, whoever says it."""
        return self.line_id, self.connection_id, self.item_ids, self.fee_vnd


def known_fees(items: Sequence[Owed], tariffs: Iterable[Tariff]) -> frozenset[int]:
    """Fees by tariff, in đồng: of each payment or of their sum; without a fee only several make a payout."""
    gross_vnd = sum(item.amount_vnd for item in items)
    fees = {0} if len(items) > 1 else set()
    for tariff in tariffs:
        kept = sum(tariff.fee_vnd(item.amount_vnd) for item in items if item.amount_vnd > 0)
        given_back = sum(tariff.fee_vnd(-item.amount_vnd) for item in items if item.amount_vnd < 0)
        fees |= {kept, kept - given_back, tariff.fee_vnd(gross_vnd)}
    return frozenset(fee_vnd for fee_vnd in fees if 0 <= fee_vnd < gross_vnd and (fee_vnd or len(items) > 1))


def fee_of(line: Line, items: Sequence[Owed], tariffs: Iterable[Tariff]) -> int | None:
    """What the intermediary kept if the line pays these items; None: nobody announced such a fee."""
    fee_vnd = sum(item.amount_vnd for item in items) - line.amount_vnd
    known = fee_vnd in known_fees(items, tariffs) or 0 < fee_vnd == line.stated_fee_vnd
    return fee_vnd if known else None


def in_reach(line: Line, item: Owed) -> bool:
    """Whether a line may pay an item by their days."""
    return 0 <= (line.day - item.day).days <= REACH_DAYS


def stated_fee_vnd(description: str) -> int:
    """The fee that a line's text states, in đồng; 0: none that can be read without doubt."""
    found = _FEE.search(description)
    if found is None:
        return 0
    digits = re.sub(r"[.,](?=[0-9]{3}(?![0-9]))", "", found.group(1)).rstrip(".,")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 12 else 0
