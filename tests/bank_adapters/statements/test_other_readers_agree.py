"""On honest workbooks our XLSX reader sees what calamine and openpyxl see."""

import io
import warnings
from datetime import date, datetime
from decimal import Decimal

import openpyxl
import pytest
import xlsxwriter
from python_calamine import CalamineWorkbook

from bank_adapters.statements.tables import Formula, read_tables
from operations.sample_files import write_misa_ledger, write_techcombank, write_vietcombank
from reconciliation.school_ledgers.template import write_template
from tests.operations.test_sample_files import ledger, sample


def with_every_kind_of_cell(**options: bool) -> bytes:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"strings_to_formulas": False, **options})
    sheet = book.add_worksheet("Đủ loại")
    formats = ["dd/mm/yyyy", "d-mmm-yy", "m/d/yy h:mm", "#,##0", '"ngày" 0', "[Red]0.00", "yyyy", "0%"]
    for row, code in enumerate(formats):
        style = book.add_format({"num_format": code})
        sheet.write_number(row, 0, 45936, style)
        sheet.write_number(row, 1, 45936.5, style)
        sheet.write_number(row, 3, -1234567890123)
    sheet.write_rich_string(9, 1, "a", book.add_format({"bold": True}), " b ", "c")
    sheet.write_string(10, 2, "nhiều\ndòng & <thẻ>")
    sheet.write_boolean(11, 0, True)
    sheet.merge_range(12, 0, 13, 2, "gộp")
    sheet.write_formula(14, 0, "=A1*2", None, 91872)
    sheet.add_sparkline(15, 0, {"range": "'Đủ loại'!A1:B1"})
    sheet.write_comment(16, 0, "ghi chú")
    sheet.write_url(17, 0, "https://example.vn/", string="liên kết")
    book.close()
    return out.getvalue()


FILES = {
    "vietcombank": write_vietcombank(sample(30)),
    "techcombank": write_techcombank(sample(30)),
    "misa": write_misa_ledger([ledger(), ledger("1111")]),
    "template": write_template(ledger().rows),
    "every kind": with_every_kind_of_cell(),
    "days from 1904": with_every_kind_of_cell(date_1904=True),
}


def plain(value):
    """One form for what three libraries call the same."""
    if isinstance(value, Formula):
        value = value.cached
    if isinstance(value, datetime):
        return value.date() if value.time() == datetime.min.time() else value
    if isinstance(value, bool) or value in ("TRUE", "FALSE"):
        return str(value).upper()
    if isinstance(value, float | Decimal):
        return int(value) if value == int(value) else float(value)
    return None if value == "" else value


def ours(data: bytes) -> dict:
    return {
        (sheet.name, row.number, column): plain(cell)
        for sheet in read_tables(data, "x")
        for row in sheet
        for column, cell in enumerate(row.cells)
        if plain(cell) is not None
    }


def by_calamine(data: bytes) -> dict:
    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    return {
        (name, number, column): plain(cell)
        for name in book.sheet_names
        for number, row in enumerate(book.get_sheet_by_name(name).to_python(skip_empty_area=False), start=1)
        for column, cell in enumerate(row)
        if plain(cell) is not None
    }


def by_openpyxl(data: bytes) -> dict:
    with warnings.catch_warnings(action="ignore"):  # of extensions that openpyxl leaves out
        book = openpyxl.load_workbook(io.BytesIO(data), data_only=True)
    return {
        (sheet.title, cell.row, cell.column - 1): plain(cell.value)
        for sheet in book
        for row in sheet.iter_rows()
        for cell in row
        if plain(cell.value) is not None
    }


@pytest.mark.parametrize("judge", [by_calamine, by_openpyxl])
@pytest.mark.parametrize("name", FILES)
def test_three_readers_see_the_same_cells(name, judge):
    assert ours(FILES[name]) == judge(FILES[name])


def test_days_are_days_and_amounts_are_amounts():
    cells = ours(FILES["every kind"])
    assert cells["Đủ loại", 1, 0] == date(2025, 10, 6)
    assert cells["Đủ loại", 4, 0] == 45936
