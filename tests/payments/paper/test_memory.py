"""A worker's memory does not grow with what it prints: measured in a process of its own, in MB and never in seconds."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import typst

from payments.paper.document import REMEMBERED, set_slips
from payments.paper.rules import Kind, slips
from tests.house import ROOT
from tests.payments.paper.invented import a_class, around

PARTS = """
import json
import psutil
from payments.paper import document
from payments.paper.rules import BATCH, Kind, Line, slips
from tests.payments.paper.invented import around, invoice

def set_parts(numbers):
    for number in numbers:
        # No slip is like another: other names, amounts, references and links.
        pupils = range(number * BATCH, (number + 1) * BATCH)
        made = slips([invoice(one, f"Nguyễn {one} An", Line("Tiền ăn", True, 600_000 + one)) for one in pupils])
        document.set_slips(Kind.SLIPS, around(6 * BATCH), "3A", made)
    return psutil.Process().memory_info().rss >> 20

honest = document._let_go
document._let_go = lambda: None  # First, for what is let go leaves room that the next parts would fill unseen.
first = set_parts([0])
kept = set_parts([1, 2]) - first
document._let_go = honest
first = set_parts([3])
print(json.dumps({"kept": kept, "let_go": set_parts([4, 5]) - first}))
"""
TWO_PARTS_MB = 20
"""Less than what typst keeps of two parts that it is not told to forget."""


def test_each_part_is_let_go_before_the_next_and_without_that_memory_grows() -> None:
    told = json.loads(subprocess.run([sys.executable, "-c", PARTS], cwd=ROOT, check=True, capture_output=True).stdout)
    assert told["let_go"] < TWO_PARTS_MB
    assert told["kept"] > TWO_PARTS_MB, "the measure notices what is kept"


def test_after_each_part_typst_gets_so_many_empty_pages_that_it_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    set_: list[str] = []
    compiler, compile_ = typst.Compiler, typst.compile

    class Counted:
        def __init__(self, path: str, **about: object) -> None:
            self.path, self.inner = path, compiler(path, **about)

        def compile(self, **about: object) -> object:
            set_.append(Path(self.path).stem)
            return self.inner.compile(**about)

    def counted(path: str, **about: object) -> object:
        set_.append(Path(path).stem)
        return compile_(path, **about)

    monkeypatch.setattr(typst, "Compiler", Counted)
    monkeypatch.setattr(typst, "compile", counted)
    for kind in (Kind.SLIPS, Kind.SHEETS):
        set_slips(kind, around(), "3A", slips(a_class(2)))
    empty = ["nothing"] * (REMEMBERED + 1)
    assert set_ == ["slips", *empty, "sheets", *empty]
