"""The WSGI route's database connections, on which nobody waits longer than a sender may be kept waiting.

libpq waits for ever on a server that is frozen or cut off from the network: limits inside the server do not help when
it does not run. So every wait here has an end of its own, and a connection that was given up is thrown away.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg_pool import ConnectionPool

from payments.db import libpq_url

STATEMENTS_AT_ONCE: Final = 8
CONNECT_S: Final = 2
"""In the background: who asks for a connection waits no longer than its own limit."""
SESSION: Final = (
    "-c timezone=UTC -c jit=off -c plan_cache_mode=force_generic_plan -c statement_timeout=1000"
    " -c default_transaction_isolation=read\\ committed"
)
NO_LESS: Final = """
    SELECT set_config('synchronous_commit', 'on', false)
    WHERE current_setting('synchronous_commit') IN ('off', 'local')
"""
"""Whatever the role's default is, a success of ours means that the commit is on disk (invariant I4)."""

Result = TypeVar("Result")


class Impatient(psycopg.Connection[Any]):
    """A connection whose waits end at a moment; it is closed then, for its answer may still come."""

    gives_up_at: float | None = None
    """On the monotonic clock; None while the pool has it."""

    def wait(self, gen: PQGen[Result], interval: float = 0.1, timeout: float | None = None) -> Result:
        """Wait for the server. Raises OperationalError when the time is over."""
        if self.gives_up_at is not None:
            timeout = max(0.0, self.gives_up_at - time.monotonic())
        try:
            return super().wait(gen, interval, timeout)
        except psycopg.OperationalError:
            self.close()
            raise


class Pool:
    """Connections of one process."""

    def __init__(self, database_url: str) -> None:
        self._pool = ConnectionPool(
            libpq_url(database_url),
            connection_class=Impatient,
            min_size=1,
            max_size=STATEMENTS_AT_ONCE,
            reconnect_timeout=0,
            configure=_insist_on_disk,
            kwargs={
                "autocommit": True,
                "prepare_threshold": 0,
                "cursor_factory": psycopg.RawCursor,
                "application_name": "hocphi door (wsgi)",
                "options": SESSION,
                "connect_timeout": CONNECT_S,
            },
            open=True,
        )

    def fetch(self, statement: str, values: Sequence[Any], limit_s: float) -> list[tuple[Any, ...]]:
        """The rows of a statement, committed when this returns. Raises psycopg.Error and PoolTimeout."""
        with self._connection(limit_s) as connection:
            return connection.execute(statement, values).fetchall()

    def run(self, statement: str, values: Sequence[Any], limit_s: float) -> None:
        """Run a statement without rows; as ``fetch``."""
        with self._connection(limit_s) as connection:
            connection.execute(statement, values)

    def close(self) -> None:
        """Close them all."""
        self._pool.close()

    @contextmanager
    def _connection(self, limit_s: float) -> Iterator[Impatient]:
        gives_up_at = time.monotonic() + limit_s
        with self._pool.connection(timeout=limit_s) as connection:
            connection.gives_up_at = gives_up_at
            try:
                yield connection
            finally:
                connection.gives_up_at = None


def _insist_on_disk(connection: Impatient) -> None:
    connection.gives_up_at = time.monotonic() + CONNECT_S
    connection.execute(NO_LESS)
    connection.gives_up_at = None
