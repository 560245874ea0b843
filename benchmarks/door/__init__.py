"""Durable callbacks a second: the banks' door, its WSGI route, pgbench of the same statement, and peers in Go and Node.

One machine carries load, server and database, so the processor is the limit: read the columns of processor time
beside the ratios. Everybody verifies an HMAC, reads JSON, seals the request with AES-256-GCM and runs the statement
of ``payments.inbox.storing``; the peers commit once for each request, the asynchronous door once for all that wait.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from benchmarks.door import contenders, pgbench, supply
from benchmarks.door.contenders import Contender, serving
from benchmarks.door.load import Load, send
from benchmarks.door.place import Place, prepare
from benchmarks.machine import database, told
from benchmarks.measuring import ROUNDS, Results, Run, Sample, alternate, spending
from benchmarks.report import Goal, Table

CLIENTS = (16, 64)
SECONDS = 3
WARM_UP = 25_000
SUPPLY = 80_000
"""Requests of one run: for the second of warm-up, and for the measured ones after it."""
SETTLE_S = 0.3
"""wrk hangs up on the last requests; until then they are stored as well."""
GOOD_FOR_S = 200.0
GOALS = {16: {"Go net/http + pgx": 1.0, "pgbench": 0.45}, 64: {"Go net/http + pgx": 1.3}}
WSGI_GOAL = 0.2


class Supplier:
    """Signed requests, signed anew before they become stale."""

    def __init__(self, path: Path, place: Place) -> None:
        self._path, self._place = path, place
        self._made = float("-inf")

    def fresh(self) -> Path:
        if time.monotonic() - self._made > GOOD_FOR_S:
            supply.write(self._path, self._place, SUPPLY)
            self._made = time.monotonic()
        return self._path


def measure(place: Place, port: int, pid: int, clients: int, supplier: Supplier, connection: tuple[str, int]) -> Sample:
    """One run against one server, a second of warm-up before it; everything that was answered must be stored."""
    token, connection_id = connection
    path = supplier.fresh()
    url = f"http://127.0.0.1:{port}/callbacks/{token}"
    send(Load(url, clients, 1, path, 0, WARM_UP))
    time.sleep(SETTLE_S)
    before = place.stored(connection_id)[0]
    with spending(app=pid, server=place.made.server.pid) as spent:
        heard = send(Load(url, clients, SECONDS, path, WARM_UP, SUPPLY - WARM_UP))
    time.sleep(SETTLE_S)
    stored = place.stored(connection_id)
    fresh = stored[0] - before
    if len(set(stored)) > 1 or not heard["requests"] <= fresh <= heard["requests"] + clients:
        raise AssertionError(f"{url}: {heard['requests']} answered, stored {stored}, {before} of them before")
    return {
        "rate": heard["requests"] / heard["seconds"],
        "p99_ms": heard["p99_ms"],
        "app_ms": 1e3 * spent.cpu_s["app"] / fresh,
        "server_ms": 1e3 * spent.cpu_s["server"] / fresh,
    }


def run() -> list[Table]:
    """Both numbers of clients, every server started once and idle while another one is measured."""
    names = 5
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hocphi-bench-")))
        place = prepare(stack.enter_context(database("door")), names * ROUNDS * len(CLIENTS))
        statement = contenders.write_statement(folder / "store.sql")
        servers = [contenders.asynchronous_door(place), contenders.wsgi_route(place)]
        peers = {"Go net/http + pgx": contenders.go_peer, "Node fastify + pg": contenders.node_peer}
        missing = []
        for name, make in peers.items():
            made = make(place, statement)
            servers += [made] if made else []
            missing += [] if made else [name]
        supplier = Supplier(folder / "supply", place)
        connections = iter(place.connections)
        runs = {server.name: _runs(stack, server, place, supplier, connections, folder) for server in servers}
        tables = []
        for clients in CLIENTS:
            measured: dict[str, Run] = {name: _bound(make, clients) for name, make in runs.items()}
            measured["pgbench"] = lambda clients=clients: pgbench.run(place, next(connections)[1], clients, SECONDS)
            found = alternate(measured, told=lambda text, clients=clients: told(f"{clients} clients, {text}"))
            tables.append(_table(found, clients, list(measured), missing))
    return tables


def _runs(
    stack: ExitStack,
    server: Contender,
    place: Place,
    supplier: Supplier,
    connections: Iterator[tuple[str, int]],
    folder: Path,
) -> Callable[[int], Sample]:
    port = contenders.free_port()
    pid = stack.enter_context(serving(server, port, folder / f"{server.name.split()[0]}.log"))
    return lambda clients: measure(place, port, pid, clients, supplier, next(connections))


def _bound(make: Callable[[int], Sample], clients: int) -> Run:
    return lambda: make(clients)


def _table(found: Results, clients: int, names: list[str], missing: list[str]) -> Table:
    go = "Go net/http + pgx"
    rows: list[list[object]] = []
    for name in names:
        low, high = found.spread(name)
        own = [found.median(name, "p99_ms"), found.median(name, "app_ms"), found.median(name, "server_ms")]
        ratios = [found.ratio(name, "pgbench"), found.ratio(name, go) if go in names else "–"]
        rows.append([name, found.median(name), f"{low:,.0f}–{high:,.0f}", *ratios, *own])
    rows += [[name, "not installed here", *["–"] * 6] for name in missing]
    goals = [
        Goal(f"door to {other}, {clients} clients", wanted, found.ratio("door", other), _cause(found, "door", other))
        for other, wanted in GOALS[clients].items()
        if other in names
    ]
    if clients == min(CLIENTS):
        reached = found.ratio("WSGI route", "pgbench")
        goals.append(Goal("WSGI route to pgbench", WSGI_GOAL, reached, _cause(found, "WSGI route", "pgbench")))
    columns = ["", "a second", "spread", "× pgbench", "× Go", "p99 ms", "app CPU ms", "PG CPU ms"]
    notes = [f"{SECONDS} s a run after 1 s of warm-up; fsync, full_page_writes, synchronous_commit on; rows counted"]
    return Table(f"Durable callbacks, {clients} keep-alive clients", columns, rows, goals, notes)


def _cause(found: Results, name: str, other: str) -> str:
    """Where the processor time goes, per request."""
    shares = [
        f"{who} {found.median(who, 'app_ms'):.2f} + {found.median(who, 'server_ms'):.2f} ms" for who in (name, other)
    ]
    return f"processor time a request, application + PostgreSQL: {', '.join(shares)}"
