"""Settle bank transactions: credits, then what takes credits back. The caller holds the lease of the school."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import clock
from payments.inbox.models import TransactionState
from payments.ledger.models import EntryKind, LedgerRole
from payments.ledger.service import Posting, PostingLine, post
from payments.receipts.service import ReceiptItem, number_receipts, revoke
from payments.settlement import hunting, loading, writing
from payments.settlement.applying import Applied, apply
from payments.settlement.loading import Shelf
from payments.settlement.rules import Book, Reading, SettlementOutcome, Transfer, read
from payments.settlement.writing import Settled, Stamp

# A debit whose credit became known after it is found by the few debits there are.
WORK = text("""
    SELECT id, direction, state, amount_vnd, reverses_id FROM bank_transaction
    WHERE school_id = :school_id AND id = ANY(CAST(:ids AS bigint[]))
    UNION
    SELECT id, direction, state, amount_vnd, reverses_id FROM bank_transaction
    WHERE school_id = :school_id AND state = 'debit' AND reverses_id = ANY(CAST(:ids AS bigint[]))
    ORDER BY id
""")

TAKEN_BACK = text("""
    UPDATE settlement SET flags = array_append(flags, 'reversal')
    WHERE school_id = :school_id AND transaction_id = ANY(CAST(:ids AS bigint[]))
