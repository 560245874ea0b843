"""Settle bank transactions: credits, then what takes credits back. The caller holds the lease of the school."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import clock
from payments.inbox.models import Direction, TransactionState
from payments.ledger.models import EntryKind
from payments.ledger.service import post
from payments.payer_claims.queries import unmatched_named_by
from payments.receipts.service import number_receipts, revoke
from payments.settlement import hunting, loading, writing
from payments.settlement.announcing import announce
from payments.settlement.applying import Applied, apply
from payments.settlement.booking import arrival, identified, moves, unidentified
from payments.settlement.loading import Shelf
from payments.settlement.receipting import receipt_items
from payments.settlement.reversing import Fact, facts_of, take_back
from payments.settlement.rules import OWN_ACCOUNT, Reading, SettlementOutcome, Transfer, read
from payments.settlement.telling import tell
from payments.settlement.writing import Settled, Stamp

PURSES_OF_ROUND = text("""
    SELECT DISTINCT i.pupil_id, i.receiving_account_id
    FROM invoice i
    JOIN virtual_account own ON own.school_id = i.school_id AND own.pupil_id = i.pupil_id
        AND own.receiving_account_id = i.receiving_account_id
    WHERE i.school_id = :school_id AND i.round_id = ANY(CAST(:ids AS bigint[]))
""")

OUTCOMES = text("""
    SELECT transaction_id, flags FROM settlement
    WHERE school_id = :school_id AND transaction_id = ANY(CAST(:ids AS bigint[]))
