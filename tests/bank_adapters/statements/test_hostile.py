"""Files made to harm: each is refused with a code, or read within fixed memory; nothing else is raised."""

import io
import random
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from bank_adapters.statements import zip_guard
from bank_adapters.statements.errors import StatementError
from bank_adapters.statements.read import read_statement
from bank_adapters.statements.tables import read_tables
from bank_adapters.statements.values import parse_amount, parse_date
from operations.sample_files import write_camt053, write_misa_ledger, write_mt940, write_techcombank, write_vietcombank
from reconciliation.school_ledgers.read import read_ledger
from reconciliation.school_ledgers.template import write_template
from tests.bank_adapters.statements.golden_books import bidv, corner_xls
from tests.bank_adapters.statements.mutants import mutated_bytes, mutated_part
from tests.operations.test_sample_files import ledger, sample

MAX_GROWTH_MB = 100
HEAD = b"<worksheet xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main'><sheetData>"
TAIL = b"</sheetData></worksheet>"
READ = """
import pathlib, resource, sys
from bank_adapters.statements.errors import StatementError
from bank_adapters.statements.read import read_statement
from reconciliation.school_ledgers.read import read_ledger
data = pathlib.Path(sys.argv[1]).read_bytes()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
codes = []
for read in (read_statement, read_ledger):
    try:
        read(data, "x")
        codes.append("read")
    except StatementError as error:
        codes.append(error.code)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024, *codes)
"""


def workbook_with(sheet: bytes, strings: bytes | None = None, extra: int = 0) -> bytes:
    """An honest workbook with its sheet, and its shared strings, put in."""
    out = io.BytesIO()
    honest = io.BytesIO(write_vietcombank(sample(3)))
    with zipfile.ZipFile(honest) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            part = source.read(name)
            if name == "xl/worksheets/sheet1.xml":
                part = HEAD + sheet + TAIL
            if name == "xl/sharedStrings.xml" and strings is not None:
                part = strings
            target.writestr(name, part)
        for number in range(extra):
            target.writestr(f"xl/media/{number}", b"")
    return out.getvalue()


def growth_and_codes(path: Path, data: bytes) -> tuple[int, set[str]]:
    path.write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=True, timeout=120
    )
    growth, *codes = done.stdout.split()
    return int(growth), set(codes)


