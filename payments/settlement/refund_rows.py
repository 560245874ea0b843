"""The rows of refunds: find and lock one, take it a step further, and where transfers rest beside what they pay."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import clock
from payments.inbox.models import TransactionState
from payments.ledger.models import LedgerRole
from payments.ledger.service import PostingLine, post
from payments.settlement import loading, writing
from payments.settlement.booking import not_sent_back, on_account
from payments.settlement.models import RefundState
from payments.settlement.rules import SettlementOutcome, Transfer

SUBJECT = "refund"
"""The kind of subject of its approval; the subject's id is the proposal's."""


class RefundRow(NamedTuple):
    """A refund; ``decision_id``, its proposal, is its name."""

    decision_id: int
    transaction_id: int
    pupil_id: int | None
    amount_vnd: int
    state: RefundState
    proposed_by: int
    debit_id: int | None


COLUMNS = "decision_id, transaction_id, pupil_id, amount_vnd, state, proposed_by, debit_id"
ONE = text(f"""
    SELECT {COLUMNS} FROM refund WHERE school_id = :school_id AND decision_id = :id FOR UPDATE
""")  # noqa: S608 - a constant of this module
LIVE = text(f"""
    SELECT {COLUMNS} FROM refund
    WHERE school_id = :school_id AND state IN ('proposed', 'approved', 'confirmed')
      AND (transaction_id = ANY(CAST(:ids AS bigint[])) OR debit_id = ANY(CAST(:ids AS bigint[])))
    ORDER BY id FOR UPDATE
""")  # noqa: S608 - as above
INSERT = text("""
    INSERT INTO refund
        (school_id, decision_id, transaction_id, pupil_id, amount_vnd, state, proposed_by, changed_at)
    VALUES (:school_id, :decision_id, :transaction_id, :pupil_id, :amount_vnd, 'proposed', :proposed_by,
            :moment)
""")
STEP = text("""
    UPDATE refund
    SET state = :state, decided_by = coalesce(:decided_by, decided_by), debit_id = :debit_id, changed_at = :moment
    WHERE school_id = :school_id AND decision_id = :id
""")
RESTING = text("""
    SELECT t.id, t.state, coalesce((
        SELECT sum(r.amount_vnd) FROM refund r
        WHERE r.school_id = t.school_id AND r.transaction_id = t.id AND r.state IN ('approved', 'confirmed')
    ), 0)::bigint
    FROM bank_transaction t
    WHERE t.school_id = :school_id AND t.id = ANY(CAST(:ids AS bigint[]))
""")


def one(session: Session, school_id: int, refund_id: int) -> RefundRow | None:
    """The refund of a proposal, locked."""
    row = session.execute(ONE, {"school_id": school_id, "id": refund_id}).first()
    return None if row is None else _row(row)


def live(session: Session, school_id: int, transaction_ids: Iterable[int]) -> list[RefundRow]:
    """Refunds that stand of these transfers, and those that one of these debits has confirmed, locked."""
    return [_row(row) for row in loading.rows_for(session, LIVE, school_id, transaction_ids)]


def insert(session: Session, school_id: int, row: RefundRow) -> None:
    """Keep a proposal."""
    session.execute(INSERT, {"school_id": school_id, "moment": clock.now(), **row._asdict()})


def step(
    session: Session,
    school_id: int,
    refund_id: int,
    state: RefundState,
    *,
    decided_by: int | None = None,
    debit_id: int | None = None,
) -> None:
    """Take a refund a step further; the database refuses a step that does not come next."""
    session.execute(
        STEP,
        {
            "school_id": school_id,
            "id": refund_id,
            "state": state.value,
            "decided_by": decided_by,
            "debit_id": debit_id,
            "moment": clock.now(),
        },
    )


def unlink(session: Session, school_id: int, refund: RefundRow, cause: str) -> None:
    """A confirmed refund has no debit any more; in the books the school must send it back still."""
    step(session, school_id, refund.decision_id, RefundState.APPROVED)
    writing.rename_outcomes(session, school_id, {refund.debit_id or 0: (SettlementOutcome.DEBIT, ())})
    transfer = loading.transfers(session, school_id, [refund.transaction_id])[refund.transaction_id]
    post(session, school_id, [not_sent_back(cause, transfer, refund.amount_vnd)])


def resting(session: Session, school_id: int, transfers: Iterable[Transfer]) -> dict[int, list[PostingLine]]:
    """By transfer: the lines that take its money from where it lies beside allocations and pupils' credit."""
    known = {transfer.id: transfer for transfer in transfers}
    found: dict[int, list[PostingLine]] = {}
    for key, state, refunded_vnd in loading.rows_for(session, RESTING, school_id, known):
        transfer = known[key]
        role = _ROLES.get(TransactionState(state))
        if refunded_vnd:
            found[key] = [on_account(LedgerRole.REFUND, transfer, refunded_vnd)]
        elif role is not None:
            found[key] = [on_account(role, transfer, transfer.amount_vnd)]
        else:
            found[key] = []
    return found


_ROLES = {
    TransactionState.UNMATCHED: LedgerRole.SUSPENSE,
    TransactionState.REFUND: LedgerRole.SUSPENSE,
    TransactionState.EXCLUDED: LedgerRole.EXCLUDED,
}
"""A proposed refund is money in suspense until a second person has approved it."""


def _row(row: Any) -> RefundRow:
    return RefundRow._make((*row[:4], RefundState(row[4]), *row[5:]))
