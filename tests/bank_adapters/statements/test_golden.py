"""Small statements of our own making, one per format, against what they must be read as."""

import csv
import io
import json
from dataclasses import asdict
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter

from bank_adapters.statements.proof import prove
from bank_adapters.statements.read import read_statement

GOLDEN = Path(__file__).parent / "golden"
FILES = ["camt053_batch.xml", "mt940_two_accounts.txt", "vietcombank.csv", "techcombank.html"]


def as_json(statement) -> dict:
    plain = asdict(statement)
    for line in plain["lines"]:
        del line["raw"]
    return json.loads(json.dumps(plain, default=str))


def expected(name: str) -> list[dict]:
    return json.loads((GOLDEN / name).with_suffix(".json").read_text("utf-8"))


@pytest.mark.parametrize("name", FILES)
def test_each_format_is_read_as_expected(name):
    statements = read_statement((GOLDEN / name).read_bytes(), name)
    assert [as_json(statement) for statement in statements] == expected(name)
    assert all(prove(statement).ok for statement in statements)


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
