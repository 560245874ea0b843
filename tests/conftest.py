"""Real services for tests: one throw-away PostgreSQL for the whole run, a fresh database for whoever asks.

``session``       a session inside a transaction that is rolled back; code under test may flush, and a commit
                  of nested code ends a savepoint only. The quick way, for services and queries.
``database_url``  the address of a fresh, migrated database for this test alone; ``engine`` is an engine on
                  it. For whatever commits, starts processes or uses several connections.
``postgres``      the server: ``new_database()`` makes further databases, ``url(name)`` names them.
``valkey_url``    the address of a Valkey server for this worker.
``phone_page``    a page of a headless browser as on a parent's phone, ``desk_page`` as on the accountant's screen

Tests that kill or stop a server start their own ``operations.services.EmbeddedPostgres``.
"""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import psycopg
import pytest
import werkzeug.test
from hypothesis import settings
from psycopg import sql
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from operations.migrate import upgrade
from operations.services import EmbeddedPostgres, EmbeddedValkey
from payments.db import make_engine

# A busy machine is slow, not wrong: properties are judged by their result, never by the clock.
settings.register_profile("house", deadline=None)
settings.load_profile("house")

# What test clients upload stays in memory: werkzeug's temporary file for half a megabyte and more is left to the
# garbage collector, which blames whichever test runs then.
werkzeug.test.stream_encode_multipart = partial(werkzeug.test.stream_encode_multipart, use_tempfile=False)

pytest_plugins = ["tests.browser", "tests.near_sockets", "tests.quick", "tests.payments.furnished"]


@dataclass(frozen=True)
class Postgres:
    """A running server that tests share; ``pattern`` is an address with the database's name left open."""

    pattern: str
    template: str

    def url(self, name: str) -> str:
        return self.pattern.replace("DATABASE", name)

    def execute(self, statement: str, *names: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def new_database(self, *, empty: bool = False, template: str | None = None) -> str:
        """The name of a new database, a copy of the migrated (or another) template unless an empty one is wanted."""
        name = f"test_{secrets.token_hex(6)}"
        if empty:
            self.execute("CREATE DATABASE {}", name)
        else:
            self.execute("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY", name, template or self.template)
        return name

    def drop_database(self, name: str) -> None:
        self.execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever uses the server is a test of the database, marked or not, so ``make check`` stays quick.

    The slow ones begin: whichever of two workers has them, the other finds enough to do until they are through.
    """
    for item in items:
        if "postgres" in getattr(item, "fixturenames", ()):
            item.add_marker("db")
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@contextmanager
def held(path: Path, how: int) -> Iterator[None]:
    """Hold a lock on a file."""
    with path.open("a") as lock:
        fcntl.flock(lock, how)
        yield


@contextmanager
def server_pattern() -> Iterator[str]:
    """The server to test on: that of DATABASE_URL (its own database is not touched), else an embedded one."""
    given = os.environ.get("DATABASE_URL")
    if given:
        server, _, rest = given.partition("://")[2].partition("/")
        _, question, options = rest.partition("?")
        yield f"postgresql://{server}/DATABASE{question}{options}"
        return
    with EmbeddedPostgres(throwaway=True) as embedded:
        yield embedded.database_url("DATABASE")


@contextmanager
def prepared_server() -> Iterator[Postgres]:
    """A server with a migrated template database, from which each test's database is copied."""
    with server_pattern() as pattern:
        server = Postgres(pattern, template=f"template_{secrets.token_hex(6)}")
        server.execute("CREATE DATABASE {}", server.template)
        upgrade(server.url(server.template))
        yield server
        server.drop_database(server.template)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """The server of this run: the worker that asks first starts it, and stops it when all have finished."""
    common = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        common = common.parent
    gate, users, known = (common / f"postgres.{name}" for name in ("gate", "users", "json"))
    with ExitStack() as owned:
        with held(gate, fcntl.LOCK_EX), ExitStack() as using:
            if not known.exists():
                made = owned.enter_context(prepared_server())
                known.write_text(json.dumps(asdict(made)))
                owned.callback(wait_for_others, gate, users, known)
            using.enter_context(held(users, fcntl.LOCK_SH))
            in_use = using.pop_all()
        with in_use:
            yield Postgres(**json.loads(known.read_text()))


def wait_for_others(gate: Path, users: Path, known: Path) -> None:
    """Let nobody join any more, then wait until every other worker has let go of the server."""
    with held(gate, fcntl.LOCK_EX):
        known.unlink()
    with held(users, fcntl.LOCK_EX):
        pass


@pytest.fixture
def database_url(postgres: Postgres) -> Iterator[str]:
    """The address of a fresh, migrated database that is dropped after the test."""
    name = postgres.new_database()
    yield postgres.url(name)
    postgres.drop_database(name)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on the fresh database of ``database_url``."""
    made = make_engine(database_url)
    yield made
    made.dispose()


@pytest.fixture(scope="session")
def shared_engine(postgres: Postgres) -> Iterator[Engine]:
    """An engine on the database that this worker's rolled-back sessions share; nothing is committed there."""
    name = postgres.new_database()
    made = make_engine(postgres.url(name))
    yield made
    made.dispose()
    postgres.drop_database(name)


@pytest.fixture
def session(shared_engine: Engine) -> Iterator[Session]:
    """A session whose work is rolled back after the test, even what nested code commits."""
    with shared_engine.connect() as connection:
        transaction = connection.begin()
        with Session(connection, expire_on_commit=False, join_transaction_mode="create_savepoint") as opened:
            yield opened
        transaction.rollback()


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    """The address of a Valkey server for this worker, for BROKER_URL and RESULT_BACKEND."""
    with EmbeddedValkey() as server:
        yield server.url
