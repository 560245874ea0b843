"""The command hocphi: lazy, with exit statuses that scripts can rely on."""

import os
import signal
import subprocess
import sys
import time

import click
import psycopg
import pytest
from click.testing import CliRunner

from operations import cli
from operations.binaries import ServiceError
from operations.processes import locked, sole_beat
from operations.services import EmbeddedPostgres
from payments.errors import DomainError
from payments.settings import Settings, SettingsError, generated_environment

BARE = {"PATH": os.environ["PATH"]}


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "operations", *arguments]
    return subprocess.run(command, env=BARE | environment, capture_output=True, text=True, check=False)


def raising(error: Exception) -> click.Command:
    @click.command("fail")
    def fail() -> None:
        raise error

    return fail


@pytest.mark.parametrize("name", sorted(cli.COMMANDS))
def test_every_command_of_the_table_is_there_and_has_help(name):
    result = CliRunner().invoke(cli.hocphi, [name, "--help"])
    assert result.exit_code == 0, result.output
    assert "Usage: hocphi" in result.output


def test_listing_names_every_command():
    result = CliRunner().invoke(cli.hocphi, ["--help"])
    assert all(f"  {name} " in result.output for name in cli.COMMANDS)


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (DomainError("closed", "Kỳ đã đóng.", "The period is closed."), 1, "Kỳ đã đóng."),
        (ServiceError("no server"), 1, "no server"),
        (SettingsError(["DATABASE_URL is missing"]), 2, "DATABASE_URL is missing"),
        (click.UsageError("no such thing"), 2, "no such thing"),
    ],
)
def test_an_error_made_for_people_is_a_sentence_and_a_status(monkeypatch, error, status, said):
    group = cli.LazyGroup("hocphi")
    monkeypatch.setattr(group, "get_command", lambda *_: raising(error))
    result = CliRunner().invoke(group, ["fail"])
    assert (result.exit_code, said in result.stderr) == (status, True)
    assert result.stdout == ""


def test_an_unknown_command_is_wrong_use():
    assert run("no-such-command").returncode == 2


def test_references_are_found_without_settings_and_without_a_server():
    found = subprocess.run(
        [sys.executable, "-m", "operations", "reference", "find", "--stdin"],
        env=BARE,
        input="IBFT hp7k3m9 q2xat\n",
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout == '["HP7K3M9Q2XAT"]\n'


def loaded_by(name: str) -> str:
    """Which of the heavy packages a command loads before it runs."""
    script = (
        "import sys; from operations import cli\n"
        f"cli.hocphi.get_command(None, '{name}')\n"
        "print(*sorted({'flask', 'sqlalchemy', 'celery', 'psycopg', 'granian'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], env=BARE, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize("name", ["vietqr", "reference", "adapters"])
def test_the_three_plain_commands_load_neither_web_nor_database(name):
    assert loaded_by(name) == ""


def test_what_watches_over_the_web_process_loads_the_server_only():
    assert loaded_by("serve") == "granian"


def test_fresh_keys_make_settings_that_are_accepted():
    lines = run("keys").stdout.splitlines()
    environment = dict(line.split("=", 1) for line in lines) | {"DATABASE_URL": "postgresql://x/y"}
    assert Settings.from_env(environment).field_keys


def test_serving_without_settings_says_all_that_is_missing():
    done = run("serve")
    assert done.returncode == 2
    assert "DATABASE_URL" in done.stderr
    assert "HOCPHI_LINK_KEYS" in done.stderr


@pytest.mark.db
def test_a_database_without_tables_names_the_way_out():
    with EmbeddedPostgres(throwaway=True) as server:
        done = run("school", "list", DATABASE_URL=server.url, **generated_environment())
    assert done.returncode == 1
    assert "hocphi migrate" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.db
def test_a_second_beat_gets_its_turn_only_when_the_first_has_ended(database_url):
    with psycopg.connect(database_url, autocommit=True) as second:
        with sole_beat(database_url):
            assert not locked(second)
        # The server lets go a moment after the connection has closed.
        assert any(locked(second) or time.sleep(0.05) for _ in range(200))


@pytest.mark.db
def test_a_beat_that_lost_its_lock_ends(database_url):
    script = (
        "import sys, time; from operations import processes; processes.BEAT_LOOK_S = 0.1\n"
        "with processes.sole_beat(sys.argv[1]): print('mine', flush=True); time.sleep(60)"
    )
    beat = subprocess.Popen([sys.executable, "-c", script, database_url], stdout=subprocess.PIPE, text=True)
    assert beat.stdout.readline() == "mine\n"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'hocphi beat' AND datname = current_database()"
        )
    beat.communicate(timeout=30)
    assert beat.returncode == -signal.SIGTERM


NOWHERE = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing", "BROKER_URL": "redis://127.0.0.1:1/0"}


@pytest.mark.parametrize(
    "url", ["postgresql://nobody@127.0.0.1:1/nothing", "postgresql://postgres@/nothing?host=/nowhere"]
)
@pytest.mark.parametrize(
    "command", ["user list", "migrate", "reconcile --date 2025-01-01", "beat", "school list", "link list --school X"]
)
def test_a_database_that_is_away_is_one_sentence(command, url):
    done = run(*command.split(), **NOWHERE | {"DATABASE_URL": url}, **generated_environment())
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.strip().splitlines()[-1].endswith("hãy kiểm tra DATABASE_URL và máy chủ. (database_away)")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["worker", "beat"])
def test_background_processes_ask_for_their_broker(command):
    done = run(command, **generated_environment(), DATABASE_URL=NOWHERE["DATABASE_URL"])
    assert done.returncode == 2
    assert "BROKER_URL is missing" in done.stderr
