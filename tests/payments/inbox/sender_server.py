"""A payment service on this machine that lists transactions as SePay and Casso document it, on a clock of the test."""

import json
import socket
import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from payments import clock
from payments.clock import VIETNAM

TOKEN = "test-only-token"
CALLS_A_SECOND = 3


class TurnedClock:
    """A clock that stands until somebody waits; entered, it is the time of the whole house."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment
        self._stack = ExitStack()

    def now(self) -> datetime:
        return self.moment

    def wait(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)
        self._stack.enter_context(clock.turned_to(self.moment))

    def __enter__(self) -> "TurnedClock":
        self.wait(0)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


@dataclass(frozen=True)
class Booked:
    """A movement as the service knows it; ``known_at``: since when."""

    at: datetime
    number: str
    amount_vnd: int
    memo: str
    reference: str
    known_at: datetime
    outgoing: bool = False
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    serial: int = 1


Fault = Callable[["Service", BaseHTTPRequestHandler], None]


@dataclass
class Service:
    """What the service holds, and how it will treat the next requests: faults first, then as documented."""

    now: Callable[[], datetime]
    booked: list[Booked] = field(default_factory=list)
    faults: deque[Fault] = field(default_factory=deque)
    asked: list[tuple[datetime, dict[str, str]]] = field(default_factory=list)
    refused: int = 0
    url: str = ""
    limited: bool = True
    before_each: Callable[["Service"], None] = lambda _: None
    """Called before an answer leaves: whoever asked is still waiting."""

    def book(
        self, number: str, reference: str, *, at: datetime | None = None, late_s: float = 0, **more: Any
    ) -> Booked:
        moment = at or self.now()
        made = Booked(
            moment,
            number,
            more.pop("amount_vnd", 250_000),
            more.pop("memo", "HP chuyen khoan"),
            reference,
            moment + timedelta(seconds=late_s),
            serial=len(self.booked) + 1,
            **more,
        )
        self.booked.append(made)
        return made

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.asked.append((self.now(), query))
        if self.faults:
            self.faults.popleft()(self, handler)
            return
        if self.limited and self._too_fast():
            self.refused += 1
            send(handler, 429, {"status": "error", "error_code": "rate_limited"}, {"Retry-After": "1"})
            return
        self.before_each(self)
        authorization = handler.headers.get("Authorization")
        if authorization == f"Bearer {TOKEN}":
            send(handler, 200, self._sepay(query))
        elif authorization == f"Apikey {TOKEN}":
            send(handler, 200, self._casso(query))
        else:
            send(handler, 401, {"status": "error", "error_code": "unauthorized"})

    def _too_fast(self) -> bool:
        latest = [moment for moment, _ in self.asked if self.now() - moment < timedelta(seconds=1)]
        return len(latest) > CALLS_A_SECOND

    def _known(self) -> list[Booked]:
        return sorted((one for one in self.booked if one.known_at <= self.now()), key=lambda one: (one.at, one.serial))

    def _sepay(self, query: dict[str, str]) -> dict[str, Any]:
        first, last = query["transaction_date_from"], query["transaction_date_to"]
        fit = [one for one in self._known() if first <= local(one.at) <= last]
        number, size = int(query["page"]), min(int(query["per_page"]), 100)
        shown = fit[(number - 1) * size : number * size]
        pages = max(1, -(-len(fit) // size))
        pagination = {
            "total": len(fit),
            "per_page": size,
            "current_page": number,
            "last_page": pages,
            "has_more": number < pages,
        }
        return {"status": "success", "data": [sepay_row(one) for one in shown], "meta": {"pagination": pagination}}

    def _casso(self, query: dict[str, str]) -> dict[str, Any]:
        fit = [one for one in self._known() if query["fromDate"] <= local(one.at)[:10] <= query["toDate"]]
        number, size = int(query["page"]), int(query["pageSize"])
        pages = max(1, -(-len(fit) // size))
        data = {
            "page": number,
            "pageSize": size,
            "nextPage": number + 1 if number < pages else None,
            "prevPage": number - 1 or None,
            "totalPages": pages,
            "totalRecords": len(fit),
            "records": [casso_row(one) for one in fit[(number - 1) * size : number * size]],
        }
        return {"error": 0, "message": "success", "data": data}


@cache
def local(moment: datetime) -> str:
    return moment.astimezone(VIETNAM).strftime("%Y-%m-%d %H:%M:%S")


def sepay_row(one: Booked) -> dict[str, Any]:
    return {
        "id": one.id,
        "transaction_date": local(one.at),
        "account_number": one.number,
        "va": "",
        "va_id": None,
        "transfer_type": "out" if one.outgoing else "in",
        "amount_in": 0 if one.outgoing else one.amount_vnd,
        "amount_out": one.amount_vnd if one.outgoing else 0,
        "accumulated": 0,
        "transaction_content": one.memo,
        "reference_number": one.reference,
        "code": None,
        "bank_brand_name": "MBBank",
        "bank_account_id": "f9e8d7c6-b5a4-3210-fedc-ba0987654321",
        "webhook_success": 0,
    }


def casso_row(one: Booked) -> dict[str, Any]:
    return {
        "id": one.serial,
        "tid": one.reference,
        "description": one.memo,
        "amount": -one.amount_vnd if one.outgoing else one.amount_vnd,
        "cusum_balance": 0,
        "when": local(one.at),
        "bankSubAccId": one.number,
        "paymentChannel": "",
        "virtualAccount": "",
        "virtualAccountName": "",
        "corresponsiveName": "",
        "corresponsiveAccount": "",
        "corresponsiveBankId": "",
        "corresponsiveBankName": "",
        "accountId": 733,
        "bankCodeName": "acb_digi",
    }


def send(handler: BaseHTTPRequestHandler, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    handler.send_response(status)
    for name, value in (headers or {}).items():
        handler.send_header(name, value)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data)


def answering(status: int, body: Any, headers: dict[str, str] | None = None) -> Fault:
    """A fault: this answer instead of the right one."""
    return lambda _, handler: send(handler, status, body, headers)


def cut_off(_: Service, handler: BaseHTTPRequestHandler) -> None:
    """A fault: half an answer, then the line is dead."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"status": "success", "data": [')
    handler.connection.shutdown(socket.SHUT_RDWR)


def silence(until: threading.Event) -> Fault:
    """A fault: no answer until the test is over."""
    return lambda _, handler: until.wait(20) and None  # type: ignore[func-returns-value]  # a fault returns nothing


@contextmanager
def running(now: Callable[[], datetime]) -> Iterator[Service]:
    """The service on a port of its own; ``service.url`` is what its interface is called under."""
    service = Service(now)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            service.answer(self)

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        service.url = f"http://127.0.0.1:{server.server_port}/v2"
        yield service
        server.shutdown()
