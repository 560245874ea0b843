"""Rounds are listed, found by code, and summed up."""

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from payments.errors import NotFoundError
from payments.invoices import queries
from payments.invoices.models import Invoice
from tests.payments.invoices import rounds
from tests.payments.setting import SchoolSetting, make_pupil

pytestmark = pytest.mark.db


def test_the_summary_leaves_dead_invoices_out(session: Session, school: SchoolSetting) -> None:
    for given in ("Bình", "Chi"):
        make_pupil(session, school.id, school.class_room, given)
    round_id = rounds.issued(session, school)
    ids = session.scalars(select(Invoice.id).where(Invoice.school_id == school.id).order_by(Invoice.id)).all()
    change = text("UPDATE invoice_balance SET paid_vnd = :paid, state = :state WHERE invoice_id = :id")
    session.execute(change, {"id": ids[0], "paid": 660_000, "state": "paid"})
    session.execute(change, {"id": ids[1], "paid": 0, "state": "cancelled"})
    assert queries.round_summary(session, school.id, round_id) == (2, 1, 1_320_000, 660_000)


def test_a_round_is_found_by_its_code(session: Session, school: SchoolSetting) -> None:
    round_id = rounds.drafted(session, school)
    assert queries.round_by_code(session, school.id, "T10").id == round_id
    assert [one.id for one in queries.rounds_of(session, school.id)] == [round_id]
    with pytest.raises(NotFoundError):
        queries.round_by_code(session, school.id, "T11")
