"""``python -m benchmarks.fuzz [--requests N] [--processes N] [--seed TEXT]``: mutated requests by the million.

Every adapter that may be used gets its share, from its own samples, in lots of bounded size: nothing is kept but
counts. Exit status 1 when anything undeclared is raised, a forgery is believed, or a key of evidence could be poisoned.
"""

import argparse
import multiprocessing
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from bank_adapters import adapter_names, get_adapter
from bank_adapters.conformance import Subject, samples_of
from bank_adapters.conformance.fuzzing import fuzz
from bank_adapters.conformance.subject import Findings
from benchmarks.machine import described
from benchmarks.report import Table

LOT = 2_000


@dataclass(frozen=True, slots=True)
class Done:
    """One lot of one adapter."""

    name: str
    tried: int
    faults: tuple[str, ...]
    seconds: float


def lots(requests: int, seed: str) -> Iterator[tuple[str, int, str]]:
    """Adapter, number of requests and seed of each lot, the adapters in turn; exactly as many requests as wanted."""
    names = list(dict.fromkeys(get_adapter(name).NAME for name in adapter_names()))
    number = 0
    while requests > 0:
        size = min(LOT, requests)
        yield names[number % len(names)], size, f"{seed} {number // len(names)}"
        requests -= size
        number += 1


def run_lot(lot: tuple[str, int, str]) -> Done:
    name, rounds, seed = lot
    adapter, found, began = get_adapter(name), Findings(), time.process_time()
    fuzz(Subject(adapter, samples_of(adapter)), found, rounds=rounds, seed=seed)
    faults = tuple(f"{fault} (seed {seed!r})" for fault in found.faults)
    return Done(name, found.tried, faults, time.process_time() - began)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", default="million")
    options = parser.parse_args(arguments)
    tried: Counter[str] = Counter()
    seconds: Counter[str] = Counter()
    faults: list[str] = []
    began = time.monotonic()
    with multiprocessing.Pool(options.processes) as pool:
        for done in pool.imap_unordered(run_lot, lots(options.requests, options.seed)):
            tried[done.name] += done.tried
            seconds[done.name] += done.seconds
            faults += [f"{done.name}: {fault}" for fault in done.faults]
    wall = time.monotonic() - began
    rows = [(name, tried[name], tried[name] / seconds[name]) for name in sorted(tried)]
    title = f"{described()}: {tried.total():,} mutated requests in {wall:.0f} s, {tried.total() / wall:,.0f} a second"
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    note = f"{options.processes} processes, at most {peak} MiB each; {len(faults)} faults"
    print(Table(title, ["adapter", "requests", "a second of CPU"], rows, notes=[note]).text())
    for fault in faults[:20]:
        print(f"  FAULT {fault}")
    return 1 if faults or tried.total() != options.requests else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
