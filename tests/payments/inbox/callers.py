"""What tests of the banks' door share: a school with a connection in a committed database, and a plain HTTP caller."""

import asyncio
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from io import BytesIO
from itertools import count
from typing import Any, Protocol, Self, TypeVar
from wsgiref.util import is_hop_by_hop

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bank_adapters.contract import Answer, Now, Request, unix
from payments import clock
from payments.banking.connections import AccountName, create_connection
from payments.banking.models import Connection, ConnectionAccount, ConnectionSecret, ReceivingAccount
from payments.banking.queries import SECRET_PLACE
from payments.banking.rules import token_hash
from payments.crypto import FieldCipher
from payments.db import session_scope
from payments.inbox.door import Door
from payments.inbox.views import WsgiDoor
from payments.settings import Settings, generated_environment
from tests.payments.setting import SchoolSetting, make_school

SECRET = "door-test-secret"
_SERIAL = count()


def settings_for(database_url: str, **changed: str) -> Settings:
    return Settings.from_env({"DATABASE_URL": database_url, **generated_environment(), **changed})


@dataclass(frozen=True)
class Sender:
    """One connection of one school, and what its bank needs to call it."""

    school: SchoolSetting
    number: str
    connection_id: int
    token: str

    @property
    def url(self) -> str:
        return f"/callbacks/{self.token}"


def make_sender(
    engine: Engine,
    settings: Settings,
    *,
    adapter: str = "sepay",
    secret: Mapping[str, str] | None = None,
    school: SchoolSetting | None = None,
    **changed: Any,
) -> Sender:
    """A school with a connection, committed."""
    with session_scope(engine) as session:
        place = school or make_school(session)
        number = session.get_one(ReceivingAccount, (place.id, place.account)).number
        accounts = changed.pop("accounts", None) or [AccountName("970998", number)]
        connection_id, token = create_connection(
            session,
            FieldCipher(settings.field_keys),
            adapter=adapter,
            accounts=accounts,
            secret=secret or {"secret": SECRET},
            actor_id=None,
            **changed,
        )
    return Sender(place, number, connection_id, token)


def sepay_body(
    number: str, txn_id: int = 1, amount_vnd: int = 250_000, memo: str = "HP chuyen khoan", **more: Any
) -> bytes:
    return json.dumps(
        {
            "id": txn_id,
            "gateway": "MBBank",
            "transactionDate": "2026-09-22 08:15:30",
            "accountNumber": number,
            "subAccount": None,
            "code": None,
            "content": memo,
            "transferType": "in",
            "description": memo,
            "transferAmount": amount_vnd,
            "referenceCode": f"FT{txn_id:09d}",
            "accumulated": 0,
            **more,
        }
    ).encode()


def signed(body: bytes, secret: str = SECRET, at: Now | None = None) -> dict[str, str]:
    stamp = str(unix(at or clock.now()))
    digest = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"content-type": "application/json", "x-sepay-timestamp": stamp, "x-sepay-signature": f"sha256={digest}"}


def sepay_request(body: bytes, secret: str = SECRET, at: Now | None = None, path: str = "") -> Request:
    return Request("POST", path, "", signed(body, secret, at), body, "203.0.113.9")


def call_wsgi(app: Any, path: str, request: Request, **environ: Any) -> Answer:
    """One request through a WSGI application, as a server would hand it on."""
    seen: list[Any] = []
    given = {
        "REQUEST_METHOD": request.method,
        "PATH_INFO": path + (f"/{request.path}" if request.path else ""),
        "QUERY_STRING": request.query,
        "CONTENT_TYPE": request.header("content-type"),
        "CONTENT_LENGTH": str(len(request.body)),
        "REMOTE_ADDR": request.remote_addr,
        "wsgi.input": BytesIO(request.body),
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in request.headers.items()},
        **environ,
    }
    body = b"".join(app(given, lambda status, headers: seen.append((status, headers))))
    status, headers = seen[0]
    # PEP 3333: servers answer 500 in place of an application that meddles with the connection.
    assert not [name for name, _ in headers if is_hop_by_hop(name)]
    return Answer(int(status[:3]), dict(headers), body)


