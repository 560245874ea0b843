"""From charged lines to invoices: grouping, what is due, and a fingerprint of a whole round. Pure."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import NamedTuple

from payments.fees.terms import Item, Line

PER_FEE_ITEM = "per_fee_item"


@dataclass(frozen=True, slots=True)
class DraftLine:
    """One fee item of one pupil, charged and described; ``amount = quantity x price - relief`` in đồng."""

    receiving_account_id: int
    fee_item_id: int
    fee_code: str
    description: str
    legal_group: str
    mandatory: bool
    quantity: int
    unit_price_vnd: int
    relief_vnd: int
    amount_vnd: int
    legal_basis: str


@dataclass(frozen=True)
class Sheet:
    """What an invoice says, whoever it is for: pupils who are charged the same share one.

    ``group_key`` is the fee code when items stand on invoices of their own, else empty.
    """

    receiving_account_id: int
    group_key: str
    lines: tuple[DraftLine, ...]

    @cached_property
    def amount_vnd(self) -> int:
        """What is due, in đồng."""
        return sum(line.amount_vnd for line in self.lines)

    @cached_property
    def mandatory_vnd(self) -> int:
        """The part of it that is a debt, in đồng."""
        return sum(line.amount_vnd for line in self.lines if line.mandatory)

    @cached_property
    def sha256(self) -> bytes:
        """Fingerprint of everything it says."""
        return hashlib.sha256(repr(self).encode()).digest()


class Draft(NamedTuple):
    """An invoice to be."""

    pupil_id: int
    sheet: Sheet

    @property
    def key(self) -> tuple[int, int, str]:
        """With the round: the key of ``invoice_current``."""
        return self.pupil_id, self.sheet.receiving_account_id, self.sheet.group_key


def draft_line(fee_item_id: int, receiving_account_id: int, item: Item, line: Line) -> DraftLine:
    """Describe a computed line as it will stand on the invoice: «Tiền ăn bán trú: 22 ngày × 30.000»."""
    return DraftLine(
        receiving_account_id=receiving_account_id,
        fee_item_id=fee_item_id,
        fee_code=item.code,
        description=f"{item.name}: {line.explanation.vi}",
        legal_group=item.legal_group.value,
        mandatory=item.mandatory,
        quantity=line.quantity,
        unit_price_vnd=line.unit_price_vnd,
        relief_vnd=line.relief_vnd,
        amount_vnd=line.amount_vnd,
        legal_basis=item.legal_basis,
    )


def draft_sheets(lines: Sequence[DraftLine], grouping: str) -> list[Sheet]:
    """Group a pupil's lines into invoices: one receiving account each, one fee item each if the school wants it so.

    Lines keep their order. Whoever owes nothing gets no invoice; a line of nothing (full exemption) stands beside
    lines that cost something, so that the parent sees it was not forgotten.
    """

    def key(line: DraftLine) -> tuple[int, str]:
        return line.receiving_account_id, line.fee_code if grouping == PER_FEE_ITEM else ""

    sheets = [
        Sheet(account_id, group_key, tuple(grouped))
        for (account_id, group_key), grouped in groupby(sorted(lines, key=key), key)
    ]
    return [sheet for sheet in sheets if sheet.amount_vnd > 0]


def fingerprint(drafts: Iterable[Draft]) -> str:
    """SHA-256 over everything that the invoices of a round will say; what was approved is what is issued."""
    digest = hashlib.sha256()
    for pupil_id, sheet in drafts:
        digest.update(b"%d:%b" % (pupil_id, sheet.sha256))
    return digest.hexdigest()
