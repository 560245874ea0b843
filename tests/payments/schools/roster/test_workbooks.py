"""The template is what the import reads, its cells are text, and corrected rows come back in."""

import io
import random
from contextlib import suppress
from datetime import date

import openpyxl
import pytest

from payments.errors import DomainError
from payments.schools.roster.columns import COLUMNS
from payments.schools.roster.plan import Plan
from payments.schools.roster.reading import read_roster
from payments.schools.roster.report import make_report
from payments.schools.roster.workbooks import FIX, REASON, column_of, refused_rows, roster_template
from payments.schools.rules import SchoolLevel
from payments.schools.sheets import find_layout, guarded_tables
from tests.payments.schools.roster.files import by_csv, by_openpyxl, by_xlsxwriter, pupil

TODAY = date(2025, 10, 8)


def read(data):
    return read_roster(data, "x.xlsx", SchoolLevel.PRIMARY, TODAY)


def refused_of(data):
    roster = read(data)
    report = make_report(
        school_code="TH",
        year_code="2025-2026",
        file_name="x.xlsx",
        rows=roster.rows,
        plan=Plan(),
        missing=(),
        ignored_columns=roster.ignored_columns,
    )
    return refused_rows(data, "x.xlsx", report)


def test_the_template_has_every_column_and_the_import_finds_them():
    sheets = guarded_tables(roster_template(), "mau.xlsx")
    layout = find_layout(sheets[0], COLUMNS)
    assert set(layout.places) == {column.key for column in COLUMNS}
    assert layout.ignored == ("STT",)
    assert not [sheet.name for sheet in sheets[1:] if (other := find_layout(sheet, COLUMNS)) and not other.missing]
    assert read(roster_template()).rows == ()


def test_identifiers_in_the_template_are_text_and_choices_are_drop_downs():
    book = openpyxl.load_workbook(io.BytesIO(roster_template()))
    sheet = book["Danh sách"]
    places = {cell.value.removesuffix(" (*)"): cell.column_letter for cell in sheet[1]}
    assert sheet.column_dimensions[places["Mã định danh Bộ GD&ĐT"]].number_format == "@"
    assert sheet.column_dimensions[places["Số ĐDCN"]].number_format == "@"
    rules = {str(rule.sqref)[0]: rule.formula1 for rule in sheet.data_validations.dataValidation}
    assert rules[places["Giới tính"]] == "'Danh mục'!$A$2:$A$3"
    assert book["Danh mục"]["A2"].value == "Nam"


def test_a_filled_template_is_imported():
    book = openpyxl.load_workbook(io.BytesIO(roster_template()))
    sheet = book["Danh sách"]
    values = {"Mã lớp": "1A", "Mã định danh Bộ GD&ĐT": "0900000001", "Họ tên": "Nguyễn Văn An", "Giới tính": "Nam"}
    for cell in sheet[1]:
        value = values.get(cell.value.removesuffix(" (*)"))
        if cell.value.startswith("Ngày sinh"):
            value = date(2018, 5, 1)
        sheet.cell(2, cell.column, value)
    buffer = io.BytesIO()
    book.save(buffer)
    (row,) = read(buffer.getvalue()).rows
    assert row.pupil.full_name == "Nguyễn Văn An"


@pytest.mark.parametrize("form", [by_xlsxwriter, by_openpyxl, by_csv])
def test_refused_rows_come_back_with_reason_and_way_out_and_can_be_sent_again(form):
    rows = [pupil(1), pupil(2, born="?", sex="?"), pupil(3), pupil(4, full_name="=1+1")]
    data = refused_of(form(rows))
    (sheet,) = openpyxl.load_workbook(io.BytesIO(data)).worksheets
    lines = list(sheet.iter_rows(values_only=True))
    assert len(lines) == 3
    assert lines[0][-2:] == (REASON, FIX)
    assert lines[1][-2] == (
        "Ngày sinh: Không đọc được ngày sinh, hoặc ngày sinh không hợp lý.\nGiới tính: Giới tính phải là Nam hoặc Nữ."
    )
    assert sheet["E2"].comment is not None
    assert sheet["D3"].data_type == "s"
    sheet["E2"], sheet["F2"], sheet["D3"] = "05/09/2018", "Nữ", "Nguyễn Văn An"
    buffer = io.BytesIO()
    sheet.parent.save(buffer)
    assert [row.pupil is not None for row in read(buffer.getvalue()).rows] == [True, True]


def test_without_refused_rows_the_workbook_is_empty():
    assert guarded_tables(refused_of(by_csv([pupil(1)])), "x.xlsx")[0].rows == ()


def test_columns_are_counted_from_zero():
    assert [column_of(cell) for cell in ("A1", "C14", "Z9", "AA10")] == [0, 2, 25, 26]


def mutate(rounds, seed):
    draw = random.Random(seed)
    good = [by_xlsxwriter([pupil(1), pupil(2)]), by_csv([pupil(1), pupil(2)])]
    for _ in range(rounds):
        data = bytearray(draw.choice(good))
        for _ in range(draw.randint(1, 6)):
            at = draw.randrange(len(data))
            if draw.random() < 0.2:
                del data[at : at + draw.randint(1, 200)]
            else:
                data[at] = draw.randrange(256)
            if not data:
                break
        with suppress(DomainError):
            read(bytes(data))


def test_damaged_files_are_read_or_refused():
    mutate(150, seed=3)


@pytest.mark.slow
def test_two_thousand_damaged_files_are_read_or_refused():
    mutate(2_000, seed=4)
