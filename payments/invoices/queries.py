"""Reads of rounds and invoices: for the desk, and for whoever holds a reference."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import Session

from payments.errors import NotFoundError
from payments.invoices.models import (
    CollectionRound,
    Invoice,
    InvoiceBalance,
    InvoiceState,
)
from payments.schools.models import ClassRoom, Enrollment, Pupil


class InvoiceRow(NamedTuple):
    """An invoice in a list of the desk; amounts in đồng."""

    id: int
    reference: str
    pupil_id: int
    pupil_name: str
    class_name: str | None
    group_key: str
    amount_vnd: int
    paid_vnd: int
    state: InvoiceState
    due_on: date


class RoundSummary(NamedTuple):
    """What a round asked for and what has come in; replaced and cancelled invoices do not count."""

    invoices: int
    paid_invoices: int
    invoiced_vnd: int
    paid_vnd: int


class ReferencedInvoice(NamedTuple):
    """An invoice ever issued by a school, found by its reference."""

    id: int
    reference: str
    round_id: int
    pupil_id: int
    receiving_account_id: int
    amount_vnd: int
    paid_vnd: int
    state: InvoiceState
    due_on: date
    replaces_id: int | None


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


def invoices_of_round(
    session: Session,
    school_id: int,
    round_id: int,
    *,
    states: Collection[InvoiceState] = (),
    limit: int = 100,
    offset: int = 0,
) -> list[InvoiceRow]:
    """A page of a round's invoices by class and Vietnamese name order; all states unless some are given."""
    wanted = (
        _listed(school_id)
        .where(Invoice.round_id == round_id)
        .order_by(ClassRoom.grade.asc().nulls_first(), ClassRoom.name, Pupil.sort_key.collate("C"), Invoice.id)
        .limit(limit)
        .offset(offset)
    )
    if states:
        wanted = wanted.where(InvoiceBalance.state.in_(states))
    return [InvoiceRow(*row) for row in session.execute(wanted)]


def invoices_by_references(
    session: Session, school_id: int, references: Collection[str]
) -> dict[str, ReferencedInvoice]:
    """Invoices ever issued by a school, by reference, in one statement."""
    rows = session.execute(
        select(
            Invoice.id,
            Invoice.reference,
            Invoice.round_id,
            Invoice.pupil_id,
            Invoice.receiving_account_id,
            Invoice.amount_vnd,
            InvoiceBalance.paid_vnd,
            InvoiceBalance.state,
            Invoice.due_on,
            Invoice.replaces_id,
        )
        .join(InvoiceBalance, balance_of_invoice())
        .where(Invoice.school_id == school_id, Invoice.reference.in_(references))
    )
    return {row.reference: ReferencedInvoice._make(row) for row in rows}


def balance_of_invoice() -> ColumnElement[bool]:
    """How an invoice and its balance are joined."""
    return and_(InvoiceBalance.school_id == Invoice.school_id, InvoiceBalance.invoice_id == Invoice.id)


def _listed(school_id: int) -> Select[int, str, int, str, str, str, int, int, InvoiceState, date]:
    """Invoices with the class that the pupil had when the round began."""
    on_the_day = (
        select(func.min(Enrollment.class_id))
        .join(ClassRoom, (ClassRoom.school_id == Enrollment.school_id) & (ClassRoom.id == Enrollment.class_id))
        .where(
            Enrollment.school_id == Invoice.school_id,
            Enrollment.pupil_id == Invoice.pupil_id,
            Enrollment.valid_from <= CollectionRound.starts_on,
            (Enrollment.valid_to.is_(None)) | (Enrollment.valid_to > CollectionRound.starts_on),
            ClassRoom.year_id == CollectionRound.year_id,
        )
        .correlate(Invoice, CollectionRound)
        .scalar_subquery()
    )
    return (
        select(
            Invoice.id,
            Invoice.reference,
            Invoice.pupil_id,
            Pupil.full_name,
            ClassRoom.name,
            Invoice.group_key,
            Invoice.amount_vnd,
            InvoiceBalance.paid_vnd,
            InvoiceBalance.state,
            Invoice.due_on,
        )
        .join(InvoiceBalance, balance_of_invoice())
        .join(
            CollectionRound,
            (CollectionRound.school_id == Invoice.school_id) & (CollectionRound.id == Invoice.round_id),
        )
        .join(Pupil, (Pupil.school_id == Invoice.school_id) & (Pupil.id == Invoice.pupil_id))
        .outerjoin(ClassRoom, (ClassRoom.school_id == Invoice.school_id) & (ClassRoom.id == on_the_day))
        .where(Invoice.school_id == school_id)
    )
