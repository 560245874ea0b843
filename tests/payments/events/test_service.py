"""Emission: one statement, nothing at all for schools that nobody listens to, one event for each subject."""

import json

import pytest
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from payments import celery
from payments.crypto import FieldCipher
from payments.errors import DomainError
from payments.events import service
from payments.events.endpoints import add_endpoint
from payments.events.rules import EventKind
from payments.events.service import emit_many
from tests.payments.events.conftest import FACTS
from tests.payments.events.told import listen
from tests.payments.setting import OPENED, make_school

pytestmark = pytest.mark.db
IDS = range(1, 5001)


def counted(session):
    return session.execute(
        text("SELECT (SELECT count(*) FROM webhook_event), (SELECT count(*) FROM webhook_delivery)")
    ).one()


def test_many_subjects_take_one_statement(session, school):
    listen(session, school.id)
    statements = []
    event.listen(session.connection(), "before_cursor_execute", lambda *call: statements.append(call[2]))
    emit_many(session, school.id, EventKind.INVOICE_ISSUED, FACTS, IDS)
    assert len(statements) == 1
    assert counted(session) == (5000, 5000)


def test_for_a_school_without_an_endpoint_no_fact_is_read(session, school):
    """PostgreSQL's own word: the plan's nodes that read the facts were never executed."""
    query = "EXPLAIN (ANALYZE, FORMAT JSON) " + service._EMIT.replace("{facts}", FACTS)
    values = {"school_id": school.id, "kind": "invoice.issued", "ids": list(IDS), "moment": OPENED}
    (plan,) = session.execute(text(query), values).scalar_one()
    nodes = list(walk(plan["Plan"]))
    assert [node["Actual Loops"] for node in nodes if node.get("Function Name") == "unnest"] == [0]
    assert counted(session) == (0, 0)


def walk(node):
    yield node
    for child in node.get("Plans", ()):
        yield from walk(child)


@pytest.mark.parametrize(("state", "kept", "queued"), [("paused", 1, 1), ("disabled", 1, 0), ("removed", 0, 0)])
def test_what_happens_while_an_endpoint_is_not_active(session, school, state, kept, queued):
    listen(session, school.id)
    session.execute(text("UPDATE webhook_endpoint SET state = :state"), {"state": state})
    emit_many(session, school.id, EventKind.DAY_CLOSED, FACTS, [1])
    assert counted(session) == (kept, queued)


def test_an_endpoint_of_another_school_hears_nothing(session, school):
    other = make_school(session)
    listen(session, other.id)
    emit_many(session, school.id, EventKind.DAY_CLOSED, FACTS, [1])
    assert counted(session) == (0, 0)


def test_events_of_a_transaction_that_fails_never_were(desk):
    desk.add("https://software.example/")
    with Session(desk.engine) as session:
        emit_many(session, desk.school.id, EventKind.DAY_CLOSED, FACTS, [1])
        assert counted(session) == (1, 1)
    assert desk.states() == []


def test_workers_are_woken_once_the_cause_is_committed_and_only_for_something(desk, monkeypatch):
    woken = []
    monkeypatch.setattr(celery, "wake", woken.append)
    desk.emit(1)
    assert woken == []
    desk.add("https://software.example/")
    with desk.session() as session:
        emit_many(session, desk.school.id, EventKind.DAY_CLOSED, FACTS, [1])
        assert woken == []
    assert woken == ["events"]


def test_ids_of_events_are_unguessable_and_never_repeat(session, school):
    listen(session, school.id)
    emit_many(session, school.id, EventKind.DAY_CLOSED, FACTS, IDS)
    keys = session.scalars(text("SELECT event_key FROM webhook_event")).all()
    assert len({key[4:] for key in keys}) == 5000
    assert all(len(key) == 36 and key.isascii() for key in keys)


def test_what_is_kept_is_what_was_true_then(desk):
    """The payload is stored, not read again at delivery."""
    desk.add("https://software.example/")
    desk.emit(1)
    before = desk.rows("SELECT data FROM webhook_event")
    desk.rows("UPDATE school SET code = 'OTHER' RETURNING id")
    assert desk.rows("SELECT data FROM webhook_event") == before
    assert json.dumps(before[0][0]) == json.dumps({"school": desk.school.code, "amount_vnd": 100_001})


def test_an_address_must_be_https_and_a_kind_known(session, school):
    cipher = FieldCipher({1: bytes(32)})
    for url, kinds, code in (
        ("http://software.example/", list(EventKind), "bad_url"),
        ("https://user:pass@software.example/", list(EventKind), "bad_url"),
        ("ftp://software.example/", list(EventKind), "bad_url"),
        ("https://software.example/", ["invoice.paid"], "unknown_kind"),
        ("https://software.example/", [], "unknown_kind"),
    ):
        with pytest.raises(DomainError) as refused:
            add_endpoint(session, cipher, school.id, url=url, kinds=kinds, actor_id=None)
        assert refused.value.code == code
