"""What a transfer without a usable reference may be meant for: hints for a person, never acted on. Pure.

Each hint says by its chips why it is one. A tie is shown as a tie or not at all (invariant I12): if more invoices than
``MANY`` have nothing but the amount in common with the transfer, none of them is a hint.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from payments.schools.rules import search_key
from payments.settlement.rules import OWN_ACCOUNT, Invoice, Reading, SettlementOutcome, Transfer

MANY = 5
CHIPS = {
    "near_reference": 8,
    "cut_reference": 6,
    "pupil_named": 4,
    "same_amount": 3,
    "class_named": 2,
    "same_account": 1,
}
"""Reason -> weight in the order of hints."""

K = TypeVar("K", bound=Hashable)
_NOT_IN_WORDS = re.compile(r"[\W_]+")
_CLASS_COMES = re.compile(r" (?:gvcn lop|gvcn|lop) ?")


@dataclass(frozen=True, slots=True)
class OpenInvoice:
    """An invoice with something open, and the words by which a memo may mean it."""

    id: int
    reference: str
    pupil_id: int
    pupil_key: str
    class_name: str
    account_id: int
    open_vnd: int


@dataclass(frozen=True, slots=True)
class Near:
    """Invoices whose reference is one slip away from the memo, or begins like a reference that was cut off there."""

    slips: frozenset[int] = frozenset()
    cut: frozenset[int] = frozenset()


@dataclass(slots=True)
class OpenBook:
    """The open invoices of a school, found by amount, pupil and class."""

    invoices: Sequence[OpenInvoice]
    by_amount: dict[tuple[int, int], list[OpenInvoice]] = field(init=False)
    by_pupil_key: dict[str, list[OpenInvoice]] = field(init=False)
    by_class: dict[str, list[OpenInvoice]] = field(init=False)

    def __post_init__(self) -> None:
        self.by_amount = _grouped(self.invoices, lambda one: (one.account_id, one.open_vnd))
        self.by_pupil_key = _grouped(self.invoices, lambda one: one.pupil_key)
        self.by_class = _grouped(self.invoices, lambda one: one.class_name)


def words(text: str) -> str:
    """A memo as lower-case words without diacritics, one blank before, between and after them."""
    return f" {search_key(_NOT_IN_WORDS.sub(' ', text))} "


def names_class(memo: str, class_name: str) -> bool:
    """Tell whether words of a memo name a class: «LOP 3A2», «lớp Lá 2», «lop3a2», «GVCN 6/4», «GVCN lớp 1A»."""
    wanted = "".join(words(class_name).split())
    found = _CLASS_COMES.finditer(memo)
    return bool(wanted) and any(wanted in _beginnings(memo[match.end() :].split()) for match in found)


def hint_at(transfer: Transfer, near: Near, book: OpenBook) -> tuple[SettlementOutcome, list[dict[str, Any]]]:
    """Why no machine may decide, and what a person may look at first: damaged, lump or unknown."""
    memo = words(transfer.description)
    named = {name for name in book.by_class if names_class(memo, name)}
    hints = _ranked(_chips(transfer, memo, near, named, book))
    if near.slips or near.cut:
        return SettlementOutcome.DAMAGED, hints
    lump = _lump(transfer, named, book)
    if lump is not None:
        return SettlementOutcome.LUMP, [lump, *hints]
    return SettlementOutcome.UNKNOWN, hints


def hint_at_several(named: Sequence[Invoice], paid_vnd: Mapping[int, int], amount_vnd: int) -> list[dict[str, Any]]:
    """The invoices that a transfer names though their sum is another one; a chip says when all that is open fits."""
    open_vnd = sum(invoice.amount_vnd - paid_vnd[invoice.id] for invoice in named if invoice.live)
    chips = ["named", "open_sum"] if open_vnd == amount_vnd else ["named"]
    return [{"invoice_ids": [invoice.id for invoice in named], "chips": chips}]


def hint_at_both(named: Sequence[Invoice], reading: Reading, open_book: Sequence[OpenInvoice]) -> list[dict[str, Any]]:
    """What the memo names, and what is open for the pupil on whose own account the money came; neither is preferred."""
    transfer = reading.transfer
    mine = [one.id for one in open_book if (one.pupil_id, one.account_id) == (transfer.owner_id, transfer.account_id)]
    sides = [([invoice.id for invoice in named], "named"), (mine, OWN_ACCOUNT)]
    return [{"invoice_ids": ids, "chips": [chip]} for ids, chip in sides if ids]


def _chips(
    transfer: Transfer, memo: str, near: Near, named: set[str], book: OpenBook
) -> dict[int, tuple[OpenInvoice | None, set[str]]]:
    """Invoice id -> the open invoice, if it is open, and its chips."""
    chips: dict[int, set[str]] = defaultdict(set)
    for chip, ids in (("near_reference", near.slips), ("cut_reference", near.cut)):
        for invoice_id in ids:
            chips[invoice_id].add(chip)
    for key, invoices in book.by_pupil_key.items():
        if f" {key} " in memo:
            for invoice in invoices:
                chips[invoice.id].add("pupil_named")
    same = book.by_amount.get((transfer.account_id, transfer.amount_vnd), [])
    for invoice in same:
        if len(same) <= MANY or invoice.class_name in named or invoice.id in chips:
            chips[invoice.id].add("same_amount")
    known = {invoice.id: invoice for invoice in book.invoices if invoice.id in chips}
    for invoice in known.values():
        chips[invoice.id] |= {"same_account"} if invoice.account_id == transfer.account_id else set()
        chips[invoice.id] |= {"class_named"} if invoice.class_name in named else set()
        chips[invoice.id] |= {"same_amount"} if invoice.open_vnd == transfer.amount_vnd else set()
    return {invoice_id: (known.get(invoice_id), found) for invoice_id, found in chips.items()}


def _ranked(chips: Mapping[int, tuple[OpenInvoice | None, set[str]]]) -> list[dict[str, Any]]:
    """The best hints first, at most ``MANY``."""
    weights = {invoice_id: sum(CHIPS[chip] for chip in found) for invoice_id, (_, found) in chips.items()}
    best = sorted(chips, key=lambda invoice_id: (-weights[invoice_id], invoice_id))[:MANY]
    return [{"invoice_ids": [key], "chips": sorted(chips[key][1], key=lambda chip: -CHIPS[chip])} for key in best]


def _lump(transfer: Transfer, named: set[str], book: OpenBook) -> dict[str, Any] | None:
    """One transfer for a class: it names the class and is more than any one pupil owes, or is all that a class owes.

    What one invoice asks for is one payment first: a class that owes as much and is not named owes it by chance.
    """
    asked_by_one = (transfer.account_id, transfer.amount_vnd) in book.by_amount
    for class_name, invoices in sorted(book.by_class.items()):
        mine = [invoice for invoice in invoices if invoice.account_id == transfer.account_id]
        owed: dict[int, int] = defaultdict(int)
        for invoice in mine:
            owed[invoice.pupil_id] += invoice.open_vnd
        if len(owed) < (2 if class_name in named else 3) or (asked_by_one and class_name not in named):
            continue
        whole = sum(owed.values()) == transfer.amount_vnd
        chips = (["class_named"] if class_name in named else []) + (["whole_class"] if whole else [])
        if whole or (class_name in named and transfer.amount_vnd > max(owed.values())):
            return {"invoice_ids": [invoice.id for invoice in mine] if whole else [], "chips": chips}
    return None


def _beginnings(parts: Sequence[str]) -> set[str]:
    """«3a2 nop tien» -> 3a2, 3a2nop, 3a2noptien: a class's name may be written in several words."""
    return {"".join(parts[:count]) for count in range(1, 5)}


def _grouped(invoices: Iterable[OpenInvoice], key: Callable[[OpenInvoice], K]) -> dict[K, list[OpenInvoice]]:
    groups: dict[K, list[OpenInvoice]] = defaultdict(list)
    for invoice in invoices:
        groups[key(invoice)].append(invoice)
    return dict(groups)
