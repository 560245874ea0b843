"""Group commit: deliveries that wait at the same moment go into one statement and one commit.

At most two lanes, each with one connection and one prepared statement. There is no timer: a batch is what arrived
while the lanes were committing, so waiting never gets longer by grouping. Every waiter learns its own results. A row
that the database refuses fails alone, for then its batch is stored row by row; with the database away all that wait
are told so at once, within ``LIMIT_S``.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import asyncpg

from payments import celery
from payments.inbox.storing import COUNT_THROTTLED, STORE, Row, arguments, shared_out, stored_work

log = logging.getLogger(__name__)

LANES: Final = 2
MOST_DELIVERIES: Final = 256
CONNECT_S: Final = 0.8
LIMIT_S: Final = 1.0
"""For one statement; with a new connection before it a sender waits less than two seconds."""

SESSION: Final = {
    "application_name": "hocphi door",
    "timezone": "UTC",
    "jit": "off",
    # The statement is planned once; planning it for each batch would cost more than running it.
    "plan_cache_mode": "force_generic_plan",
    # ``held_content`` needs a snapshot of its own.
    "default_transaction_isolation": "read committed",
}
READING: Final = {"application_name": "hocphi status", "default_transaction_read_only": "on"}
DURABLE: Final = {
    "fsync": frozenset({"on"}),
    "full_page_writes": frozenset({"on"}),
    "synchronous_commit": frozenset({"on", "remote_apply"}),
}
_AWAY: Final = (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.PostgresConnectionError)
_AWAY_CLASSES: Final = ("57", "53", "58", "08")
"""SQLSTATE classes: operator intervention, no resources, system error, connection."""


class DatabaseAwayError(Exception):
    """Nothing could be stored; the sender shall try again."""


class NotDurableError(Exception):
    """The server may forget what it has committed, so the door must not answer success."""


def require_durable(settings: Mapping[str, str]) -> None:
    """Refuse a session whose commits are not on disk (invariant I4). Raises NotDurableError naming the settings."""
    wrong = [name for name, allowed in DURABLE.items() if settings.get(name) not in allowed]
    if wrong:
        raise NotDurableError(f"PostgreSQL must run with {', '.join(wrong)} on: the door answers only what is on disk")


class Lanes:
    """Stores deliveries of one event loop."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._waiting: list[tuple[Sequence[Row], asyncio.Future[list[str]]]] = []
        self._counted: list[tuple[int | None, datetime, asyncio.Future[list[str]]]] = []
        self._idle = [Lane(database_url) for _ in range(LANES)]
        self._busy: dict[Lane, asyncio.Task[None]] = {}
        self._start_is_due = False

    def store(self, rows: Sequence[Row]) -> asyncio.Future[list[str]]:
        """The results of storing a delivery, once committed; fails with DatabaseAwayError."""
        future: asyncio.Future[list[str]] = asyncio.get_running_loop().create_future()
        self._waiting.append((rows, future))
        self._start_soon()
        return future

    def count(self, connection_id: int | None, now: datetime) -> asyncio.Future[list[str]]:
        """Count a delivery that is not stored; no results."""
        future: asyncio.Future[list[str]] = asyncio.get_running_loop().create_future()
        self._counted.append((connection_id, now, future))
        self._start_soon()
        return future

    async def open(self) -> None:
        """Connect ahead of the first delivery. Raises NotDurableError; a database that is away is no obstacle."""
        for lane in self._idle:
            try:
                await lane.connected()
            except _AWAY as error:
                log.warning("door: database not reached yet: %s", type(error).__name__)
                return

    async def close(self) -> None:
        """Let the lanes finish and close their connections."""
        await asyncio.gather(*self._busy.values(), return_exceptions=True)
        for lane in self._idle:
            await lane.close()

    def _start_soon(self) -> None:
        # After this turn of the loop, so that all requests that are ready now share the batch.
        if self._idle and not self._start_is_due:
            self._start_is_due = True
            asyncio.get_running_loop().call_soon(self._start)

    def _start(self) -> None:
        self._start_is_due = False
        if self._idle and (self._waiting or self._counted):
            lane = self._idle.pop()
            self._busy[lane] = asyncio.get_running_loop().create_task(self._run(lane))

    async def _run(self, lane: "Lane") -> None:
        try:
            while self._waiting or self._counted:
                await self._turn(lane)
        finally:
            del self._busy[lane]
            self._idle.append(lane)

    async def _turn(self, lane: "Lane") -> None:
        batch, self._waiting = self._waiting[:MOST_DELIVERIES], self._waiting[MOST_DELIVERIES:]
        counted, self._counted = self._counted, []
        try:
            await self._store(lane, batch)
            await self._count(lane, counted)
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody may be left waiting
            log.error("door: not stored: %s", type(error).__name__)  # noqa: TRY400 - its text may quote data
            await lane.drop()
            queued, self._waiting = self._waiting, []
            futures = [future for _, future in (*batch, *queued)] + [future for _, _, future in counted]
            for future in futures:
                if not future.done():
                    future.set_exception(DatabaseAwayError())

    async def _store(self, lane: "Lane", batch: Sequence[tuple[Sequence[Row], asyncio.Future[list[str]]]]) -> None:
        if not batch:
            return
        deliveries = [rows for rows, _ in batch]
        try:
            results = shared_out(await lane.run(STORE, *arguments(deliveries)), deliveries)
        except (asyncpg.PostgresError, ValueError) as error:
            if is_away(error):
                raise
            await self._one_by_one(lane, batch, error)
            return
        for (_, future), result in zip(batch, results, strict=True):
            if not future.done():
                future.set_result(result)
        if stored_work(results):
            celery.wake("settlement")

    async def _one_by_one(
        self, lane: "Lane", batch: Sequence[tuple[Sequence[Row], asyncio.Future[list[str]]]], error: Exception
    ) -> None:
        """One of them is poisoned: the others must not suffer for it."""
        if len(batch) > 1:
            for delivery in batch:
                await self._store(lane, [delivery])
            return
        log.critical("door: a delivery cannot be stored: %s", type(error).__name__)
        if not batch[0][1].done():
            batch[0][1].set_exception(DatabaseAwayError())

    async def _count(
        self, lane: "Lane", counted: Sequence[tuple[int | None, datetime, asyncio.Future[list[str]]]]
    ) -> None:
        if not counted:
            return
        await lane.run(COUNT_THROTTLED, [connection_id for connection_id, _, _ in counted], counted[-1][1])
        for _, _, future in counted:
            if not future.done():
                future.set_result([])


