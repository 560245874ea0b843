"""Invoices as people read them: every line with its arithmetic, and the account that the QR names."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from payments.banking.models import ReceivingAccount
from payments.errors import NotFoundError
from payments.invoices.models import CollectionRound, Invoice, InvoiceBalance, InvoiceLine, InvoiceState
from payments.invoices.queries import balance_of_invoice

_Shown = Select[*tuple[Any, ...]]


class LineRow(NamedTuple):
    """One line of an invoice as a person reads it; amounts in đồng."""

    line_no: int
    description: str
    mandatory: bool
    quantity: int
    unit_price_vnd: int
    relief_vnd: int
    amount_vnd: int


@dataclass(frozen=True)
class PupilInvoice:
    """An invoice with all that is needed to show it and to draw its QR."""

    id: int
    reference: str
    round_name: str
    amount_vnd: int
    paid_vnd: int
    state: InvoiceState
    due_on: date
    issued_at: datetime
    changed_at: datetime
    bin: str
    account_number: str
    holder_name: str
    memo_prefix: str | None
    fund: str
    lines: list[LineRow] = field(default_factory=list)

    @property
    def open_vnd(self) -> int:
        """What is still to be paid, in đồng."""
        return self.amount_vnd - self.paid_vnd if self.state in {InvoiceState.OPEN, InvoiceState.PARTIAL} else 0


def pupil_invoices(
    session: Session, school_id: int, pupil_id: int, *, states: Collection[InvoiceState] = ()
) -> list[PupilInvoice]:
    """A pupil's invoices with lines and account, oldest due first, in two statements; all states or the given ones."""
    statement = (
        _shown(school_id).where(Invoice.pupil_id == pupil_id).order_by(Invoice.due_on, Invoice.issued_at, Invoice.id)
    )
    if states:
        statement = statement.where(InvoiceBalance.state.in_(states))
    return _with_lines(session, school_id, statement)


def open_invoices(session: Session, school_id: int, pupil_id: int) -> list[PupilInvoice]:
    """What a pupil still has to pay, oldest due first, with lines and account."""
    return pupil_invoices(session, school_id, pupil_id, states=(InvoiceState.OPEN, InvoiceState.PARTIAL))


def invoice_to_show(session: Session, school_id: int, reference: str) -> PupilInvoice:
    """One invoice by its reference, with lines and account. Raises NotFoundError."""
    found = _with_lines(session, school_id, _shown(school_id).where(Invoice.reference == reference))
    if not found:
        raise NotFoundError("Không tìm thấy thông báo thu tiền.", "There is no such invoice.")
    return found[0]


def _shown(school_id: int) -> _Shown:
    return (
        select(
            Invoice.id,
            Invoice.reference,
            CollectionRound.name,
            Invoice.amount_vnd,
            InvoiceBalance.paid_vnd,
            InvoiceBalance.state,
            Invoice.due_on,
            Invoice.issued_at,
            InvoiceBalance.changed_at,
            ReceivingAccount.bin,
            ReceivingAccount.number,
            ReceivingAccount.holder_name,
            ReceivingAccount.memo_prefix,
            ReceivingAccount.fund,
        )
        .join(InvoiceBalance, balance_of_invoice())
        .join(
            CollectionRound,
            (CollectionRound.school_id == Invoice.school_id) & (CollectionRound.id == Invoice.round_id),
        )
        .join(
            ReceivingAccount,
            (ReceivingAccount.school_id == Invoice.school_id) & (ReceivingAccount.id == Invoice.receiving_account_id),
        )
        .where(Invoice.school_id == school_id)
    )


def _with_lines(session: Session, school_id: int, statement: _Shown) -> list[PupilInvoice]:
    invoices = [PupilInvoice(*row) for row in session.execute(statement)]
    lines = session.execute(
        select(
            InvoiceLine.invoice_id,
            InvoiceLine.line_no,
            InvoiceLine.description,
            InvoiceLine.mandatory,
            InvoiceLine.quantity,
            InvoiceLine.unit_price_vnd,
            InvoiceLine.relief_vnd,
            InvoiceLine.amount_vnd,
        )
        .where(InvoiceLine.school_id == school_id, InvoiceLine.invoice_id.in_([invoice.id for invoice in invoices]))
        .order_by(InvoiceLine.invoice_id, InvoiceLine.line_no)
    )
    by_invoice: defaultdict[int, list[LineRow]] = defaultdict(list)
    for invoice_id, *line in lines:
        by_invoice[invoice_id].append(LineRow._make(line))
    for invoice in invoices:
        invoice.lines.extend(by_invoice[invoice.id])
    return invoices
