"""The bank took money back: allocations end, invoices open, receipts are revoked, the books are mirrored."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import clock
from payments.access import approvals
from payments.inbox.models import TransactionState
from payments.ledger.service import post
from payments.receipts.service import revoke
from payments.settlement import loading, payouts, refund_rows, writing
from payments.settlement.applying import apply
from payments.settlement.booking import moves, withdrawal
from payments.settlement.loading import Shelf
from payments.settlement.models import RefundState
from payments.settlement.rules import SettlementOutcome
from payments.settlement.telling import tell
from payments.settlement.writing import Stamp

TAKEN_BACK = text("""
    UPDATE settlement SET flags = array_append(flags, 'reversal')
    WHERE school_id = :school_id AND transaction_id = ANY(CAST(:ids AS bigint[]))
""")


TAKEABLE = frozenset(
    {
        TransactionState.CREDITED,
        TransactionState.UNMATCHED,
        TransactionState.EXCLUDED,
        TransactionState.REFUND,
    }
)
"""States of money that is still there; the bank may take it back whatever a person has decided about it."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A bank transaction as far as its way through settlement goes."""

    id: int
    direction: str
    state: TransactionState
    amount_vnd: int
    reverses_id: int | None


# A debit whose credit became known after it is found among the few debits there are.
FACTS = text("""
    SELECT id, direction, state, amount_vnd, reverses_id FROM bank_transaction
    WHERE school_id = :school_id AND id = ANY(CAST(:ids AS bigint[]))
    UNION
    SELECT id, direction, state, amount_vnd, reverses_id FROM bank_transaction
    WHERE school_id = :school_id AND state = 'debit' AND reverses_id = ANY(CAST(:ids AS bigint[]))
    ORDER BY id
""")


def facts_of(session: Session, school_id: int, ids: Iterable[int]) -> dict[int, Fact]:
    """Transactions by id, with the debits that take one of them back."""
    return {
        row[0]: Fact(row[0], row[1], TransactionState(row[2]), row[3], row[4])
        for row in loading.rows_for(session, FACTS, school_id, ids)
    }


def take_back(session: Session, school_id: int, debits: Sequence[Fact]) -> Counter[str]:
    """Reverse what these recorded debits take back; a debit that does not fit stays one for a person."""
    targets = facts_of(session, school_id, {debit.reverses_id for debit in debits if debit.reverses_id is not None})
    paid_out = [key for key, fact in targets.items() if fact.state is TransactionState.PAYOUT]
    payouts.dissolve_of(session, school_id, paid_out)
    by_target = _fitting(session, school_id, debits)
    if not by_target:
        return Counter()
    withdrawn = loading.transfers(session, school_id, by_target)
    _end_refunds(session, school_id, by_target)
    rests = refund_rows.resting(session, school_id, withdrawn.values())
    stamp = Stamp(school_id, clock.now())
    applied = apply(session, Shelf(session, school_id), stamp, [], list(withdrawn.values()))
    debit_ids = {debit.id for debit in by_target.values()}
    days = {key: transfer.value_date for key, transfer in loading.transfers(session, school_id, debit_ids).items()}
    entries = [
        withdrawal(transfer, [*applied.sides.get(key, ()), *rests[key]], by_target[key].id, days[by_target[key].id])
        for key, transfer in withdrawn.items()
    ]
    post(session, school_id, entries + moves(applied, withdrawn, f"reversal:{min(debit_ids)}"))
    _take_refunds_back(session, school_id, by_target)
    writing.set_states(session, school_id, dict.fromkeys(by_target, TransactionState.REVERSED))
    session.execute(TAKEN_BACK, {"school_id": school_id, "ids": list(by_target)})
    writing.rename_outcomes(session, school_id, dict.fromkeys(debit_ids, (SettlementOutcome.REVERSAL, ())))
    revoke(session, school_id, list(by_target), SettlementOutcome.REVERSAL)
    tell(session, school_id, applied.sides, withdrawn)
    return Counter({SettlementOutcome.REVERSAL.value: len(by_target), SettlementOutcome.DEBIT.value: -len(by_target)})


def _end_refunds(session: Session, school_id: int, by_target: Mapping[int, Fact]) -> None:
    """What these debits and transfers confirmed is confirmed no more: the bank's own word on its debits comes first."""
    debit_ids = [debit.id for debit in by_target.values()]
    for refund in refund_rows.live(session, school_id, [*by_target, *debit_ids]):
        if refund.state is RefundState.CONFIRMED:
            refund_rows.unlink(session, school_id, refund, f"refund:{refund.decision_id}:not_by:{refund.debit_id}")


def _take_refunds_back(session: Session, school_id: int, by_target: Mapping[int, Fact]) -> None:
    """The bank sent the whole transfer back: nothing of it remains to be refunded."""
    for refund in refund_rows.live(session, school_id, by_target):
        refund_rows.step(session, school_id, refund.decision_id, RefundState.TAKEN_BACK)
        question = approvals.open_proposal(session, school_id, refund_rows.SUBJECT, refund.decision_id)
        approvals.withdraw(session, school_id, question or 0)


def _fitting(session: Session, school_id: int, debits: Sequence[Fact]) -> dict[int, Fact]:
    """The first debit for each transaction that it can take back: the whole amount, and not taken back before."""
    targets = facts_of(session, school_id, {debit.reverses_id for debit in debits if debit.reverses_id is not None})
    fitting: dict[int, Fact] = {}
    for debit in sorted(debits, key=lambda debit: debit.id):
        target = targets.get(debit.reverses_id or 0)
        if target is not None and target.state in TAKEABLE and target.amount_vnd == debit.amount_vnd:
            fitting.setdefault(target.id, debit)
    return fitting
