"""Money goes back to its payer: one person proposes, the principal decides, the bank's debit confirms.

hocphi never moves money: after the approval the school orders the transfer at its bank, and the debit line that the
bank reports is linked to it.
"""

from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import clock
from payments.access import approvals
from payments.errors import ConflictError, DomainError, NotFoundError
from payments.inbox.models import TransactionState
from payments.ledger.models import LedgerRole
from payments.ledger.service import post
from payments.receipts.service import number_receipts, revoke
from payments.settlement import loading, refund_rows, writing
from payments.settlement.applying import Applied, apply
from payments.settlement.booking import moves, on_account, sent_back, to_be_refunded
from payments.settlement.deciding import Deed, Former, begin, locked, record, restore, transfer_of
from payments.settlement.loading import Shelf
from payments.settlement.models import DecisionKind, RefundState
from payments.settlement.receipting import follow, receipt_items
from payments.settlement.refund_rows import SUBJECT, RefundRow
from payments.settlement.rules import Reading, SettlementOutcome, Shares, Transfer, assigned, read
from payments.settlement.telling import tell
from payments.settlement.writing import Stamp

RECEIPT_REASON = "refund"
"""Why a receipt is gone, and another one over what remains has come: a pupil's excess goes back, or does not."""

DEBIT = text("""
    SELECT t.id, t.account_id, t.amount_vnd, t.value_date, t.direction, t.clearing_id, t.reverses_id, s.outcome
    FROM bank_transaction t
    JOIN settlement s ON s.school_id = t.school_id AND s.transaction_id = t.id
    WHERE t.school_id = :school_id AND t.id = :id
""")
FORMER = text("SELECT former_outcome, former_flags FROM decision WHERE school_id = :school_id AND id = :id")


def propose_refund(
    session: Session,
    school_id: int,
    transaction_id: int,
    actor_id: int,
    *,
    pupil_id: int | None = None,
    note: str | None = None,
) -> int:
    """Propose to send an unmatched transfer back, or (``pupil_id``) what a credited one left as that pupil's credit.

    Returns the proposal's id, which names the refund. The transfer leaves the queue at once; a credit stays where it is
    until the approval. Raises NotFoundError, ConflictError ``not_unmatched``, ``not_credited`` or ``refund_open``, and
    DomainError ``no_credit``.
    """
    if pupil_id is None:
        deed = begin(session, school_id, transaction_id, kind=DecisionKind.REFUND, actor_id=actor_id, note=note)
        amount_vnd = deed.transfer.amount_vnd
    else:
        locked(session, school_id, transaction_id, TransactionState.CREDITED)
        transfer = transfer_of(session, school_id, transaction_id)
        deed = Deed(school_id, actor_id, DecisionKind.REFUND, transfer, note=note)
        amount_vnd = _credit_of(session, school_id, transaction_id, pupil_id)
        if not amount_vnd:
            raise DomainError(
                "no_credit",
                "Khoản này không có tiền thừa của học sinh đó để hoàn trả.",
                "This transfer left no credit of that pupil to send back.",
            )
    if any(row.pupil_id == pupil_id for row in refund_rows.live(session, school_id, [transaction_id])):
        raise ConflictError("refund_open", "Khoản này đã có đề nghị hoàn trả.", "A refund of it stands already.")
    proposal_id = record(session, deed, detail={"refund_vnd": amount_vnd})
    approvals.propose(
        session,
        school_id,
        subject_kind=SUBJECT,
        subject_id=proposal_id,
        actor_id=actor_id,
        payload={"transaction_id": transaction_id, "amount_vnd": amount_vnd},
    )
    refund_rows.insert(
        session,
        school_id,
        RefundRow(proposal_id, transaction_id, pupil_id, amount_vnd, RefundState.PROPOSED, actor_id, None),
    )
    if pupil_id is None:
        writing.set_states(session, school_id, {transaction_id: TransactionState.REFUND})
        writing.rename_outcomes(session, school_id, {transaction_id: (SettlementOutcome.REFUND, ())})
    return proposal_id


