"""How an invoice is filled: the fold of all claims on it, in an order that the facts alone give. Pure.

A voluntary line that nobody chose takes nothing (docs/adr/0031): it is asked of nobody. What was chosen is filled after
what is owed; who pays in one sum all that is printed has chosen all of it.

A batch computes the new fold of every invoice that it touches and writes the difference to what stood before. So a
payment that arrives late, a reversal, a replaced invoice and a person's undo are one and the same thing: the set of
claims changed.

Money that names no single invoice comes after all claims: a bundle's pays what they leave open of the invoices on its
list, money on a pupil's own account what they leave open of the pupil's invoices of that account, line by line in the
order of allocation (payments/settlement/pooling.py). The rest is credit, of a bundle's that of the last one's pupil.
The sums do not depend on dates: channels may date one transfer differently (docs/adr/0024).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from payments.settlement.pooling import Pot, share_out
from payments.settlement.rules import LATE, Book, Claim, Invoice, Line, Reading, SettlementOutcome, Transfer


@dataclass(frozen=True, slots=True)
class Share:
    """What became of one claim: đồng by line, the rest, and the key of its amount."""

    claim: Claim
    by_line: Mapping[int, int]
    excess_vnd: int
    key: SettlementOutcome


@dataclass(slots=True)
class Verdict:
    """What becomes of a transfer on the invoices of a fold."""

    reading: Reading
    allocated: dict[int, int] = field(default_factory=dict)
    """Line id -> đồng."""
    credit: dict[int, int] = field(default_factory=dict)
    """Pupil id -> đồng."""
    outcome: SettlementOutcome = SettlementOutcome.UNKNOWN
    flags: tuple[str, ...] = ()

    def by_pupil(self, pupil_of_line: Mapping[int, int]) -> dict[int, int]:
        """Pupil id -> đồng: all that it brings them; ``pupil_of_line``: line id -> pupil id."""
        sums: dict[int, int] = defaultdict(int, self.credit)
        for line_id, amount_vnd in self.allocated.items():
            sums[pupil_of_line[line_id]] += amount_vnd
        return dict(sums)


def fill(invoice: Invoice, claims: Iterable[Claim]) -> list[Share]:
    """Fill an invoice with its claims in the order of ``precedence``; a dead invoice takes nothing.

    A line is filled before the next one gets anything, so the paid amount of each line follows from their sum alone.
    """
    known = sorted(claims, key=lambda claim: precedence(invoice, claim))
    lines = invoice.fillable([claim.amount_vnd for claim in known]) if invoice.live else []
    room = {line.id: line.amount_vnd for line in lines}
    open_vnd = sum(room.values())
    owed_vnd = sum(line.amount_vnd for line in lines if line.mandatory)
    shares: list[Share] = []
    for claim in known:
        taken = min(open_vnd, claim.amount_vnd)
        key = amount_key(owed_vnd, open_vnd, claim)
        shares.append(Share(claim, _take(room, taken), claim.amount_vnd - taken, key))
        open_vnd -= taken
        owed_vnd = max(owed_vnd - taken, 0)
    return shares


def precedence(invoice: Invoice, claim: Claim) -> tuple[object, ...]:
    """Whose money pays first: what arrived on the invoice's own account, then the bank's dates.

    The account comes first because it decides on which account the credit lies. Of two claims that differ in nothing
    but their id it does not matter which comes first.
    """
    paid = claim.transfer
    return (
        paid.account_id != invoice.account_id,
        paid.account_id,
        paid.value_date,
        paid.occurred_at,
        -claim.amount_vnd,
        paid.id,
    )


def amount_key(owed_vnd: int, open_vnd: int, claim: Claim) -> SettlementOutcome:
    """The key of a claim that finds so much owed and open: what is open and not owed was chosen, but is no debt, so
    who leaves it open is not short.
    """
    if open_vnd == 0:
        return SettlementOutcome.TWICE
    if claim.amount_vnd > open_vnd:
        return SettlementOutcome.OVER
    return SettlementOutcome.SHORT if claim.amount_vnd < owed_vnd else SettlementOutcome.EXACT


def decide(readings: Sequence[Reading], book: Book, touched: Iterable[int]) -> dict[int, Verdict]:
    """Fold every touched invoice (ids) over all claims on it; verdicts by transfer id.

    ``readings`` holds all live transfers with claims on touched invoices, new ones and those that stood before.
    """
    touched_ids = sorted(set(touched))
    by_invoice: dict[int, list[Claim]] = defaultdict(list)
    for reading in readings:
        for claim in reading.claims:
            by_invoice[claim.invoice_id].append(claim)
    verdicts = {reading.transfer.id: Verdict(reading, credit=dict(reading.credits)) for reading in readings}
    keys: dict[int, list[SettlementOutcome]] = defaultdict(list)
    room: dict[int, int] = {}
    for invoice_id in touched_ids:
        invoice = book.invoices[invoice_id]
        room |= {line.id: line.amount_vnd for line in invoice.lines}
        for share in fill(invoice, by_invoice[invoice_id]):
            verdict = verdicts[share.claim.transfer.id]
            verdict.allocated.update(share.by_line)
            for line_id, amount_vnd in share.by_line.items():
                room[line_id] -= amount_vnd
            if share.excess_vnd:
                verdict.credit[invoice.pupil_id] = verdict.credit.get(invoice.pupil_id, 0) + share.excess_vnd
            if invoice.live:
                keys[share.claim.transfer.id].append(share.key)
    for transfer_id, verdict in verdicts.items():
        if not verdict.reading.takes_what_is_open:
            _name(verdict, keys[transfer_id])
    _decide_bundles(verdicts, book, room)
    _decide_own(verdicts, [book.invoices[invoice_id] for invoice_id in touched_ids], room)
    return verdicts


def _decide_bundles(verdicts: Mapping[int, Verdict], book: Book, room: dict[int, int]) -> None:
    """What becomes of money of bundles, shared out together with what is on pupils' own accounts."""
    by_pot: dict[tuple[object, ...], list[Verdict]] = defaultdict(list)
    for verdict in verdicts.values():
        bundle, paid = verdict.reading.bundle, verdict.reading.transfer
        if bundle is not None:
            # The older bundle first, and of one bundle what came on its own account.
            by_pot[bundle.id, paid.account_id != bundle.account_id, paid.account_id].append(verdict)
    if not by_pot:
        return
    turns = [sorted(by_pot[key], key=lambda one: by_bank_dates(one.reading.transfer)) for key in sorted(by_pot)]
    lists = [_listed(turn[0].reading, book) for turn in turns]
    pots = [
        Pot(sum(one.reading.transfer.amount_vnd for one in turn), frozenset(line.id for _, line in listed))
        for turn, listed in zip(turns, lists, strict=True)
    ]
    lines = _in_order(invoice for invoice in book.invoices.values() if invoice.live)
    purses = _purses(verdicts.values())
    own = [
        Pot(
            sum(paid.amount_vnd for paid in transfers),
            frozenset(line.id for invoice, line in lines if (invoice.pupil_id, invoice.account_id) == purse),
        )
        for purse, transfers in sorted(purses.items())
    ]
    share_out([*pots, *own], {line.id: room[line.id] for _, line in lines if line.id in room})
    for pot in pots:
        for line_id, paid_vnd in pot.pays.items():
            room[line_id] -= paid_vnd
    for turn, listed, pot in zip(turns, lists, pots, strict=True):
        _settle_pot(turn, listed, pot, room, book)


