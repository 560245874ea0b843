"""Take a decision of any kind back, at any later time: a compensating entry, and the transfer is what it was before."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import clock
from payments.access import approvals
from payments.errors import ConflictError, NotFoundError
from payments.inbox.models import TransactionState
from payments.ledger.models import LedgerRole
from payments.ledger.service import post
from payments.receipts.service import revoke
from payments.settlement import loading, refund_rows, writing
from payments.settlement.announcing import announce
from payments.settlement.applying import apply
from payments.settlement.booking import moves, not_refunded, on_account, unidentified
from payments.settlement.deciding import Deed, Former, locked, record, restore, transfer_of
from payments.settlement.loading import Shelf
from payments.settlement.models import DecisionKind, RefundState
from payments.settlement.refund_rows import SUBJECT, RefundRow
from payments.settlement.refunding import former_of, read_again
from payments.settlement.rules import SettlementOutcome
from payments.settlement.signed import require_unsigned
from payments.settlement.telling import tell
from payments.settlement.writing import Stamp

DECISION = text("""
    SELECT d.id, d.transaction_id, d.kind, d.answers_id, d.former_outcome, d.former_flags,
           EXISTS (SELECT FROM decision u WHERE u.school_id = d.school_id AND u.undoes_id = d.id) AS undone,
           EXISTS (
               SELECT FROM decision later
               WHERE later.school_id = d.school_id AND later.transaction_id = d.transaction_id AND later.id > d.id
                 AND later.kind IN ('assign', 'split', 'refund_approved')
                 AND NOT EXISTS (SELECT FROM decision u WHERE u.school_id = later.school_id AND u.undoes_id = later.id)
           ) AS built_on,
           EXISTS (
               SELECT FROM decision later
               WHERE later.school_id = d.school_id AND later.answers_id = d.answers_id AND later.kind = d.kind
                 AND later.id > d.id
           ) AS said_again
    FROM decision d WHERE d.school_id = :school_id AND d.id = :id
""")
APPROVED_BY = text("""
    SELECT d.id FROM decision d
    WHERE d.school_id = :school_id AND d.transaction_id = :transaction_id AND d.answers_id = :id
      AND d.kind = 'refund_approved'
