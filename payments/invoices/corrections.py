"""Correct an issued invoice: it stays as it is, a successor takes its place, or nothing does (invariant I11).

Money sent to the old reference still lands: on the successor, else it becomes the pupil's credit. Moving what was
paid already is settlement's work, which knows the allocations; it calls these with ``paid_by_line``.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from payments import clock
from payments.audit.service import record
from payments.errors import ConflictError, NotFoundError
from payments.invoices.issuing import locked_round, wrong_state
from payments.invoices.models import (
    CollectionRound,
    Invoice,
    InvoiceBalance,
    InvoiceCurrent,
    InvoiceLine,
    InvoiceState,
    RoundState,
)
from payments.invoices.planning import plan_pupil
from payments.invoices.rules import Sheet
from payments.invoices.writing import write_invoices
from payments.ledger.models import EntryKind, LedgerRole
from payments.ledger.service import Posting, PostingLine, post

# «No» is said to the item, whatever it costs; «yes» to the item at its price. Money that is on a line stays its money.
CARRY = text("""
    INSERT INTO voluntary_choice (school_id, line_id, declined, chosen, kept, changed_at)
    SELECT DISTINCT ON (new.id) new.school_id, new.id, coalesce(said.declined, false),
           coalesce(said.chosen AND new.amount_vnd = old.amount_vnd, false), old.id = ANY(CAST(:paid AS bigint[])),
           coalesce(said.changed_at, :at)
    FROM invoice_line old
    JOIN invoice_line new ON new.school_id = old.school_id AND new.fee_item_id = old.fee_item_id AND NOT new.mandatory
    LEFT JOIN voluntary_choice said ON said.school_id = old.school_id AND said.line_id = old.id
    WHERE old.school_id = :school_id AND old.invoice_id = :old AND new.invoice_id = :new AND NOT old.mandatory
      AND (said.line_id IS NOT NULL OR old.id = ANY(CAST(:paid AS bigint[])))
    ORDER BY new.id, old.line_no
