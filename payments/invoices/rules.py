"""From charged lines to invoices: grouping, what is due, and a fingerprint of a whole round. Pure."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

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


@dataclass(frozen=True, slots=True)
class Draft:
    """An invoice to be: one pupil, one receiving account; ``group_key`` is the fee code when items stand alone."""

    pupil_id: int
    receiving_account_id: int
    group_key: str
    lines: tuple[DraftLine, ...]

    @property
    def amount_vnd(self) -> int:
        """What is due, in đồng."""
        return sum(line.amount_vnd for line in self.lines)

    @property
    def mandatory_vnd(self) -> int:
        """The part of it that is a debt, in đồng."""
        return sum(line.amount_vnd for line in self.lines if line.mandatory)

    @property
    def key(self) -> tuple[int, int, str]:
        """With the round: the key of ``invoice_current``."""
        return self.pupil_id, self.receiving_account_id, self.group_key


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


def draft_invoices(pupil_id: int, lines: Sequence[DraftLine], grouping: str) -> list[Draft]:
    """Group a pupil's lines into invoices: one receiving account each, one fee item each if the school wants it so.

    Lines keep their order. A pupil with nothing due gets no invoice; a line of nothing (full exemption) stands beside
    lines that cost something, so that the parent sees it was not forgotten.
    """

    def key(line: DraftLine) -> tuple[int, str]:
        return line.receiving_account_id, line.fee_code if grouping == PER_FEE_ITEM else ""

    drafts = [
        Draft(pupil_id, account_id, group_key, tuple(grouped))
        for (account_id, group_key), grouped in groupby(sorted(lines, key=key), key)
    ]
    return [draft for draft in drafts if draft.amount_vnd > 0]


def fingerprint(drafts: Iterable[Draft]) -> str:
    """SHA-256 over everything that the invoices of a round will say; what was approved is what is issued."""
    digest = hashlib.sha256()
    for draft in drafts:
        digest.update(repr((draft.key, [_spelled(line) for line in draft.lines])).encode())
    return digest.hexdigest()


def _spelled(line: DraftLine) -> tuple[object, ...]:
    return (
        line.fee_item_id,
        line.description,
        line.legal_group,
        line.mandatory,
        line.quantity,
        line.unit_price_vnd,
        line.relief_vnd,
        line.amount_vnd,
        line.legal_basis,
    )
