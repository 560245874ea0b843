"""Small statements of our own making, one per format, against what they must be read as."""

import csv
import io
import json
from dataclasses import asdict
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter

from bank_adapters.statements import layouts
from bank_adapters.statements.proof import prove
from bank_adapters.statements.read import read_statement
from bank_adapters.statements.tables import read_tables
from tests.bank_adapters.statements import golden_books

GOLDEN = Path(__file__).parent / "golden"
FILES = ["camt053_batch.xml", "mt940_two_accounts.txt"]
WITHIN_THE_DAY = ["camt052_trong_ngay.xml", "mt942_trong_ngay.txt"]
SHEETS = {
    "acb.csv": "acb",
    "agribank.csv": "agribank",
    "bidv.xls": "bidv",
    "mb.xlsx": "mb",
    "techcombank.html": "techcombank",
    "tpbank.xlsx": "tpbank",
    "vietcombank.csv": "vietcombank",
    "vietcombank_ngan.csv": "vietcombank",
    "vietinbank.html": "vietinbank",
}


def as_json(statement) -> dict:
    plain = asdict(statement)
    for line in plain["lines"]:
        del line["raw"]
    return json.loads(json.dumps(plain, default=str))


def expected(name: str) -> list[dict]:
    return json.loads((GOLDEN / name).with_suffix(".json").read_text("utf-8"))


@pytest.mark.parametrize("name", [*FILES, *SHEETS])
def test_each_format_is_read_as_expected(name):
    statements = read_statement((GOLDEN / name).read_bytes(), name)
    assert [as_json(statement) for statement in statements] == expected(name)
    assert all(prove(statement).ok for statement in statements)


@pytest.mark.parametrize("name", WITHIN_THE_DAY)
def test_reports_within_the_day_are_read_as_expected_and_prove_nothing(name):
    statements = read_statement((GOLDEN / name).read_bytes(), name)
    assert [as_json(statement) for statement in statements] == expected(name)
    assert not any(prove(statement).ok for statement in statements)


@pytest.mark.parametrize("name", SHEETS)
def test_each_bank_is_known_by_its_own_layout(name):
    (statement,) = read_statement((GOLDEN / name).read_bytes(), name)
    assert statement.format == f"{SHEETS[name]}/1"


def test_every_layout_has_a_sample_and_says_where_its_names_come_from():
    known = layouts.built_in()
    assert {layout.name for layout in known} == set(SHEETS.values())
    assert all(layout.bank and layout.source for layout in known)


def test_samples_that_are_no_text_are_the_ones_that_are_written_here():
    for name, write in {"tpbank.xlsx": golden_books.tpbank, "mb.xlsx": golden_books.mb}.items():
        assert (GOLDEN / name).read_bytes() == write()
    cells = [[row.cells for row in sheet] for sheet in read_tables(golden_books.bidv(), "x.xls")]
    assert cells == [[row.cells for row in sheet] for sheet in read_tables((GOLDEN / "bidv.xls").read_bytes(), "x")]


def rows() -> list[list[str]]:
    text = (GOLDEN / "vietcombank.csv").read_text("utf-8")
    return list(csv.reader(io.StringIO(text)))


def by_openpyxl() -> bytes:
    book = openpyxl.Workbook()
    for row in rows():
        book.active.append([cell or None for cell in row])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def by_xlsxwriter() -> bytes:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    sheet = book.add_worksheet()
    for number, row in enumerate(rows()):
        for column, cell in enumerate(row):
            bare = cell.replace(",", "")
            if column in (3, 4, 5) and bare.isdigit():
                sheet.write_number(number, column, int(bare))
            elif cell:
                sheet.write_string(number, column, cell)
    book.close()
    return out.getvalue()


def by_semicolons() -> bytes:
    out = io.StringIO()
    csv.writer(out, delimiter=";").writerows(rows())
    return out.getvalue().encode("utf-16")


@pytest.mark.parametrize("write", [by_openpyxl, by_xlsxwriter, by_semicolons])
def test_the_same_sheet_saved_by_any_program_is_the_same_statement(write):
    (statement,) = read_statement(write(), "sao-ke.xlsx")
    found, (wanted,) = as_json(statement), expected("vietcombank.csv")
    for item in (found, wanted):
        for part in (*item["lines"], *item["notices"]):
            del part["place"]
    assert found == wanted
