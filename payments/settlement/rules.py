"""Which invoices a transfer is meant for: decided from its references alone, never from what arrived before it.

A transfer makes *claims*: so much for this invoice. What a claim becomes (paid or credit) is the fold of all claims of
an invoice (payments/settlement/folding.py). Both depend on the facts only, so the same facts in any order give the
same paid amounts, credits and books (invariant I8).
"""

import enum
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from payments.settlement.filling import fillable, line_rank

MANY_SUCCESSORS = 50


class SettlementOutcome(enum.StrEnum):
    """The settlement keys of the one vocabulary (docs/glossary.md)."""

    EXACT = "exact"
    SHORT = "short"
    OVER = "over"
    TWICE = "twice"
    SEVERAL = "several"
    REPLACED = "replaced"
    REVERSAL = "reversal"
    DAMAGED = "damaged"
    UNKNOWN = "unknown"
    LUMP = "lump"
    WRONG_FUND = "wrong_fund"
    OTHER_PUPIL = "other_pupil"
    ASSIGNED = "assigned"
    DEBIT = "debit"
    PAYOUT = "payout"
    EXCLUDED = "excluded"
    """A person said that it is no fee money."""
    REFUND = "refund"
    """Money that goes back to its payer, and the bank's debit that took it there."""


LATE = "late"
"""A flag beside the outcome: after the due date, or in a closed round."""
OWN_ACCOUNT = "own_account"
"""A flag: the memo names no invoice, the money came on the pupil's own account."""
REVOKED_NUMBER = "revoked_number"
"""A flag beside it: that account had been revoked before the money came."""
BUNDLE = "bundle"
"""A flag: the memo names a bundle, the money pays what is open of its invoices."""


@dataclass(frozen=True, slots=True)
class Line:
    """One fee item of an invoice."""

    id: int
    fee_item_id: int
    line_no: int
    legal_group: str
    mandatory: bool
    amount_vnd: int
    chosen: bool = False
    """Voluntary, and the family takes part (or money stood on it before families chose): money may fill it."""
    declined: bool = False
    """Voluntary, and the family said that it does not take part."""
    turn: int = 0
    """Sorts chosen lines by when they were chosen; 0 for all others."""

    @property
    def asked(self) -> bool:
        """Whether somebody is asked for it: it is owed, or chosen."""
        return self.mandatory or self.chosen

    @property
    def rank(self) -> tuple[object, ...]:
        """Place in the order of allocation."""
        return line_rank(self.mandatory, self.turn, self.legal_group, self.line_no)


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice as settlement sees it; ``lines`` in any order."""

    id: int
    pupil_id: int
    account_id: int
    reference: str
    amount_vnd: int
    due_on: date
    round_closed: bool
    live: bool
    """False: replaced or cancelled. It takes no money, its successor or the pupil's credit does."""
    successor_id: int | None
    lines: tuple[Line, ...] = ()

    def fillable(self, paid_vnd: Collection[int]) -> list[Line]:
        """The lines that payments of such amounts for this very invoice may fill, in the order of allocation."""
        return fillable(self.lines, paid_vnd)

    def open_vnd(self, paid_vnd: int) -> int:
        """Most that it takes after so much, in đồng; what comes beyond is credit."""
        return sum(line.amount_vnd for line in self.fillable([paid_vnd])) - paid_vnd


@dataclass(frozen=True, slots=True)
class Bundle:
    """Invoices that one transfer shall pay together, as far as they are open."""

    id: int
    account_id: int
    reference: str
    invoice_ids: tuple[int, ...]
    """As they were when it was made, in the order of its list."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """Money that came in on one of the school's accounts."""

    id: int
    account_id: int
    amount_vnd: int
    value_date: date
    occurred_at: datetime
    references: tuple[str, ...]
    description: str = ""
    is_owed: bool = False
    """An intermediary owes it; it is not on the bank account yet."""
    owner_id: int | None = None
    """The pupil whose own account the money came on."""
    number_revoked: bool = False
    """That account had been revoked before."""


@dataclass(frozen=True, slots=True)
class Claim:
    """So much of a transfer is meant for this invoice."""

    transfer: Transfer
    invoice_id: int
    amount_vnd: int


