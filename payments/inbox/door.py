"""The asynchronous banks' door: an ASGI application that answers ``/callbacks/…`` after a shared commit.

The commit is the statement's own (payments/inbox/lanes.py): no answer leaves before it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from datetime import datetime
from typing import Any, Final

from bank_adapters.contract import Answer, Request
from payments import clock
from payments.crypto import FieldCipher, SealError
from payments.db import libpq_url
from payments.inbox import metrics
from payments.inbox.connections import AsyncConnections, async_loader
from payments.inbox.lanes import DatabaseAwayError, Lanes, LookUps, NotDurableError
from payments.inbox.receiving import INCOMPLETE, UNAVAILABLE, Reception, receive, split_path
from payments.inbox.sealing import MAX_BODY_BYTES
from payments.inbox.throttle import NOTE_USE, RefusalBudget, Uses
from payments.settings import Settings
from payments.web.proxies import client_address

log = logging.getLogger(__name__)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

LOOK_UP_S: Final = 1.5
BODY_S: Final = 10.0
TOO_SLOW: Final = Answer(408, {"Content-Type": "application/json"}, b'{"error":"too_slow"}')


class Door:
    """One per process; its connections belong to the event loop that first used it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._shell: _Shell | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request, or the life of the application."""
        if self._shell is None:
            self._shell = _Shell(self._settings)
        if scope["type"] == "lifespan":
            await self._live(self._shell, receive, send)
        else:
            await self._shell.serve(scope, receive, send)

    async def _live(self, shell: "_Shell", receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                try:
                    await shell.lanes.open()
                except NotDurableError as error:
                    await send({"type": "lifespan.startup.failed", "message": str(error)})
                    raise
                await send({"type": "lifespan.startup.complete"})
            else:
                await shell.close()
                await send({"type": "lifespan.shutdown.complete"})
                return


class _Shell:
    """Stores and answers, on one event loop."""

    def __init__(self, settings: Settings) -> None:
        self._trusted = settings.trusted_proxies
        self._base_url = settings.base_url
        self._cipher = FieldCipher(settings.field_keys)
        url = libpq_url(settings.database_url)
        self._look_ups = LookUps(url)
        self._connections = AsyncConnections(async_loader(self._look_ups.fetch, self._cipher), LOOK_UP_S)
        self._budget = RefusalBudget()
        self._uses = Uses()
        self._noting: set[asyncio.Task[None]] = set()
        self.lanes = Lanes(url)

    async def close(self) -> None:
        await self.lanes.close()
        await asyncio.gather(*self._noting)
        await self._look_ups.close()

    async def serve(self, scope: Message, receive_message: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            answer = await self._answer(scope, receive_message)
        except (DatabaseAwayError, TimeoutError, SealError) as error:
            log.error("door: not answered: %s", type(error).__name__)  # noqa: TRY400 - its text may quote data
            metrics.count([metrics.UNANSWERED])
            answer = UNAVAILABLE
        headers = [(name.lower().encode(), value.encode()) for name, value in answer.headers.items()]
        headers.append((b"content-length", str(len(answer.body)).encode()))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})
        metrics.SECONDS.observe(loop.time() - began)

    async def _answer(self, scope: Message, receive_message: Receive) -> Answer:
        """The answer after the commit."""
        try:
            body = await read_body(receive_message, scope["headers"])
        except TimeoutError:
            return TOO_SLOW
        if body is None:
            return INCOMPLETE
        now = clock.now()
        named = split_path(scope["path"])
        connection = None
        if named is not None:
            connection = self._connections.kept(named[0], now) or await self._connections.get(named[0], now)
        request = self._request(scope, named[1] if named else "", body[:MAX_BODY_BYTES], now)
        too_large = len(body) > MAX_BODY_BYTES
        reception = receive(connection, request, now, self._cipher, too_large=too_large)
        if reception.doubted and named and connection:
            newer = await self._connections.fresh(named[0], now)
            if newer is None or newer.secret_ids != connection.secret_ids:
                connection = newer
                reception = receive(connection, request, now, self._cipher, too_large=too_large)
        if self._uses.due(reception.secret_id, now):
            noting = asyncio.create_task(self._note_use(reception.secret_id, now))
            self._noting.add(noting)
            noting.add_done_callback(self._noting.discard)
        if reception.asks is not None and connection is not None:
            asks = reception.asks
            async with asyncio.timeout(LOOK_UP_S):
                found = await self._look_ups.fetch(asks.statement, connection.id, asks.key)
            reception = reception.told(asks.guarded(found, tried=self._budget.spent(connection.id, now)))
        return reception.answer(await self._stored(reception), clock.now())

    async def _note_use(self, secret_id: int | None, now: datetime) -> None:
        """Beside the answer, which does not wait for it."""
        try:
            async with asyncio.timeout(LOOK_UP_S):
                await self._look_ups.fetch(NOTE_USE, secret_id, now)
        except (DatabaseAwayError, TimeoutError):
            log.warning("door: the use of secret %s is not noted", secret_id)

    async def _stored(self, reception: Reception) -> list[str]:
        if not reception.rows:
            return []
        first = reception.rows[0]
        now = first.received_at or clock.now()
        if reception.may_throttle and not self._budget.allows(first.connection_id, now):
            await self.lanes.count(first.connection_id, now)
            metrics.count([metrics.THROTTLED])
            return []
        results = await self.lanes.store(reception.rows)
        metrics.count(results)
        return results

    def _request(self, scope: Message, rest: str, body: bytes, now: datetime) -> Request:
        headers: dict[str, str] = {}
        for raw_name, raw_value in scope["headers"]:
            name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        peer = scope["client"][0] if scope.get("client") else None
        if self._trusted:
            peer = client_address(peer, headers.get("x-forwarded-for", ""), self._trusted)
        query = scope["query_string"].decode("latin-1")
        url = self._base_url + scope["path"] + ("?" + query if query else "")
        return Request(scope["method"], rest, query, headers, body, peer, now, url)


async def read_body(receive_message: Receive, headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    """The body, at most one byte more than is allowed; None when it broke off. Raises TimeoutError."""
    message = await receive_message()
    if message["type"] != "http.request":
        return None
    body: bytes = message.get("body", b"")
    # Servers may say «more» until they are asked again: to ask for what cannot come would cost a turn of the loop.
    if not message.get("more_body") or (b"content-length", b"%d" % len(body)) in headers:
        return body[: MAX_BODY_BYTES + 1]
    async with asyncio.timeout(BODY_S):
        parts = [body]
        size = len(body)
        while message.get("more_body") and size <= MAX_BODY_BYTES:
            message = await receive_message()
            if message["type"] != "http.request":
                return None
            parts.append(message.get("body", b""))
            size += len(parts[-1])
    return b"".join(parts)[: MAX_BODY_BYTES + 1]
