"""Closing beside others: an import that is on its way, two who sign at once, and a process that dies in between."""

import json
import threading

import pytest
from sqlalchemy import text

from operations.sample_files import write_camt053
from payments.errors import ConflictError
from reconciliation import service
from reconciliation.closing import service as closing
from tests.reconciliation.desk import DAY, line, statement

pytestmark = pytest.mark.db
X_VND = 100_000


def test_an_import_that_is_on_its_way_is_in_the_close_or_late_never_lost(desk):
    """The close waits for the import, and signs what it brought."""
    desk.day_of(DAY)
    done: list[object] = []
    paper = write_camt053([statement(desk.number, [line(X_VND, "x", "FT9")])])
    with desk.session() as session:
        service.import_statement(session, desk.school.id, desk.school.account, paper, "saoke.xml")
        other = threading.Thread(target=lambda: done.append(close_or_error(desk)))
        other.start()
        other.join(timeout=1.5)
        assert done == []
    other.join(timeout=60)
    assert done == [1]
    [(document,)] = desk.rows("SELECT document FROM period_close")
    assert json.loads(document)["totals"]["credits_vnd"] == X_VND


def close_or_error(desk) -> object:
    try:
        return desk.close().sequence
    except Exception as error:  # noqa: BLE001 - the test looks at it
        return error


def test_without_the_lock_the_close_would_not_wait(desk, monkeypatch):
    """Teeth of the test above."""
    desk.day_of(DAY)
    for place in (closing, "reconciliation.catching_up", "reconciliation.together"):
        name = place if isinstance(place, str) else place.__name__
        monkeypatch.setattr(f"{name}.lock_school", lambda *_: None)
    paper = write_camt053([statement(desk.number, [line(X_VND, "x", "FT9")])])
    with desk.session() as session:
        service.import_statement(session, desk.school.id, desk.school.account, paper, "saoke.xml")
        assert close_or_error(desk) == 1
        session.rollback()


def test_of_two_who_sign_at_once_one_signs(desk):
    desk.day_of(DAY, X_VND)
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(close_or_error(desk))) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(timeout=60)
    assert sorted(str(getattr(one, "code", one)) for one in found) == ["1", "closed"]
    assert any(isinstance(one, ConflictError) for one in found)


STEPS = ("refresh", "_reports", "record", "tell_signed")


@pytest.mark.parametrize("step", STEPS)
def test_a_close_that_dies_between_its_steps_leaves_nothing(desk, monkeypatch, step):
    desk.day_of(DAY, X_VND)
    before = state(desk)
    with monkeypatch.context() as broken:
        broken.setattr(closing, step, die)
        with pytest.raises(KeyboardInterrupt):
            desk.close()
    assert state(desk) == before
    assert desk.close().sequence == 1


def die(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def state(desk) -> list[object]:
    return [
        desk.count(table) for table in ("period_close", "close_run", "books_closed", "audit_event", "webhook_event")
    ]


def test_a_connection_that_is_cut_in_the_middle_leaves_nothing(desk, monkeypatch):
    """As a killed worker does: the server ends the session before the commit."""
    desk.day_of(DAY, X_VND)
    before = state(desk)

    def cut(session, *_):
        pid = session.scalar(text("SELECT pg_backend_pid()"))
        with desk.engine.connect() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})

    with monkeypatch.context() as broken:
        broken.setattr(closing, "tell_signed", cut)
        with pytest.raises(Exception, match=r"terminat|closed|lost"):
            desk.close()
    assert state(desk) == before
    assert desk.close().sequence == 1
