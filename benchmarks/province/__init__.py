"""A province's month: three sources of so many lines each, classified and persisted, against in-memory engines.

``python -m benchmarks province --lines 1000000`` is the whole; without it, a size that takes a minute.
"""

import statistics
import sys
import tempfile
from collections import Counter, defaultdict
from typing import Any

from benchmarks.machine import database, told
from benchmarks.province import incremental, loading
from benchmarks.province.contenders import DuckDb, Polars, forget, load_of_machine, night_seconds
from benchmarks.province.plan import BY_KEY, School, province
from benchmarks.report import Goal, Table
from payments.db import make_engine, session_scope
from reconciliation import queries
from reconciliation.models import ReconcileRun

LINES = 60_000
ROUNDS = 3
SETTINGS = {"shared_buffers": "2GB", "max_wal_size": "8GB"}
NEW = 20_000


def run() -> list[Table]:
    """The month classified by each contender, and a night that brings new lines to it."""
    lines = _lines()
    told(f"a province with {lines:,} payments a month")
    schools = list(province(lines))
    with database("province", SETTINGS) as made, tempfile.TemporaryDirectory() as folder:
        loading.load(made.url, schools, tell=told)
        return [_month(made.url, schools, lines, folder), incremental.run(made.url, schools, min(NEW, lines // 10))]


def _lines() -> int:
    return int(sys.argv[sys.argv.index("--lines") + 1]) if "--lines" in sys.argv else LINES


def _month(url: str, schools: list[School], lines: int, folder: str) -> Table:
    polars, duck = Polars(url, folder), DuckDb(url)
    seconds: dict[str, list[float]] = defaultdict(list)
    loads, missing, peak = [], "", 0.0
    polars.seconds()  # Warm: the limit is what it can do.
    for number in range(ROUNDS):
        for name in ("polars", "duckdb", "hocphi")[:: -1 if number % 2 else 1]:
            if name == "polars":
                seconds[name].append(polars.seconds())
            elif name == "duckdb" and not missing:
                try:
                    took = duck.seconds()
                except RuntimeError as error:
                    missing = str(error)
                    told(f"no DuckDB: {missing}")
                else:
                    seconds[name].append(took)
            elif name == "hocphi":
                forget(url)
                took, memory = night_seconds(url)
                seconds[name].append(took)
                peak = max(peak, memory)
        loads.append(load_of_machine())
        told(f"round {number + 1}: " + ", ".join(f"{name} {times[-1]:.2f} s" for name, times in seconds.items()))
    duck.close()
    wrong = _differences(url, schools, polars.close())
    rows: list[list[Any]] = [
        [name, statistics.median(times), min(times), max(times), _ratio(times, seconds["polars"])]
        for name, times in seconds.items()
    ]
    ours = _ratio(seconds["hocphi"], seconds["polars"])
    goals = [
        Goal("polars' time against ours, persisted (at least 1/9)", 1 / 9, 1 / ours, "see docs/benchmarks.md"),
        Goal("client memory under 1 GB (MB left)", 0, 1024 - peak, unit="MB"),
        Goal("equal to polars and to the plan, class by class (differences, negative)", 0, -wrong, unit=""),
    ]
    if seconds.get("duckdb"):
        ratio = _ratio(seconds["duckdb"], seconds["hocphi"])
        goals.append(Goal("DuckDB's time against ours", 1, ratio, "see docs/benchmarks.md"))
    notes = [
        f"{len(schools)} schools, two workers; ratios are medians of ratios within a round",
        f"load of the machine while measuring: {', '.join(f'{one:.1f}' for one in loads)}",
        f"largest worker: {peak:.0f} MB",
        *([f"DuckDB with its postgres extension did not run here: {missing}"] if missing else []),
    ]
    title = f"A month of {lines:,} x {lines:,} x {lines:,} lines, classified"
    return Table(title, ["", "s", "least", "most", "x polars"], rows, goals, notes)


def _ratio(times: list[float], to: list[float]) -> float:
    return statistics.median(one / other for one, other in zip(times, to, strict=True))


def _differences(url: str, schools: list[School], by_key: dict[str, set[int]]) -> int:
    """Classes in which we differ from the plan, or from polars where a key alone decides."""
    planned: dict[str, set[tuple[int, str]]] = defaultdict(set)
    for school in schools:
        for kind, names in school.truth.items():
            planned[kind] |= {(school.id, name) for name in names}
    found = _found(url)
    wrong = [kind for kind in planned.keys() | found.keys() if planned[kind] != found[kind]]
    ours, theirs = _comparable(planned), Counter({kind: len(keys) for kind, keys in by_key.items()})
    wrong += [kind for kind in BY_KEY if ours[kind] != theirs[kind]]
    for kind in wrong:
        told(f"differs: {kind}: planned {len(planned[kind])}, found {len(found[kind])}, polars {theirs[kind]}")
    return len(wrong)


def _comparable(planned: dict[str, set[tuple[int, str]]]) -> Counter[str]:
    """What a look at single keys must say of the plan: it cannot see batches, ties, closes and second rows."""
    counts = Counter({kind: len(found) for kind, found in planned.items() if kind in BY_KEY})
    counts["matched"] -= counts["duplicate"]  # The first of two rows is matched, the key is one.
    netted, tied = len(planned["fee_netted"]), len(planned["ambiguous"])
    counts["missing_gateway"] += 0
    counts["missing_bank"] += 3 * netted + 2 * tied  # Their payments stand under no line's key.
    counts["missing_gateway+ledger"] = netted + tied
    counts["only_ledger"] += len(planned["closed_period"])
    counts["missing_gateway"] += netted + tied  # Their lines name several payments or none.
    return counts


def _found(url: str) -> dict[str, set[tuple[int, str]]]:
    found: dict[str, set[tuple[int, str]]] = defaultdict(set)
    engine = make_engine(url)
    with session_scope(engine) as session:
        for one in session.query(ReconcileRun):
            for item in queries.items(session, one):
                name = "gap" if item.primary_class == "balance_break" else min(item.references)
                found[item.primary_class].add((one.school_id, name))
    engine.dispose()
    return found
