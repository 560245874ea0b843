"""Settle bank transactions: credits, then what takes credits back. The caller holds the lease of the school."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from payments import clock
from payments.inbox.models import Direction, TransactionState
from payments.ledger.models import EntryKind
from payments.ledger.service import post
from payments.receipts.service import ReceiptItem, number_receipts
from payments.settlement import hunting, loading, writing
from payments.settlement.announcing import announce
from payments.settlement.applying import Applied, apply
from payments.settlement.booking import arrival, identified, moves
from payments.settlement.loading import Shelf
from payments.settlement.reversing import Fact, facts_of, take_back
from payments.settlement.rules import Book, Reading, SettlementOutcome, Transfer, read
from payments.settlement.telling import tell
from payments.settlement.writing import Settled, Stamp


@dataclass(frozen=True, slots=True)
class _Read:
    """Transfers, what they claim, and what came of the claims."""

    stamp: Stamp
    shelf: Shelf
    transfers: dict[int, Transfer]
    claiming: list[Reading]
    silent: list[Reading]
    applied: Applied


def settle_transactions(
    session: Session, school_id: int, transaction_ids: Iterable[int], learned_ids: Iterable[int] = ()
) -> Counter[str]:
    """Decide every transaction among these that was never decided, and count the outcomes.

    ``learned_ids``: those about which more became known; what waits for a person may now be clear.
    """
    facts = facts_of(session, school_id, {*transaction_ids, *learned_ids})
    reversed_ids = {fact.reverses_id for fact in facts.values() if fact.reverses_id is not None}
    facts |= facts_of(session, school_id, reversed_ids - facts.keys())
    new = [fact for fact in facts.values() if fact.state is TransactionState.NEW]
    learned = [facts[key] for key in learned_ids if facts[key].state is TransactionState.UNMATCHED]
    counts = _settle_credits(session, school_id, [fact.id for fact in new if fact.direction == Direction.CREDIT])
    counts += _settle_debits(session, school_id, [fact for fact in new if fact.direction == Direction.DEBIT])
    counts += settle_again(session, school_id, [fact.id for fact in learned], "learned")
    counts += take_back(session, school_id, [fact for fact in facts.values() if fact.reverses_id is not None])
    announce(session, school_id, facts)
    return counts


def _settle_credits(session: Session, school_id: int, ids: Sequence[int]) -> Counter[str]:
    if not ids:
        return Counter()
    found = _read_and_apply(session, school_id, ids)
    settled = [
        Settled(key, verdict.outcome, TransactionState.CREDITED, verdict.flags)
        for key, verdict in found.applied.verdicts.items()
    ]
    settled += hunting.for_people(found.shelf, found.silent)
    writing.settle(session, found.stamp, sorted(settled, key=lambda one: one.transaction_id))
    number_receipts(session, school_id, receipt_items(found.claiming, found.shelf.book))
    entries = [arrival(transfer, found.applied.sides.get(key)) for key, transfer in found.transfers.items()]
    post(session, school_id, entries + moves(found.applied, found.transfers, f"transaction:{min(ids)}"))
    tell(session, school_id, found.applied.sides)
    return Counter(one.outcome.value for one in settled)


def settle_again(session: Session, school_id: int, ids: Sequence[int], cause: str) -> Counter[str]:
    """Transfers that wait unmatched, and of which another source has told the reference since, or that turned out to
    be no payout; ``cause`` is new for each occasion.
    """
    if not ids:
        return Counter()
    found = _read_and_apply(session, school_id, ids)
    verdicts = found.applied.verdicts
    writing.set_states(session, school_id, dict.fromkeys(verdicts, TransactionState.CREDITED))
    writing.rename_outcomes(
        session, school_id, {key: (verdict.outcome, verdict.flags) for key, verdict in verdicts.items()}
    )
    number_receipts(session, school_id, receipt_items(found.claiming, found.shelf.book))
    entries = [
        identified(EntryKind.SETTLEMENT, f"transaction:{key}:{cause}", found.transfers[key], found.applied.sides[key])
        for key in verdicts
    ]
    post(session, school_id, entries + moves(found.applied, verdicts, f"transaction:{min(ids)}:{cause}"))
    tell(session, school_id, found.applied.sides)
    return Counter(verdict.outcome.value for verdict in verdicts.values())


def _read_and_apply(session: Session, school_id: int, ids: Sequence[int]) -> _Read:
    """Read the references of transfers, and bring what they claim to where it belongs."""
    transfers = loading.transfers(session, school_id, ids)
    shelf = Shelf(session, school_id)
    shelf.fetch({reference for transfer in transfers.values() for reference in transfer.references})
    book = shelf.book
    readings = [read(transfer, book) for transfer in transfers.values()]
    claiming = [reading for reading in readings if reading.claims]
    stamp = Stamp(school_id, clock.now())
    applied = apply(session, shelf, stamp, claiming)
    return _Read(stamp, shelf, transfers, claiming, [one for one in readings if not one.claims], applied)


def _settle_debits(session: Session, school_id: int, debits: Sequence[Fact]) -> Counter[str]:
    """Money out is recorded and posts nothing by itself."""
    settled = [Settled(fact.id, SettlementOutcome.DEBIT, TransactionState.DEBIT) for fact in debits]
    writing.settle(session, Stamp(school_id, clock.now()), settled)
    return Counter(one.outcome.value for one in settled)


def receipt_items(readings: Iterable[Reading], book: Book) -> list[ReceiptItem]:
    """One receipt for each pupil that a transfer is credited to, over all that it brings them."""
    amounts: dict[tuple[Transfer, int], int] = defaultdict(int)
    for reading in readings:
        for claim in reading.claims:
            amounts[reading.transfer, book.invoices[claim.invoice_id].pupil_id] += claim.amount_vnd
    return [
        ReceiptItem(transfer.id, pupil_id, amount_vnd, transfer.value_date)
        for (transfer, pupil_id), amount_vnd in amounts.items()
    ]


def move_on(session: Session, school_id: int, invoice_id: int) -> None:
    """Money on a replaced or cancelled invoice goes to its successor, what is too much or has none becomes credit."""
    shelf = Shelf(session, school_id)
    shelf.fetch(invoice_ids=[invoice_id])
    applied = apply(session, shelf, Stamp(school_id, clock.now()), [])
    post(session, school_id, moves(applied, (), f"invoice:{invoice_id}"))
    tell(session, school_id, applied.sides)
