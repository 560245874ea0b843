"""The processes behind the web process (worker, beat), the schema and the keys of a province.

Each process reads its settings from the environment; ``docs/operations.md`` shows units for systemd.
"""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click
import psycopg

from operations.migrate import upgrade
from payments.celery import QUEUES
from payments.db import libpq_url, readable_faults
from payments.settings import Settings, SettingsError, generated_environment

BEAT_LOCK = 0x68634265  # "hcBe": any fixed number, the same on every machine
BEAT_LOOK_S = 5.0


@click.command()
@click.option("--queues", default=",".join(QUEUES), show_default=True, help="Comma between names.")
@click.option("--concurrency", default=os.cpu_count() or 1, show_default=True, help="Processes.")
def worker(queues: str, concurrency: int) -> None:
    """Chạy các việc nền. (Run the background work.)"""
    unknown = set(queues.split(",")) - set(QUEUES)
    if unknown:
        raise click.BadParameter(f"no such queue: {', '.join(sorted(unknown))}", param_hint="--queues")
    _require_broker(Settings.from_env())
    import wsgi  # noqa: PLC0415 - composes everything from the environment, so only when asked to run

    options = [f"--queues={queues}", f"--concurrency={concurrency}", "--loglevel=INFO"]
    wsgi.celery.worker_main(["worker", "--without-gossip", "--without-mingle", *options])


@click.command()
def beat() -> None:
    """Đánh nhịp cho các việc theo giờ. (Start what is due by the clock; a second beat waits in reserve.)"""
    settings = Settings.from_env()
    _require_broker(settings)
    import wsgi  # noqa: PLC0415 - composes everything from the environment, so only when asked to run

    with sole_beat(settings.database_url):
        # The plain scheduler keeps no file: what a stopped beat missed is found by the sweeps, from the database.
        wsgi.celery.start(["beat", "--scheduler=celery.beat:Scheduler", "--pidfile=", "--loglevel=INFO"])


def _require_broker(settings: Settings) -> None:
    """Raises SettingsError: without a broker these processes would wait for ever for one on this machine."""
    if settings.broker_url is None:
        raise SettingsError(["BROKER_URL is missing: worker and beat meet there"])


@contextmanager
def sole_beat(database_url: str) -> Iterator[None]:
    """Wait until no other beat holds the advisory lock, and end this process when the lock's connection is lost."""
    with psycopg.connect(libpq_url(database_url), autocommit=True, application_name="hocphi beat") as connection:
        while not locked(connection):
            time.sleep(BEAT_LOOK_S)
        done = threading.Event()
        watch = threading.Thread(target=_watch, args=(connection, done), name="hocphi-beat-lock", daemon=True)
        watch.start()
        try:
            yield
        finally:
            done.set()
            watch.join()


def locked(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
    """Try to take the beat's lock for as long as the connection lives."""
    return connection.execute("SELECT pg_try_advisory_lock(%s)", (BEAT_LOCK,)).fetchone() == (True,)


def _watch(connection: psycopg.Connection[tuple[object, ...]], done: threading.Event) -> None:
    """A lost connection has lost the lock: another beat may run, so this one must not (its supervisor restarts it)."""
    try:
        while not done.wait(BEAT_LOOK_S):
            connection.execute("SELECT 1")
    except psycopg.Error:
        os.kill(os.getpid(), signal.SIGTERM)


@click.command()
def migrate() -> None:
    """Đưa lược đồ cơ sở dữ liệu lên bản mới nhất. (Bring the schema to the newest version.)"""
    with readable_faults():
        upgrade(Settings.from_env().database_url)


@click.command()
def keys() -> None:
    """In khóa mới cho tệp môi trường. (Print fresh keys for an environment file; keep them secret.)"""
    for name, value in generated_environment().items():
        click.echo(f"{name}={value}")
