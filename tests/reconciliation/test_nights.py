"""The night over all schools: opened once, shared by workers, taken over from the dead, summed up once."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import text

from payments import clock, outbox
from payments.db import make_engine, session_scope
from payments.settings import generated_environment
from reconciliation import catching_up, nights, tasks
from reconciliation.locks import try_group
from tests.payments.setting import make_school
from tests.reconciliation.desk import DAY, line

AT_NIGHT = datetime(2025, 9, 10, 19, 5, tzinfo=UTC)
"""02:05 on 11 September in Viet Nam: the night of the 10th."""
ROOT = Path(__file__).parents[2]


@pytest.fixture
def sessions(engine):
    return partial(session_scope, engine)


def rows(engine, statement: str) -> list[tuple]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(statement))]


@contextmanager
def small_groups(monkeypatch, size: int) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr(nights, "GROUP_SIZE", size)
        yield


def schools(sessions, count: int) -> list[int]:
    with sessions() as session:
        return [make_school(session).id for _ in range(count)]


def open_groups(sessions, monkeypatch, count: int, size: int = 1) -> list[int]:
    made = schools(sessions, count)
    with small_groups(monkeypatch, size), sessions() as session:
        assert nights.open_night(session, DAY) == -(-count // size)
    return made


@pytest.mark.parametrize(
    ("hour", "day"),
    [(18, date(2025, 9, 9)), (19, date(2025, 9, 10)), (23, date(2025, 9, 10))],
    ids=["01:00 before the night", "02:00 in the night", "06:00 a missed night"],
)
def test_the_night_of_yesterday_begins_at_two_in_viet_nam(hour, day):
    assert nights.due_day(datetime(2025, 9, 10, hour, tzinfo=UTC)) == day


def test_a_night_is_opened_once_with_every_school_in_one_group(sessions, engine, monkeypatch):
    made = open_groups(sessions, monkeypatch, 5, size=2)
    with small_groups(monkeypatch, 2), sessions() as session:
        assert nights.open_night(session, DAY) == 0
    found = [
        school for (group,) in rows(engine, "SELECT school_ids FROM night_run ORDER BY group_no") for school in group
    ]
    assert found == sorted(made)


def test_a_night_reconciles_every_account_and_is_summed_up_once(sessions, engine, monkeypatch):
    open_groups(sessions, monkeypatch, 3, size=2)
    with clock.turned_to(AT_NIGHT):
        assert nights.work(sessions) == 2
        assert nights.work(sessions) == 0
    assert rows(engine, "SELECT DISTINCT state, attempts FROM night_run") == [("done", 1)]
    assert rows(engine, "SELECT count(*) FROM standing_run") == [(6,)]
    [(counts,)] = rows(engine, "SELECT counts FROM night_summary")
    assert counts == {"groups": {"done": 2}, "runs": {"waiting_statement": 6}, "matched": 0, "exceptions": 0}


def test_a_lease_that_ran_out_is_taken_over_and_the_old_worker_changes_nothing(sessions, engine, monkeypatch):
    open_groups(sessions, monkeypatch, 1)
    with clock.turned_to(AT_NIGHT), sessions() as session:
        dead = nights.claim(session)
        assert nights.claim(session) is None
    assert dead is not None
    with clock.turned_to(AT_NIGHT + nights.LEASE + timedelta(seconds=1)):
        assert nights.work(sessions) == 1
        assert nights.work_on(sessions, dead) is False
    assert rows(engine, "SELECT state, attempts, lease_token FROM night_run") == [("done", 2, 2)]


def test_a_school_that_fails_keeps_nobody_waiting_and_ends_with_a_person(sessions, engine, monkeypatch):
    bad, good = open_groups(sessions, monkeypatch, 2, size=2)
    real = catching_up.catch_up_together

    def fails_for_one(session, accounts, day):
        if any(school_id == bad for school_id, _ in accounts):
            raise RuntimeError("no text of this may be kept")
        return real(session, accounts, day)

    monkeypatch.setattr(catching_up, "catch_up_together", fails_for_one)
    moment = AT_NIGHT
    for _ in range(nights.MAX_ATTEMPTS):
        with clock.turned_to(moment):
            assert nights.work(sessions) == 1
        moment += timedelta(hours=1)
    assert rows(engine, "SELECT state, problem FROM night_run") == [("dead", f"{bad}: RuntimeError")]
    assert rows(engine, "SELECT DISTINCT school_id FROM standing_run") == [(good,)]
    assert rows(engine, "SELECT counts -> 'groups' FROM night_summary") == [({"dead": 1},)]


def test_a_group_that_another_worker_has_is_left_to_it_at_once(sessions, engine, monkeypatch):
    open_groups(sessions, monkeypatch, 1)
    with clock.turned_to(AT_NIGHT):
        with sessions() as other, sessions() as session:
            group = nights.claim(session)
            session.commit()
            assert try_group(other, group.id)
            assert nights.work_on(sessions, group) is False
        assert rows(engine, "SELECT state FROM night_run") == [("open",)]
        assert nights.work_on(sessions, group) is True


def test_two_workers_share_a_night(database_url, sessions, engine, monkeypatch):
    open_groups(sessions, monkeypatch, 8)
    shares = []

    def worker() -> None:
        own = make_engine(database_url)
        with clock.turned_to(AT_NIGHT):
            shares.append(nights.work(partial(session_scope, own)))
        own.dispose()

    threads = [threading.Thread(target=worker) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(shares) == 8
    assert min(shares) > 0
    assert rows(engine, "SELECT DISTINCT state, attempts FROM night_run") == [("done", 1)]
    assert rows(engine, "SELECT count(*) FROM night_summary") == [(1,)]
    assert rows(engine, "SELECT count(*), count(DISTINCT (school_id, account_id)) FROM reconcile_run") == [(16, 16)]


WORKER = """
import sys
from datetime import datetime
from functools import partial
from payments import clock
from payments.db import make_engine, session_scope
from reconciliation import nights
with clock.turned_to(datetime.fromisoformat(sys.argv[2])):
    nights.work(partial(session_scope, make_engine(sys.argv[1])))
