"""A person says what a transfer pays: whole invoices in order, or so much for each invoice and pupil."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import clock
from payments.errors import DomainError, NotFoundError
from payments.inbox.models import TransactionState
from payments.ledger.models import EntryKind
from payments.ledger.service import post
from payments.money import format_number
from payments.receipts.service import number_receipts
from payments.settlement import loading, writing
from payments.settlement.applying import apply
from payments.settlement.booking import identified, moves
from payments.settlement.deciding import Deed, begin, record
from payments.settlement.loading import Shelf
from payments.settlement.models import DecisionKind
from payments.settlement.receipting import receipt_items
from payments.settlement.rules import SettlementOutcome, Shares, assigned, split_in_order
from payments.settlement.telling import tell
from payments.settlement.writing import Stamp

PUPILS = text("SELECT id FROM pupil WHERE school_id = :school_id AND id = ANY(CAST(:ids AS bigint[]))")


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a split, in đồng: for an invoice, or credit of a pupil on the account where the money lies."""

    amount_vnd: int
    invoice_id: int | None = None
    pupil_id: int | None = None


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
    deed = begin(session, school_id, transaction_id, kind=DecisionKind.ASSIGN, actor_id=actor_id, note=note)
    shelf = Shelf(session, school_id)
    shelf.fetch(invoice_ids=invoice_ids)
    return _place(session, deed, shelf, Shares(invoices=shares_in_order(shelf, invoice_ids, deed.transfer.amount_vnd)))


def split(
    session: Session,
    school_id: int,
    transaction_id: int,
    parts: Sequence[Part],
    actor_id: int,
    *,
    note: str | None = None,
) -> int:
    """Give an unmatched transfer to invoices and pupils in the stated amounts, and return the decision's id.

    The parts must be all of the transfer. What an invoice cannot take of its part becomes credit of its pupil. Raises
    as ``assign``, and DomainError ``split_sum`` (it says what remains or is too much), ``no_parts``, ``part_amount``,
    ``part_target`` or ``same_pupil_twice``.
    """
    _require_parts(parts)
    deed = begin(session, school_id, transaction_id, kind=DecisionKind.SPLIT, actor_id=actor_id, note=note)
    _require_sum(parts, deed.transfer.amount_vnd)
    invoices = [(part.invoice_id, part.amount_vnd) for part in parts if part.invoice_id is not None]
    credits_ = [(part.pupil_id, part.amount_vnd) for part in parts if part.pupil_id is not None]
    shelf = Shelf(session, school_id)
    shelf.fetch(invoice_ids=[invoice_id for invoice_id, _ in invoices])
    _require_once(shelf, [invoice_id for invoice_id, _ in invoices])
    pupil_ids = {pupil_id for pupil_id, _ in credits_}
    if pupil_ids - {row[0] for row in loading.rows_for(session, PUPILS, school_id, pupil_ids)}:
        raise NotFoundError
    return _place(session, deed, shelf, Shares(tuple(invoices), tuple(credits_)))


def shares_in_order(shelf: Shelf, invoice_ids: Sequence[int], amount_vnd: int) -> tuple[tuple[int, int], ...]:
    """(invoice id, đồng) in the given order, by what is open where the money of each lands.

    Raises NotFoundError, and DomainError ``no_invoices`` or ``same_invoice_twice``.
    """
    if not invoice_ids:
        raise DomainError("no_invoices", "Hãy chọn ít nhất một thông báo thu.", "Choose at least one invoice.")
    _require_once(shelf, invoice_ids)
    return tuple(zip(invoice_ids, split_in_order(amount_vnd, open_amounts(shelf, invoice_ids)), strict=True))


def open_amounts(shelf: Shelf, invoice_ids: Sequence[int]) -> list[int]:
    """What is open where the money for each of these invoices lands, in đồng."""
    landing = [shelf.book.landing(shelf.invoices[invoice_id]) for invoice_id in invoice_ids]
    return [invoice.open_vnd(shelf.paid_vnd[invoice.id]) if invoice.live else 0 for invoice in landing]


def _place(session: Session, deed: Deed, shelf: Shelf, shares: Shares) -> int:
    """Keep the decision and bring the money where it says: one receipt a pupil, one entry, told to school software."""
    school_id, transfer = deed.school_id, deed.transfer
    decision_id = record(session, deed, shares)
    reading = assigned(transfer, shares, shelf.book, deed.former.outcome if deed.former else "")
    applied = apply(session, shelf, Stamp(school_id, clock.now(), decision_id), [reading])
    flags = applied.verdicts[transfer.id].flags
    writing.set_states(session, school_id, {transfer.id: TransactionState.CREDITED})
    writing.rename_outcomes(session, school_id, {transfer.id: (SettlementOutcome.ASSIGNED, flags)})
    number_receipts(session, school_id, receipt_items([reading], shelf.book, applied.by_pupil))
    cause = f"decision:{decision_id}"
    entry = identified(EntryKind.ASSIGNMENT, cause, transfer, applied.sides[transfer.id])
    post(session, school_id, [entry, *moves(applied, [transfer.id], cause)])
    tell(session, school_id, applied.sides)
    return decision_id


def _require_parts(parts: Sequence[Part]) -> None:
    """What can be seen without the database."""
    if not parts:
        raise DomainError("no_parts", "Hãy thêm ít nhất một phần.", "Add at least one part.")
    for place, part in enumerate(parts, start=1):
        if part.amount_vnd <= 0:
            raise DomainError(
                "part_amount",
                f"Phần {place}: số tiền phải lớn hơn 0 đồng.",
                f"Part {place}: the amount must be more than 0 đồng.",
            )
        if (part.invoice_id is None) == (part.pupil_id is None):
            raise DomainError(
                "part_target",
                f"Phần {place}: hãy chọn một thông báo thu hoặc một học sinh.",
                f"Part {place}: choose either an invoice or a pupil.",
            )
    pupils = [part.pupil_id for part in parts if part.pupil_id is not None]
    if len(set(pupils)) < len(pupils):
        raise DomainError("same_pupil_twice", "Một học sinh được chọn hai lần.", "A pupil was chosen twice.")


def _require_sum(parts: Sequence[Part], amount_vnd: int) -> None:
    rest_vnd = amount_vnd - sum(part.amount_vnd for part in parts)
    if rest_vnd:
        shown = format_number(abs(rest_vnd))
        raise DomainError(
            "split_sum",
            f"Tổng các phần còn thiếu {shown} đồng." if rest_vnd > 0 else f"Tổng các phần thừa {shown} đồng.",
            f"{shown} đồng remain." if rest_vnd > 0 else f"The parts are {shown} đồng too much.",
        )


def _require_once(shelf: Shelf, invoice_ids: Sequence[int]) -> None:
    """All known, and no two whose money lands on the same one."""
    if set(invoice_ids) - shelf.invoices.keys():
        raise NotFoundError
    if len({shelf.book.landing(shelf.invoices[invoice_id]).id for invoice_id in invoice_ids}) < len(invoice_ids):
        raise DomainError(
            "same_invoice_twice",
            "Một thông báo thu (hoặc bản thay thế của nó) được chọn hai lần.",
            "An invoice (or its successor) was chosen twice.",
        )