def _listed(reading: Reading, book: Book) -> list[tuple[Invoice, Line]]:
    """The lines that a bundle's money may pay, in the order of allocation."""
    ids = reading.bundle.invoice_ids if reading.bundle else ()
    landing = {one.id: one for one in (book.landing(book.invoices[invoice_id]) for invoice_id in ids)}
    return _in_order(one for one in landing.values() if one.live)


def _in_order(invoices: Iterable[Invoice]) -> list[tuple[Invoice, Line]]:
    """What is asked for of several invoices in the order of allocation: what is owed before what a family chose, in the
    order in which it did; then oldest due.

    Pages ask for what is owed; a voluntary line of an older notice must not take it from a younger debt.
    """
    lines = ((invoice, line) for invoice in invoices for line in invoice.lines if line.asked)
    return sorted(lines, key=lambda one: (not one[1].mandatory, one[1].turn, one[0].due_on, one[1].rank, one[0].id))


def _settle_pot(
    turn: Sequence[Verdict], listed: Sequence[tuple[Invoice, Line]], pot: Pot, room: Mapping[int, int], book: Book
) -> None:
    """Give each transfer of a bundle its part of what they pay together; the rest is credit of the last one's pupil."""
    pays = {line.id: pot.pays[line.id] for _, line in listed if line.id in pot.pays}
    owed = [line.id for _, line in listed if line.mandatory]
    still_open = any(room[line_id] for line_id in owed)
    for verdict in turn:
        reading, transfer = verdict.reading, verdict.reading.transfer
        verdict.allocated = _take(pays, transfer.amount_vnd)
        excess_vnd = transfer.amount_vnd - sum(verdict.allocated.values())
        short = still_open or any(pays.get(line_id) for line_id in owed)
        found = SettlementOutcome.SHORT if short else SettlementOutcome.EXACT
        if excess_vnd:
            last = book.invoices[reading.bundle.invoice_ids[-1]] if reading.bundle else listed[-1][0]
            verdict.credit = {last.pupil_id: excess_vnd}
            found = SettlementOutcome.OVER if verdict.allocated else SettlementOutcome.TWICE
        paid = [invoice for invoice, line in listed if line.id in verdict.allocated]
        late = any(invoice.round_closed or transfer.value_date > invoice.due_on for invoice in paid)
        verdict.outcome = reading.outcome or found
        further = [found.value] if found not in {verdict.outcome, SettlementOutcome.EXACT} else []
        verdict.flags = (*reading.flags, *([LATE] if late else []), *further)


