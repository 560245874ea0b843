"""What a transfer without a usable reference may be meant for: hints for a person, never acted on. Pure.

Each hint says by its chips why it is one. A tie is shown as a tie or not at all (invariant I12): if more invoices than
``MANY`` have nothing but the amount in common with the transfer, none of them is a hint.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar

from payments.schools.rules import search_key
from payments.settlement import reasons
from payments.settlement.rules import OWN_ACCOUNT, Invoice, Reading, SettlementOutcome, Transfer

MANY = 5
SHORTEST_IDENTIFIER = 8
"""A pupil's identifier that is shorter may stand in a memo by chance."""

Hint = dict[str, Any]
"""``invoice_ids``, ``chips`` for it, chips ``against`` it, ``score`` 0–99 (payments/settlement/reasons.py); where they
are meant, ``differs_vnd`` and ``rivals``."""
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
    due_on: date | None = None
    sector_id: str = ""
    owed_vnd: int = 0
    """The mandatory part of what is open: what pages, slips and counters ask for."""

    def is_asked(self, amount_vnd: int) -> bool:
        """Whether it is what the family was asked for, or all that is open."""
        return amount_vnd in {self.open_vnd, self.owed_vnd}


@dataclass(frozen=True, slots=True)
class Near:
    """Invoices whose reference is one slip away from the memo, or begins like a reference that was cut off there."""

    slips: frozenset[int] = frozenset()
    cut: frozenset[int] = frozenset()
    slips_of_bundles: tuple[tuple[int, ...], ...] = ()
    cut_of_bundles: tuple[tuple[int, ...], ...] = ()
    """The same of bundles: the invoices on the list of each."""

    @property
    def anything(self) -> bool:
        """Whether the memo holds what a reference may have been."""
        return bool(self.slips or self.cut or self.slips_of_bundles or self.cut_of_bundles)


@dataclass(slots=True)
class OpenBook:
    """The open invoices of a school, found by amount, pupil and class."""

    invoices: Sequence[OpenInvoice]
    by_amount: dict[tuple[int, int], list[OpenInvoice]] = field(init=False)
    by_pupil_key: dict[str, list[OpenInvoice]] = field(init=False)
    by_class: dict[str, list[OpenInvoice]] = field(init=False)
    by_sector_id: dict[str, list[OpenInvoice]] = field(init=False)
    by_pupil: dict[int, list[OpenInvoice]] = field(init=False)
    by_id: dict[int, list[OpenInvoice]] = field(init=False)

    def __post_init__(self) -> None:
        self.by_amount = {}
        for one in self.invoices:
            for amount_vnd in {one.open_vnd, one.owed_vnd}:
                self.by_amount.setdefault((one.account_id, amount_vnd), []).append(one)
        self.by_pupil_key = _grouped(self.invoices, lambda one: one.pupil_key)
        self.by_class = _grouped(self.invoices, lambda one: one.class_name)
        self.by_sector_id = _grouped(self.invoices, lambda one: one.sector_id.lower())
        self.by_pupil = _grouped(self.invoices, lambda one: one.pupil_id)
        self.by_id = _grouped(self.invoices, lambda one: one.id)


def words(text: str) -> str:
    """A memo as lower-case words without diacritics, one blank before, between and after them."""
    return f" {search_key(_NOT_IN_WORDS.sub(' ', text))} "


def names_class(memo: str, class_name: str) -> bool:
    """Tell whether words of a memo name a class: «LOP 3A2», «lớp Lá 2», «lop3a2», «GVCN 6/4», «GVCN lớp 1A»."""
    wanted = "".join(words(class_name).split())
    found = _CLASS_COMES.finditer(memo)
    return bool(wanted) and any(wanted in _beginnings(memo[match.end() :].split()) for match in found)


def hint_at(
    transfer: Transfer,
    near: Near,
    book: OpenBook,
    payers: Collection[int] = (),
    reported: Collection[tuple[int, int | None]] = (),
) -> tuple[SettlementOutcome, list[Hint]]:
    """Why no machine may decide, and what a person may look at first: damaged, lump or unknown.

    ``payers``: pupils for whom money came before from the account, or under the name, of this transfer. ``reported``:
    (pupil, invoice or None) for which somebody gave the bank's number of this transfer.
    """
    memo = words(transfer.description)
    named = {name for name in book.by_class if names_class(memo, name)}
    chips = _chips(transfer, memo, near, named, book)
    for pupil_id in payers:
        for invoice in book.by_pupil.get(pupil_id, ()):
            chips[invoice.id].add("payer_known")
    for pupil_id, invoice_id in reported:
        for one in _reported(book, pupil_id, invoice_id):
            chips[one].add("payer_reported")
    hints = _ranked(
        [*_singles(transfer, named, book, chips), *_sums(transfer, book, chips), *_bundles(transfer, near, book)]
    )
    if near.anything:
        return SettlementOutcome.DAMAGED, hints
    lump = _lump(transfer, named, book)
    if lump is not None:
        return SettlementOutcome.LUMP, [lump, *hints]
    return SettlementOutcome.UNKNOWN, hints


