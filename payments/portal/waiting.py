"""The waiting room: answers the polls of parents' pages on the event loop, all that ask at one moment by one statement.

Thousands of parents wait while banks report on the same port. A poll through the threads of the pages costs ten times
as much, and those threads take the interpreter away from the banks' door. Whatever is no plain poll of a link that
opens something goes to the pages, which answer it as they always do. A parent's poll may be refused in a crowd, with
«come later»; a bank's callback never is.
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from werkzeug.http import parse_etags, quote_etag

from payments import clock
from payments.db import libpq_url
from payments.inbox.lanes import Lane
from payments.portal.rules import TOKEN, token_hash
from payments.portal.status import NUMBERED, Look, looks
from payments.settings import Settings
from payments.web.security import HEADERS, STRICT_TRANSPORT

log = logging.getLogger(__name__)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

STATUS_PATH: Final = re.compile(rf"/p/({TOKEN.pattern})/status", re.ASCII)
MOST_AT_ONCE: Final = 250
"""Links of one statement: some ten milliseconds of the database."""
MOST_WAITING: Final = 2_000
"""More than so many links are told to come later: they would wait for seconds."""
LATER_S: Final = 30
CACHING: Final = "private, no-cache"


class Busy(Exception):  # noqa: N818 - what is told to the parent, not a fault
    """Too many ask, or the database is away: come later."""


class WaitingRoom:
    """An ASGI application in front of the pages; its one connection to the database ends with the process."""

    def __init__(self, pages: App, settings: Settings) -> None:
        self._pages = pages
        self._lane = Lane(libpq_url(settings.database_url), reads=True)
        self._asked: dict[bytes, asyncio.Future[Look | None]] = {}
        self._asking: asyncio.Task[None] | None = None
        strict = [STRICT_TRANSPORT] if settings.secure_cookies else []
        common = [*HEADERS.items(), *strict, ("Content-Type", "application/json")]
        self._common = [(name.lower().encode(), value.encode()) for name, value in common]

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request."""
        named = STATUS_PATH.fullmatch(scope["path"]) if scope["method"] == "GET" else None
        if named is None:
            await self._pages(scope, receive, send)
            return
        try:
            version = await self.version(named[1])
        except Busy:
            later = [(b"retry-after", b"%d" % LATER_S), (b"cache-control", b"no-store")]
            await self._send(send, 503, later, b'{"error":"busy"}')
            return
        if version is None:
            await self._pages(scope, receive, send)
            return
        told = [(b"etag", quote_etag(version).encode()), (b"cache-control", CACHING.encode())]
        known = b", ".join(value for name, value in scope["headers"] if name == b"if-none-match")
        if known and parse_etags(known.decode("latin-1")).contains_weak(version):
            await self._send(send, 304, told, b"")
        else:
            await self._send(send, 200, told, b'{"version":"%s"}' % version.encode())

    async def version(self, token: str) -> str | None:
        """The version of a link's page; None: it opens nothing. Raises Busy."""
        asked = token_hash(token)
        future = self._asked.get(asked)
        if future is None:
            if len(self._asked) >= MOST_WAITING:
                raise Busy
            future = self._asked[asked] = asyncio.get_running_loop().create_future()
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        # Others may wait for the same answer: one of them that hangs up must not take it from them.
        found = await asyncio.shield(future)
        return None if found is None else found.version

    async def _ask(self) -> None:
        while self._asked:
            hashes = list(self._asked)[:MOST_AT_ONCE]
            try:
                now = clock.now()
                found = looks(await self._lane.fetch(NUMBERED, hashes, now), now, clock.today())
            except Exception as error:  # noqa: BLE001 - whatever it is, nobody may be left waiting
                log.error("status: not answered: %s", type(error).__name__)  # noqa: TRY400 - its text may quote data
                await self._lane.drop()
                self._refuse_all()
                return
            for asked in hashes:
                self._asked.pop(asked).set_result(found.get(asked))

    def _refuse_all(self) -> None:
        waiting, self._asked = self._asked, {}
        for future in waiting.values():
            future.set_exception(Busy())
            future.exception()  # Whoever waited may have gone: that is no fault to report.

    async def _send(self, send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        length = [(b"content-length", b"%d" % len(body))] if status != 304 else []
        await send({"type": "http.response.start", "status": status, "headers": [*self._common, *headers, *length]})
        await send({"type": "http.response.body", "body": body})
