"""What the door knows of bank connections, read from the database and kept for at most five seconds.

A revoked secret or a closed connection is thus refused everywhere within five seconds, without a query per callback.
The other way round nobody waits: a request that the kept secrets do not vouch for is judged again with ``fresh`` ones
before it is refused, so that a sender may use a new secret from the moment it is added.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from payments.banking.queries import DOOR_STATEMENT, DoorConnection, door_connection
from payments.banking.rules import token_hash
from payments.crypto import FieldCipher

KEPT_FOR = timedelta(seconds=5)
MOST_KEPT = 4096

STATEMENT = DOOR_STATEMENT.replace(":token_hash", "$1")

Load = Callable[[str], DoorConnection | None]
AsyncLoad = Callable[[str], Awaitable[DoorConnection | None]]
Rows = Sequence[Sequence[Any]]


def loader(fetch: Callable[[str, bytes], Rows], cipher: FieldCipher) -> Load:
    """A look-up of active connections by URL token; ``fetch`` runs a statement."""

    def load(token: str) -> DoorConnection | None:
        return _opened(fetch(STATEMENT, token_hash(token)), cipher)

    return load


def async_loader(fetch: Callable[[str, bytes], Awaitable[Rows]], cipher: FieldCipher) -> AsyncLoad:
    """The same for an event loop."""

    async def load(token: str) -> DoorConnection | None:
        return _opened(await fetch(STATEMENT, token_hash(token)), cipher)

    return load


def _opened(rows: Rows, cipher: FieldCipher) -> DoorConnection | None:
    return door_connection(cipher, rows[0]) if rows else None


class Kept:
    """Loaded connections by token, each good for five seconds; unknown tokens are never kept."""

    def __init__(self) -> None:
        self._entries: dict[str, tuple[datetime, DoorConnection]] = {}

    def get(self, token: str, now: datetime) -> DoorConnection | None:
        """What is kept and not too old (a clock that was turned back makes it too old as well)."""
        entry = self._entries.get(token)
        if entry is None or not timedelta(0) <= now - entry[0] < KEPT_FOR:
            return None
        return entry[1]

    def put(self, token: str, loaded: DoorConnection | None, now: datetime) -> None:
        """Keep what was loaded for a question asked at ``now``."""
        if loaded is None:
            self._entries.pop(token, None)
            return
        if len(self._entries) >= MOST_KEPT:
            self._entries.clear()
        self._entries[token] = (now, loaded)


class Connections:
    """Look-ups for threads."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._kept = Kept()
        self._lock = threading.Lock()

    def get(self, token: str, now: datetime) -> DoorConnection | None:
        """The connection of a token; raises what ``load`` raises when the database is away."""
        with self._lock:
            kept = self._kept.get(token, now)
        return self.fresh(token, now) if kept is None else kept

    def fresh(self, token: str, now: datetime) -> DoorConnection | None:
        """The connection as it is in the database now; raises as ``get``."""
        loaded = self._load(token)
        with self._lock:
            self._kept.put(token, loaded, now)
        return loaded


class AsyncConnections:
    """Look-ups for an event loop, one at a time for each token."""

    def __init__(self, load: AsyncLoad, timeout_s: float) -> None:
        self._load = load
        self._timeout_s = timeout_s
        self._kept = Kept()
        self._asked: dict[str, asyncio.Task[DoorConnection | None]] = {}
        self._asked_again: dict[str, asyncio.Task[DoorConnection | None]] = {}
        self._again = asyncio.Lock()

    def kept(self, token: str, now: datetime) -> DoorConnection | None:
        """What needs no look-up."""
        return self._kept.get(token, now)

    async def get(self, token: str, now: datetime) -> DoorConnection | None:
        """The connection of a token; raises TimeoutError or what ``load`` raises when the database is away."""
        task = self._asked.get(token)
        if task is None:
            task = asyncio.create_task(self._look_up(token, now))
            self._asked[token] = task
            task.add_done_callback(lambda _: self._asked.pop(token, None))
        return await asyncio.shield(task)

    async def fresh(self, token: str, now: datetime) -> DoorConnection | None:
        """The connection as it is in the database now; raises as ``get``.

        Those that ask while a look-up runs share the next one: it begins after all of them asked.
        """
        task = self._asked_again.get(token)
        if task is None:
            task = asyncio.create_task(self._look_up_again(token, now))
            self._asked_again[token] = task
        return await asyncio.shield(task)

    async def _look_up_again(self, token: str, now: datetime) -> DoorConnection | None:
        async with self._again:
            del self._asked_again[token]
            return await self._look_up(token, now)

    async def _look_up(self, token: str, now: datetime) -> DoorConnection | None:
        async with asyncio.timeout(self._timeout_s):
            loaded = await self._load(token)
        self._kept.put(token, loaded, now)
        return loaded