def decide_refund(
    session: Session, school_id: int, refund_id: int, actor_id: int, *, approved: bool, reason: str | None = None
) -> None:
    """Approve or reject a proposed refund, as the second person: a principal who did not propose it.

    Approved, the money is owed to its payer in the books; rejected, a transfer waits in the queue again. Raises
    NotFoundError, ConflictError ``decided_already`` or ``credit_changed``, and ForbiddenError for the same person
    and for whoever is no principal of the school.
    """
    refund = _locked_refund(session, school_id, refund_id, RefundState.PROPOSED, "decided_already")
    approvals.require_principal(session, school_id, refund.proposed_by, actor_id)
    question = approvals.open_proposal(session, school_id, SUBJECT, refund_id)
    approvals.decide(session, school_id, question or 0, actor_id, approved=approved, reason=reason)
    kind = DecisionKind.REFUND_APPROVED if approved else DecisionKind.REFUND_REJECTED
    deed = Deed(school_id, actor_id, kind, transfer_of(session, school_id, refund.transaction_id), note=reason)
    if not approved:
        record(session, deed, answers_id=refund_id)
        refund_rows.step(session, school_id, refund_id, RefundState.REJECTED, decided_by=actor_id)
        if refund.pupil_id is None:
            restore(session, school_id, refund.transaction_id, former_of(session, school_id, refund_id))
        return
    refund_rows.step(session, school_id, refund_id, RefundState.APPROVED, decided_by=actor_id)
    if refund.pupil_id is None:
        cause = f"decision:{record(session, deed, answers_id=refund_id)}"
        side = [on_account(LedgerRole.SUSPENSE, deed.transfer, refund.amount_vnd)]
        post(session, school_id, [to_be_refunded(cause, deed.transfer, side, refund.amount_vnd)])
        return
    _approve_credit(session, deed, refund, refund.pupil_id)


def confirm_refund(session: Session, school_id: int, refund_id: int, debit_transaction_id: int, actor_id: int) -> None:
    """Link the bank's debit line that sent an approved refund back; in the books the debt and the money are gone.

    Raises NotFoundError, ConflictError ``not_approved`` or ``debit_taken`` (it takes something else back), and
    DomainError ``debit_differs`` (another account or amount, or an earlier day).
    """
    refund = _locked_refund(session, school_id, refund_id, RefundState.APPROVED, "not_approved")
    transfer = transfer_of(session, school_id, refund.transaction_id)
    debit = _fitting_debit(session, school_id, debit_transaction_id, transfer, refund.amount_vnd)
    deed = Deed(school_id, actor_id, DecisionKind.REFUND_CONFIRMED, transfer)
    decision_id = record(session, deed, answers_id=refund_id, detail={"debit_id": debit.id})
    refund_rows.step(session, school_id, refund_id, RefundState.CONFIRMED, debit_id=debit.id)
    writing.rename_outcomes(session, school_id, {debit.id: (SettlementOutcome.REFUND, ())})
    post(session, school_id, [sent_back(f"decision:{decision_id}", transfer, refund.amount_vnd, debit.value_date)])


def former_of(session: Session, school_id: int, decision_id: int) -> Former:
    """What a transfer was taken for before a decision."""
    row = session.execute(FORMER, {"school_id": school_id, "id": decision_id}).one()
    return Former(row.former_outcome, tuple(row.former_flags))


def read_again(session: Session, deed: Deed, decision_id: int, pupil_id: int) -> tuple[Applied, Reading]:
    """Bring a credited transfer to what the decisions about it say now, and the pupil's receipt with it.

    The caller posts the difference.
    """
    school_id, transfer = deed.school_id, deed.transfer
    shelf = Shelf(session, school_id)
    reading = standing_reading(session, school_id, shelf, transfer)
    applied = apply(session, shelf, Stamp(school_id, clock.now(), decision_id), [reading], [transfer])
    if reading.bundle is not None:
        follow(session, school_id, applied.by_pupil, {transfer.id: transfer})
        return applied, reading
    revoke(session, school_id, [transfer.id], RECEIPT_REASON, pupil_id=pupil_id)
    items = receipt_items([reading], shelf.book, applied.by_pupil)
    number_receipts(session, school_id, [item for item in items if item.pupil_id == pupil_id])
    return applied, reading


