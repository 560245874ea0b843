"""The worker settles every school that has work, tries again what was in the way, and may run twice."""

from collections.abc import Iterator

import pytest
from psycopg.errors import AdminShutdown, DeadlockDetected, SerializationFailure, UndefinedTable
from sqlalchemy import text
from sqlalchemy.exc import OperationalError, ProgrammingError

from payments import celery
from payments.celery import make_celery
from payments.db import session_scope
from payments.settings import Settings, generated_environment
from payments.settlement import tasks
from payments.settlement.tasks import BEAT, settle_due, settle_one
from tests.payments.setting import SchoolSetting, make_school
from tests.payments.settlement.setting import issue, say

pytestmark = pytest.mark.db


@pytest.fixture
def schools(engine, database_url) -> Iterator[list[SchoolSetting]]:
    """Three schools with three payments each, and a Celery application on their database."""
    make_celery(Settings.from_env(generated_environment() | {"DATABASE_URL": database_url}), {})
    with session_scope(engine) as session:
        made = [make_school(session) for _ in range(3)]
        for school in made:
            for _ in range(3):
                say(session, school, 100_000, issue(session, school).reference)
    yield made
    celery.engine().dispose()
    celery._engines.clear()


def paid(engine) -> int:
    with session_scope(engine) as session:
        return session.scalar(text("SELECT count(*) FROM invoice_balance WHERE state = 'paid'"))


def test_every_school_with_work_is_settled(engine, schools):
    assert settle_due() == 9
    assert paid(engine) == 9
    assert settle_due() == 0


def test_a_school_with_more_than_a_batch_is_settled_to_the_end(engine, schools, monkeypatch):
    monkeypatch.setattr(tasks, "BATCH", 2)
    monkeypatch.setattr(tasks, "settle_school", lambda session, school: settle_school(session, school, 2))
    assert settle_one(schools[0].id) == 3


settle_school = tasks.settle_school


@pytest.mark.parametrize("trouble", [DeadlockDetected, SerializationFailure])
def test_what_was_in_the_way_is_tried_again(engine, schools, monkeypatch, trouble):
    troubles = [trouble()] * 2

    def sometimes(session, school_id):
        if troubles:
            raise OperationalError("INSERT", {}, troubles.pop())
        return settle_school(session, school_id)

    monkeypatch.setattr(tasks, "settle_school", sometimes)
    assert settle_due() == 9
    assert paid(engine) == 9


def test_what_is_always_in_the_way_is_left_to_the_next_sweep(engine, schools, monkeypatch):
    def never(session, school_id):
        raise OperationalError("INSERT", {}, DeadlockDetected())

    monkeypatch.setattr(tasks, "settle_school", never)
    assert settle_due() == 0
    monkeypatch.undo()
    assert settle_due() == 9


def test_a_school_that_somebody_settles_is_left_to_them(engine, schools):
    with session_scope(engine) as session:
        session.execute(
            text("SELECT 1 FROM settlement_lease WHERE school_id = :school FOR UPDATE"), {"school": schools[0].id}
        )
        assert settle_due() == 6
    assert settle_due() == 3


def test_a_failed_row_is_logged_without_what_it_holds(engine, schools, caplog, monkeypatch):
    with session_scope(engine) as session:
        session.execute(text("UPDATE outbox SET kind = 'odd' WHERE id = (SELECT min(id) FROM outbox)"))
    assert settle_due() == 8
    assert "1 rows failed" in caplog.text


def test_the_sweep_comes_every_few_seconds():
    (entry,) = BEAT.values()
    assert entry["task"] == settle_due.name
    assert entry["schedule"] <= 5


def test_a_school_that_cannot_be_settled_does_not_hold_up_the_others(engine, schools, monkeypatch, caplog):
    def broken(session, school_id):
        if school_id == schools[0].id:
            raise ProgrammingError("SELECT", {}, UndefinedTable("memo of Nguyễn Mẫu An"))
        return settle_school(session, school_id)

    monkeypatch.setattr(tasks, "settle_school", broken)
    assert settle_due() == 6
    assert "42P01" in caplog.text
    assert "Nguyễn" not in caplog.text


def test_a_database_that_goes_away_ends_the_sweep(schools, monkeypatch):
    def gone(session, school_id):
        raise OperationalError("SELECT", {}, AdminShutdown())

    monkeypatch.setattr(tasks, "settle_school", gone)
    with pytest.raises(OperationalError):
        settle_due()
