"""School software is told of every invoice that is issued, with its cause or not at all."""

import pytest
from sqlalchemy import text

from payments.events.rules import EventKind
from payments.invoices import writing
from payments.invoices.issuing import issue_round
from payments.settlement.service import replace_invoice
from tests.payments.events.told import kinds, listen, told
from tests.payments.invoices.rounds import approved, issued, register_for_club
from tests.payments.setting import make_pupil

pytestmark = pytest.mark.db


def invoices(session, school):
    return session.execute(
        text("SELECT id, reference, amount_vnd FROM invoice WHERE school_id = :school ORDER BY id"),
        {"school": school.id},
    ).all()


def test_each_issued_invoice_is_told_once(session, school):
    listen(session, school.id)
    make_pupil(session, school.id, school.class_room, "Bình")
    round_id = issued(session, school)
    issue_round(session, school.id, round_id)
    events = told(session, school.id)
    rows = invoices(session, school)
    assert [(one["invoice_id"], one["reference"], one["amount_vnd"]) for one in events] == [tuple(row) for row in rows]
    assert len(rows) == 2
    assert (events[0]["school"], events[0]["round"], events[0]["due_on"]) == (school.code, "T10", "2025-10-20")
    assert events[0]["replaces"] is None


def test_no_childs_name_or_number_is_told(session, school):
    listen(session, school.id)
    issued(session, school)
    said = str(told(session, school.id))
    names = session.execute(text("SELECT full_name, sector_id FROM pupil WHERE school_id = :s"), {"s": school.id}).one()
    assert [part for part in (*names, *names.full_name.split()) if part in said] == []


def test_a_successor_names_what_it_replaces(session, school):
    listen(session, school.id)
    issued(session, school)
    (old,) = invoices(session, school)
    register_for_club(session, school, school.pupil)
    replace_invoice(session, school.id, old.id, school.accountant)
    newest = told(session, school.id, EventKind.INVOICE_ISSUED)[-1]
    assert newest["replaces"] == old.reference
    assert newest["invoice_id"] != old.id


def test_without_an_endpoint_nothing_is_kept(session, school):
    issued(session, school)
    assert kinds(session, school.id) == []


def test_an_issue_that_is_taken_back_tells_nothing(session, school):
    listen(session, school.id)
    round_id = approved(session, school)
    step = session.begin_nested()
    issue_round(session, school.id, round_id)
    assert len(kinds(session, school.id)) == 1
    step.rollback()
    assert invoices(session, school) == []
    assert kinds(session, school.id) == []


def test_issuing_without_telling_would_be_noticed(session, school, monkeypatch):
    """Teeth: the first test counts one event for each invoice."""
    monkeypatch.setattr(writing, "tell_issued", lambda *_: None)
    listen(session, school.id)
    issued(session, school)
    assert len(kinds(session, school.id)) != len(invoices(session, school))
