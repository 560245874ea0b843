"""The crowd: parents with a connection and an ETag each, a bank that reports payments, a few impatient watchers."""

import asyncio
import random
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Final

from benchmarks.measuring import Spent, spending
from benchmarks.waiting.place import SECRET, Parent, Place
from payments.developers.senders import Payment, signed_request

EVERY_S: Final = 10.0
PAYMENTS_A_SECOND: Final = 50
SENDERS: Final = 64
"""Keep-alive connections of the bank; a callback that finds none idle waits for one, and that counts."""
WATCH_EVERY: Final = 25
"""Of so many payments one is watched, each 50 ms, for the moment at which the status tells it."""
WATCH_S: Final = 0.05
WATCHED_FOR_S: Final = 90.0
VERSION: Final = re.compile(rb'data-version="([^"]+)"')

_ids = count(1)


@dataclass(slots=True)
class Heard:
    """What all of them saw; times in seconds."""

    door: list[float] = field(default_factory=list)
    status: list[float] = field(default_factory=list)
    page: list[float] = field(default_factory=list)
    known: list[float] = field(default_factory=list)
    """From a callback's success to a changed status."""
    seen: list[float] = field(default_factory=list)
    """From a callback's success to the answer by which the parent who waits learns of it."""
    payments: int = 0
    unchanged: int = 0
    changed: int = 0
    shed: int = 0
    """Polls that were told to come later."""


class Line:
    """One keep-alive connection."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> tuple[int, bytes, bytes]:
        """Status, head in lower case and body of the answer; a connection that the server closed is made anew."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        status = int(head[9:12])
        length = re.search(rb"content-length: (\d+)", head)
        body = await reader.readexactly(int(length[1])) if length and status != 304 else b""
        if b"connection: close" in head:
            self.close()
        return status, head, body

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
        self._streams = None


def get(path: str, tag: str | None = None) -> bytes:
    """A request as a browser's script sends it."""
    condition = f'If-None-Match: "{tag}"\r\n' if tag else ""
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n{condition}\r\n".encode()


class Crowd:
    """One run."""

    def __init__(self, port: int, place: Place, seconds: float) -> None:
        self._port, self._place, self._seconds = port, place, seconds
        self.begins = time.perf_counter() + EVERY_S  # Until then the parents arrive, one after the other.
        self._ends = self.begins + seconds
        self.heard = Heard()
        self._paid: dict[str, float] = {}
        """When the callback that pays a token's invoice was answered, until its parent learns of it."""

    async def wait(self, parent: Parent, phase: float) -> None:
        """Open the page, then ask for its status each ten seconds until the run ends."""
        line, path = Line(self._port), f"/p/{parent.token}"
        await until(self.begins + phase - EVERY_S)
        tag = version_in((await line.ask(get(path + "/status")))[2])
        await until(self.begins + phase)
        while time.perf_counter() < self._ends:
            began = time.perf_counter()
            status, _, _ = await line.ask(get(path + "/status", tag))
            answered = time.perf_counter()
            self.heard.status.append(answered - began)
            if status in {429, 503}:
                self.heard.shed += 1
            elif status == 304:
                self.heard.unchanged += 1
            elif status == 200:
                self.heard.changed += 1
                if parent.token in self._paid:
                    self.heard.seen.append(answered - self._paid.pop(parent.token))
                tag = await self._reload(line, path)
            else:
                raise AssertionError(f"the status answered {status}")
            await until(began + EVERY_S)
        line.close()

    async def _reload(self, line: Line, path: str) -> str:
        began = time.perf_counter()
        status, _, body = await line.ask(get(path))
        found = VERSION.search(body)
        if status != 200 or found is None:
            raise AssertionError(f"the page answered {status}")
        self.heard.page.append(time.perf_counter() - began)
        return found[1].decode()

    async def bank(self, parents: Sequence[Parent], *, watch: bool) -> None:
        """Report payments at a steady pace, whatever the answers take."""
        idle: asyncio.Queue[Line] = asyncio.Queue()
        for _ in range(SENDERS):
            idle.put_nowait(Line(self._port))
        order = random.Random(7).sample(parents, len(parents))
        async with asyncio.TaskGroup() as deliveries:
            for number in range(int(self._seconds * PAYMENTS_A_SECOND)):
                await until(self.begins + number / PAYMENTS_A_SECOND)
                payer, watched = order[number % len(order)], watch and not number % WATCH_EVERY
                deliveries.create_task(self._deliver(idle, payer, watched=watched))
        while not idle.empty():
            idle.get_nowait().close()

    async def _deliver(self, idle: "asyncio.Queue[Line]", parent: Parent, *, watched: bool) -> None:
        watcher, tag = Line(self._port), ""
        if watched:
            tag = version_in((await watcher.ask(get(f"/p/{parent.token}/status")))[2])
        request = callback(self._place.connection, parent)
        began = time.perf_counter()
        line = await idle.get()
        status, _, body = await line.ask(request)
        answered = time.perf_counter()
        idle.put_nowait(line)
        if status != 200:
            raise AssertionError(f"a callback was answered {status}: {body[:200]!r}")
        self.heard.door.append(answered - began)
        self.heard.payments += 1
        self._paid[parent.token] = answered
        if watched:
            await self._watch(watcher, parent, tag, answered)

    async def _watch(self, watcher: Line, parent: Parent, tag: str, since: float) -> None:
        while (await watcher.ask(get(f"/p/{parent.token}/status", tag)))[0] != 200:
            if time.perf_counter() - since > WATCHED_FOR_S:
                raise AssertionError("a payment was not settled")
            await asyncio.sleep(WATCH_S)
        self.heard.known.append(time.perf_counter() - since)
        watcher.close()


async def until(moment: float) -> None:
    """Sleep until a moment of the performance counter, if it is not over."""
    await asyncio.sleep(max(0.0, moment - time.perf_counter()))


def version_in(body: bytes) -> str:
    """The version of the status' JSON."""
    return body.decode().split('"')[3]


def callback(connection: str, parent: Parent) -> bytes:
    """A signed callback that pays a parent's invoice."""
    now, number = datetime.now(UTC), next(_ids)
    payment = Payment(
        account_number=parent.account_number,
        amount_vnd=parent.amount_vnd,
        memo=f"MBVCB.757532.{number % 1_000_000:06d}.{parent.reference}.CT tu 0011 PHU HUYNH toi TRUONG",
        bank_reference=f"FT{number:012d}",
        txn_id=str(number),
        occurred_at=now,
    )
    made = signed_request("sepay", {"secret": SECRET}, payment, sent_at=now)
    headers = {"Host": "localhost", **made.headers, "Content-Length": str(len(made.body))}
    lines = [f"POST /callbacks/{connection} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + made.body


async def crowd(
    port: int,
    place: Place,
    parents: Sequence[Parent],
    seconds: float,
    pids: Mapping[str, int],
    *,
    waiting: bool,
    watch: bool = True,
) -> tuple[Heard, Spent]:
    """Let them all come, parents' phases spread over their ten seconds; what they heard, and what it cost whom."""
    made = Crowd(port, place, seconds)
    phases = random.Random(11)
    async with asyncio.TaskGroup() as everybody:
        for parent in parents if waiting else ():
            everybody.create_task(made.wait(parent, phases.random() * EVERY_S))
        await until(made.begins)
        with spending(**pids) as spent:
            await made.bank(parents, watch=watch)
    return made.heard, spent
