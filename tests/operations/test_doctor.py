"""``hocphi doctor`` says whether a system may run, and exits with 1 when it may not."""

import json

import psycopg
import pytest
from click.testing import CliRunner

from operations.doctor import doctor
from operations.migrate import upgrade
from operations.services import EmbeddedPostgres
from payments.settings import generated_environment

pytestmark = pytest.mark.db


@pytest.fixture
def run(database_url, monkeypatch):
    """Run the command on a fresh database and give exit status and the checks by name."""
    for name, value in (generated_environment() | {"DATABASE_URL": database_url}).items():
        monkeypatch.setenv(name, value)

    def called(*options):
        result = CliRunner().invoke(doctor, [*options, "--json"])
        told = json.loads(result.stdout)
        assert told["ok"] is (result.exit_code == 0)
        return result.exit_code, {check["name"]: check for check in told["checks"]}

    return called


def test_a_server_that_may_lose_what_it_acknowledged_is_refused(run):
    status, checks = run()
    assert status == 1
    assert not checks["durability"]["ok"]
    assert "fsync off" in checks["durability"]["detail"]


def test_a_durable_server_in_order_is_well(run, monkeypatch):
    with EmbeddedPostgres() as server:
        upgrade(server.url)
        monkeypatch.setenv("DATABASE_URL", server.url)
        status, checks = run("--invariants")
    assert status == 0
    assert checks["durability"]["detail"] == "fsync on, full_page_writes on, synchronous_commit on"


def test_schema_clock_and_htmx_are_told(run):
    _, checks = run()
    assert [checks[name]["ok"] for name in ("schema", "clock", "htmx", "broker")] == [True] * 4


def test_invariants_are_proved_on_request(run):
    _, checks = run("--invariants")
    assert all(checks[name]["ok"] for name in ("I1", "I2", "I3", "I5", "I7", "I9", "I10", "I11"))


def test_an_old_schema_names_the_way_out(run, database_url):
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    status, checks = run()
    assert status == 1
    assert "hocphi migrate" in checks["schema"]["detail"]


def test_dead_letters_are_told(run, database_url):
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO outbox (queue, kind, due_at, dead) VALUES ('settlement', 'evidence', '2025-09-10', true)"
        )
    _, checks = run()
    assert checks["queue"] == {"name": "queue", "ok": False, "detail": "0 waiting, 1 dead letters"}


def test_a_database_without_tables_names_the_way_out(run, monkeypatch):
    with EmbeddedPostgres(throwaway=True) as server:
        monkeypatch.setenv("DATABASE_URL", server.url)
        status, checks = run("--invariants")
    assert status == 1
    assert "hocphi migrate" in checks["schema"]["detail"]


def test_a_database_that_is_away_is_told_and_no_traceback_shown(run, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://postgres@/nothing?host=/nowhere")
    status, checks = run("--invariants")
    assert status == 1
    assert "check DATABASE_URL" in checks["invariants"]["detail"]
    assert "check DATABASE_URL" in checks["schema"]["detail"]


def test_a_broker_that_does_not_answer_is_told(run, monkeypatch):
    monkeypatch.setenv("BROKER_URL", "redis+socket:///nowhere/s")
    status, checks = run()
    assert status == 1
    assert not checks["broker"]["ok"]