""")


@dataclass(frozen=True, slots=True)
class _Fact:
    """A bank transaction as far as its way through settlement goes."""

    id: int
    direction: str
    state: TransactionState
    amount_vnd: int
    reverses_id: int | None


def settle_transactions(
    session: Session, school_id: int, transaction_ids: Iterable[int], invoice_ids: Iterable[int] = ()
) -> Counter[str]:
    """Decide every transaction among these that was never decided, and count the outcomes.

    ``invoice_ids``: replaced or cancelled invoices whose money moves on to the successor, else to credit.
    """
    facts = _facts(session, school_id, transaction_ids)
    missing = {fact.reverses_id for fact in facts.values() if fact.reverses_id is not None} - facts.keys()
    facts |= _facts(session, school_id, missing)
    new = [fact for fact in facts.values() if fact.state is TransactionState.NEW]
    counts = _settle_credits(session, school_id, [fact.id for fact in new if fact.direction == "credit"])
    counts += _settle_debits(session, school_id, [fact for fact in new if fact.direction == "debit"])
    counts += _settle_reversals(session, school_id, [fact for fact in facts.values() if fact.reverses_id is not None])
    _move_on(session, school_id, invoice_ids)
    return counts


def _facts(session: Session, school_id: int, ids: Iterable[int]) -> dict[int, _Fact]:
    return {
        row[0]: _Fact(row[0], row[1], TransactionState(row[2]), row[3], row[4])
        for row in loading.rows_for(session, WORK, school_id, ids)
    }


def _settle_credits(session: Session, school_id: int, ids: Sequence[int]) -> Counter[str]:
    transfers = loading.transfers(session, school_id, ids)
    if not transfers:
        return Counter()
    shelf = Shelf(session, school_id)
    shelf.fetch({reference for transfer in transfers.values() for reference in transfer.references})
    readings = [read(transfer, shelf.book) for transfer in transfers.values()]
    claiming = [reading for reading in readings if reading.claims]
    stamp = Stamp(school_id, clock.now())
    applied = apply(session, shelf, stamp, claiming)
    settled = [
        Settled(key, verdict.outcome, TransactionState.CREDITED, verdict.flags)
        for key, verdict in applied.verdicts.items()
    ]
    settled += hunting.for_people(shelf, [reading for reading in readings if not reading.claims])
    writing.settle(session, stamp, sorted(settled, key=lambda one: one.transaction_id))
    number_receipts(session, school_id, receipt_items(claiming, shelf.book))
    post(session, school_id, _arrivals(transfers, applied) + moves(applied, transfers, f"transaction:{min(transfers)}"))
    return Counter(one.outcome.value for one in settled)


def _arrivals(transfers: Mapping[int, Transfer], applied: Applied) -> list[Posting]:
    """One entry for each transaction: bank against what it paid, or against suspense."""
    postings = []
    for key, transfer in transfers.items():
        suspense = [PostingLine(LedgerRole.SUSPENSE, transfer.account_id, None, -transfer.amount_vnd)]
        bank = PostingLine(LedgerRole.BANK, transfer.account_id, None, transfer.amount_vnd)
        side = applied.sides.get(key, suspense)
        postings.append(Posting(EntryKind.SETTLEMENT, f"transaction:{key}", transfer.value_date, [bank, *side]))
    return postings


def moves(applied: Applied, known: Iterable[int], cause: str) -> list[Posting]:
    """Correcting entries of earlier transfers (not ``known``) whose money moved because of something else."""
    return [
        Posting(EntryKind.REVERSAL, f"transaction:{key}:after:{cause}", clock.today(), side)
        for key, side in sorted(applied.sides.items())
        if key not in set(known) and side
    ]


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


def _settle_debits(session: Session, school_id: int, debits: Sequence[_Fact]) -> Counter[str]:
    """Money out is recorded and posts nothing; what it takes back comes next."""
    settled = [Settled(fact.id, SettlementOutcome.DEBIT, TransactionState.DEBIT) for fact in debits]
    writing.settle(session, Stamp(school_id, clock.now()), settled)
    return Counter(one.outcome.value for one in settled)


def _settle_reversals(session: Session, school_id: int, debits: Sequence[_Fact]) -> Counter[str]:
    """The bank took money back: its allocations end, its invoices open, its receipts are revoked.

    A debit of another amount, or of what was taken back before, takes nothing back and stays with a person.
    """
    targets = _facts(session, school_id, {fact.reverses_id for fact in debits if fact.reverses_id is not None})
    by_target: dict[int, _Fact] = {}
    for debit in sorted(debits, key=lambda fact: fact.id):
        target = targets.get(debit.reverses_id or 0)
        if (
            target
            and target.state in {TransactionState.CREDITED, TransactionState.UNMATCHED}
            and target.amount_vnd == debit.amount_vnd
        ):
            by_target.setdefault(target.id, debit)
    if not by_target:
        return Counter()
    withdrawn = loading.transfers(session, school_id, by_target)
    moment = clock.now()
    applied = apply(session, Shelf(session, school_id), Stamp(school_id, moment), [], list(withdrawn.values()))
    dates = loading.transfers(session, school_id, [debit.id for debit in by_target.values()])
    postings = []
    for key, transfer in withdrawn.items():
        suspense = [PostingLine(LedgerRole.SUSPENSE, transfer.account_id, None, transfer.amount_vnd)]
        bank = PostingLine(LedgerRole.BANK, transfer.account_id, None, -transfer.amount_vnd)
        debit = by_target[key]
        lines = [bank, *applied.sides.get(key, suspense)]
        postings.append(Posting(EntryKind.REVERSAL, f"reversal:{debit.id}", dates[debit.id].value_date, lines))
    causes = min(debit.id for debit in by_target.values())
    post(session, school_id, postings + moves(applied, withdrawn, f"reversal:{causes}"))
    writing.set_states(session, school_id, dict.fromkeys(by_target, TransactionState.REVERSED))
    session.execute(TAKEN_BACK, {"school_id": school_id, "ids": list(by_target)})
    named = {debit.id: (SettlementOutcome.REVERSAL, ()) for debit in by_target.values()}
    writing.rename_outcomes(session, school_id, named)
    revoke(session, school_id, list(by_target), SettlementOutcome.REVERSAL)
    return Counter({SettlementOutcome.REVERSAL.value: len(by_target), SettlementOutcome.DEBIT.value: -len(by_target)})


def _move_on(session: Session, school_id: int, invoice_ids: Iterable[int]) -> None:
    """Money on replaced and cancelled invoices goes to the successor, what is too much becomes credit."""
    wanted = sorted(invoice_ids)
    if not wanted:
        return
    shelf = Shelf(session, school_id)
    shelf.fetch(invoice_ids=wanted)
    applied = apply(session, shelf, Stamp(school_id, clock.now()), [])
    post(session, school_id, moves(applied, (), f"invoice:{wanted[0]}"))
