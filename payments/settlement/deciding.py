"""A person's decisions about transfers that no machine may decide: assign, and undo, for ever."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import clock
from payments.audit import service as audit
from payments.errors import ConflictError, DomainError, NotFoundError
from payments.inbox.models import TransactionState
from payments.ledger.models import EntryKind
from payments.ledger.service import post
from payments.receipts.service import number_receipts, revoke
from payments.settlement import loading, writing
from payments.settlement.announcing import announce
from payments.settlement.applying import apply
from payments.settlement.booking import identified, moves, unidentified
from payments.settlement.loading import Shelf
from payments.settlement.models import DecisionKind
from payments.settlement.rules import SettlementOutcome, Transfer, assigned, split_in_order
from payments.settlement.settling import receipt_items
from payments.settlement.signed import require_unsigned
from payments.settlement.telling import tell
from payments.settlement.writing import Stamp

DECIDED = text("""
    SELECT t.state, s.outcome, s.flags FROM bank_transaction t
    LEFT JOIN settlement s ON s.school_id = t.school_id AND s.transaction_id = t.id
    WHERE t.school_id = :school_id AND t.id = :id
""")

DECISION = text("""
    SELECT d.transaction_id, d.kind,
           EXISTS (SELECT FROM decision u WHERE u.school_id = d.school_id AND u.undoes_id = d.id) AS undone
    FROM decision d WHERE d.school_id = :school_id AND d.id = :id
""")

INSERT = text("""
    INSERT INTO decision
        (school_id, transaction_id, kind, undoes_id, invoice_ids, amounts_vnd, decided_by, decided_at, note)
    VALUES (:school_id, :transaction_id, :kind, :undoes_id, CAST(:invoice_ids AS bigint[]),
            CAST(:amounts_vnd AS bigint[]), :actor_id, :moment, :note)
    RETURNING id