def _purses(verdicts: Iterable[Verdict]) -> dict[tuple[int, int], list[Transfer]]:
    """Money on pupils' own accounts that names nothing, by pupil and account."""
    by_purse: dict[tuple[int, int], list[Transfer]] = defaultdict(list)
    for verdict in verdicts:
        if verdict.reading.owner_id is not None:
            by_purse[verdict.reading.owner_id, verdict.reading.transfer.account_id].append(verdict.reading.transfer)
    return by_purse


def _decide_own(verdicts: Mapping[int, Verdict], touched: Sequence[Invoice], room: dict[int, int]) -> None:
    """What becomes of money on pupils' own accounts, once every claim and every bundle has found its place."""
    for (pupil_id, account_id), transfers in _purses(verdicts.values()).items():
        owed = _in_order(
            one for one in touched if one.live and (one.pupil_id, one.account_id) == (pupil_id, account_id)
        )
        for transfer in sorted(transfers, key=by_bank_dates):
            _pay_own(verdicts[transfer.id], owed, room, pupil_id)


def by_bank_dates(paid: Transfer) -> tuple[object, ...]:
    """The order of a pupil's own money; of two transfers that differ only in their id it does not matter."""
    return (paid.value_date, paid.occurred_at, -paid.amount_vnd, paid.id)


def _pay_own(verdict: Verdict, owed: Sequence[tuple[Invoice, Line]], room: dict[int, int], pupil_id: int) -> None:
    """Pay what is open, in the order of allocation; the rest is the pupil's credit: then it is ``over``."""
    transfer = verdict.reading.transfer
    open_lines = {line.id: room[line.id] for _, line in owed}
    by_line = _take(open_lines, transfer.amount_vnd)
    room.update(open_lines)
    verdict.allocated.update(by_line)
    excess_vnd = transfer.amount_vnd - sum(by_line.values())
    paid = {invoice.id: invoice for invoice, line in owed if line.id in by_line}.values()
    short = any(room[line.id] for invoice in paid for line in invoice.lines if line.mandatory)
    verdict.outcome = SettlementOutcome.SHORT if short else SettlementOutcome.EXACT
    if excess_vnd:
        verdict.credit[pupil_id] = excess_vnd
        verdict.outcome = SettlementOutcome.OVER
    late = any(invoice.round_closed or transfer.value_date > invoice.due_on for invoice in paid)
    verdict.flags = (*verdict.reading.flags, LATE) if late else verdict.reading.flags


def _name(verdict: Verdict, keys: Sequence[SettlementOutcome]) -> None:
    """The outcome: what the reading says, else the amount; keys of the amount that are no surprise are left out."""
    reading = verdict.reading
    verdict.outcome = reading.outcome or keys[0]
    further = [key for key in keys if key not in {SettlementOutcome.EXACT, verdict.outcome}]
    verdict.flags = tuple(dict.fromkeys(str(key) for key in (*reading.flags, *further)))


def _take(room: dict[int, int], wanted_vnd: int) -> dict[int, int]:
    """Take an amount from the lines in their order; ``room`` shrinks."""
    taken: dict[int, int] = {}
    for line_id, room_vnd in room.items():
        part = min(room_vnd, wanted_vnd)
        if part:
            taken[line_id] = part
            room[line_id] = room_vnd - part
            wanted_vnd -= part
    return taken