""")

_LIVE = frozenset({InvoiceState.OPEN, InvoiceState.PARTIAL, InvoiceState.PAID})


def cancel_invoice(
    session: Session,
    school_id: int,
    invoice_id: int,
    *,
    actor_id: int,
    paid_by_line: Mapping[int, int] | None = None,
) -> None:
    """Cancel an invoice: its open receivable leaves the books, money that still comes becomes credit.

    ``paid_by_line``: line id -> đồng, for settlement, which moves that money in the same transaction. Raises
    NotFoundError, and ConflictError ``invoice_state``, ``invoice_paid`` or ``round_state``.
    """
    invoice, balance, _ = _open_for_correction(session, school_id, invoice_id, paid_by_line or {})
    _end(session, invoice, balance, InvoiceState.CANCELLED, paid_by_line or {})
    _record(session, actor_id, "invoice.cancelled", invoice, {})


def replace_invoice(
    session: Session,
    school_id: int,
    invoice_id: int,
    *,
    actor_id: int,
    paid_by_line: Mapping[int, int] | None = None,
) -> int | None:
    """Replace an invoice by what the catalogue says now and return the successor's id; None: nothing is due any more.

    Prices and registrations are those of the round's first day, quantities and exemptions as they stand now. With
    ``paid_by_line`` as in ``cancel_invoice``. Raises what that raises, ConflictError ``nothing_changed``, and
    DomainError with the code of the fee rule that refuses a line.
    """
    paid = paid_by_line or {}
    invoice, balance, collection_round = _open_for_correction(session, school_id, invoice_id, paid)
    drafts = plan_pupil(session, collection_round, invoice.pupil_id)
    key = (invoice.pupil_id, invoice.receiving_account_id, invoice.group_key)
    successor = next((draft for draft in drafts if draft.key == key), None)
    if successor is not None and _says_the_same(session, invoice, successor.sheet):
        raise ConflictError(
            "nothing_changed",
            "Thông báo mới sẽ giống hệt thông báo cũ; hãy sửa số lượng, đăng ký hoặc miễn giảm trước.",
            "The successor would say the same; change quantities, registrations or exemptions first.",
        )
    if successor is None:
        cancel_invoice(session, school_id, invoice_id, actor_id=actor_id, paid_by_line=paid)
        return None
    _end(session, invoice, balance, InvoiceState.REPLACED, paid)
    successor_id = write_invoices(session, collection_round, [successor], replaces_id=invoice_id)[0]
    _carry_words(session, school_id, invoice_id, successor_id, paid)
    _post_successor(session, school_id, successor_id, successor.sheet)
    _record(session, actor_id, "invoice.replaced", invoice, {"successor_id": successor_id})
    return successor_id


def _open_for_correction(
    session: Session, school_id: int, invoice_id: int, paid_by_line: Mapping[int, int]
) -> tuple[Invoice, InvoiceBalance, CollectionRound]:
    """Lock round and balance. Whatever was paid must be accounted for by the caller."""
    invoice = session.get(Invoice, (school_id, invoice_id))
    if invoice is None:
        raise NotFoundError("Không tìm thấy thông báo thu tiền.", "There is no such invoice.")
    collection_round = locked_round(session, school_id, invoice.round_id)
    if collection_round.state not in {RoundState.ISSUED, RoundState.CLOSED}:
        raise wrong_state(collection_round)
    balance = session.get_one(InvoiceBalance, (school_id, invoice_id), with_for_update=True, populate_existing=True)
    if balance.state not in _LIVE:
        raise ConflictError(
            "invoice_state",
            "Thông báo này đã được thay thế hoặc hủy.",
            "This invoice has been replaced or cancelled already.",
        )
    if balance.paid_vnd != sum(paid_by_line.values()):
        raise ConflictError(
            "invoice_paid",
            "Thông báo này đã có người nộp; phần đã nộp phải được chuyển sang thông báo mới hoặc tiền thừa.",
            "Something was paid on this invoice; that money must move to the successor or to credit.",
        )
    return invoice, balance, collection_round


def _end(
    session: Session,
    invoice: Invoice,
    balance: InvoiceBalance,
    state: InvoiceState,
    paid_by_line: Mapping[int, int],
) -> None:
    """Take the invoice out of the current ones, and its open receivable out of the books."""
    balance.state = state
    balance.changed_at = clock.now()
    session.execute(
        delete(InvoiceCurrent).where(
            InvoiceCurrent.school_id == invoice.school_id,
            InvoiceCurrent.round_id == invoice.round_id,
            InvoiceCurrent.pupil_id == invoice.pupil_id,
            InvoiceCurrent.receiving_account_id == invoice.receiving_account_id,
            InvoiceCurrent.group_key == invoice.group_key,
        )
    )
    session.flush()
    lines = [
        side
        for line in _lines(session, invoice)
        if line.mandatory and (open_vnd := line.amount_vnd - paid_by_line.get(line.id, 0))
        for side in _owed(line.fee_item_id, -open_vnd)
    ]
    if lines:
        posting = Posting(EntryKind.CANCELLATION, f"cancel:invoice:{invoice.id}", clock.today(), lines)
        post(session, invoice.school_id, [posting])


def _carry_words(
    session: Session, school_id: int, invoice_id: int, successor_id: int, paid_by_line: Mapping[int, int]
) -> None:
    """What the family said about voluntary lines holds for the successor, too, and money on them follows."""
    values = {"school_id": school_id, "old": invoice_id, "new": successor_id, "at": clock.now()}
    session.execute(CARRY, {**values, "paid": [line_id for line_id, vnd in paid_by_line.items() if vnd]})


def _post_successor(session: Session, school_id: int, invoice_id: int, sheet: Sheet) -> None:
    lines = [
        side
        for line in sheet.lines
        if line.mandatory and line.amount_vnd
        for side in _owed(line.fee_item_id, line.amount_vnd)
    ]
    if lines:
        post(session, school_id, [Posting(EntryKind.ISSUE, f"invoice:{invoice_id}", clock.today(), lines)])


def _owed(fee_item_id: int, amount_vnd: int) -> tuple[PostingLine, PostingLine]:
    return (
        PostingLine(LedgerRole.RECEIVABLE, None, fee_item_id, amount_vnd),
        PostingLine(LedgerRole.INCOME, None, fee_item_id, -amount_vnd),
    )


def _lines(session: Session, invoice: Invoice) -> Sequence[InvoiceLine]:
    return session.scalars(
        select(InvoiceLine)
        .where(InvoiceLine.school_id == invoice.school_id, InvoiceLine.invoice_id == invoice.id)
        .order_by(InvoiceLine.line_no)
    ).all()


def _says_the_same(session: Session, invoice: Invoice, sheet: Sheet) -> bool:
    def spelled(line: Any) -> tuple[object, ...]:
        return line.fee_item_id, line.description, line.quantity, line.unit_price_vnd, line.relief_vnd, line.amount_vnd

    return [spelled(line) for line in _lines(session, invoice)] == [spelled(line) for line in sheet.lines]


def _record(session: Session, actor_id: int, action: str, invoice: Invoice, detail: Mapping[str, object]) -> None:
    record(
        session,
        actor_id,
        action,
        subject_kind="invoice",
        subject_id=invoice.id,
        school_id=invoice.school_id,
        detail={"amount_vnd": invoice.amount_vnd, **detail},
    )