""")


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
    session: Session, school_id: int, transaction_ids: Iterable[int], learned_ids: Collection[int] = (), heard: int = 0
) -> Counter[str]:
    """Decide every transaction among these that was never decided, and count the outcomes.

    ``learned_ids``: those about which more became known; what waits for a person may now be clear, and what came on a
    pupil's own account may be meant otherwise. ``heard``: the last piece of evidence that told so, for the books.
    """
    facts = facts_of(session, school_id, {*transaction_ids, *learned_ids})
    reversed_ids = {fact.reverses_id for fact in facts.values() if fact.reverses_id is not None}
    facts |= facts_of(session, school_id, reversed_ids - facts.keys())
    new = [fact for fact in facts.values() if fact.state is TransactionState.NEW]
    # First of all: what stands must be what the facts say before anything is folded with it.
    credited = [key for key in learned_ids if facts[key].state is TransactionState.CREDITED]
    doubted = reopen(session, school_id, credited, heard)
    learned = [facts[key] for key in learned_ids if facts[key].state is TransactionState.UNMATCHED or key in doubted]
    counts = _settle_credits(session, school_id, [fact.id for fact in new if fact.direction == Direction.CREDIT])
    counts += _settle_debits(session, school_id, [fact for fact in new if fact.direction == Direction.DEBIT])
    counts += settle_again(session, school_id, [fact.id for fact in learned], f"learned:{heard}")
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
    number_receipts(session, school_id, receipt_items(found.claiming, found.shelf.book, found.applied.by_pupil))
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
    number_receipts(session, school_id, receipt_items(found.claiming, found.shelf.book, found.applied.by_pupil))
    writing.tell_people(session, school_id, hunting.for_people(found.shelf, found.silent))
    entries = [
        identified(EntryKind.SETTLEMENT, f"transaction:{key}:{cause}", found.transfers[key], found.applied.sides[key])
        for key in verdicts
    ]
    post(session, school_id, entries + moves(found.applied, verdicts, f"transaction:{min(ids)}:{cause}"))
    tell(session, school_id, found.applied.sides)
    return Counter(verdict.outcome.value for verdict in verdicts.values())


def tell_of_claims(session: Session, school_id: int, claim_ids: Sequence[int]) -> None:
    """Say anew what the transfers may be that payers' claims name and that wait for a person. Moves no money: what a
    person took back is not matched again, though its memo names an invoice.
    """
    transfers = loading.transfers(session, school_id, unmatched_named_by(session, school_id, claim_ids))
    shelf = Shelf(session, school_id)
    shelf.fetch({reference for transfer in transfers.values() for reference in transfer.references})
    readings = [read(transfer, shelf.book) for transfer in transfers.values()]
    writing.tell_people(session, school_id, hunting.for_people(shelf, [one for one in readings if not one.decides]))


def reopen(session: Session, school_id: int, ids: Sequence[int], heard: int) -> set[int]:
    """Withdraw what later evidence shows to be meant otherwise, and return it: it waits to be read again.

    That is money which came on a pupil's own account and named nothing, and money that named an invoice and now turns
    out to have come on the account of another pupil. What a person decided stays.
    """
    decided = loading.decided_shares(session, school_id, ids)
    transfers = loading.transfers(session, school_id, set(ids) - decided.keys())
    shelf = Shelf(session, school_id)
    shelf.fetch({reference for transfer in transfers.values() for reference in transfer.references})
    stood_as_own = {
        row[0] for row in loading.rows_for(session, OUTCOMES, school_id, transfers) if OWN_ACCOUNT in row[1]
    }
    doubted = {
        key: transfer
        for key, transfer in transfers.items()
        if key in stood_as_own or not read(transfer, shelf.book).decides
    }
    if not doubted:
        return set()
    applied = apply(session, Shelf(session, school_id), Stamp(school_id, clock.now()), [], list(doubted.values()))
    writing.set_states(session, school_id, dict.fromkeys(doubted, TransactionState.UNMATCHED))
    writing.rename_outcomes(session, school_id, dict.fromkeys(doubted, (SettlementOutcome.UNKNOWN, ())))
    revoke(session, school_id, list(doubted), "reread")
    entries = [
        unidentified(f"transaction:{key}:reopened:{heard}", transfer, applied.sides[key])
        for key, transfer in doubted.items()
    ]
    post(session, school_id, entries + moves(applied, doubted, f"transaction:{min(doubted)}:reopened:{heard}"))
    tell(session, school_id, applied.sides, doubted)
    return set(doubted)


def _read_and_apply(session: Session, school_id: int, ids: Sequence[int]) -> _Read:
    """Read the references of transfers, and bring what they claim to where it belongs."""
    transfers = loading.transfers(session, school_id, ids)
    shelf = Shelf(session, school_id)
    shelf.fetch({reference for transfer in transfers.values() for reference in transfer.references})
    book = shelf.book
    readings = [read(transfer, book) for transfer in transfers.values()]
    claiming = [reading for reading in readings if reading.decides]
    stamp = Stamp(school_id, clock.now())
    applied = apply(session, shelf, stamp, claiming)
    return _Read(stamp, shelf, transfers, claiming, [one for one in readings if not one.decides], applied)


def _settle_debits(session: Session, school_id: int, debits: Sequence[Fact]) -> Counter[str]:
    """Money out is recorded and posts nothing by itself."""
    settled = [Settled(fact.id, SettlementOutcome.DEBIT, TransactionState.DEBIT) for fact in debits]
    writing.settle(session, Stamp(school_id, clock.now()), settled)
    return Counter(one.outcome.value for one in settled)


def move_on(session: Session, school_id: int, invoice_id: int) -> None:
    """Money on a replaced or cancelled invoice goes to its successor, what is too much or has none becomes credit."""
    shelf = Shelf(session, school_id)
    shelf.fetch(invoice_ids=[invoice_id])
    invoices = [shelf.invoices[invoice_id], shelf.book.landing(shelf.invoices[invoice_id])]
    purses = {(invoice.pupil_id, invoice.account_id) for invoice in invoices}
    applied = apply(session, shelf, Stamp(school_id, clock.now()), [], purses=purses)
    post(session, school_id, moves(applied, (), f"invoice:{invoice_id}"))
    tell(session, school_id, applied.sides)


def pay_new_invoices(session: Session, school_id: int, round_id: int, cause: str) -> None:
    """Credit that came on pupils' own accounts pays the invoices of a round that has been issued since."""
    purses = {(row[0], row[1]) for row in loading.rows_for(session, PURSES_OF_ROUND, school_id, [round_id])}
    applied = apply(session, Shelf(session, school_id), Stamp(school_id, clock.now()), [], purses=purses)
    post(session, school_id, moves(applied, (), cause))
    tell(session, school_id, applied.sides)