def hint_at_several(named: Sequence[Invoice], paid_vnd: Mapping[int, int], amount_vnd: int) -> list[Hint]:
    """The invoices that a transfer names though their sum is another one; a chip says when all that is open fits."""
    open_vnd = sum(invoice.open_vnd(paid_vnd[invoice.id]) for invoice in named if invoice.live)
    chips = ["named", "open_sum"] if open_vnd == amount_vnd else ["named"]
    return [hint([invoice.id for invoice in named], chips, differs_vnd=amount_vnd - open_vnd)]


def hint_at_both(named: Sequence[Invoice], reading: Reading, open_book: Sequence[OpenInvoice]) -> list[Hint]:
    """What the memo names, and what is open for the pupil on whose own account the money came; neither is preferred."""
    transfer = reading.transfer
    mine = [one.id for one in open_book if (one.pupil_id, one.account_id) == (transfer.owner_id, transfer.account_id)]
    sides = [(ids, chip) for ids, chip in (([one.id for one in named], "named"), (mine, OWN_ACCOUNT)) if ids]
    return [hint(ids, [chip], rivals=len(sides)) for ids, chip in sides]


def hint(
    ids: Sequence[int], chips: Iterable[str], *, differs_vnd: int = 0, rivals: int = 1, paid_up: bool = False
) -> Hint:
    """A suggestion as it is stored; ``differs_vnd``: by how much the transfer is more than what is open."""
    against = (
        ["paid_up"] * paid_up + ["rivals"] * (rivals > 1) + ["amount_differs"] * (differs_vnd != 0 and not paid_up)
    )
    made: Hint = {"invoice_ids": list(ids), "chips": reasons.ordered(chips), "against": against}
    made["score"] = reasons.score(made["chips"], against)
    if "amount_differs" in against:
        made["differs_vnd"] = differs_vnd
    if rivals > 1:
        made["rivals"] = rivals
    return made


@dataclass(frozen=True, slots=True)
class _Candidate:
    """Invoices that may be meant together, and why."""

    ids: tuple[int, ...]
    pupils: frozenset[int]
    chips: frozenset[str]
    differs_vnd: int = 0
    paid_up: bool = False


def _chips(transfer: Transfer, memo: str, near: Near, named: set[str], book: OpenBook) -> dict[int, set[str]]:
    """Invoice id -> what the memo and the amount say for it."""
    chips: dict[int, set[str]] = defaultdict(set)
    for chip, ids in (("near_reference", near.slips), ("cut_reference", near.cut)):
        for invoice_id in ids:
            chips[invoice_id].add(chip)
    for chip, by_text in (("pupil_named", book.by_pupil_key), ("sector_id", book.by_sector_id)):
        shortest = SHORTEST_IDENTIFIER if chip == "sector_id" else 1
        for text, invoices in by_text.items():
            if len(text) >= shortest and f" {text} " in memo:
                for invoice in invoices:
                    chips[invoice.id].add(chip)
    same = book.by_amount.get((transfer.account_id, transfer.amount_vnd), [])
    for invoice in same:
        if len(same) <= MANY or invoice.class_name in named or invoice.id in chips:
            chips[invoice.id].add("same_amount")
    return chips


def _singles(
    transfer: Transfer, named: set[str], book: OpenBook, chips: Mapping[int, set[str]]
) -> Iterator[_Candidate]:
    """Each invoice with a chip, and all that is to be said about it."""
    known = {invoice.id: invoice for invoice in book.invoices if invoice.id in chips}
    for invoice_id, found in chips.items():
        invoice = known.get(invoice_id)
        if invoice is None:  # Named by a near reference, and nothing is open on it any more.
            yield _Candidate((invoice_id,), frozenset({-invoice_id}), frozenset(found), paid_up=True)
            continue
        some = found | _circumstances(transfer, invoice, named)
        if {"pupil_named", "class_named"} <= some:
            some = some - {"pupil_named", "class_named"} | {"name_and_class"}
        differs_vnd = 0 if invoice.is_asked(transfer.amount_vnd) else transfer.amount_vnd - invoice.open_vnd
        yield _Candidate((invoice.id,), frozenset({invoice.pupil_id}), frozenset(some), differs_vnd)


