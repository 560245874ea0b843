"""Settlement's use cases: settle what arrived at a school, and a person's decisions and corrections.

All of them hold the school's lease until the transaction ends, so that each school is settled by one at a time;
invoices are locked after it, in the order of their ids. The caller commits once.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import outbox
from payments.errors import DomainError
from payments.inbox.service import attach_evidence, decide_held
from payments.orders.service import mark_paid
from payments.outbox import Claimed
from payments.payer_claims.service import KIND as CLAIM
from payments.settlement.assigning import Part, assign, split
from payments.settlement.bulk import BulkPreview, BulkResult, Wanted, assign_many, preview_many
from payments.settlement.correcting import cancel_invoice, replace_invoice
from payments.settlement.excluding import annotate, exclude
from payments.settlement.faults import is_no_rows_fault, problem_code
from payments.settlement.loading import take_lease
from payments.settlement.models import ExcludeReason
from payments.settlement.refunding import confirm_refund, decide_refund, propose_refund
from payments.settlement.settling import pay_new_invoices, settle_transactions, tell_of_claims
from payments.settlement.undoing import undo

__all__ = [
    "BulkPreview",
    "BulkResult",
    "ExcludeReason",
    "Part",
    "Settled",
    "Wanted",
    "annotate",
    "assign",
    "assign_many",
    "cancel_invoice",
    "confirm_refund",
    "decide_refund",
    "exclude",
    "place_held",
    "preview_many",
    "problem_code",
    "propose_refund",
    "replace_invoice",
    "settle_school",
    "split",
    "undo",
]

BATCH = 500
"""The knee of the measured curve (facts on settlement, table A)."""
QUEUE = "settlement"
KIND = "evidence"
ISSUED = "issued"
"""Kind of work: the invoices of a round (its id) are out."""


@dataclass(slots=True)
class Settled:
    """What a call did: rows of work taken and failed, and transactions by outcome."""

    busy: bool = False
    """Somebody else settles the school; its rows stay due."""
    taken: int = 0
    failed: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)


def settle_school(session: Session, school_id: int, limit: int = BATCH) -> Settled:
    """Settle up to ``limit`` pieces of evidence that wait at a school; the caller commits once.

    What cannot be settled is isolated and tried again later; after many attempts it is a dead letter that a person
    sees. The others are settled all the same.
    """
    if not take_lease(session, school_id, wait=False):
        return Settled(busy=True)
    rows = outbox.hold(session, QUEUE, school_id, limit=limit)
    result = Settled(taken=len(rows))
    _settle_or_split(session, school_id, rows, result)
    return result


def _settle_or_split(session: Session, school_id: int, rows: Sequence[Claimed], result: Settled) -> None:
    """Settle rows together; if that fails, each half by itself, down to the one that fails."""
    if not rows:
        return
    try:
        with session.begin_nested():
            outcomes = _settle_rows(session, school_id, rows)
            # The deferred triggers speak now, so that the savepoint catches them too.
            session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
            session.execute(text("SET CONSTRAINTS ALL DEFERRED"))
    except Exception as error:
        if is_no_rows_fault(error):
            raise  # Deadlock, serialization, a server that went away: the whole batch comes again.
        if len(rows) == 1:
            outbox.fail(session, rows[0], problem_code(error))
            result.failed += 1
            return
        middle = len(rows) // 2
        _settle_or_split(session, school_id, rows[:middle], result)
        _settle_or_split(session, school_id, rows[middle:], result)
    else:
        result.outcomes += outcomes


def _settle_rows(session: Session, school_id: int, rows: Sequence[Claimed]) -> Counter[str]:
    evidence_ids = [row.subject_id for row in rows if row.kind == KIND and row.subject_id is not None]
    rounds = [row for row in rows if row.kind == ISSUED and row.subject_id is not None]
    claim_ids = [row.subject_id for row in rows if row.kind == CLAIM and row.subject_id is not None]
    if len(evidence_ids) + len(rounds) + len(claim_ids) < len(rows):
        raise DomainError("unknown_work", "Công việc không hợp lệ.", "There is no such work for settlement.")
    attached = attach_evidence(session, school_id, evidence_ids)
    outcomes = settle_transactions(
        session,
        school_id,
        [one.transaction_id for one in attached],
        [one.transaction_id for one in attached if one.learned],
        max(evidence_ids, default=0),
    )
    mark_paid(session, school_id, evidence_ids)
    for row in rounds:
        pay_new_invoices(session, school_id, row.subject_id or 0, f"issued:{row.id}")
    if claim_ids:
        tell_of_claims(session, school_id, claim_ids)
    outbox.remove(session, rows)
    return outcomes


def place_held(session: Session, school_id: int, evidence_id: int, transaction_id: int | None, actor_id: int) -> int:
    """Settle held evidence as a person says: it tells of a known transfer, or (None) of one of its own.

    Returns the bank transaction's id. Raises what ``inbox.service.decide_held`` raises.
    """
    take_lease(session, school_id, wait=True)
    placed_id = decide_held(session, school_id, evidence_id, transaction_id, actor_id=actor_id)
    settle_transactions(session, school_id, [placed_id])
    return placed_id
