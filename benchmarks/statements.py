"""Reading statements: camt.053 against a bare parser loop, MT940 against the library that it is read with.

Every contender reads the same bytes. Ours gives lines whose sum must be the sum that was written; memory is that of a
process of its own which throws each line away, so that it shows what the reader itself holds.
"""

import io
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import mt940 as library
from lxml import etree

from bank_adapters.statements import camt, mt940
from bank_adapters.statements.model import Statement, StatementLine
from bank_adapters.statements.proof import prove
from benchmarks.measuring import Run, Sample, alternate
from benchmarks.report import Goal, Table
from operations.sample_files import write_camt053, write_mt940

ENTRIES = 50_000
MT940_LINES = 20_000
DAY = date(2025, 10, 5)
SAFE = {"resolve_entities": False, "load_dtd": False, "no_network": True, "huge_tree": False}
MEMORY = """
import pathlib, sys
from bank_adapters.statements import camt
data = pathlib.Path(sys.argv[1]).read_bytes()
take = camt.Message.take_entry
def forget(self, element):
    take(self, element)
    self.lines.clear()
camt.Message.take_entry = forget
camt.read(data[: data.index(b"<Ntry>")] + data[data.index(b"</Stmt>"):])  # what a first run needs is there
def status(name):
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name + ":"))
pathlib.Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
before = status("VmRSS")
camt.read(data)
print((status("VmHWM") - before) / 1024)
"""


def statement(lines: int) -> Statement:
    """A day of a province's account: transfers with a reference, some charges."""
    moved = tuple(
        StatementLine(
            line_no=number,
            value_date=DAY,
            booked_on=DAY,
            amount_vnd=500_000 + number % 700 * 1000,
            direction="credit" if number % 50 else "debit",
            bank_reference=f"FT25279{number:06d}",
            description=f"MBVCB.{number:010d}.HP7K3M9Q2XAT nop tien thang 10.CT tu 0011001234567 NGUYEN VAN MAU",
            raw="",
            counterparty="NGUYEN VAN MAU",
            payer_reference=f"E2E{number}",
        )
        for number in range(1, lines + 1)
    )
    closing = sum(line.amount_vnd if line.direction == "credit" else -line.amount_vnd for line in moved)
    return Statement("0071001234567", "VND", DAY, DAY, 0, closing, 5, moved)


def timed(things: int, work: Callable[[], int]) -> Sample:
    """Processor time of one reading; raises when it did not read everything."""
    began = time.process_time()
    read = work()
    spent = time.process_time() - began
    if read != things:
        raise AssertionError(f"{read} instead of {things} read")
    return {"rate": things / spent, "us": 1e6 * spent / things}


def proved(statements: list[Statement]) -> int:
    """How many lines were read; raises when they do not prove their day."""
    (one,) = statements
    if not prove(one).ok:
        raise AssertionError("the statement does not prove")
    return len(one.lines)


def bare(data: bytes, tag: str | None = None) -> int:
    """The parser's loop alone: how many elements of a name, or of any, it met."""
    found = 0
    for _, element in etree.iterparse(io.BytesIO(data), tag=tag, **SAFE):
        element.clear()
        found += 1
    return found


def every_entry(data: bytes) -> int:
    """Over every element, as a reader meets them; how many entries that makes."""
    if bare(data) != data.count(b"</"):
        raise AssertionError("the parser met another number of elements than there are")
    return ENTRIES


def camt_contenders(data: bytes) -> dict[str, Run]:
    """Ours, and the parser by itself in its two ways."""
    return {
        "camt.053, read and checked": lambda: timed(ENTRIES, lambda: proved(camt.read(data))),
        "bare iterparse, every element, cleared": lambda: timed(ENTRIES, lambda: every_entry(data)),
        "bare iterparse, entries only, cleared": lambda: timed(ENTRIES, lambda: bare(data, "{*}Ntry")),
    }


def mt940_contenders(data: bytes) -> dict[str, Run]:
    """Ours, and the library by itself."""
    return {
        "MT940, read and checked": lambda: timed(MT940_LINES, lambda: proved(mt940.read(data))),
        "mt940.parse_statements": lambda: timed(
            MT940_LINES, lambda: sum(len(found.transactions) for found in library.parse_statements(data))
        ),
    }


def held_mb(entries: int) -> float:
    """By how much a process grows that reads a statement and keeps no line of it, in MB."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "statement.xml"
        path.write_bytes(write_camt053([statement(entries)]))
        done = subprocess.run([sys.executable, "-c", MEMORY, str(path)], capture_output=True, text=True, check=True)
    return float(done.stdout)


def run() -> list[Table]:
    """Measure in processor time: one thread, nothing waits."""
    xml, text = write_camt053([statement(ENTRIES)]), write_mt940([statement(MT940_LINES)])
    tables = []
    for title, contenders, goal in (
        (f"camt.053 of {ENTRIES:,} entries, {len(xml) / 2**20:.0f} MB", camt_contenders(xml), 0.5),
        (f"MT940 of {MT940_LINES:,} lines, {len(text) / 2**20:.0f} MB", mt940_contenders(text), 1.0),
    ):
        found = alternate(contenders)
        own, yardstick, *_ = contenders
        rows = [[name, found.median(name), found.median(name, "us"), found.ratio(own, name)] for name in contenders]
        goals = [Goal(f"{own} against {yardstick}", goal, found.ratio(own, yardstick), "the machine was busy")]
        notes = ["a second and µs of processor time; ratio: ours against it"]
        tables.append(Table(title, ["", "a second", "µs", "ratio"], rows, goals, notes))
    memory = [[f"{entries:,} entries", held_mb(entries)] for entries in (ENTRIES // 10, ENTRIES)]
    notes = ["growth of a process that throws its lines away; the file itself is in memory before"]
    tables.append(Table("What the camt reader holds", ["", "MB"], memory, (), notes))
    return tables
