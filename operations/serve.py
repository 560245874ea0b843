"""The web process of a province: pages and the banks' door on one port.

What only watches over it loads neither the database nor the pages: a web process that was killed is back sooner.
"""

import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, cast

import click
from granian.constants import Interfaces, Loops
from granian.server import Server

from payments.settings import Settings

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