def rows(engine: Engine, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """What a query finds, on a connection of its own."""
    raw = engine.raw_connection()
    try:
        cursor = raw.cursor()
        cursor.execute(statement, values or None)
        return cursor.fetchall()
    finally:
        raw.close()


def dictionary(settings: Settings) -> FieldCipher:
    return FieldCipher(settings.field_keys)


def vector_sender(
    engine: Engine,
    settings: Settings,
    adapter: str,
    secret: Mapping[str, str],
    accounts: Mapping[str, str],
    *,
    sandbox: bool = False,
) -> Sender:
    """A connection set up as a test vector says, even where a desk would ask for more; accounts: name -> kind."""
    token = hashlib.sha256(json.dumps([adapter, dict(secret), str(next(_SERIAL))]).encode()).hexdigest()
    with session_scope(engine) as session:
        school = make_school(session)
        connection = Connection(
            name=adapter,
            adapter=adapter,
            token_hash=token_hash(token),
            token_sealed=b"-",
            allowed_networks=[],
            sandbox=sandbox,
            created_at=clock.now(),
        )
        session.add(connection)
        session.flush()
        _fill(session, settings, school, connection.id, secret, accounts)
    return Sender(school, next(iter(accounts), ""), connection.id, token)


def _fill(
    session: Session,
    settings: Settings,
    school: SchoolSetting,
    connection_id: int,
    secret: Mapping[str, str],
    accounts: Mapping[str, str],
) -> None:
    sealed = dictionary(settings).seal(json.dumps(dict(secret)).encode(), SECRET_PLACE)
    session.add(ConnectionSecret(connection_id=connection_id, sealed=sealed, created_at=clock.now()))
    for name, kind in accounts.items():
        session.add(
            ConnectionAccount(
                connection_id=connection_id,
                school_id=school.id,
                account_id=school.account,
                kind=kind,
                identifier=name,
            )
        )


Result = TypeVar("Result")


TRIES = 20
BETWEEN_TRIES_S = 0.5


def as_a_bank(send: Callable[[], Result]) -> Result:
    """Send, and send again while the door asks for it: every bank does so after a 503.

    The door gives up on a statement after a second (a sender must not wait longer), which a crowded machine can need.
    """
    for _ in range(TRIES):
        answer: Any = send()
        if getattr(answer, "status_code", None) != 503 and answer.status != 503:
            break
        time.sleep(BETWEEN_TRIES_S)
    return answer


class Shell(Protocol):
    """One of the two shells of the door, called as a server would."""

    def call(self, path: str, request: Request) -> Answer: ...

    def close(self) -> None: ...


class WsgiShell:
    """The WSGI route."""

    def __init__(self, settings: Settings) -> None:
        self.door = WsgiDoor(lambda environ, start_response: [b"behind"], settings)

    def call(self, path: str, request: Request) -> Answer:
        return call_wsgi(self.door, path, request)

    def close(self) -> None:
        self.door.close()


class AsgiShell:
    """The asynchronous door on an event loop of its own, so that many threads can call it at the same moment."""

    def __init__(self, settings: Settings) -> None:
        self.door = Door(settings)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="door under test")
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def call(self, path: str, request: Request) -> Answer:
        return self.run(call_asgi(self.door, path, request))

    def close(self) -> None:
        if self.door._shell is not None:
            self.run(self.door._shell.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


async def call_asgi(door: Any, path: str, request: Request, *, chunks: list[bytes] | None = None) -> Answer:
    """One request through an ASGI application, its body in one piece or in several."""
    parts = [request.body] if chunks is None else list(chunks)
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        body = parts.pop(0)
        return {"type": "http.request", "body": body, "more_body": bool(parts)}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": request.method,
        "path": path + (f"/{request.path}" if request.path else ""),
        "query_string": request.query.encode(),
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in request.headers.items()],
        "client": (request.remote_addr, 1) if request.remote_addr else None,
    }
    await door(scope, receive, send)
    start, body = sent
    headers = {name.decode().title(): value.decode() for name, value in start["headers"]}
    return Answer(start["status"], headers, body["body"])
