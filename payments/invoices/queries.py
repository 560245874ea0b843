"""Reads of collection rounds."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from payments.errors import NotFoundError
from payments.invoices.models import (
    CollectionRound,
    Invoice,
    InvoiceBalance,
    InvoiceState,
)


class RoundSummary(NamedTuple):
    """What a round asked for and what has come in; replaced and cancelled invoices do not count."""

    invoices: int
    paid_invoices: int
    invoiced_vnd: int
    paid_vnd: int


def rounds_of(session: Session, school_id: int) -> Sequence[CollectionRound]:
    """The rounds of a school, newest first."""
    return session.scalars(
        select(CollectionRound)
        .where(CollectionRound.school_id == school_id)
        .order_by(CollectionRound.starts_on.desc(), CollectionRound.id.desc())
    ).all()


def round_by_code(session: Session, school_id: int, code: str) -> CollectionRound:
    """The round of a school with this code. Raises NotFoundError."""
    found = session.scalar(
        select(CollectionRound).where(CollectionRound.school_id == school_id, CollectionRound.code == code)
    )
    if found is None:
        raise NotFoundError(f"Không có đợt thu mã {code}.", f"There is no collection round {code}.")
    return found


def round_summary(session: Session, school_id: int, round_id: int) -> RoundSummary:
    """Count and sum the invoices of a round that stand."""
    paid = InvoiceBalance.state == InvoiceState.PAID
    row = session.execute(
        select(
            func.count(),
            func.count().filter(paid),
            func.coalesce(func.sum(InvoiceBalance.amount_vnd), 0),
            func.coalesce(func.sum(InvoiceBalance.paid_vnd), 0),
        )
        .select_from(InvoiceBalance)
        .join(Invoice, balance_of_invoice())
        .where(
            Invoice.school_id == school_id,
            Invoice.round_id == round_id,
            InvoiceBalance.state.not_in((InvoiceState.REPLACED, InvoiceState.CANCELLED)),
        )
    ).one()
    return RoundSummary(row[0], row[1], int(row[2]), int(row[3]))


def balance_of_invoice() -> ColumnElement[bool]:
    """How an invoice and its balance are joined."""
    return and_(InvoiceBalance.school_id == Invoice.school_id, InvoiceBalance.invoice_id == Invoice.id)
