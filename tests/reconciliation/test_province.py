"""The province's month at the size of a test: real tables, planted faults, one transaction a group, real workers."""

import os
import subprocess
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import event, text

from benchmarks.province import loading, plan
from payments.db import make_engine, session_scope
from payments.settings import generated_environment
from reconciliation import nights, queries
from reconciliation.bulk import judging
from reconciliation.models import ReconcileRun

ROOT = Path(__file__).parents[2]
WAKE = "import wsgi; from reconciliation import tasks; tasks._call_helpers(int(__import__('sys').argv[1]))"
FOUND = """
    SELECT r.school_id, r.state, r.matched, r.exceptions, encode(r.inputs_hash, 'hex'),
        (SELECT md5(string_agg(md5(row(i.position, i.primary_class, i.flags, i.rule, i.bank_line_ids)::text), ''
            ORDER BY i.position)) FROM reconcile_item i WHERE i.school_id = r.school_id AND i.run_id = r.id),
        (SELECT md5(string_agg(md5(row(b.number, b.keys, b.bank_line_ids, b.rules)::text), '' ORDER BY b.number))
            FROM reconcile_block b WHERE b.school_id = r.school_id AND b.run_id = r.id)
    FROM reconcile_run r WHERE r.day = '2025-10-31' ORDER BY r.school_id
"""


@pytest.fixture
def fresh(postgres):
    """Makes migrated databases; closes what was opened on them."""
    engines = []

    def make(schools):
        url = postgres.url(postgres.new_database())
        loading.load(url, schools)
        engines.append(make_engine(url))
        return engines[-1], url

    yield make
    for engine in engines:
        engine.dispose()


def rows(engine, statement: str, **values) -> list[tuple]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(statement), values)]


def open_night(engine, monkeypatch, size: int) -> int:
    with monkeypatch.context() as patch, session_scope(engine) as session:
        patch.setattr(nights, "GROUP_SIZE", size)
        return nights.open_night(session, plan.LAST)


def truth_found(engine, schools) -> dict[str, set[str]]:
    """What runs found, by school and class, as the plan names it."""
    found = {}
    with session_scope(engine) as session:
        for run in session.query(ReconcileRun).order_by(ReconcileRun.school_id):
            named = found.setdefault(run.school_id, {})
            for item in queries.items(session, run):
                name = "gap" if item.primary_class == "balance_break" else min(item.references)
                named.setdefault(item.primary_class, set()).add(name)
    return found


def test_every_planted_fault_is_found_with_its_class_and_nothing_else(fresh, monkeypatch):
    schools = list(plan.province(3_000, schools=24))
    planted = sum((school.counts for school in schools), Counter())
    assert set(planted) == {"matched", *plan.KINDS}
    engine, _ = fresh(schools)
    assert open_night(engine, monkeypatch, 8) == 3
    begun = Counter()

    @event.listens_for(engine, "commit")
    def count(_connection):
        begun["commits"] += 1

    assert nights.work(partial(session_scope, engine)) == 3
    assert truth_found(engine, schools) == {school.id: school.truth for school in schools}
    # Of each group one transaction for all its schools, beside the claim and the look at what waits.
    assert rows(engine, "SELECT count(DISTINCT xmin::text) FROM reconcile_run") == [(3,)]
    [(kept,)] = rows(engine, "SELECT sum(size)::int FROM reconcile_block")
    assert kept > 0.95 * planted["matched"]
    states = dict(rows(engine, "SELECT school_id, state FROM reconcile_run"))
    assert {key for key, state in states.items() if state != "proved"} == {one.id for one in schools if one.broken}


def test_a_clean_province_gives_no_alarm(fresh):
    schools = list(plan.province(1_200, schools=8, faults=False))
    engine, _ = fresh(schools)
    with session_scope(engine) as session:
        nights.open_night(session, plan.LAST)
    nights.work(partial(session_scope, engine))
    assert rows(engine, "SELECT DISTINCT state, exceptions, not_due FROM reconcile_run") == [("proved", {}, 0)]
    assert rows(engine, "SELECT count(*) FROM reconcile_item") == [(0,)]
    assert rows(engine, "SELECT sum(size)::int FROM reconcile_block") == [(1_200,)]


