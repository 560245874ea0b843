"""The banks' door as part of the WSGI application: one SQL statement in one autocommit per callback.

A bare callable in front of Flask (Flask alone would cost more than all the rest of a callback). Nobody logs in here:
each request is believed or not by its connection's adapter.
"""

import logging
import os
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg_pool import PoolTimeout

from bank_adapters.contract import Answer, Request
from payments import celery, clock
from payments.crypto import FieldCipher, SealError
from payments.inbox import metrics
from payments.inbox.connections import Connections, loader
from payments.inbox.patience import Pool
from payments.inbox.receiving import INCOMPLETE, PREFIX, UNAVAILABLE, Reception, receive, split_path
from payments.inbox.sealing import MAX_BODY_BYTES
from payments.inbox.storing import COUNT_THROTTLED, STORE, STORE_ONE, arguments, scalars
from payments.inbox.throttle import NOTE_USE, RefusalBudget, Uses
from payments.settings import Settings
from payments.web.proxies import client_address

if TYPE_CHECKING:
    from datetime import datetime
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)

LOOK_UP_S: Final = 0.8
STORE_S: Final = 1.0
"""Together less than the two seconds that a sender waits at most."""
PHRASES: Final = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


class WsgiDoor:
    """Answers ``/callbacks/…`` itself and hands everything else to the application behind it."""

    def __init__(self, app: "WSGIApplication", settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._shells: dict[int, _Shell] = {}

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Serve one request."""
        path = environ.get("PATH_INFO", "")
        if not path.startswith(PREFIX):
            return self._app(environ, start_response)
        with metrics.SECONDS.time():
            answer = self._shell().answer(path.encode("latin-1", "replace").decode("utf-8", "replace"), environ)
        status = PHRASES.get(answer.status, f"{answer.status} Unnamed")
        start_response(status, [*answer.headers.items(), ("Content-Length", str(len(answer.body)))])
        return [answer.body]

    def close(self) -> None:
        """Close the connections of this process."""
        shell = self._shells.pop(os.getpid(), None)
        if shell is not None:
            shell.close()

    def _shell(self) -> "_Shell":
        # Connections must not be shared after a fork.
        pid = os.getpid()
        if pid not in self._shells:
            self._shells = {pid: _Shell(self._settings)}
        return self._shells[pid]


class _Shell:
    """Stores and answers, in one process."""

    def __init__(self, settings: Settings) -> None:
        self._trusted = settings.trusted_proxies
        self._base_url = settings.base_url
        self._cipher = FieldCipher(settings.field_keys)
        self._pool = Pool(settings.database_url)
        self._connections = Connections(loader(self._look_up, self._cipher))
        self._budget = RefusalBudget()
        self._uses = Uses()

    def close(self) -> None:
        self._pool.close()

    def answer(self, path: str, environ: "WSGIEnvironment") -> Answer:
        try:
            return self._answer(path, environ)
        except (psycopg.Error, PoolTimeout, SealError) as error:
            # The name only: the text of a database error may quote what was received.
            log.error("door: not stored: %s", type(error).__name__)  # noqa: TRY400 - no traceback
            metrics.count([metrics.UNANSWERED])
            return UNAVAILABLE

    def _look_up(self, statement: str, token_hash: bytes) -> list[tuple[Any, ...]]:
        return self._pool.fetch(statement, [token_hash], LOOK_UP_S)

    def _answer(self, path: str, environ: "WSGIEnvironment") -> Answer:
        now = clock.now()
        named = split_path(path)
        connection = self._connections.get(named[0], now) if named else None
        body = _body(environ)
        if body is None:
            return INCOMPLETE
        too_large = len(body) > MAX_BODY_BYTES
        peer = client_address(environ.get("REMOTE_ADDR"), environ.get("HTTP_X_FORWARDED_FOR", ""), self._trusted)
        request = Request(
            environ["REQUEST_METHOD"],
            named[1] if named else "",
            environ.get("QUERY_STRING", ""),
            _headers(environ),
            body[:MAX_BODY_BYTES],
            peer,
            now,
            self._base_url + path + ("?" + environ["QUERY_STRING"] if environ.get("QUERY_STRING") else ""),
        )
        reception = receive(connection, request, now, self._cipher, too_large=too_large)
        if reception.doubted and named and connection:
            newer = self._connections.fresh(named[0], now)
            if newer is None or newer.secret_ids != connection.secret_ids:
                connection = newer
                reception = receive(connection, request, now, self._cipher, too_large=too_large)
        self._note_use(reception.secret_id, now)
        if reception.asks is not None and connection is not None:
            asks = reception.asks
            found = self._pool.fetch(asks.statement, [connection.id, asks.key], LOOK_UP_S)
            reception = reception.told(asks.guarded(found, tried=self._budget.spent(connection.id, now)))
        return reception.answer(self._store(reception), clock.now())

    def _note_use(self, secret_id: int | None, now: "datetime") -> None:
        if self._uses.due(secret_id, now):
            try:
                self._pool.run(NOTE_USE, [secret_id, now], LOOK_UP_S)
            except (psycopg.Error, PoolTimeout):
                log.warning("door: the use of secret %s is not noted", secret_id)

    def _store(self, reception: Reception) -> list[str]:
        if not reception.rows:
            return []
        first = reception.rows[0]
        if reception.may_throttle and not self._budget.allows(first.connection_id, first.received_at or clock.now()):
            self._pool.run(COUNT_THROTTLED, ([first.connection_id], first.received_at), STORE_S)
            metrics.count([metrics.THROTTLED])
            return []
        if len(reception.rows) == 1:
            found = self._pool.fetch(STORE_ONE, scalars(first), STORE_S)
        else:
            found = self._pool.fetch(STORE, arguments([reception.rows]), STORE_S)
        results = [result for (result,) in found]
        metrics.count(results)
        if "accepted" in results:
            celery.wake("settlement")
        return results


def _body(environ: "WSGIEnvironment") -> bytes | None:
    """At most one byte more than is allowed; None when the caller hung up before the end."""
    read: Callable[[int], bytes] = environ["wsgi.input"].read
    length = environ.get("CONTENT_LENGTH") or ""
    try:
        if not length.isdecimal():
            return read(MAX_BODY_BYTES + 1) if environ.get("wsgi.input_terminated") else b""
        wanted = min(int(length), MAX_BODY_BYTES + 1)
        body = read(wanted) if wanted else b""
    except OSError:  # servers say so that chunks are broken or the line is dead
        return None
    return body if len(body) == wanted else None


def _headers(environ: "WSGIEnvironment") -> dict[str, str]:
    headers = {name[5:].replace("_", "-"): value for name, value in environ.items() if name.startswith("HTTP_")}
    if environ.get("CONTENT_TYPE"):
        headers["content-type"] = environ["CONTENT_TYPE"]
    if environ.get("CONTENT_LENGTH"):
        headers["content-length"] = environ["CONTENT_LENGTH"]  # some senders sign it
    return headers