""")


def undo(session: Session, school_id: int, decision_id: int, actor_id: int, *, note: str | None = None) -> int:
    """Take a decision back: what it moved goes back, and the transfer waits as it did before. Returns the new decision.

    Of a refund the last step is taken back first: the link to the bank's debit, then the approval (which takes the
    proposal along). Raises NotFoundError for what is no decision of this school that can be undone, and ConflictError
    ``already_undone``, ``refund_open`` (a refund of the transfer's excess stands), ``refund_confirmed``, or
    ``not_<state>`` (the bank has taken the money back since), and DomainError ``closed_period`` when it was signed.
    """
    loading.take_lease(session, school_id, wait=True)
    found = session.execute(DECISION, {"school_id": school_id, "id": decision_id}).first()
    if found is None or found.kind not in _UNDO:
        raise NotFoundError
    if found.undone or found.said_again:
        raise _already_undone()
    require_unsigned(session, school_id, decision_id=decision_id)
    return _UNDO[DecisionKind(found.kind)](session, school_id, found, actor_id, note)


def _assigned(session: Session, school_id: int, found: Any, actor_id: int, note: str | None) -> int:
    """Claims end, receipts are revoked, the money is in suspense again."""
    deed, former = _deed(session, school_id, found, actor_id, note, wanted=TransactionState.CREDITED)
    if refund_rows.live(session, school_id, [deed.transfer.id]):
        raise _refund_open()
    undo_id = record(session, deed, undoes_id=found.id)
    transfer = deed.transfer
    applied = apply(session, Shelf(session, school_id), Stamp(school_id, clock.now(), undo_id), [], [transfer])
    restore(session, school_id, transfer.id, former)
    revoke(session, school_id, [transfer.id], "undone")
    cause = f"decision:{undo_id}"
    entry = unidentified(cause, transfer, applied.sides[transfer.id])
    post(session, school_id, [entry, *moves(applied, [transfer.id], cause)])
    tell(session, school_id, applied.sides, [transfer.id])
    announce(session, school_id, [transfer.id])
    return undo_id


def _excluded(session: Session, school_id: int, found: Any, actor_id: int, note: str | None) -> int:
    """It is money of a payer again."""
    deed, former = _deed(session, school_id, found, actor_id, note, wanted=TransactionState.EXCLUDED)
    undo_id = record(session, deed, undoes_id=found.id)
    transfer = deed.transfer
    restore(session, school_id, transfer.id, former)
    side = [on_account(LedgerRole.EXCLUDED, transfer, transfer.amount_vnd)]
    post(session, school_id, [unidentified(f"decision:{undo_id}", transfer, side)])
    announce(session, school_id, [transfer.id])
    return undo_id


def _proposed(session: Session, school_id: int, found: Any, actor_id: int, note: str | None) -> int:
    """A proposal is withdrawn; one that was approved meanwhile is undone with its approval."""
    refund = _refund(session, school_id, found.id)
    if refund.state is RefundState.APPROVED:
        wanted = {"school_id": school_id, "transaction_id": found.transaction_id, "id": found.id}
        approval = session.execute(APPROVED_BY, wanted).one()
        return undo(session, school_id, approval.id, actor_id, note=note)
    _require_state(refund, RefundState.PROPOSED)
    deed = _refund_deed(session, school_id, refund, actor_id, note)
    undo_id = record(session, deed, undoes_id=found.id)
    question = approvals.open_proposal(session, school_id, SUBJECT, refund.decision_id)
    approvals.withdraw(session, school_id, question or 0)
    refund_rows.step(session, school_id, refund.decision_id, RefundState.WITHDRAWN)
    if refund.pupil_id is None:
        restore(session, school_id, deed.transfer.id, former_of(session, school_id, refund.decision_id))
        announce(session, school_id, [deed.transfer.id])
    return undo_id


def _approved(session: Session, school_id: int, found: Any, actor_id: int, note: str | None) -> int:
    """The payer gets nothing back: a transfer waits in the queue again, an excess is the pupil's credit again."""
    refund = _refund(session, school_id, found.answers_id)
    _require_state(refund, RefundState.APPROVED)
    if found.built_on:
        raise _refund_open()
    deed = _refund_deed(session, school_id, refund, actor_id, note)
    undo_id = record(session, deed, undoes_id=found.id)
    refund_rows.step(session, school_id, refund.decision_id, RefundState.WITHDRAWN)
    transfer, cause = deed.transfer, f"decision:{undo_id}"
    if refund.pupil_id is None:
        restore(session, school_id, transfer.id, former_of(session, school_id, refund.decision_id))
        side = [on_account(LedgerRole.SUSPENSE, transfer, -transfer.amount_vnd)]
        post(session, school_id, [not_refunded(cause, transfer, side, refund.amount_vnd)])
        announce(session, school_id, [transfer.id])
        return undo_id
    applied, reading = read_again(session, deed, undo_id, refund.pupil_id)
    if reading.outcome is not SettlementOutcome.ASSIGNED:
        verdict = applied.verdicts[transfer.id]
        writing.rename_outcomes(session, school_id, {transfer.id: (verdict.outcome, verdict.flags)})
    entry = not_refunded(cause, transfer, applied.sides[transfer.id], refund.amount_vnd)
    post(session, school_id, [entry, *moves(applied, [transfer.id], cause)])
    tell(session, school_id, applied.sides)
    return undo_id


def _confirmed(session: Session, school_id: int, found: Any, actor_id: int, note: str | None) -> int:
    """The bank's debit was for something else."""
    refund = _refund(session, school_id, found.answers_id)
    _require_state(refund, RefundState.CONFIRMED)
    deed = _refund_deed(session, school_id, refund, actor_id, note)
    undo_id = record(session, deed, undoes_id=found.id)
    refund_rows.unlink(session, school_id, refund, f"decision:{undo_id}")
    return undo_id


_UNDO: Mapping[DecisionKind, Callable[[Session, int, Any, int, str | None], int]] = {
    DecisionKind.ASSIGN: _assigned,
    DecisionKind.SPLIT: _assigned,
    DecisionKind.EXCLUDE: _excluded,
    DecisionKind.REFUND: _proposed,
    DecisionKind.REFUND_APPROVED: _approved,
    DecisionKind.REFUND_CONFIRMED: _confirmed,
}


def _deed(
    session: Session, school_id: int, found: Any, actor_id: int, note: str | None, *, wanted: TransactionState
) -> tuple[Deed, Former]:
    locked(session, school_id, found.transaction_id, wanted)
    transfer = transfer_of(session, school_id, found.transaction_id)
    former = Former(found.former_outcome, tuple(found.former_flags))
    return Deed(school_id, actor_id, DecisionKind.UNDO, transfer, note=note), former


def _refund_deed(session: Session, school_id: int, refund: RefundRow, actor_id: int, note: str | None) -> Deed:
    transfer = transfer_of(session, school_id, refund.transaction_id)
    return Deed(school_id, actor_id, DecisionKind.UNDO, transfer, note=note)


def _refund(session: Session, school_id: int, refund_id: int) -> RefundRow:
    found = refund_rows.one(session, school_id, refund_id)
    if found is None:
        raise NotFoundError
    return found


def _require_state(refund: RefundRow, wanted: RefundState) -> None:
    if refund.state is wanted:
        return
    if refund.state is RefundState.CONFIRMED:
        raise ConflictError(
            "refund_confirmed",
            "Ngân hàng đã chi hoàn trả; hãy hoàn tác việc xác nhận trước.",
            "The bank has sent it back; undo the confirmation first.",
        )
    raise _already_undone()


def _already_undone() -> ConflictError:
    return ConflictError("already_undone", "Quyết định này đã được hoàn tác.", "This decision has been undone.")


def _refund_open() -> ConflictError:
    return ConflictError(
        "refund_open",
        "Tiền thừa của khoản này đang được hoàn trả; hãy hoàn tác việc hoàn trả đó trước.",
        "What the transfer left is being sent back; undo that refund first.",
    )
