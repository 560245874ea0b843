"""Alternating rounds, medians, and the processor time of process trees."""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import psutil

ROUNDS = 5

Sample = Mapping[str, float]
"""What one run of one contender measured: ``rate`` (a second) and whatever else its table shows."""
Run = Callable[[], Sample]


@dataclass(frozen=True, slots=True)
class Results:
    """The samples of all contenders, one for each round."""

    samples: Mapping[str, Sequence[Sample]]

    def median(self, name: str, measure: str = "rate") -> float:
        """The median over the rounds."""
        return statistics.median(sample[measure] for sample in self.samples[name])

    def spread(self, name: str, measure: str = "rate") -> tuple[float, float]:
        """The lowest and the highest value."""
        values = [sample[measure] for sample in self.samples[name]]
        return min(values), max(values)

    def ratio(self, name: str, to: str, measure: str = "rate") -> float:
        """The median of the ratios within each round: what slows a round down slows both."""
        pairs = zip(self.samples[name], self.samples[to], strict=True)
        return statistics.median(one[measure] / other[measure] for one, other in pairs)


def alternate(
    contenders: Mapping[str, Run], rounds: int = ROUNDS, told: Callable[[str], None] | None = None
) -> Results:
    """Run all contenders in each round, every second round backwards."""
    samples: dict[str, list[Sample]] = {name: [] for name in contenders}
    for number in range(rounds):
        for name in list(contenders)[:: -1 if number % 2 else 1]:
            samples[name].append(contenders[name]())
            if told:
                told(f"round {number + 1} of {rounds}: {name}")
    return Results(samples)


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, of its children, and of children that have ended."""
    total = 0.0
    try:
        root = psutil.Process(pid)
        family = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return total
    for process in family:
        try:
            total += sum(process.cpu_times()[:4])
        except psutil.NoSuchProcess:
            continue
    return total


@dataclass(slots=True)
class Spent:
    """Wall time and processor time of a block; filled when the block ends."""

    wall_s: float = 0.0
    cpu_s: dict[str, float] = field(default_factory=dict)


@contextmanager
def spending(**pids: int) -> Iterator[Spent]:
    """Measure a block: wall time, the processor time of this process (``client``) and of process trees by name."""
    spent = Spent()
    before = {name: cpu_seconds(pid) for name, pid in pids.items()}
    own, began = time.process_time(), time.perf_counter()
    yield spent
    spent.wall_s = time.perf_counter() - began
    spent.cpu_s = {"client": time.process_time() - own}
    spent.cpu_s |= {name: cpu_seconds(pid) - before[name] for name, pid in pids.items()}
