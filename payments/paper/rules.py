"""What stands on a slip: pure.

A slip asks for what is mandatory and open, as the headline and the QR of the parent's page do; voluntary lines are
told below, with a sentence, and never counted in. Words that are too long for their place are cut with «…».
"""

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

SHORTER = (12, 5, 3, 2)
"""How many lines a slip may have, the first that fits on it; what is beyond is one line with the sum."""
BATCH = 48
"""Slips set at a time: a class, in whole pages of four and of sixteen; typst takes 0.75 MB for each (docs/adr/0027)."""
SCHOOL_WORDS = 100
LINE_WORDS = 56
VOLUNTARY_WORDS = 150
VOLUNTARY_PREFIX = 78
VOLUNTARY_ROW = 72
ROOMY = 9


class Kind(enum.StrEnum):
    """Slips to hand out, four to a page, or a class on labels for its teacher."""

    SLIPS = "slips"
    SHEETS = "sheets"


@dataclass(frozen=True, slots=True)
class Line:
    """A fee item of an invoice."""

    description: str
    mandatory: bool
    amount_vnd: int


@dataclass(frozen=True, slots=True)
class Open:
    """An invoice of a round that is not paid in full, as the tables have it."""

    lines: tuple[Line, ...]
    pupil_id: int
    pupil_name: str
    class_name: str | None
    reference: str
    due_on: date
    mandatory_vnd: int
    paid_vnd: int
    account_id: int
    bin: str
    bank_name: str
    account_number: str
    holder_name: str
    memo_prefix: str

    @property
    def due_vnd(self) -> int:
        """What is mandatory and open: money goes to mandatory lines first (payments.settlement.rules)."""
        return max(self.mandatory_vnd - self.paid_vnd, 0)


@dataclass(frozen=True, slots=True)
class Slip:
    """One invoice on paper: the number-th of so many of its pupil."""

    invoice: Open
    place: int
    """Of the pupil in the class, from 1."""
    number: int
    of: int
    voluntary: tuple[Line, ...]
    """Told on this slip: of this invoice, and on a pupil's last slip of those that ask for nothing else."""


def slips(invoices: Sequence[Open]) -> list[Slip]:
    """The slips of a class's invoices in their order, those of a pupil together; who owes nothing has none."""
    by_pupil = (list(mine) for _, mine in groupby(invoices, lambda one: one.pupil_id))
    owing = (mine for mine in by_pupil if any(one.due_vnd for one in mine))
    return [slip for place, mine in enumerate(owing, 1) for slip in _of_pupil(place, mine)]


def _of_pupil(place: int, invoices: Sequence[Open]) -> list[Slip]:
    due = [one for one in invoices if one.due_vnd]
    others = [line for one in invoices if not one.due_vnd for line in _voluntary(one)]
    return [
        Slip(one, place, number, len(due), (*_voluntary(one), *(others if number == len(due) else ())))
        for number, one in enumerate(due, 1)
    ]


def _voluntary(invoice: Open) -> list[Line]:
    """The voluntary lines, unless money has reached them: then the invoice's voluntary part is the parent's choice."""
    if invoice.paid_vnd > invoice.mandatory_vnd:
        return []
    return [line for line in invoice.lines if not line.mandatory and line.amount_vnd]


def shown_lines(slip: Slip, most: int) -> list[tuple[str, int]]:
    """(words, đồng) of the arithmetic of a slip: its mandatory lines, less what was paid; the sum is what it asks."""
    lines = [(short(line.description, LINE_WORDS), line.amount_vnd) for line in slip.invoice.lines if line.mandatory]
    if len(lines) > most:
        rest = lines[most - 1 :]
        lines = [*lines[: most - 1], (f"{len(rest)} khoản khác", sum(amount for _, amount in rest))]
    if slip.invoice.paid_vnd:
        lines.append(("Đã nộp", -slip.invoice.paid_vnd))
    return lines


def is_tight(slip: Slip, amount_in_words: str) -> bool:
    """Whether its words may need more room than a slip has: only then the paper is measured, which costs as much again.

    An estimate in rows that errs to the safe side: ``ROOMY`` rows are there with one row for each other part.
    """
    invoice = slip.invoice
    told = sum(len(line.description) + 16 for line in slip.voluntary)
    rows = sum(line.mandatory for line in invoice.lines) + bool(invoice.paid_vnd)
    rows += (VOLUNTARY_PREFIX + told) // VOLUNTARY_ROW + 2 if told else 0
    rows += 2 * (len(invoice.pupil_name) // 34) + len(amount_in_words) // 58 + len(invoice.holder_name) // 28
    return rows > ROOMY


def batches(items: Sequence[Slip]) -> Iterator[Sequence[Slip]]:
    """Parts that are set one after the other; only the last has a page that is not full."""
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]


def short(words: str, limit: int) -> str:
    """The words within ``limit`` characters, cut after a word."""
    if len(words) <= limit:
        return words
    cut = words[: limit - 1]
    return f"{cut.rpartition(' ')[0] or cut}…"


def grouped(number: str) -> str:
    """An account's number in groups that an eye can follow: ``1900 0000 12``."""
    return " ".join(number[start : start + 4] for start in range(0, len(number), 4))
