"""The processes of a province really start, do their work and end when asked."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import psutil
import pytest
import requests

from operations.migrate import upgrade
from operations.serve import SHORT_LIVES, keep_up, room_for_connections
from operations.services import EmbeddedPostgres
from payments.settings import generated_environment

pytestmark = [pytest.mark.db, pytest.mark.timeout(90)]

IDLE = 1_100
"""Idle connections: more than granian's own limit of 1,024."""


@pytest.fixture
def province(database_url, valkey_url) -> dict[str, str]:
    """The environment of a province with a database and a broker."""
    given = {"DATABASE_URL": database_url, "BROKER_URL": valkey_url}
    return {"PATH": os.environ["PATH"]} | generated_environment() | given


@pytest.fixture(scope="module")
def durable_url() -> Iterator[str]:
    """A server that is not the shared throw-away one: the door refuses that, because it could lose its answers."""
    with EmbeddedPostgres() as postgres:
        upgrade(postgres.url)
        yield postgres.url


@pytest.fixture
def durable(province, durable_url) -> dict[str, str]:
    """The same on the durable server, where these tests leave nothing behind."""
    return province | {"DATABASE_URL": durable_url}


@contextmanager
def process(*arguments: str, environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A process of ours whose output is one stream; it is ended with SIGTERM and must end well."""
    command = [sys.executable, "-m", "operations", *arguments]
    running = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1
    )
    try:
        yield running
    finally:
        running.terminate()
        try:
            running.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            running.kill()
            running.communicate()
            raise


def said(running: subprocess.Popen[str], words: str) -> str:
    """Read on until the process says the words; what it said is shown when it ends first."""
    heard = []
    for line in running.stdout:
        heard.append(line)
        if words in line:
            return line
    pytest.fail(f"{words!r} was never said:\n{''.join(heard)}")


def test_a_worker_serves_every_queue_and_ends_when_asked(province):
    with process("worker", "--concurrency", "1", environment=province) as worker:
        for queue in ("issuing", "nightly", "notices", "settlement"):
            said(worker, f"> {queue}")
        said(worker, "ready.")
    assert worker.returncode == 0


def test_an_unknown_queue_is_wrong_use(province):
    done = subprocess.run(
        [sys.executable, "-m", "operations", "worker", "--queues", "settlement,sports"],
        env=province,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "sports" in done.stderr


def test_beat_starts_once_it_holds_the_lock(province):
    with process("beat", environment=province) as beat:
        said(beat, "beat: Starting...")
    assert beat.returncode == 0


def test_migrate_may_run_again(province):
    for _ in range(2):
        subprocess.run([sys.executable, "-m", "operations", "migrate"], env=province, check=True, capture_output=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answering(url: str, running: subprocess.Popen[str]) -> requests.Response:
    """The first answer of a server that is starting."""
    while running.poll() is None:
        try:
            return requests.get(url, timeout=10)
        except requests.ConnectionError:
            time.sleep(0.1)
    pytest.fail(f"the server ended:\n{running.stdout.read()}")


def test_one_port_serves_pages_and_callbacks(durable):
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    with process("serve", "--port", str(port), environment=durable) as web:
        assert answering(f"{base}/healthz", web).status_code == 200
        assert requests.get(f"{base}/readyz", timeout=10).status_code in {200, 503}
        assert requests.get(f"{base}/no-such-page", timeout=10).status_code == 404
        with requests.Session() as staff:
            token = staff.get(f"{base}/login", timeout=10).text.split('name="csrf_token" value="')[1].split('"')[0]
            form = {"csrf_token": token, "username": "nobody", "password": "x" * 12}
            assert staff.post(f"{base}/login", data=form, timeout=10).status_code == 401
        callback = requests.post(f"{base}/callbacks/no-such-token", json={"amount": 1}, timeout=10)
        assert callback.status_code in {401, 404}
        room_for_connections()  # This process holds the other ends.
        with ExitStack() as waiting:
            for _ in range(IDLE):
                waiting.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
            callback = requests.post(f"{base}/callbacks/no-such-token", json={"amount": 1}, timeout=10)
            assert callback.status_code in {401, 404}, "parents who hold a connection keep no bank out"
    assert web.returncode == 0


def test_a_web_process_may_open_as_many_files_as_the_machine_allows_for_its_connections():
    """In a process of its own: a limit holds for its whole life."""
    code = (
        "import resource; from operations.serve import CONNECTIONS, SPARE_FILES, room_for_connections as room\n"
        "hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (300, hard)); most = room()\n"
        "print(most == min(CONNECTIONS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - SPARE_FILES))\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (2_000, 2_000)); print(room() == 2_000 - SPARE_FILES)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["True", "True"]


def web_process(running: subprocess.Popen[str], other_than: set[int]) -> int:
    """The process that answers requests, once there is one that we do not know yet."""
    while running.poll() is None:
        for child in psutil.Process(running.pid).children():
            with suppress(psutil.Error):
                if child.pid not in other_than and child.status() != psutil.STATUS_ZOMBIE:
                    return child.pid
        time.sleep(0.02)
    pytest.fail(f"the server ended:\n{running.stdout.read()}")


def test_the_door_opens_again_though_its_process_is_killed_three_times_in_a_row(durable):
    port = free_port()
    with process("serve", "--port", str(port), environment=durable) as web:
        killed: set[int] = set()
        for _ in range(3):
            victim = web_process(web, killed)
            os.kill(victim, signal.SIGKILL)
            killed.add(victim)
        assert answering(f"http://127.0.0.1:{port}/healthz", web).status_code == 200
    assert web.returncode == 0


class Ending:
    """A server that ends at once: because it cannot work, or because it was asked to."""

    def __init__(self, *, asked: bool) -> None:
        self.interrupt_signal = asked

    def serve(self) -> None:
        sys.exit(1)


@pytest.mark.parametrize(("asked", "starts"), [(False, SHORT_LIVES), (True, 1)])
def test_a_server_that_cannot_work_or_was_asked_to_end_is_not_started_for_ever(monkeypatch, asked, starts):
    monkeypatch.setattr("operations.serve.RISE_S", 0)
    started: list[Ending] = []

    def new_server() -> Ending:
        started.append(Ending(asked=asked))
        return started[-1]

    with pytest.raises(SystemExit):
        keep_up(new_server)
    assert len(started) == starts
