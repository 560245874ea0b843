"""Every kind of spreadsheet file gives the same plain rows, or a clear refusal."""

import io
import zipfile
from datetime import date
from decimal import Decimal

import openpyxl
import pytest
import xlsxwriter

from bank_adapters.statements.errors import StatementError
from bank_adapters.statements.tables import Formula, read_tables


def written_by_xlsxwriter() -> bytes:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"strings_to_formulas": False})
    sheet = book.add_worksheet("Sao kê")
    day = book.add_format({"num_format": "dd/mm/yyyy"})
    sheet.write_string(0, 0, "Ngày\nDate")
    sheet.write_datetime(2, 0, date(2025, 10, 6), day)
    sheet.write_string(2, 1, "=cmd|' /C calc'!A0")
    sheet.write_number(2, 3, 1_500_000)
    sheet.write_number(3, 3, 0.5)
    sheet.write_formula(4, 3, "=1+1", None, 2)
    hidden = book.add_worksheet("Nháp")
    hidden.write_string(0, 0, "không đọc")
    hidden.hide()
    book.close()
    return out.getvalue()


def resaved(data: bytes) -> bytes:
    out = io.BytesIO()
    openpyxl.load_workbook(io.BytesIO(data)).save(out)
    return out.getvalue()


def error_of(data: bytes) -> StatementError:
    with pytest.raises(StatementError) as caught:
        read_tables(data, "tep.xlsx")
    return caught.value


def with_part(data: bytes, name: str, old: bytes, new: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for item in source.namelist():
            part = source.read(item)
            if item == name:
                assert old in part
                part = part.replace(old, new)
            target.writestr(item, part)
    return out.getvalue()


SHEET = "xl/worksheets/sheet1.xml"


def test_cells_keep_their_kind_and_their_place():
    (sheet,) = read_tables(written_by_xlsxwriter(), "x.xlsx")
    assert [row.number for row in sheet] == [1, 3, 4, 5]
    second = sheet.rows[1]
    assert second.cells == (date(2025, 10, 6), "=cmd|' /C calc'!A0", None, 1_500_000)
    assert second.place(3) == "Sao kê!D3"
    assert sheet.rows[2].cell(3) == Decimal("0.5")
    assert sheet.rows[2].cell(99) is None


def test_a_formula_is_told_from_a_value():
    (sheet,) = read_tables(written_by_xlsxwriter(), "x.xlsx")
    assert sheet.rows[3].cell(3) == Formula("=1+1", 2)


def test_hidden_sheets_are_not_read():
    assert [sheet.name for sheet in read_tables(written_by_xlsxwriter(), "x.xlsx")] == ["Sao kê"]


def test_a_file_saved_again_by_another_program_gives_the_same_cells():
    first = read_tables(written_by_xlsxwriter(), "x.xlsx")[0].rows
    again = read_tables(resaved(written_by_xlsxwriter()), "x.xlsx")[0].rows
    assert [row.cells for row in first[:3]] == [row.cells for row in again[:3]]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'a,b\r\n\r\n1,"x\ny"\r\n', [(1, ("a", "b")), (3, ("1", "x\ny"))]),
        ("\ufeffa;b,c\n1;2".encode(), [(1, ("a", "b,c")), (2, ("1", "2"))]),
        ("a\tb\n".encode("utf-16"), [(1, ("a", "b"))]),
        (b"sep=;\na;b\n", [(2, ("a", "b"))]),
        (
            "<html><table><tr><th colspan=2>Số<br>No<th>Có</tr><tr><td>1</table>".encode(),
            [(1, ("Số\nNo", None, "Có")), (2, ("1",))],
        ),
    ],
)
def test_csv_and_html_are_tables_too(data, expected):
    (sheet,) = read_tables(data, "x")
    assert [(row.number, row.cells) for row in sheet] == expected


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "unknown_format"),
        (b"%PDF-1.7", "unknown_format"),
        (b"\xff\xfa\xfb", "bad_encoding"),
        (b"a,b\x00c", "bad_encoding"),
        (b'"a","b"\n"1,"2"x\n', "bad_structure"),
        (b"PK\x03\x04", "bad_container"),
        (b"\xd0\xcf\x11\xe0 binary", "bad_container"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_code(data, code):
    assert error_of(data).code == code


def test_half_a_workbook_is_refused():
    data = written_by_xlsxwriter()
    assert error_of(data[: len(data) // 2]).code == "bad_container"


def test_a_zip_that_is_no_workbook_is_refused():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
    assert error_of(out.getvalue()).code == "unknown_format"


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"<worksheet", b'<!DOCTYPE a [<!ENTITY b "c">]><worksheet', "doctype"),
        (b'r="D3"', b'r="XFD3"', "too_many_rows"),
        (b'r="D3"', b'r="A3"', "bad_structure"),
        (b'<row r="4"', b'<row r="3"', "bad_structure"),
        (b"<v>1500000</v>", b"<v>1e5000000</v>", "bad_structure"),
        (b"<v>1500000</v>", b"<v>NaN</v>", "bad_structure"),
        (b"<v>1</v>", b"<v>99999</v>", "bad_structure"),
        (b"</worksheet>", b"", "bad_xml"),
    ],
)
def test_a_sheet_that_no_program_writes_is_refused(old, new, code):
    assert error_of(with_part(written_by_xlsxwriter(), SHEET, old, new)).code == code


def test_a_number_too_long_to_be_an_amount_is_never_expanded():
    data = with_part(written_by_xlsxwriter(), SHEET, b"<v>1500000</v>", b"<v>1e999</v>")
    assert read_tables(data, "x")[0].rows[1].cell(3) == Decimal("1e999")


def test_links_to_the_outside_are_not_followed():
    external = b'Target="file:///etc/passwd" TargetMode="External"'
    data = with_part(written_by_xlsxwriter(), "xl/_rels/workbook.xml.rels", b'Target="worksheets/sheet1.xml"', external)
    assert error_of(data).code == "bad_container"