@dataclass(frozen=True, slots=True)
class Reading:
    """What a transfer is meant for; without claims a person decides."""

    transfer: Transfer
    outcome: SettlementOutcome | None
    """Fixed by the reading itself (several, replaced, wrong_fund, assigned); None: the amounts say it."""
    claims: tuple[Claim, ...] = ()
    flags: tuple[str, ...] = ()
    owner_id: int | None = None
    """The pupil whose invoices of the account it pays, as far as they are open, because nothing names one."""
    credits: tuple[tuple[int, int], ...] = ()
    """(pupil id, đồng) that a person gave to pupils as credit, whatever they owe."""
    bundle: Bundle | None = None
    """What it pays as far as it is open, because the memo names nothing else."""

    @property
    def takes_what_is_open(self) -> bool:
        """Whether its places depend on what all claims leave open."""
        return self.owner_id is not None or self.bundle is not None

    @property
    def decides(self) -> bool:
        """Whether the money goes somewhere without a person."""
        return bool(self.claims) or self.takes_what_is_open


@dataclass(frozen=True, slots=True)
class Shares:
    """What a person decided about a transfer, in the decided order; it is replayed unchanged (invariant I12)."""

    invoices: tuple[tuple[int, int], ...] = ()
    """(invoice id, đồng)."""
    credits: tuple[tuple[int, int], ...] = ()
    """(pupil id, đồng): credit at the account where the money lies."""


@dataclass(frozen=True, slots=True)
class Book:
    """The invoices ever issued that a batch touches, with every successor of theirs."""

    invoices: Mapping[int, Invoice]
    by_reference: Mapping[str, int]
    bundles: Mapping[str, Bundle] = field(default_factory=dict)
    """By reference."""

    def named_by(self, transfer: Transfer) -> list[Invoice]:
        """The existing invoices that a transfer names, in order of position; of a bundle all that are on its list."""
        ids: list[int] = []
        for reference in transfer.references:
            if reference in self.by_reference:
                ids.append(self.by_reference[reference])
            elif reference in self.bundles:
                ids += self.bundles[reference].invoice_ids
        return [self.invoices[invoice_id] for invoice_id in dict.fromkeys(ids)]

    def bundles_named_by(self, transfer: Transfer) -> list[Bundle]:
        """The existing bundles that a transfer names, in order of position."""
        return [self.bundles[reference] for reference in transfer.references if reference in self.bundles]

    def landing(self, invoice: Invoice) -> Invoice:
        """Where money for an invoice lands: itself, or the last of its successors."""
        for _ in range(MANY_SUCCESSORS):
            if invoice.live or invoice.successor_id is None:
                return invoice
            invoice = self.invoices[invoice.successor_id]
        raise ValueError(f"invoice {invoice.id} has no end of successors")


def read(transfer: Transfer, book: Book) -> Reading:
    """Read the references of a transfer.

    One invoice: it claims the whole amount, whatever it is. Several: the sum of their amounts must be the amount of
    the transfer, else a person decides. None: it is for the pupil on whose own account it came; what the memo names
    comes before that, and when all of it is another pupil's, a person decides. The frozen amounts count, not what is
    open: what is open depends on the order of arrival, and the same facts must give the same books in any order.

    A bundle alone pays what all claims leave open of its invoices (payments/settlement/folding.py). Beside other
    references it stands for the invoices on its list, of which each may be named once: «all of this, and this one of
    it» is a tie.
    """
    named = book.named_by(transfer)
    bundles = book.bundles_named_by(transfer)
    landing = {invoice.id: book.landing(invoice) for invoice in named}
    # An invoice and its successor in one memo are one thing to pay.
    first_named = {landing[invoice.id].id: invoice for invoice in reversed(named)}
    if not named:
        return _own(transfer)
    if transfer.owner_id is not None and all(invoice.pupil_id != transfer.owner_id for invoice in named):
        return Reading(transfer, SettlementOutcome.OTHER_PUPIL)
    if len(bundles) == 1 and _names_nothing_else(transfer, book):
        return _bundled(transfer, bundles[0], named, list(landing.values()))
    if len(first_named) == 1:
        return _single(transfer, named[0], landing[named[0].id])
    claims = tuple(
        Claim(transfer, landing[invoice.id].id, invoice.amount_vnd)
        for invoice in named
        if first_named[landing[invoice.id].id] is invoice
    )
    tied = bundles and not _are_apart(transfer, book)
    if tied or sum(claim.amount_vnd for claim in claims) != transfer.amount_vnd:
        return Reading(transfer, SettlementOutcome.SEVERAL)
    return Reading(transfer, SettlementOutcome.SEVERAL, claims, _circumstances(transfer, named, list(landing.values())))


