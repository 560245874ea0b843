"""The processes of a province really start, do their work and end when asked."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from payments.settings import generated_environment

pytestmark = [pytest.mark.db, pytest.mark.timeout(90)]


@pytest.fixture
def province(database_url, valkey_url) -> dict[str, str]:
    """The environment of a province with a database and a broker."""
    given = {"DATABASE_URL": database_url, "BROKER_URL": valkey_url}
    return {"PATH": os.environ["PATH"]} | generated_environment() | given


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
