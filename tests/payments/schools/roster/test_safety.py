"""An import is whole or not at all, one at a time; and the checks notice when a safeguard is taken away."""

import threading
import unicodedata
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from payments import clock
from payments.crypto import FieldCipher
from payments.db import session_scope
from payments.schools import service
from payments.schools.models import Enrollment, Pupil
from payments.schools.roster import plan, rows, store
from payments.schools.rules import SchoolLevel
from tests.payments.schools.roster.files import by_csv, pupil

CIPHER = FieldCipher({1: bytes(range(32))})
ROWS = [pupil(number) for number in range(1, 41)]


@pytest.fixture
def school_id(engine):
    """A committed school with nobody in it."""
    with session_scope(engine) as session:
        return service.create_school(session, code="TH-MAU", name="Mẫu", level=SchoolLevel.PRIMARY)


def load(engine, school_id, listed=ROWS):
    with clock.turned_to(datetime(2025, 10, 8, tzinfo=UTC)), session_scope(engine) as session:
        return service.import_roster(session, CIPHER, school_id, by_csv(listed), "x.csv", None)


def count(engine, table):
    with session_scope(engine) as session:
        return session.scalar(select(func.count()).select_from(table))


def test_an_import_that_breaks_half_way_leaves_nothing(engine, school_id, monkeypatch):
    def broken(*_arguments):
        raise ConnectionError("the line is cut")

    monkeypatch.setattr(store, "enter_classes", broken)
    with pytest.raises(ConnectionError):
        load(engine, school_id)
    assert count(engine, Pupil) == 0


def at_once(engine, school_id, workers=4):
    reports, errors = [], []

    def work():
        try:
            reports.append(load(engine, school_id))
        except Exception as error:  # noqa: BLE001 - whatever it is, the test names it
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return reports, errors


def test_imports_of_one_school_at_the_same_moment_make_one_roster(engine, school_id):
    reports, errors = at_once(engine, school_id)
    assert errors == []
    assert sorted(report.created for report in reports) == [0, 0, 0, len(ROWS)]
    assert (count(engine, Pupil), count(engine, Enrollment)) == (len(ROWS), len(ROWS))


def test_without_the_lock_they_collide(engine, school_id, monkeypatch):
    barrier = threading.Barrier(2, timeout=30)
    monkeypatch.setattr(store, "lock_school", lambda *_arguments: None)
    original = store.read_known

    def together(*arguments):
        known = original(*arguments)
        barrier.wait()
        return known

    monkeypatch.setattr(store, "read_known", together)
    reports, errors = at_once(engine, school_id, workers=2)
    assert errors or [report.created for report in reports] == [len(ROWS), len(ROWS)]


def test_without_unicode_normalisation_one_pupil_would_change_at_every_import(engine, school_id, monkeypatch):
    monkeypatch.setattr(rows, "normalise_name", lambda text: text)
    load(engine, school_id, [pupil(1, full_name="Nguyễn Thị Hoà")])
    # The reader of files composes what it reads; a name kept as it came would differ here.
    decomposed = unicodedata.normalize("NFD", "Nguyễn Thị Hoà")
    monkeypatch.setattr(rows, "normalise_name", lambda text: unicodedata.normalize("NFD", text))
    assert not load(engine, school_id, [pupil(1, full_name=decomposed)]).unchanged


def test_without_comparing_the_same_file_would_write_again(engine, school_id, monkeypatch):
    load(engine, school_id)
    assert load(engine, school_id).unchanged
    monkeypatch.setattr(plan, "differs", lambda *_arguments: True)
    assert not load(engine, school_id).unchanged