"""

# Of this database alone: other tests wait for locks on the same server.
WAITING_FOR_A_LOCK = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def test_a_worker_that_is_killed_in_a_group_loses_nothing(database_url, sessions, engine, monkeypatch):
    made = open_groups(sessions, monkeypatch, 3, size=3)
    with engine.connect() as holder:
        # The worker has closed its group and waits for the second school's lease when it is killed.
        holder.execute(text(f"SELECT 1 FROM settlement_lease WHERE school_id = {made[1]} FOR UPDATE"))
        command = [sys.executable, "-c", WORKER, database_url, AT_NIGHT.isoformat()]
        process = subprocess.Popen(command, cwd=ROOT, env=os.environ | generated_environment())
        try:
            until = time.monotonic() + 120
            while rows(engine, WAITING_FOR_A_LOCK) == [(0,)] and time.monotonic() < until:
                time.sleep(0.1)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
    assert rows(engine, "SELECT count(*) FROM standing_run") == [(0,)]
    assert rows(engine, "SELECT state FROM night_run") == [("open",)]
    with clock.turned_to(AT_NIGHT + nights.LEASE + timedelta(minutes=1)):
        assert nights.work(sessions) == 1
    assert rows(engine, "SELECT state, attempts FROM night_run") == [("done", 2)]
    assert rows(engine, "SELECT count(*), count(DISTINCT (school_id, account_id)) FROM reconcile_run") == [(6, 6)]


def test_the_task_opens_a_missed_night_works_and_takes_up_imports(desk, monkeypatch):
    sessions = partial(session_scope, desk.engine)
    monkeypatch.setattr(tasks, "task_session", sessions)
    one = desk.issue(100_000)
    desk.state(line(100_000, one.reference, "FT1"))
    with clock.turned_to(datetime(2025, 9, 11, 6, 0, tzinfo=UTC)):
        with sessions() as session:
            session.execute(text("UPDATE outbox SET due_at = :now"), {"now": clock.now()})
        assert tasks.reconcile_due() == 2  # one group of schools, one account with a fresh statement
        assert tasks.reconcile_due() == 0
    found = desk.rows("SELECT state, exceptions FROM reconcile_run WHERE state <> 'waiting_statement'")
    assert found == [("proved", {"missing_gateway": 1})]
    assert desk.count("outbox") == 0


def test_an_import_reconciles_its_days_also_after_nights_that_waited(desk):
    sessions = partial(session_scope, desk.engine)
    later = date(2025, 9, 15)
    assert desk.night(later).state == "waiting_statement"
    one = desk.issue(100_000)
    desk.state(line(100_000, one.reference, "FT1"))
    with clock.turned_to(datetime(2025, 9, 16, 6, 0, tzinfo=UTC)):
        nights.after_import(sessions, desk.school.id, desk.school.account)
    assert desk.rows(
        "SELECT h.day, r.state FROM standing_run h JOIN reconcile_run r ON r.id = h.run_id ORDER BY 1"
    ) == [(DAY, "proved"), (later, "waiting_statement")]


def test_work_that_names_nothing_is_given_back_with_its_reason(desk, monkeypatch):
    sessions = partial(session_scope, desk.engine)
    monkeypatch.setattr(tasks, "task_session", sessions)
    with sessions() as session:
        outbox.put(session, "nightly", "account")
    tasks.reconcile_due()
    assert desk.rows("SELECT problem, attempts FROM outbox") == [("no_account", 1)]


def test_the_beat_starts_the_night_at_two_and_sweeps_every_minute():
    night = tasks.BEAT["night"]["schedule"]
    assert (night.hour, night.minute) == ({2}, {0})
    assert tasks.BEAT["night-sweep"]["schedule"] == 60.0
    assert {entry["task"] for entry in tasks.BEAT.values()} == {tasks.TASK}
