"""What the desk lists, and what settlement finds by reference."""

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.orm import Session

from payments.errors import NotFoundError
from payments.invoices import queries
from payments.invoices.models import Invoice, InvoiceState
from tests.payments.invoices import rounds
from tests.payments.setting import SchoolSetting, make_pupil, make_school

pytestmark = pytest.mark.db


def test_a_rounds_invoices_come_in_the_order_of_class_and_given_name(session: Session, school: SchoolSetting) -> None:
    for given in ("Chi", "Bình"):
        make_pupil(session, school.id, school.class_room, given)
    rows = queries.invoices_of_round(session, school.id, rounds.issued(session, school))
    assert [(row.class_name, row.pupil_name) for row in rows] == [
        ("1A", "Nguyễn Mẫu An"),
        ("1A", "Nguyễn Mẫu Bình"),
        ("1A", "Nguyễn Mẫu Chi"),
    ]
    assert {(row.amount_vnd, row.paid_vnd, row.state) for row in rows} == {(660_000, 0, InvoiceState.OPEN)}


def test_a_page_and_a_state_can_be_asked_for(session: Session, school: SchoolSetting) -> None:
    make_pupil(session, school.id, school.class_room, "Bình")
    round_id = rounds.issued(session, school)
    page = queries.invoices_of_round(session, school.id, round_id, limit=1, offset=1)
    assert [row.pupil_name for row in page] == ["Nguyễn Mẫu Bình"]
    assert queries.invoices_of_round(session, school.id, round_id, states=[InvoiceState.PAID]) == []


def test_the_summary_leaves_dead_invoices_out(session: Session, school: SchoolSetting) -> None:
    for given in ("Bình", "Chi"):
        make_pupil(session, school.id, school.class_room, given)
    round_id = rounds.issued(session, school)
    ids = session.scalars(select(Invoice.id).where(Invoice.school_id == school.id).order_by(Invoice.id)).all()
    change = text("UPDATE invoice_balance SET paid_vnd = :paid, state = :state WHERE invoice_id = :id")
    session.execute(change, {"id": ids[0], "paid": 660_000, "state": "paid"})
    session.execute(change, {"id": ids[1], "paid": 0, "state": "cancelled"})
    assert queries.round_summary(session, school.id, round_id) == (2, 1, 1_320_000, 660_000)


def test_references_are_looked_up_in_one_statement_within_the_school(session: Session, school: SchoolSetting) -> None:
    stranger = make_school(session)
    codes = []
    for one in (school, stranger):
        rounds.issued(session, one)
        codes += session.scalars(select(Invoice.reference).where(Invoice.school_id == one.id)).all()
    statements: list[str] = []
    event.listen(session.connection(), "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    found = queries.invoices_by_references(session, school.id, [*codes, "HP0000000000"])
    assert len(statements) == 1
    assert list(found) == codes[:1]
    assert (found[codes[0]].pupil_id, found[codes[0]].amount_vnd) == (school.pupil, 660_000)


def test_a_round_is_found_by_its_code(session: Session, school: SchoolSetting) -> None:
    round_id = rounds.drafted(session, school)
    assert queries.round_by_code(session, school.id, "T10").id == round_id
    assert [one.id for one in queries.rounds_of(session, school.id)] == [round_id]
    with pytest.raises(NotFoundError):
        queries.round_by_code(session, school.id, "T11")