class Lane:
    """One connection with its prepared statements, made anew when it was lost; ``reads`` only, or stores durably."""

    def __init__(self, database_url: str, *, reads: bool = False) -> None:
        self._database_url = database_url
        self._reads = reads
        self._connection: Any = None
        self._prepared: dict[str, Any] = {}

    async def run(self, statement: str, *values: Any) -> list[str]:
        """Run a statement, committed when this returns; the first column of its rows."""
        return [row[0] for row in await self.fetch(statement, *values)]

    async def fetch(self, statement: str, *values: Any) -> list[Sequence[Any]]:
        """The rows of a statement, which is committed when this returns."""
        await self.connected()
        prepared = self._prepared.get(statement)
        if prepared is None:
            prepared = self._prepared[statement] = await self._connection.prepare(statement, timeout=LIMIT_S)
        found: list[Sequence[Any]] = await prepared.fetch(*values, timeout=LIMIT_S)
        return found

    async def connected(self) -> None:
        """Connect unless connected. Raises NotDurableError."""
        if self._connection is not None and not self._connection.is_closed():
            return
        self._prepared = {}
        self._connection = None
        session = SESSION | READING if self._reads else SESSION
        connection = await asyncpg.connect(
            self._database_url, timeout=CONNECT_S, command_timeout=LIMIT_S, server_settings=session
        )
        try:
            if not self._reads:
                await _insist_on_disk(connection)
        except BaseException:
            connection.terminate()
            raise
        self._connection = connection

    async def drop(self) -> None:
        """Forget the connection, whatever state it is in."""
        if self._connection is not None:
            self._connection.terminate()
        self._connection = None

    async def close(self) -> None:
        """Say good-bye to the server."""
        if self._connection is not None and not self._connection.is_closed():
            await self._connection.close(timeout=LIMIT_S)
        self._connection = None


async def _insist_on_disk(connection: Any) -> None:
    found = await connection.fetch("SELECT name, setting FROM pg_settings WHERE name = ANY($1::text[])", list(DURABLE))
    require_durable({row["name"]: row["setting"] for row in found})


class LookUps:
    """Reads on a connection of their own, one after the other, so that they never wait behind a batch."""

    def __init__(self, database_url: str) -> None:
        self._lane = Lane(database_url)
        self._turn = asyncio.Lock()

    async def fetch(self, statement: str, *values: Any) -> list[Sequence[Any]]:
        """The rows of a statement. Raises DatabaseAwayError."""
        async with self._turn:
            try:
                return await self._lane.fetch(statement, *values)
            except BaseException as error:
                # Also when the caller's patience ends: an answer that comes later must not meet the next question.
                await self._lane.drop()
                if isinstance(error, (*_AWAY, asyncpg.PostgresError)):
                    raise DatabaseAwayError from error
                raise

    async def close(self) -> None:
        """Say good-bye to the server."""
        await self._lane.close()


def is_away(error: Exception) -> bool:
    """Whether an error says that the database is away, rather than what it thinks of a row."""
    state = getattr(error, "sqlstate", None) or ""
    return isinstance(error, _AWAY) or state[:2] in _AWAY_CLASSES