def _reported(book: OpenBook, pupil_id: int, invoice_id: int | None) -> list[int]:
    """The invoice that a payer named, while something is open on it; else all that is open for the pupil."""
    if invoice_id in book.by_id:
        return [invoice_id] if invoice_id is not None else []
    mine = [one.id for one in book.by_pupil.get(pupil_id, ())]
    return mine or ([invoice_id] if invoice_id is not None else [])


def _circumstances(transfer: Transfer, invoice: OpenInvoice, named: set[str]) -> set[str]:
    holds = {
        "same_account": invoice.account_id == transfer.account_id,
        "class_named": invoice.class_name in named,
        "same_amount": invoice.is_asked(transfer.amount_vnd),
        "in_time": invoice.due_on is not None and transfer.value_date <= invoice.due_on,
    }
    return {chip for chip, true in holds.items() if true}


def _sums(transfer: Transfer, book: OpenBook, chips: Mapping[int, set[str]]) -> Iterator[_Candidate]:
    """All that a pupil has open on the account, or all together of whom something speaks, where it is the sum."""
    pupils = {invoice.pupil_id for key in chips for invoice in book.by_id.get(key, ())}
    groups = [{pupil_id} for pupil_id in sorted(pupils)] + ([pupils] if 1 < len(pupils) <= MANY else [])
    for group in groups:
        mine = [one for pupil in sorted(group) for one in book.by_pupil[pupil] if one.account_id == transfer.account_id]
        if len(mine) < 2 or sum(one.open_vnd for one in mine) != transfer.amount_vnd:
            continue
        said = set().union(*(chips.get(one.id, set()) for one in mine)) - {"same_amount"}
        if said:
            yield _Candidate(
                tuple(one.id for one in mine), frozenset(group), frozenset(said | {"open_sum", "same_account"})
            )


def _bundles(transfer: Transfer, near: Near, book: OpenBook) -> Iterator[_Candidate]:
    """What is open of bundles whose reference is near."""
    for chip, lists in (("near_reference", near.slips_of_bundles), ("cut_reference", near.cut_of_bundles)):
        for ids in lists:
            mine = [invoice for key in ids for invoice in book.by_id.get(key, ())]
            is_asked = transfer.amount_vnd == sum(one.owed_vnd for one in mine)
            differs_vnd = 0 if is_asked else transfer.amount_vnd - sum(one.open_vnd for one in mine)
            holds = {
                chip: True,
                "open_sum": differs_vnd == 0,
                "same_account": all(one.account_id == transfer.account_id for one in mine),
            }
            chips = frozenset(chip for chip, true in holds.items() if true)
            pupils = frozenset(one.pupil_id for one in mine)
            if mine:
                yield _Candidate(tuple(one.id for one in mine), pupils, chips, differs_vnd)


def _ranked(candidates: Iterable[_Candidate]) -> list[Hint]:
    """The best hints first, at most ``MANY``; of whom the same can be said, each is told to have rivals."""
    found = list(candidates)
    alike: dict[frozenset[str], set[int]] = defaultdict(set)
    for one in found:
        if not one.paid_up:
            alike[one.chips] |= one.pupils
    hints = [
        hint(
            one.ids,
            one.chips,
            differs_vnd=one.differs_vnd,
            rivals=1 if one.paid_up or len(one.ids) > 1 else len(alike[one.chips]),
            paid_up=one.paid_up,
        )
        for one in found
    ]
    return sorted(hints, key=lambda made: (-made["score"], made["invoice_ids"]))[:MANY]


def _lump(transfer: Transfer, named: set[str], book: OpenBook) -> Hint | None:
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
            return hint([invoice.id for invoice in mine] if whole else [], chips)
    return None


def _beginnings(parts: Sequence[str]) -> set[str]:
    """«3a2 nop tien» -> 3a2, 3a2nop, 3a2noptien: a class's name may be written in several words."""
    return {"".join(parts[:count]) for count in range(1, 5)}


def _grouped(invoices: Iterable[OpenInvoice], key: Callable[[OpenInvoice], K]) -> dict[K, list[OpenInvoice]]:
    groups: dict[K, list[OpenInvoice]] = defaultdict(list)
    for invoice in invoices:
        groups[key(invoice)].append(invoice)
    return dict(groups)