def assigned(transfer: Transfer, shares: Shares, book: Book, former: str) -> Reading:
    """The reading of a person's decision; ``former`` is the outcome before."""
    named = [book.invoices[invoice_id] for invoice_id, _ in shares.invoices]
    landing = [book.landing(invoice) for invoice in named]
    merged: dict[int, int] = {}
    for target, (_, amount_vnd) in zip(landing, shares.invoices, strict=True):
        merged[target.id] = merged.get(target.id, 0) + amount_vnd
    claims = tuple(Claim(transfer, invoice_id, amount_vnd) for invoice_id, amount_vnd in merged.items() if amount_vnd)
    flags = (former, *_circumstances(transfer, named, landing))
    return Reading(transfer, SettlementOutcome.ASSIGNED, claims, tuple(dict.fromkeys(flags)), credits=shares.credits)


def split_in_order(amount_vnd: int, open_vnd: Sequence[int]) -> list[int]:
    """Share an amount over open amounts in order until it is used up; the last one takes the rest."""
    shares: list[int] = []
    for room_vnd in open_vnd[:-1]:
        shares.append(min(room_vnd, amount_vnd - sum(shares)))
    return [*shares, amount_vnd - sum(shares)]


def _own(transfer: Transfer) -> Reading:
    if transfer.owner_id is None:
        return Reading(transfer, SettlementOutcome.UNKNOWN)
    flags = (OWN_ACCOUNT, REVOKED_NUMBER) if transfer.number_revoked else (OWN_ACCOUNT,)
    return Reading(transfer, None, (), flags, transfer.owner_id)


def _names_nothing_else(transfer: Transfer, book: Book) -> bool:
    known = [one for one in transfer.references if one in book.by_reference or one in book.bundles]
    return len(known) == 1


def _are_apart(transfer: Transfer, book: Book) -> bool:
    """Whether no invoice is named twice, by itself, by a bundle or by what it replaces."""
    lists = [bundle.invoice_ids for bundle in book.bundles_named_by(transfer)]
    lists.append(tuple(book.by_reference[one] for one in transfer.references if one in book.by_reference))
    landing = [{book.landing(book.invoices[invoice_id]).id for invoice_id in ids} for ids in lists]
    return sum(map(len, landing)) == len(set().union(*landing))


def _bundled(transfer: Transfer, bundle: Bundle, named: Sequence[Invoice], landing: Sequence[Invoice]) -> Reading:
    """The money of a bundle; whether it is late depends on what it pays, so the fold says it."""
    replaced = any(not invoice.live for invoice in named)
    wrong = transfer.account_id != bundle.account_id or any(one.account_id != bundle.account_id for one in landing)
    flags = (BUNDLE, SettlementOutcome.REPLACED.value) if replaced else (BUNDLE,)
    return Reading(transfer, SettlementOutcome.WRONG_FUND if wrong else None, (), flags, bundle=bundle)


def _single(transfer: Transfer, named: Invoice, landing: Invoice) -> Reading:
    claims = (Claim(transfer, landing.id, transfer.amount_vnd),)
    keys = _circumstances(transfer, [named], [landing])
    fixed = [key for key in (SettlementOutcome.REPLACED, SettlementOutcome.WRONG_FUND) if key in keys]
    outcome = fixed[0] if fixed else None
    return Reading(transfer, outcome, claims, tuple(key for key in keys if key != outcome))


def _circumstances(transfer: Transfer, named: Sequence[Invoice], landing: Sequence[Invoice]) -> tuple[str, ...]:
    """The keys that hold whatever the amounts are."""
    keys = {
        SettlementOutcome.REPLACED: any(not invoice.live for invoice in named),
        SettlementOutcome.WRONG_FUND: any(invoice.account_id != transfer.account_id for invoice in landing),
        LATE: any(invoice.round_closed or transfer.value_date > invoice.due_on for invoice in landing),
    }
    return tuple(str(key) for key, holds in keys.items() if holds)
