"""What tests of the banks' door share: a school with a connection in a committed database, and a plain HTTP caller."""

import hashlib
import hmac
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import psycopg
from sqlalchemy import Engine

from bank_adapters.contract import Answer, Now, Request, unix
from payments import clock
from payments.banking.connections import AccountName, create_connection
from payments.banking.models import ReceivingAccount
from payments.crypto import FieldCipher
from payments.db import session_scope
from payments.settings import Settings, generated_environment
from tests.payments.setting import SchoolSetting, make_school

SECRET = "door-test-secret"


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


def random_key() -> bytes:
    return os.urandom(32)


def dictionary(settings: Settings) -> FieldCipher:
    return FieldCipher(settings.field_keys)


def connect(url: str) -> psycopg.Connection[Any]:
    return psycopg.connect(url, autocommit=True)
