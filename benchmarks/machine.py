"""The machine: its kind, a durable PostgreSQL, and the tools that peers need."""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from operations.migrate import upgrade
from operations.services import EmbeddedPostgres

ROOT = Path(__file__).parent.parent
KEPT = ROOT / ".bench"
"""Results and built peers; git ignores it."""
PEERS = Path(__file__).parent / "peers"
MEMORY = {"shared_buffers": "512MB", "max_wal_size": "4GB", "checkpoint_timeout": "30min"}
DURABLE = ("fsync", "full_page_writes", "synchronous_commit")


@dataclass(frozen=True, slots=True)
class Database:
    """A migrated database of a server that keeps what it acknowledged."""

    server: EmbeddedPostgres
    name: str

    @property
    def url(self) -> str:
        """What DATABASE_URL would hold."""
        return self.server.database_url(self.name)


@contextmanager
def database(name: str, settings: Mapping[str, str] | None = None) -> Iterator[Database]:
    """A server with memory for benchmarks and durability as in production, and one migrated database on it."""
    with EmbeddedPostgres(settings=MEMORY | dict(settings or {})) as server:
        with psycopg.connect(server.url, autocommit=True) as connection:
            off = [setting for setting in DURABLE if connection.execute(f"SHOW {setting}").fetchone() != ("on",)]
            if off:
                raise AssertionError(f"not durable: {', '.join(off)}")
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        made = Database(server, name)
        upgrade(made.url)
        yield made


def described() -> str:
    """The kind of machine, without its name."""
    return f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"


def installed(program: str, *packages: str) -> bool:
    """Whether a program is there; Debian's packages bring it where apt may install them."""
    if shutil.which(program):
        return True
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    told(f"installing {' '.join(packages)}")
    _quietly("apt-get", "update", "-qq")
    _quietly("apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages)
    return shutil.which(program) is not None


def _quietly(*command: str) -> None:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, timeout=600
    )


def told(text: str) -> None:
    """Progress, beside the tables."""
    print(f"… {text}", file=sys.stderr, flush=True)
