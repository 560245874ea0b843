"""What a parent reads: each open invoice with its lines, and the account that the QR names."""

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.orm import Session

from payments.errors import NotFoundError
from payments.invoices import showing
from payments.invoices.models import Invoice, InvoiceState
from tests.payments.invoices import rounds
from tests.payments.setting import SchoolSetting, make_school

pytestmark = pytest.mark.db


def mark_paid(session: Session, school: SchoolSetting) -> None:
    session.execute(
        text("UPDATE invoice_balance SET paid_vnd = amount_vnd, state = 'paid' WHERE school_id = :school"),
        {"school": school.id},
    )


def test_an_open_invoice_shows_its_arithmetic_and_its_account(session: Session, school: SchoolSetting) -> None:
    rounds.register_for_club(session, school, school.pupil)
    rounds.issued(session, school)
    statements: list[str] = []
    event.listen(session.connection(), "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    (shown,) = showing.open_invoices(session, school.id, school.pupil)
    assert len(statements) == 2
    assert (shown.open_vnd, shown.round_name, shown.bin) == (720_000, "Tháng 10/2025", "970998")
    assert [(line.description, line.amount_vnd) for line in shown.lines] == [
        ("Tiền ăn bán trú: 22 ngày × 30.000", 660_000),
        ("Kỹ năng sống: 4 tiết × 15.000", 60_000),
    ]


def test_a_paid_invoice_is_shown_but_no_longer_open(session: Session, school: SchoolSetting) -> None:
    rounds.issued(session, school)
    mark_paid(session, school)
    assert showing.open_invoices(session, school.id, school.pupil) == []
    (shown,) = showing.pupil_invoices(session, school.id, school.pupil)
    assert (shown.state, shown.open_vnd) == (InvoiceState.PAID, 0)


def test_an_invoice_is_shown_by_its_reference_within_its_school(session: Session, school: SchoolSetting) -> None:
    rounds.issued(session, school)
    code = session.scalars(select(Invoice.reference).where(Invoice.school_id == school.id)).one()
    assert showing.invoice_to_show(session, school.id, code).amount_vnd == 660_000
    with pytest.raises(NotFoundError):
        showing.invoice_to_show(session, make_school(session).id, code)
