"""Real PostgreSQL and Valkey from pip wheels, for the demo and the tests: no root, no port, no installation.

Both listen on a unix socket in a private folder only. PostgreSQL refuses to run as root, so there its
programs get the uid of ``nobody`` by subprocess alone: no user is added, no foreign folder is changed.
"""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from operations.base_folder import quick_root, temporary_root
from operations.binaries import ServiceError, copy_programs, postgres_bin, reachable, valkey_server
from operations.privileges import NOBODY, User, as_user, drops_privileges, give_folders, passable
from operations.server import Server, environment

SMALL_SHM_BYTES = 256 << 20
READY_LINE = 8  # of postmaster.pid
STOP_SIGNALS = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}
# A fresh database grows fast: until its tables are analysed, the checks of foreign keys may walk a whole school.
KEPT = {"autovacuum_naptime": "5s"}
THROWAWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_wal_size": "2GB"}


class EmbeddedPostgres(Server):
    """A PostgreSQL server in a with block; ``url`` is what DATABASE_URL would hold.

    ``throwaway`` turns durability off: for plain tests only, never for crash tests, benchmarks or kept data.
    ``data`` names a folder that stays and is used again; without it the data go with the block.
    ``settings`` are further server settings, such as ``{"shared_buffers": "512MB"}``.
    """

    KIND = "pg"

    def __init__(
        self,
        *,
        throwaway: bool = False,
        data: Path | None = None,
        settings: dict[str, str] | None = None,
        bin_folder: Path | None = None,
    ) -> None:
        super().__init__()
        if throwaway and data is not None:
            raise ServiceError("data that are kept need durability: throwaway and data exclude each other")
        self.throwaway = throwaway
        self.settings = settings or {}
        self._data = data.resolve() if data else None
        self._bin = bin_folder

    @property
    def data(self) -> Path:
        """The data folder."""
        return self._data or self.base / "d"

    @property
    def bin(self) -> Path:
        """The folder of the server's programs (also psql, pgbench, pg_dump where the wheel brings them)."""
        if self._bin is None:
            self._bin = postgres_bin()
        return self._bin

    @property
    def url(self) -> str:
        """The address of the database ``postgres``."""
        return self.database_url("postgres")

    def database_url(self, database: str) -> str:
        """The address of a database of this server."""
        return f"postgresql://postgres@/{database}?host={self.base}"

    def run(self, program: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run one of the server's programs as the server's user; raises ServiceError with what it said."""
        done: subprocess.CompletedProcess[str] = subprocess.run(
            [str(self.bin / program), *arguments],
            cwd=self.base,
            env=environment(self.base),
            capture_output=True,
            text=True,
            check=False,
            **as_user(),
        )
        if check and done.returncode:
            raise ServiceError(f"{program} failed:\n{done.stdout}{done.stderr}".strip())
        return done

    def stop(self, mode: Literal["fast", "immediate"] = "fast") -> None:
        """Stop and wait: fast writes a checkpoint, immediate leaves recovery to the next start."""
        self._end(STOP_SIGNALS[mode])

    def _user(self) -> User:
        return as_user()

    def _root(self) -> Path:
        return quick_root() if self.throwaway else temporary_root()

    def _prepare(self) -> None:
        if not reachable(self.bin, as_user(), environment(self.base)):
            self._bin = copy_programs(self.bin, self.base / "programs")
            give_folders(self.base / "programs")
        self._claim_data_folder()
        if not (self.data / "PG_VERSION").exists():
            self._initdb()

    def _claim_data_folder(self) -> None:
        if self._data is None:
            return
        self._data.mkdir(parents=True, exist_ok=True, mode=0o700)
        if drops_privileges():
            if not passable(self._data.parent):
                raise ServiceError(f"{self._data}: the server's user cannot reach this folder; choose another")
            os.chown(self._data, NOBODY, NOBODY)

    def _initdb(self) -> None:
        options = ["-D", str(self.data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-instructions"]
        self.run("initdb", *options, *([] if self._data else ["--no-sync"]))

    def _command(self) -> list[str]:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.base),
            "max_connections": "200",
            # A new database has no statistics, and foreign keys are checked by wrong plans until it has: soon.
            "autovacuum_naptime": "5s",
        }
        if shutil.disk_usage("/dev/shm").total < SMALL_SHM_BYTES:  # noqa: S108 - asked for its size only
            settings["dynamic_shared_memory_type"] = "mmap"
        settings |= (THROWAWAY if self.throwaway else KEPT) | self.settings
        pairs = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(self.bin / "postgres"), "-D", str(self.data), *pairs]

    def _ready(self) -> bool:
        with suppress(FileNotFoundError):
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            # The first line is the server's number: a file left by a killed server does not count.
            return lines[:1] == [str(self.pid)] and "".join(lines[READY_LINE - 1 :]).strip() == "ready"
        return False


class EmbeddedValkey(Server):
    """A Valkey server in a with block, without TCP and without a file; ``url`` is for BROKER_URL."""

    KIND = "vk"
    GUARD_SIGNAL = signal.SIGTERM

    @property
    def url(self) -> str:
        """The address for Celery, as broker and as result backend."""
        return f"redis+socket://{self.base}/s"

    def _command(self) -> list[str]:
        place = [
            "--port",
            "0",
            "--unixsocket",
            str(self.base / "s"),
            "--unixsocketperm",
            "700",
            "--dir",
            str(self.base),
        ]
        return [str(valkey_server()), *place, "--save", "", "--appendonly", "no", "--daemonize", "no"]

    def _ready(self) -> bool:
        with suppress(OSError), socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1)
            client.connect(str(self.base / "s"))
            client.sendall(b"PING\r\n")
            return client.recv(7) == b"+PONG\r\n"
        return False


@contextmanager
def database(
    *,
    lookup: Callable[[str], str | None] = os.environ.get,
    data: Path | None = None,
    throwaway: bool = False,
) -> Iterator[str]:
    """The address of a PostgreSQL server: DATABASE_URL if given, else a server of our own for the block."""
    given = lookup("DATABASE_URL")
    if given:
        yield given
        return
    with EmbeddedPostgres(data=data, throwaway=throwaway) as server:
        yield server.url
