"""An issued invoice is never changed: a successor takes its place, or nothing does."""

from datetime import date

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.errors import ConflictError, NotFoundError
from payments.fees.models import Exemption, ReliefKind
from payments.invoices.corrections import cancel_invoice, replace_invoice
from payments.invoices.models import Invoice, InvoiceBalance, InvoiceState
from payments.invoices.service import set_quantity
from payments.ledger.models import LedgerRole
from payments.ledger.queries import trial_balance
from tests.payments.invoices import rounds
from tests.payments.setting import SchoolSetting, make_school

pytestmark = pytest.mark.db


@pytest.fixture
def invoice(session: Session, school: SchoolSetting) -> Invoice:
    rounds.issued(session, school)
    return session.query(Invoice).filter_by(school_id=school.id).one()


def fewer_days(session: Session, school: SchoolSetting, invoice: Invoice, days: int = 20) -> None:
    set_quantity(
        session,
        school.id,
        invoice.round_id,
        pupil_id=invoice.pupil_id,
        fee_item_id=school.meals,
        quantity=days,
        actor_id=school.accountant,
    )


def replace(session: Session, school: SchoolSetting, invoice: Invoice, **paid: dict[int, int]) -> int | None:
    return replace_invoice(session, school.id, invoice.id, actor_id=school.accountant, **paid)


def pay(session: Session, invoice: Invoice, amount_vnd: int) -> int:
    """Mark an amount as paid on the only line, whose id is given back."""
    session.execute(
        text("UPDATE invoice_balance SET paid_vnd = :paid, state = 'partial' WHERE invoice_id = :id"),
        {"paid": amount_vnd, "id": invoice.id},
    )
    line_id = session.scalar(text("SELECT id FROM invoice_line WHERE invoice_id = :id"), {"id": invoice.id})
    assert isinstance(line_id, int)
    return line_id


def state(session: Session, school: SchoolSetting, invoice_id: int) -> InvoiceState:
    return session.get_one(InvoiceBalance, (school.id, invoice_id), populate_existing=True).state


def current(session: Session, invoice: Invoice) -> list[int]:
    return list(
        session.scalars(
            text("SELECT invoice_id FROM invoice_current WHERE school_id = :school"), {"school": invoice.school_id}
        )
    )


def receivable(session: Session, school: SchoolSetting) -> int:
    rows = trial_balance(session, school.id)
    assert sum(row.balance_vnd for row in rows) == 0
    return sum(row.balance_vnd for row in rows if row.role is LedgerRole.RECEIVABLE)


def test_a_successor_takes_the_place_and_names_the_one_it_replaces(
    session: Session, school: SchoolSetting, invoice: Invoice
) -> None:
    fewer_days(session, school, invoice)
    successor = session.get_one(Invoice, (school.id, replace(session, school, invoice)))
    assert (successor.amount_vnd, successor.replaces_id) == (600_000, invoice.id)
    assert successor.reference != invoice.reference
    assert state(session, school, invoice.id) is InvoiceState.REPLACED
    assert current(session, invoice) == [successor.id]
    assert receivable(session, school) == 600_000


def test_the_replaced_invoice_itself_stays_as_it_was(session: Session, school: SchoolSetting, invoice: Invoice) -> None:
    fewer_days(session, school, invoice)
    replace(session, school, invoice)
    session.refresh(invoice)
    assert invoice.amount_vnd == 660_000


def test_a_successor_can_be_replaced_in_turn(session: Session, school: SchoolSetting, invoice: Invoice) -> None:
    fewer_days(session, school, invoice)
    first = session.get_one(Invoice, (school.id, replace(session, school, invoice)))
    fewer_days(session, school, invoice, 18)
    second = replace(session, school, first)
    assert current(session, invoice) == [second]
    assert receivable(session, school) == 540_000


def test_a_later_exemption_reaches_the_successor(session: Session, school: SchoolSetting, invoice: Invoice) -> None:
    session.add(
        Exemption(
            school_id=school.id,
            pupil_id=invoice.pupil_id,
            kind=ReliefKind.WAIVER,
            category="mẫu",
            percent=50,
            fee_codes=["AN"],
            valid_from=date(2025, 9, 1),
            document="QĐ 1/QĐ-THHP",
        )
    )
    session.flush()
    successor = session.get_one(Invoice, (school.id, replace(session, school, invoice)))
    assert successor.amount_vnd == 330_000


def test_an_invoice_that_would_say_the_same_is_not_replaced(
    session: Session, school: SchoolSetting, invoice: Invoice
) -> None:
    with pytest.raises(ConflictError, match="nothing_changed"):
        replace(session, school, invoice)


def test_when_nothing_is_due_any_more_the_invoice_is_cancelled(
    session: Session, school: SchoolSetting, invoice: Invoice
) -> None:
    fewer_days(session, school, invoice, 0)
    assert replace(session, school, invoice) is None
    assert state(session, school, invoice.id) is InvoiceState.CANCELLED
    assert receivable(session, school) == 0


def test_a_cancelled_invoice_leaves_the_books_and_stays_cancelled(
    session: Session, school: SchoolSetting, invoice: Invoice
) -> None:
    cancel_invoice(session, school.id, invoice.id, actor_id=school.accountant)
    assert (receivable(session, school), current(session, invoice)) == (0, [])
    with pytest.raises(ConflictError, match="invoice_state"):
        cancel_invoice(session, school.id, invoice.id, actor_id=school.accountant)
    with pytest.raises(ConflictError, match="invoice_state"):
        replace(session, school, invoice)


def test_money_on_an_invoice_is_never_left_behind(session: Session, school: SchoolSetting, invoice: Invoice) -> None:
    pay(session, invoice, 200_000)
    fewer_days(session, school, invoice)
    with pytest.raises(ConflictError, match="invoice_paid"):
        cancel_invoice(session, school.id, invoice.id, actor_id=school.accountant)
    with pytest.raises(ConflictError, match="invoice_paid"):
        replace(session, school, invoice)


def test_of_a_paid_invoice_only_the_open_receivable_leaves_the_books(
    session: Session, school: SchoolSetting, invoice: Invoice
) -> None:
    line = pay(session, invoice, 200_000)
    cancel_invoice(session, school.id, invoice.id, actor_id=school.accountant, paid_by_line={line: 200_000})
    assert receivable(session, school) == 200_000


def test_nothing_is_corrected_while_the_round_is_being_issued(
    session: Session, school: SchoolSetting, invoice: Invoice
) -> None:
    session.execute(text("UPDATE collection_round SET state = 'issuing' WHERE id = :id"), {"id": invoice.round_id})
    with pytest.raises(ConflictError, match="round_state"):
        cancel_invoice(session, school.id, invoice.id, actor_id=school.accountant)


def test_an_invoice_of_another_school_is_not_found(session: Session, school: SchoolSetting, invoice: Invoice) -> None:
    stranger = make_school(session)
    with pytest.raises(NotFoundError):
        cancel_invoice(session, stranger.id, invoice.id, actor_id=stranger.accountant)
