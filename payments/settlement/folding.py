"""How an invoice is filled: the fold of all claims on it, in an order that the facts alone give. Pure.

A batch computes the new fold of every invoice that it touches and writes the difference to what stood before. So a
payment that arrives late, a reversal, a replaced invoice and a person's undo are one and the same thing: the set of
claims changed.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from payments.settlement.rules import Book, Claim, Invoice, Reading, SettlementOutcome


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


def fill(invoice: Invoice, claims: Iterable[Claim]) -> list[Share]:
    """Fill an invoice with its claims in the order of ``precedence``; a dead invoice takes nothing.

    A line is filled before the next one gets anything, so the paid amount of each line follows from their sum alone.
    """
    room = {line.id: line.amount_vnd for line in sorted(invoice.lines, key=lambda line: line.rank)}
    open_vnd = invoice.amount_vnd if invoice.live else 0
    shares: list[Share] = []
    for claim in sorted(claims, key=lambda claim: precedence(invoice, claim)):
        taken = min(open_vnd, claim.amount_vnd)
        shares.append(Share(claim, _take(room, taken), claim.amount_vnd - taken, amount_key(open_vnd, claim)))
        open_vnd -= taken
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


def amount_key(open_vnd: int, claim: Claim) -> SettlementOutcome:
    """The key of a claim that finds so much open."""
    if open_vnd == 0:
        return SettlementOutcome.TWICE
    if claim.amount_vnd == open_vnd:
        return SettlementOutcome.EXACT
    return SettlementOutcome.SHORT if claim.amount_vnd < open_vnd else SettlementOutcome.OVER


def decide(readings: Sequence[Reading], book: Book, touched: Iterable[int]) -> dict[int, Verdict]:
    """Fold every touched invoice (ids) over all claims on it; verdicts by transfer id.

    ``readings`` holds all live transfers with claims on touched invoices, new ones and those that stood before.
    """
    by_invoice: dict[int, list[Claim]] = defaultdict(list)
    for reading in readings:
        for claim in reading.claims:
            by_invoice[claim.invoice_id].append(claim)
    verdicts = {reading.transfer.id: Verdict(reading) for reading in readings}
    keys: dict[int, list[SettlementOutcome]] = defaultdict(list)
    for invoice_id in sorted(set(touched)):
        invoice = book.invoices[invoice_id]
        for share in fill(invoice, by_invoice[invoice_id]):
            verdict = verdicts[share.claim.transfer.id]
            verdict.allocated.update(share.by_line)
            if share.excess_vnd:
                verdict.credit[invoice.pupil_id] = verdict.credit.get(invoice.pupil_id, 0) + share.excess_vnd
            if invoice.live:
                keys[share.claim.transfer.id].append(share.key)
    for transfer_id, verdict in verdicts.items():
        _name(verdict, keys[transfer_id])
    return verdicts


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
