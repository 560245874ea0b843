"""2,000 parents wait on their pages while 50 callbacks a second arrive: how long do the banks wait then?

Real processes of a province (``hocphi serve``, ``worker``, ``beat``), a durable PostgreSQL, signed callbacks. Every
parent asks for the status each ten seconds with the ETag that it knows, on a connection of its own, and loads the page
again when the version has changed, as ``pay.js`` does; every callback pays the invoice of one of those who wait. Beside
it, in alternating rounds, the same callbacks without any parents.
"""

import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path

import uvloop

from benchmarks.door.contenders import free_port, serving
from benchmarks.machine import database, told
from benchmarks.measuring import Results, Run, Sample, alternate
from benchmarks.report import Goal, Table
from benchmarks.waiting.crowd import EVERY_S, PAYMENTS_A_SECOND, Heard, crowd
from benchmarks.waiting.place import Parent, Place, beat, prepare, web, worker
from operations.services import EmbeddedValkey

PARENTS = 2_000
ROUNDS = 3
SECONDS = 40.0
FULL_SECONDS = 100.0
"""Of one arm of one round with ``--full``: ten minutes in all."""
WARM_UP_S = 2.0
LIMIT_MS = 200.0
WAITING, ALONE = "2,000 parents wait", "no parents"


class Rounds:
    """Each run meets parents of its own, so that what it pays is open."""

    def __init__(self, place: Place, port: int, pids: dict[str, int], seconds: float) -> None:
        self._place, self._port, self._pids, self._seconds = place, port, pids, seconds
        self._slices: Iterator[Sequence[Parent]] = cycle(place.slices(PARENTS))

    def warm_up(self) -> None:
        """Pay until the worker settles: it takes much longer to start than the web process."""
        before, parents = self._place.stored(), self._place.parents[:PARENTS]
        heard, _ = uvloop.run(crowd(self._port, self._place, parents, WARM_UP_S, {}, waiting=False, watch=False))
        self._place.check(before, heard.payments)

    def run(self, *, waiting: bool) -> Sample:
        """One arm of one round. Raises AssertionError when a callback was not accepted or is not settled."""
        parents = next(self._slices)
        before = self._place.stored()
        heard, spent = uvloop.run(crowd(self._port, self._place, parents, self._seconds, self._pids, waiting=waiting))
        self._place.check(before, heard.payments)
        return _sample(heard, spent.wall_s, spent.cpu_s)


def _sample(heard: Heard, wall_s: float, cpu_s: dict[str, float]) -> Sample:
    polls = heard.unchanged + heard.changed
    return {
        "door_p50": percentile(heard.door, 50),
        "door_p99": percentile(heard.door, 99),
        "door_max": 1e3 * max(heard.door),
        "status_p50": percentile(heard.status, 50),
        "status_p99": percentile(heard.status, 99),
        "page_p50": percentile(heard.page, 50),
        "page_p99": percentile(heard.page, 99),
        "polls": polls / wall_s,
        "unchanged": heard.unchanged / polls if polls else float("nan"),
        "shed": float(heard.shed),
        "known_p50": percentile(heard.known, 50),
        "known_p99": percentile(heard.known, 99),
        "seen_p50": percentile(heard.seen, 50),
        "seen_p99": percentile(heard.seen, 99),
        "callbacks": heard.payments / wall_s,
        **{f"{name}_cpu": 100 * spent / wall_s for name, spent in cpu_s.items()},
    }


def percentile(seconds: Sequence[float], which: int) -> float:
    """In milliseconds; not a number when nothing was measured."""
    return 1e3 * statistics.quantiles(seconds, n=100)[which - 1] if len(seconds) > 1 else float("nan")


def run() -> list[Table]:
    """Every process started once; ten minutes with ``--full``."""
    seconds = FULL_SECONDS if "--full" in sys.argv else SECONDS
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hocphi-bench-")))
        broker = stack.enter_context(EmbeddedValkey())
        told("schools whose parents wait")
        place = prepare(stack.enter_context(database("waiting")), broker.url)
        port = free_port()
        pids = {"server": place.made.server.pid}
        for contender in (web(place), worker(place), beat(place)):
            log = folder / f"{contender.name}.log"
            pids[contender.name] = stack.enter_context(serving(contender, port, log))
        rounds = Rounds(place, port, pids, seconds)
        rounds.warm_up()
        arms: dict[str, Run] = {
            WAITING: lambda: rounds.run(waiting=True),
            ALONE: lambda: rounds.run(waiting=False),
        }
        found = alternate(arms, ROUNDS, told)
    return [_table(found, seconds)]


def _table(found: Results, seconds: float) -> Table:
    rows = [
        [
            name,
            *(found.median(name, measure) for measure in ("door_p50", "door_p99")),
            found.spread(name, "door_max")[1],
            found.ratio(name, ALONE, "door_p99"),
            *(found.median(name, measure) for measure in ("polls", "status_p50", "status_p99", "page_p50", "page_p99")),
            *(found.median(name, f"{process}_cpu") for process in ("web", "server", "worker", "client")),
        ]
        for name in found.samples
    ]
    waiting = {measure: found.median(WAITING, measure) for measure in found.samples[WAITING][0]}
    cause = f"web {waiting['web_cpu']:.0f} %, PostgreSQL {waiting['server_cpu']:.0f} % of a core"
    columns = ["", "door p50 ms", "p99", "max", "× alone", "polls/s", "status p50", "p99", "page p50", "p99"]
    alone = {measure: found.median(ALONE, measure) for measure in ("known_p50", "known_p99")}
    size = f"{seconds:.0f} s an arm, {ROUNDS} rounds; {PAYMENTS_A_SECOND} callbacks a second, all accepted and settled"
    pace = f"each asks every {EVERY_S:.0f} s on a connection of its own, and loads the page when the version is new"
    heard = f"{100 * waiting['unchanged']:.1f} % of the polls answered 304, {waiting['shed']:.0f} told to come later"
    known = (
        f"from a callback's success to the new status p50 {waiting['known_p50']:.0f}, p99 {waiting['known_p99']:.0f} ms"
        f" (no parents: {alone['known_p50']:.0f}, {alone['known_p99']:.0f} ms)"
    )
    seen = f"to the parent who waits p50 {waiting['seen_p50'] / 1e3:.1f} s, p99 {waiting['seen_p99'] / 1e3:.1f} s"
    return Table(
        "Parents who wait, beside the banks' door",
        [*columns, "web CPU %", "PG CPU %", "worker CPU %", "load CPU %"],
        rows,
        [Goal("200 ms to the door's p99", 1.0, LIMIT_MS / waiting["door_p99"], cause)],
        [size, pace, heard, f"{known}; {seen}"],
    )