""")


@dataclass(frozen=True, slots=True)
class _Deed:
    """Who decides what about which transfer of a school."""

    school_id: int
    actor_id: int
    kind: DecisionKind
    transfer: Transfer


def assign(
    session: Session,
    school_id: int,
    transaction_id: int,
    invoice_ids: Sequence[int],
    actor_id: int,
    *,
    note: str | None = None,
) -> int:
    """Give an unmatched transfer to invoices, in this order until it is used up, and return the decision's id.

    What the last one cannot take becomes credit of its pupil. Raises NotFoundError for a transfer or invoice that is
    not of this school, ConflictError ``not_unmatched`` when the transfer has been decided otherwise meanwhile, and
    DomainError ``no_invoices`` or ``same_invoice_twice``.
    """
    former = _locked_outcome(session, school_id, transaction_id, TransactionState.UNMATCHED)
    shelf = Shelf(session, school_id)
    shelf.fetch(invoice_ids=invoice_ids)
    transfer = loading.transfers(session, school_id, [transaction_id])[transaction_id]
    deed = _Deed(school_id, actor_id, DecisionKind.ASSIGN, transfer)
    shares = _shares(shelf, invoice_ids, transfer.amount_vnd)
    decision_id = _record(session, deed, shares, note=note)
    reading = assigned(transfer, shares, shelf.book, former)
    applied = apply(session, shelf, Stamp(school_id, clock.now(), decision_id), [reading])
    flags = applied.verdicts[transaction_id].flags
    writing.set_states(session, school_id, {transaction_id: TransactionState.CREDITED})
    writing.rename_outcomes(session, school_id, {transaction_id: (SettlementOutcome.ASSIGNED, flags)})
    number_receipts(session, school_id, receipt_items([reading], shelf.book))
    cause = f"decision:{decision_id}"
    entry = identified(EntryKind.ASSIGNMENT, cause, transfer, applied.sides[transaction_id])
    post(session, school_id, [entry, *moves(applied, [transaction_id], cause)])
    tell(session, school_id, applied.sides)
    return decision_id


def undo(session: Session, school_id: int, decision_id: int, actor_id: int) -> int:
    """Take an assignment back, at any later time: the transfer is unmatched again. Returns the new decision's id.

    Raises NotFoundError for a decision that is not of this school, ConflictError ``already_undone`` or
    ``not_credited`` (the bank has taken the money back since), and DomainError ``closed_period`` when it was signed.
    """
    loading.take_lease(session, school_id, wait=True)
    found = session.execute(DECISION, {"school_id": school_id, "id": decision_id}).first()
    if found is None or found.kind != DecisionKind.ASSIGN:
        raise NotFoundError
    if found.undone:
        raise ConflictError("already_undone", "Quyết định này đã được hoàn tác.", "This decision has been undone.")
    require_unsigned(session, school_id, decision_id=decision_id)
    _locked_outcome(session, school_id, found.transaction_id, TransactionState.CREDITED)
    transfer = loading.transfers(session, school_id, [found.transaction_id])[found.transaction_id]
    former = SettlementOutcome(_outcome(session, school_id, transfer.id).flags[0])
    deed = _Deed(school_id, actor_id, DecisionKind.UNDO, transfer)
    undo_id = _record(session, deed, [], undoes_id=decision_id)
    stamp = Stamp(school_id, clock.now(), undo_id)
    applied = apply(session, Shelf(session, school_id), stamp, [], [transfer])
    writing.set_states(session, school_id, {transfer.id: TransactionState.UNMATCHED})
    writing.rename_outcomes(session, school_id, {transfer.id: (former, ())})
    revoke(session, school_id, [transfer.id], "undone")
    cause = f"decision:{undo_id}"
    entry = unidentified(cause, transfer, applied.sides[transfer.id])
    post(session, school_id, [entry, *moves(applied, [transfer.id], cause)])
    tell(session, school_id, applied.sides, [transfer.id])
    announce(session, school_id, [transfer.id])
    return undo_id


def _locked_outcome(session: Session, school_id: int, transaction_id: int, wanted: TransactionState) -> str:
    """The outcome so far of a transaction, once the lease is ours and its state is the wanted one."""
    loading.take_lease(session, school_id, wait=True)
    found = _outcome(session, school_id, transaction_id)
    if found is None:
        raise NotFoundError
    if found.state != wanted:
        raise ConflictError(
            f"not_{wanted}",
            "Giao dịch này vừa được xử lý; hãy tải lại trang.",
            "This transfer has been dealt with meanwhile; load the page again.",
        )
    return str(found.outcome)


def _outcome(session: Session, school_id: int, transaction_id: int) -> Any:
    return session.execute(DECIDED, {"school_id": school_id, "id": transaction_id}).first()


def _shares(shelf: Shelf, invoice_ids: Sequence[int], amount_vnd: int) -> list[tuple[int, int]]:
    """(invoice id, đồng) in the given order, by what is open where the money of each lands."""
    if not invoice_ids:
        raise DomainError("no_invoices", "Hãy chọn ít nhất một thông báo thu.", "Choose at least one invoice.")
    if set(invoice_ids) - shelf.invoices.keys():
        raise NotFoundError
    book = shelf.book
    landing = [book.landing(shelf.invoices[invoice_id]) for invoice_id in invoice_ids]
    if len({invoice.id for invoice in landing}) < len(invoice_ids):
        raise DomainError(
            "same_invoice_twice",
            "Một thông báo thu (hoặc bản thay thế của nó) được chọn hai lần.",
            "An invoice (or its successor) was chosen twice.",
        )
    room = [invoice.amount_vnd - shelf.paid_vnd[invoice.id] if invoice.live else 0 for invoice in landing]
    return list(zip(invoice_ids, split_in_order(amount_vnd, room), strict=True))


def _record(
    session: Session,
    deed: _Deed,
    shares: Sequence[tuple[int, int]],
    *,
    note: str | None = None,
    undoes_id: int | None = None,
) -> int:
    """Keep the decision as an event, and in the audit log; returns its id."""
    decision_id = int(
        session.execute(
            INSERT,
            {
                "school_id": deed.school_id,
                "transaction_id": deed.transfer.id,
                "kind": deed.kind.value,
                "undoes_id": undoes_id,
                "invoice_ids": [invoice_id for invoice_id, _ in shares],
                "amounts_vnd": [amount_vnd for _, amount_vnd in shares],
                "actor_id": deed.actor_id,
                "moment": clock.now(),
                "note": note,
            },
        ).scalar_one()
    )
    audit.record(
        session,
        deed.actor_id,
        f"settlement.{deed.kind}",
        subject_kind="bank_transaction",
        subject_id=deed.transfer.id,
        school_id=deed.school_id,
        detail={"decision_id": decision_id, "amount_vnd": deed.transfer.amount_vnd},
    )
    return decision_id