def test_a_night_that_looks_up_finds_what_a_first_run_finds(fresh, monkeypatch):
    """The two ways to read what else speaks of a payment, on the same facts."""
    schools = list(plan.province(1_500, schools=11))
    found = []
    for statement in (judging.statements.JUDGE_ALL, judging.statements.JUDGE_NEW):
        engine, _ = fresh(schools)
        with monkeypatch.context() as patch, session_scope(engine) as session:
            patch.setattr(judging.statements, "JUDGE_ALL", statement)
            nights.open_night(session, plan.LAST)
            session.commit()
            nights.work(partial(session_scope, engine))
        found.append(rows(engine, FOUND))
    assert found[0] == found[1]


def worker(url: str, broker: str, log: Path) -> subprocess.Popen:
    environment = os.environ | generated_environment()
    environment |= {"DATABASE_URL": url, "BROKER_URL": broker, "RESULT_BACKEND": broker, "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-m", "operations", "worker", "--queues", "nightly", "--concurrency", "1"]
    with log.open("ab") as out:
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=out, start_new_session=True)


def wake(url: str, broker: str, count: int) -> None:
    environment = os.environ | generated_environment()
    environment |= {"DATABASE_URL": url, "BROKER_URL": broker, "RESULT_BACKEND": broker, "PYTHONWARNINGS": "ignore"}
    subprocess.run([sys.executable, "-c", WAKE, str(count)], cwd=ROOT, env=environment, check=True, timeout=60)


def wait_for(condition) -> None:
    until = time.monotonic() + 180
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
SUMMED = "SELECT count(*) FROM night_summary WHERE day = '2025-10-31'"


def test_two_celery_workers_share_a_chord_and_a_killed_one_changes_nothing(fresh, monkeypatch, valkey_url, tmp_path):
    schools = list(plan.province(1_600, schools=12))
    alone, _ = fresh(schools)
    shared, url = fresh(schools)
    open_night(alone, monkeypatch, 12)
    nights.work(partial(session_scope, alone))
    expected = rows(alone, FOUND)

    groups = open_night(shared, monkeypatch, 2)
    logs = [tmp_path / f"worker{number}" for number in range(4)]
    held = "SELECT 1 FROM settlement_lease WHERE school_id = 12 FOR UPDATE"
    with shared.connect() as holder:
        holder.execute(text(held))
        workers = [worker(url, valkey_url, log) for log in logs[:2]]
        try:
            wake(url, valkey_url, groups)
            # All groups but the last are done; somebody is in the middle of that one when both are killed.
            wait_for(lambda: rows(shared, "SELECT count(*) FROM night_run WHERE state = 'done'") == [(groups - 1,)])
            wait_for(lambda: rows(shared, WAITING) != [(0,)])
        finally:
            for one in workers:
                os.killpg(one.pid, 9)
                one.wait()
    assert all("done" in log.read_text() for log in logs[:2]), "each worker has done some of the groups"
    assert rows(shared, "SELECT count(*) FROM standing_run WHERE school_id IN (11, 12)") == [(0,)]
    assert rows(shared, SUMMED) == [(0,)]
    with session_scope(shared) as session:
        session.execute(text("UPDATE night_run SET leased_until = now() - interval '1 second' WHERE state = 'open'"))
    workers = [worker(url, valkey_url, log) for log in logs[2:]]
    try:
        wake(url, valkey_url, 1)
        wait_for(lambda: rows(shared, SUMMED) == [(1,)])
    finally:
        for one in workers:
            os.killpg(one.pid, 9)
            one.wait()
    assert any("reconciliation.tasks.sum_up" in log.read_text() for log in logs[2:]), "the chord ends in the summary"
    assert rows(shared, FOUND) == expected
    assert rows(shared, "SELECT counts -> 'groups' FROM night_summary") == [({"done": groups},)]
