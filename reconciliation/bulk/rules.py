"""What a block of matches says, and where its payments stand among the other findings of a run. Pure."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from reconciliation.proving import Money, Part

LEAST = 100
"""Bank lines of a run from which on its mass is judged in SQL; of fewer, a row each costs less than it saves."""
BLOCK = 10_000
"""Payments in a block."""

RULES = ("T0", "T1", "T0+T1", "T1+T0")
"""Rules of a payment in a block: how bank and gateway met, then how the books met them."""

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_DIGITS = 10


def reference_of(key: int) -> str:
    """The payment reference that a number stands for: five bits a character, as ``reference_key`` of the database."""
    return "HP" + "".join(ALPHABET[key >> 5 * place & 31] for place in reversed(range(_DIGITS)))


@dataclass(frozen=True, slots=True)
class Rest:
    """The facts of a run that are not in its mass: ids of lines, of evidence and of rows of the books."""

    lines: tuple[int, ...] = ()
    evidence: tuple[int, ...] = ()
    rows: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Mass:
    """What one run found in bulk: all of it matched, none of it concerns any other fact."""

    rest: Rest
    number: int = 0
    """Under which its blocks wait to be kept."""
    banks: Part = field(default_factory=Part)
    gateways: Part = field(default_factory=Part)
    """Fewer than lines where money that came late at night is due in the next run."""
    ledgers: Part = field(default_factory=Part)
    money: Money = field(default_factory=Money)
    digest: bytes = b""
    """Of everything that the blocks say, in order."""
    days: Sequence[int] = ()
    amounts: Sequence[int] = ()
    keys: Sequence[int] = ()
    """Where each payment stands: these three give the order of a run."""

    def positions(self, others: Iterable[tuple[date, int, tuple[str, ...]]], first: date, start: int) -> list[int]:
        """Where other findings stand, given in order by (day, amount, references); the mass fills the gaps.

        ``first`` is the run's first day, ``start`` the first free position.
        """
        size = range(len(self.keys))
        return [
            start + place + bisect_left(size, other, key=lambda payment: self._place(payment, first))
            for place, other in enumerate(others)
        ]

    def _place(self, payment: int, first: date) -> tuple[date, int, tuple[str, ...]]:
        """As cases are compared (``matching``), made only for those that are looked at."""
        day = first + timedelta(days=self.days[payment])
        return (day, self.amounts[payment], (reference_of(self.keys[payment]),))


def gaps(taken: Iterable[int]) -> Iterator[int]:
    """Positions from 1 on that are free."""
    held = set(taken)
    position = 1
    while True:
        if position not in held:
            yield position
        position += 1
