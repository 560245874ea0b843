"""The invented banks: they call the doors over HTTP, several at once, and try again when they are not heard.

What they did is kept by the bytes of each call, so that the judge can ask about every single one.
"""

import hashlib
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from queue import Empty, SimpleQueue
from urllib.parse import urlsplit

from bank_adapters.contract import Request
from operations.demo.deliveries import Call
from operations.demo.founding import Door
from payments import clock
from payments.developers.senders import token_request

THREADS = 8
TIMEOUT_S = 30.0
TRIES = 8
PAUSE_S = 0.5
TOKEN_GOOD_S = 200.0
WELCOME = frozenset({"call", "repeat", "other_amount", "foreign_account"})
"""Kinds that must be answered with success: the money has moved, or its sender is who they say."""


class NotHeardError(Exception):
    """A genuine call was refused, or nobody answered it: the demo has failed."""


@dataclass(slots=True)
class Record:
    """What the banks did and were answered."""

    sent: int = 0
    answers: Counter[int] = field(default_factory=Counter)
    bodies: dict[str, Counter[str]] = field(default_factory=dict)
    """Kind of call -> SHA-256 of the body (hex) -> how often it was sent."""
    doubtful: set[str] = field(default_factory=set)
    """Bodies that were sent again because an answer did not come: whether they count twice nobody knows."""


class Banks:
    """All invented banks together: one queue of calls, several callers."""

    def __init__(self, base_url: str, tell: Callable[[int], object]) -> None:
        self.record = Record()
        self._place = urlsplit(base_url)
        self._tell = tell
        self._tokens: dict[str, tuple[str, float]] = {}
        self._lock = threading.Lock()
        self._problems: list[str] = []

    def make(self, calls: Sequence[Call]) -> None:
        """Make all calls; returns when all were answered. Raises NotHeardError."""
        last = [call for call in calls if call.kind == "other_amount"]
        for part in ([call for call in calls if call.kind != "other_amount"], last):
            queue: SimpleQueue[Call] = SimpleQueue()
            for call in part:
                queue.put(call)
            callers = [threading.Thread(target=self._work, args=(queue,), daemon=True) for _ in range(THREADS)]
            for caller in callers:
                caller.start()
            for caller in callers:
                caller.join()
        if self._problems:
            raise NotHeardError("; ".join(self._problems[:5]))

    def _work(self, queue: SimpleQueue[Call]) -> None:
        connection = HTTPConnection(self._place.hostname or "", self._place.port, timeout=TIMEOUT_S)
        with suppress(Empty):
            while not self._problems:
                self._make(connection, queue.get_nowait())
        connection.close()

    def _make(self, connection: HTTPConnection, call: Call) -> None:
        try:
            bearer = self._bearer(connection, call.door)
            with self._lock:
                request = call.request(clock.now(), bearer)
                self._note(call, request)
            status = self._send(connection, call.door, request)
        except NotHeardError as error:
            self._problems.append(str(error))
            return
        with self._lock:
            self.record.answers[status] += 1
            self._tell(1)
        if (call.kind in WELCOME) != (200 <= status < 300):
            self._problems.append(f"{call.door.adapter}: {call.kind} was answered {status}")

    def _note(self, call: Call, request: Request) -> None:
        digest = hashlib.sha256(request.body).hexdigest()
        self.record.sent += 1
        self.record.bodies.setdefault(call.kind, Counter())[digest] += 1

    def _bearer(self, connection: HTTPConnection, door: Door) -> str:
        """The token that VietQR.vn asks for before it reports, asked for again before it grows old."""
        if "jwt_secret" not in door.secret:
            return ""
        token, until = self._tokens.get(door.token, ("", 0.0))
        if time.monotonic() >= until:
            status, body = self._exchange(connection, door, token_request(door.secret))
            if status != 200:
                raise NotHeardError(f"{door.adapter}: no token, {status}")
            token = str(json.loads(body)["access_token"])
            self._tokens[door.token] = (token, time.monotonic() + TOKEN_GOOD_S)
        return token

    def _send(self, connection: HTTPConnection, door: Door, request: Request) -> int:
        """Send until somebody answers who is not overburdened."""
        for attempt in range(TRIES):
            try:
                status, _ = self._exchange(connection, door, request)
            except (OSError, HTTPException):
                connection.close()
            else:
                if status < 500:
                    return status
            self.record.doubtful.add(hashlib.sha256(request.body).hexdigest())
            time.sleep(PAUSE_S * (attempt + 1))
        raise NotHeardError(f"{door.adapter}: no answer after {TRIES} tries")

    def _exchange(self, connection: HTTPConnection, door: Door, request: Request) -> tuple[int, bytes]:
        path = f"/callbacks/{door.token}" + (f"/{request.path}" if request.path else "")
        connection.request(request.method, path, request.body, dict(request.headers))
        response = connection.getresponse()
        return response.status, response.read()
