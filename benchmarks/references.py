"""What finding references costs in the memos of bank transfers."""

import time
from collections.abc import Callable, Sequence

from benchmarks.measuring import Run, Sample, alternate
from benchmarks.report import Table
from payments.invoices import reference

MEMOS = 20_000
NOISE = (
    "MBVCB.7575327615.426726.{}.CT tu 0011001234567 PHU HUYNH toi TRUONG TIEU HOC tai ACB",
    "{} nop tien hoc thang 10 cho con lop 1A",
    "PHU HUYNH chuyen tien FT24323362960955 GD 703855-111724 17:58:18 {}",
    "Nộp tiền ăn bán trú cho cháu, mã {} ạ",
    "thanh toan tien hoc, quen ma",
)


def finding(memos: Sequence[str]) -> Run:
    def run() -> Sample:
        return _timed(len(memos), lambda: [reference.find(memo) for memo in memos])

    return run


def _timed(things: int, work: Callable[[], object]) -> Sample:
    began = time.process_time()
    work()
    spent = time.process_time() - began
    return {"rate": things / spent, "us": 1e6 * spent / things}


def run() -> list[Table]:
    """Measure in processor time: one thread, nothing waits."""
    memos = [NOISE[number % len(NOISE)].format(reference.generate()) for number in range(MEMOS)]
    name = "find references in a memo"
    found = alternate({name: finding(memos)})
    rows = [[name, found.median(name), found.median(name, "us")]]
    notes = ["a second and µs of processor time"]
    return [Table("References", ["", "a second", "µs"], rows, (), notes)]