def noisy_cells(count: int) -> bytes:
    rng = random.Random(5)
    return b"".join(
        b"<row>"
        + b"".join(b"<c t='s'><v>0</v></c><c><v>%d</v></c>" % rng.randrange(10**9) for _ in range(10))
        + b"</row>"
        for _ in range(count // 20)
    )


BOMBS = {
    "200 MB in one part": (lambda: workbook_with(b" " * 200 * 2**20), "zip_bomb"),
    "60 MB of empty cells": (lambda: workbook_with(b"<row>" + b"<c/>" * (15 * 2**20)), "zip_bomb"),
    "a cell in the farthest corner": (
        lambda: workbook_with(
            b"<row r='1'><c r='A1'><v>1</v></c></row><row r='1048576'><c r='XFD1048576'><v>1</v></c></row>"
        ),
        "too_many_rows",
    ),
    "a cell in the farthest corner of an XLS": (corner_xls, "no_header"),
    "more members than any workbook has": (lambda: workbook_with(b"", extra=1200), "zip_bomb"),
    "one long text in a hundred thousand cells": (
        lambda: workbook_with(noisy_cells(200_000), b"<sst><si><t>" + b"x" * 30_000 + b"</t></si></sst>"),
        "no_header",
    ),
    "a text longer than a cell": (
        lambda: workbook_with(b"", b"<sst><si><t>" + b"x" * 40_000 + b"</t></si></sst>"),
        "bad_container",
    ),
    "billion laughs in a sheet": (
        lambda: workbook_with(b"<!DOCTYPE a [<!ENTITY b 'c'>]>"),
        "doctype",
    ),
    "an entry of a million elements": (
        lambda: (
            b"<Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.053.001.02'><BkToCstmrStmt><Stmt><Ntry>"
            + b"<a>b</a>" * 1_000_000
        ),
        "too_large",
    ),
    "a message of three million empty entries": (
        lambda: (
            b"<Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.053.001.02'><BkToCstmrStmt><Stmt>"
            + b"<Bal/>" * 3_000_000
        ),
        "too_many_rows",
    ),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_and_memory_stays_flat(name, tmp_path):
    build, code = BOMBS[name]
    growth, codes = growth_and_codes(tmp_path / "bomb", build())
    assert code in codes
    assert "read" not in codes
    assert growth < MAX_GROWTH_MB


def test_without_its_limits_the_guard_would_let_the_bomb_unpack(monkeypatch):
    data = workbook_with(b"<!--" + b"0" * 70 * 2**20 + b"-->")
    package = zip_guard.ZipPackage(data)
    with pytest.raises(StatementError):
        sum(map(len, package.stream("xl/worksheets/sheet1.xml")))
    monkeypatch.setattr(zip_guard, "MAX_RATIO", 10**9)
    monkeypatch.setattr(zip_guard, "MAX_ENTRY_BYTES", 10**9)
    assert sum(map(len, zip_guard.ZipPackage(data).stream("xl/worksheets/sheet1.xml"))) > 70 * 2**20


def test_a_header_that_lies_about_sizes_gains_nothing():
    data = bytearray(workbook_with(b"<!--" + b"0" * 20 * 2**20 + b"-->"))
    at = data.find(b"PK\x01\x02")
    while at >= 0:
        data[at + 24 : at + 28] = (1000).to_bytes(4, "little")  # the uncompressed size of the directory
        at = data.find(b"PK\x01\x02", at + 4)
    with pytest.raises(StatementError):
        read_tables(bytes(data), "x.xlsx")


def test_a_member_under_a_password_is_named_so():
    data = bytearray(write_vietcombank(sample(3)))
    at = data.find(b"PK\x01\x02")
    data[at + 8] |= 1
    with pytest.raises(StatementError) as caught:
        read_tables(bytes(data), "x.xlsx")
    assert caught.value.code == "encrypted"


CONTAINERS = {
    "vietcombank": write_vietcombank(sample(12)),
    "techcombank": write_techcombank(sample(12)),
    "misa": write_misa_ledger([ledger(), ledger("1111")]),
    "template": write_template(ledger().rows),
    "camt": write_camt053([sample(12)]),
    "mt940": write_mt940([sample(12)]),
    "bidv": bidv(),
}


def outcome(read, data: bytes) -> str:
    """`read`, or the code of the refusal."""
    try:
        read(data, "x")
    except StatementError as error:
        return error.code if error.vi and error.en else "no words"
    return "read"


def read_all(data: bytes) -> bool:
    """Read with each reader; whether one took the file."""
    outcomes = {outcome(read, data) for read in (read_statement, read_ledger, read_tables)}
    assert outcomes <= StatementError.CODES | {"read"}
    return "read" in outcomes


def mutants(count: int):
    rng = random.Random(20251006)
    names = list(CONTAINERS)
    for number in range(count):
        data = CONTAINERS[names[number % len(names)]]
        is_zip = data.startswith(b"PK")
        yield mutated_part(data, rng) if is_zip and number % 2 else mutated_bytes(data, rng)


def test_mutated_files_raise_nothing_but_declared_errors():
    taken = [read_all(data) for data in mutants(240)]
    assert any(taken)
    assert not all(taken)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_thousands_of_mutated_files_raise_nothing_but_declared_errors():
    assert len([read_all(data) for data in mutants(500 * len(CONTAINERS))]) == 500 * len(CONTAINERS)


def test_every_cut_of_a_container_is_refused():
    data = CONTAINERS["vietcombank"]
    for cut in range(4, len(data) - 22, 97):
        with pytest.raises(StatementError):
            read_statement(data[:cut], "x.xlsx")


def random_text(rng: random.Random) -> str:
    alphabet = "0123456789.,-+()/: eE%đ₫VND\xa0\u200b\n=NaT٣²１\x00'\"Z" + chr(rng.randrange(0x20, 0xD7FF))
    return "".join(rng.choices(alphabet, k=rng.randrange(30)))


def test_a_hundred_thousand_random_texts_are_an_amount_a_day_or_refused():
    rng = random.Random(7)
    read = 0
    for _ in range(100_000):
        text = random_text(rng)
        for parse in (parse_amount, parse_date):
            try:
                value = parse(text, "A1")
            except StatementError:
                continue
            read += value is not None
            assert value is None or parse is parse_date or abs(value) <= 10**13
    assert read


def test_random_rows_are_read_or_refused():
    rng = random.Random(11)
    header = "Ngày giao dịch,Số tham chiếu,Số tiền ghi nợ,Số tiền ghi có,Số dư,Mô tả\n"
    for _ in range(300):
        rows = "".join(
            ",".join(f'"{random_text(rng).replace(chr(34), "")}"' for _ in range(6)) + "\n" for _ in range(4)
        )
        read_all((header + rows).replace("\x00", "").encode())
