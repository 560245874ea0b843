"""What finding references costs in the memos of bank transfers, beside a bare regular expression over the same memos.

The bare pass finds clean codes only: no case, blanks or confusions, no check character, and what is no code too.
"""

import random
import re
import time
from collections.abc import Callable, Sequence

from benchmarks.measuring import Run, Sample, alternate
from benchmarks.noise import Target, memos
from benchmarks.report import Goal, Table
from payments.invoices import reference

MEMOS = 20_000
BARE = re.compile(r"HP[0-9A-Z]{10}")
ANY_CASE = re.compile(r"HP[0-9A-Z]{10}", re.IGNORECASE)


def bare(texts: Sequence[str]) -> object:
    """One pass of the pattern over each memo."""
    return [BARE.findall(memo) for memo in texts]


def any_case(texts: Sequence[str]) -> object:
    """The pattern without regard to case, which is one of the five things that ours does beside it."""
    return [ANY_CASE.findall(memo) for memo in texts]


def one_by_one(texts: Sequence[str]) -> object:
    """As the door reads a message."""
    return [reference.find(memo) for memo in texts]


def timed(work: Callable[[Sequence[str]], object], texts: Sequence[str]) -> Run:
    """A pass over all memos, in processor time."""

    def run() -> Sample:
        began = time.process_time()
        work(texts)
        spent = time.process_time() - began
        return {"rate": len(texts) / spent, "us": 1e6 * spent / len(texts)}

    return run


def run() -> list[Table]:
    """Measure in processor time: one thread, nothing waits."""
    chance = random.Random(1)
    targets = [Target(place, reference.generate(), 100_000) for place in range(2 * MEMOS)]
    texts = [memo.text for memo in memos(targets, MEMOS, chance)]
    if reference.find_each(texts) != [" ".join(reference.find(memo)) for memo in texts]:
        raise AssertionError("together and one by one find different references")
    contenders = {
        "many memos together": timed(reference.find_each, texts),
        "memo by memo": timed(one_by_one, texts),
        "bare pattern": timed(bare, texts),
        "bare pattern, any case": timed(any_case, texts),
    }
    found = alternate(contenders)
    together, _, peer, free = contenders
    rows = [[name, found.median(name), found.median(name, "us"), found.ratio(name, peer)] for name in contenders]
    cause = f"{found.median(together, 'us'):.2f} µs a memo: a third folds, a third is the pattern, the rest checks"
    goals = [
        Goal("many memos together to the bare pattern", 0.5, found.ratio(together, peer), cause),
        Goal("the same to the pattern in any case", 0.5, found.ratio(together, free), cause),
    ]
    notes = [f"{MEMOS} memos with the noise of real transfers; a second and µs of processor time"]
    return [Table("References", ["", "a second", "µs", "× bare"], rows, goals, notes)]
