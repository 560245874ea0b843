"""The processes of a province (web, worker, beat), its schema and its keys.

Each process reads its settings from the environment; ``docs/operations.md`` shows units for systemd.
"""

import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, cast

import click
import psycopg
from granian.constants import Interfaces, Loops
from granian.server import Server

from operations.migrate import upgrade
from payments.celery import QUEUES
from payments.db import libpq_url, readable_faults
from payments.settings import Settings, SettingsError, generated_environment

BEAT_LOCK = 0x68634265  # "hcBe": any fixed number, the same on every machine
BEAT_LOOK_S = 5.0
SHORT_LIFE_S = 10.0
SHORT_LIVES = 5
RISE_S = 0.5
CONNECTIONS = 16_384
"""Most connections of one web process at a time."""
SPARE_FILES = 256
"""Of a process' open files, for all that is no connection of a visitor."""


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True)
@click.option("--workers", default=1, show_default=True, help="Web processes.")
def serve(host: str, port: int, workers: int) -> None:
    """Phục vụ trang web và nhận báo có của ngân hàng. (Serve pages and the banks' callbacks on one port.)"""
    Settings.from_env()
    keep_up(lambda: _server(host, port, workers))


class Serving(Protocol):
    """What ``keep_up`` needs of a server."""

    interrupt_signal: bool
    """Whether it was asked to end."""

    def serve(self) -> None:
        """Serve; raises SystemExit when it gives up."""


def room_for_connections() -> int:
    """How many connections a web process may hold, after the limit of open files was raised as far as it goes.

    granian's ``backpressure`` counts connections, idle ones too, and stops to accept at 1,024 unless told otherwise: so
    many parents who wait on their pages would keep the banks out.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS + SPARE_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return CONNECTIONS if soft == resource.RLIM_INFINITY else min(CONNECTIONS, soft - SPARE_FILES)


def _server(host: str, port: int, workers: int) -> Serving:
    server = Server(
        "operations.asgi:application",
        address=host,
        port=port,
        workers=workers,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        factory=True,
        websockets=False,
        backpressure=room_for_connections(),
        respawn_failed_workers=True,
    )
    return cast("Serving", server)


def keep_up(new_server: Callable[[], Serving]) -> None:
    """Serve until asked to end; start anew when the server gives up.

    granian replaces a web process that dies, but ends itself when the replacement dies within 5.5 seconds (no setting
    changes that): two kills in a row must not close the banks' door. Five short lives in a row mean a server that
    cannot work at all: then this ends with status 1, for the supervisor to see.
    """
    short_lives = 0
    while True:
        began = time.monotonic()
        server = new_server()
        with _own_signals():
            try:
                server.serve()
            except SystemExit:
                if server.interrupt_signal:
                    raise
            else:
                return
        short_lives = short_lives + 1 if time.monotonic() - began < SHORT_LIFE_S else 0
        if short_lives == SHORT_LIVES:
            sys.exit(1)
        click.echo("Máy chủ web dừng đột ngột, đang khởi động lại. (The web server ended; starting it anew.)", err=True)
        time.sleep(RISE_S)


@contextmanager
def _own_signals() -> Iterator[None]:
    """Leave the signals of this process as they were: the server's own handlers mean nothing once it has ended."""
    before = {sign: signal.getsignal(sign) for sign in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for sign, handler in before.items():
            signal.signal(sign, handler)


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