def standing_reading(session: Session, school_id: int, shelf: Shelf, transfer: Transfer) -> Reading:
    """What a transfer is meant for: as a person decided, else by its references; its invoices come on the shelf."""
    decided = loading.decided_shares(session, school_id, [transfer.id]).get(transfer.id)
    if decided is None:
        shelf.fetch(transfer.references)
        return read(transfer, shelf.book)
    shelf.fetch(invoice_ids=[invoice_id for invoice_id, _ in decided.invoices])
    return assigned(transfer, decided, shelf.book, "")


def _approve_credit(session: Session, deed: Deed, refund: RefundRow, pupil_id: int) -> None:
    """The pupil's excess is meant for nobody any more; the rest of the transfer stays meant for what it paid."""
    school_id, transfer = deed.school_id, deed.transfer
    locked(session, school_id, transfer.id, TransactionState.CREDITED)
    if _credit_of(session, school_id, transfer.id, pupil_id) != refund.amount_vnd:
        raise ConflictError(
            "credit_changed",
            "Tiền thừa của khoản này đã thay đổi từ khi đề nghị; hãy từ chối và đề nghị lại.",
            "What the transfer left has changed since the proposal; reject it and propose anew.",
        )
    rest = _without_excess(session, school_id, transfer, pupil_id)
    decision_id = record(session, deed, rest, answers_id=refund.decision_id)
    applied, _ = read_again(session, deed, decision_id, pupil_id)
    cause = f"decision:{decision_id}"
    entry = to_be_refunded(cause, transfer, applied.sides[transfer.id], refund.amount_vnd)
    post(session, school_id, [entry, *moves(applied, [transfer.id], cause)])
    tell(session, school_id, applied.sides)


def _without_excess(session: Session, school_id: int, transfer: Transfer, pupil_id: int) -> Shares:
    """What the transfer is meant for without the pupil's excess: so much of the pupil's invoices as it pays now."""
    shelf = Shelf(session, school_id)
    reading = standing_reading(session, school_id, shelf, transfer)
    paid = loading.paid_by(session, school_id, transfer.id)
    shelf.fetch(invoice_ids=paid)
    if reading.takes_what_is_open:
        return Shares(tuple(paid.items()))
    invoices = [
        (claim.invoice_id, paid.get(claim.invoice_id, 0) if mine else claim.amount_vnd)
        for claim in reading.claims
        for mine in [shelf.invoices[claim.invoice_id].pupil_id == pupil_id]
    ]
    others = tuple(credit for credit in reading.credits if credit[0] != pupil_id)
    return Shares(tuple(share for share in invoices if share[1]), others)


def _credit_of(session: Session, school_id: int, transaction_id: int, pupil_id: int) -> int:
    """What a transfer left as credit of a pupil, in đồng."""
    standing = loading.credits_of(session, school_id, [transaction_id])
    return sum(row.amount_vnd for row in standing if row.place[1] == pupil_id)


def _locked_refund(session: Session, school_id: int, refund_id: int, wanted: RefundState, code: str) -> RefundRow:
    loading.take_lease(session, school_id, wait=True)
    found = refund_rows.one(session, school_id, refund_id)
    if found is None:
        raise NotFoundError
    if found.state is not wanted:
        raise ConflictError(
            code,
            "Đề nghị hoàn trả này vừa được xử lý, hoặc chưa đến bước này; hãy tải lại trang.",
            "This refund has been dealt with meanwhile, or is not that far yet; load the page again.",
        )
    return found


def _fitting_debit(session: Session, school_id: int, debit_id: int, transfer: Transfer, amount_vnd: int) -> Any:
    debit = session.execute(DEBIT, {"school_id": school_id, "id": debit_id}).first()
    if debit is None or debit.direction != "debit":
        raise NotFoundError("Không tìm thấy dòng tiền ra này.", "There is no such debit.")
    if debit.outcome != SettlementOutcome.DEBIT or debit.reverses_id is not None or debit.clearing_id is not None:
        raise ConflictError(
            "debit_taken",
            "Dòng tiền ra này đã được dùng cho việc khác.",
            "This debit stands for something else already.",
        )
    if (debit.account_id, debit.amount_vnd) != (
        transfer.account_id,
        amount_vnd,
    ) or debit.value_date < transfer.value_date:
        raise DomainError(
            "debit_differs",
            "Dòng tiền ra phải cùng tài khoản, cùng số tiền và không trước ngày nhận tiền.",
            "The debit must be of the same account and amount, and not before the day when the money came.",
        )
    return debit
