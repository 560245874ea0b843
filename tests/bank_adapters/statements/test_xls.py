"""XLS of Excel 97-2003: the same cells as two libraries see, formulas told, damage refused, memory bounded."""

import io
import random
import struct
from datetime import date
from decimal import Decimal

import pytest
import xlrd
import xlwt
from python_calamine import CalamineWorkbook

from bank_adapters.statements import xls
from bank_adapters.statements.errors import StatementError
from bank_adapters.statements.read import read_statement
from bank_adapters.statements.rows import MAX_CELLS
from bank_adapters.statements.tables import Formula, read_tables
from tests.bank_adapters.statements.golden_books import bidv, corner_xls
from tests.bank_adapters.statements.mutants import mutated_bytes

TITLES = ["Ngày giao dịch", "Số tham chiếu", "Ghi nợ", "Ghi có", "Số dư", "Mô tả"]


def saved(book: xlwt.Workbook) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def every_kind_of_cell(*, dates_1904: bool = False) -> bytes:
    book = xlwt.Workbook()
    book.dates_1904 = dates_1904
    sheet = book.add_sheet("Đủ loại")
    for row, code in enumerate(["DD/MM/YYYY", "D-MMM-YY", "#,##0", '"ngày" 0', "0%"]):
        sheet.write(row, 0, 45936, xlwt.easyxf(num_format_str=code))
    for column, number in enumerate([0, -1, 1_500_000, 0.5, 12.34, -(2**29), 2**29, 123_456_789_012, 1e300, 1e-7]):
        sheet.write(5, column, number)
    sheet.write(6, 0, True)
    sheet.write_rich_text(6, 1, ["a", ("đậm", xlwt.easyfont("bold on"))])
    sheet.merge(7, 8, 0, 2)
    sheet.write(7, 0, "gộp")
    rng = random.Random(5)
    for row in range(10, 200):  # strings over the borders of records, in both widths
        sheet.write(row, 0, "".join(rng.choices("abc" if row % 3 else "ăâđê", k=rng.randrange(1, 900))))
    return saved(book)


def ours(data: bytes) -> dict:
    return {
        (sheet.name, row.number - 1, column): float(cell) if isinstance(cell, int | Decimal) else cell
        for sheet in read_tables(data, "x.xls")
        for row in sheet
        for column, cell in enumerate(row.cells)
        if cell is not None
    }


def by_xlrd(data: bytes) -> dict:
    book = xlrd.open_workbook(file_contents=data)
    found = {}
    for sheet in book.sheets():
        for row in range(sheet.nrows):
            for column, cell in enumerate(sheet.row(row)):
                value = cell.value
                if cell.ctype == xlrd.XL_CELL_DATE:
                    value = xlrd.xldate_as_datetime(value, book.datemode).date()
                if cell.ctype == xlrd.XL_CELL_BOOLEAN:
                    value = "TRUE" if value else "FALSE"
                if value != "":
                    found[sheet.name, row, column] = value
    return found


def by_calamine(data: bytes) -> dict:
    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    return {
        (name, row, column): str(value).upper() if isinstance(value, bool) else value
        for name in book.sheet_names
        for row, cells in enumerate(book.get_sheet_by_name(name).to_python(skip_empty_area=False))
        for column, value in enumerate(cells)
        if value != ""
    }


@pytest.mark.parametrize("judge", [by_xlrd, by_calamine])
@pytest.mark.parametrize("data", [every_kind_of_cell(), bidv()], ids=["every kind", "bidv"])
def test_three_readers_see_the_same_cells(data, judge):
    assert ours(data) == judge(data)


def test_days_may_count_from_1904():
    cells = ours(every_kind_of_cell(dates_1904=True))
    assert cells["Đủ loại", 0, 0] == by_xlrd(every_kind_of_cell(dates_1904=True))["Đủ loại", 0, 0] == date(2029, 10, 7)


def statement_with(formula: object, column: int) -> bytes:
    book = xlwt.Workbook()
    sheet = book.add_sheet("Sao ke")
    for number, row in enumerate([TITLES, ["06/10/2025", "1", "", 5, 5, "HP7K3M9Q2XAT"]]):
        for place, value in enumerate(row):
            if (number, place) != (1, column):
                sheet.write(number, place, value)
    sheet.write(1, column, formula)
    return saved(book)


@pytest.mark.parametrize(("column", "place"), [(0, "A2"), (1, "B2"), (3, "D2"), (4, "E2"), (5, "F2")])
def test_a_formula_where_a_fact_is_needed_is_refused(column, place):
    with pytest.raises(StatementError) as caught:
        read_statement(statement_with(xlwt.Formula("1+4"), column), "x.xls")
    assert (caught.value.code, caught.value.place) == ("formula", f"Sao ke!{place}")


def test_without_the_formula_record_a_computed_amount_would_pass(monkeypatch):
    monkeypatch.setattr("bank_adapters.statements.xls_sheet.FORMULA", 0xFFFF)
    with pytest.raises(StatementError) as caught:
        read_statement(statement_with(xlwt.Formula("1+4"), 3), "x.xls")
    assert caught.value.code != "formula"


def with_results(*results: tuple[bytes, bytes]) -> bytes:
    """A sheet stream of formulas by hand: the eight bytes of a result, and what follows the record."""
    bof = struct.pack("<HHHH", 0x0809, 4, 0x0600, 0x0010)
    cells = b"".join(
        struct.pack("<HHHHH", 0x0006, 20, number, 0, 15) + result + bytes(6) + after
        for number, (result, after) in enumerate(results)
    )
    return bof + cells + struct.pack("<HH", 0x000A, 0)


def test_the_saved_result_of_a_formula_is_kept_beside_it():
    text = struct.pack("<HHHB", 0x0207, 4, 1, 0) + b"x"
    stream = with_results(
        (struct.pack("<d", 1.5), b""),
        (b"\x00\0\0\0\0\0\xff\xff", text),
        (b"\x01\0\x01\0\0\0\xff\xff", b""),
        (b"\x02\0\x07\0\0\0\xff\xff", b""),
    )
    builder = xls.SheetBuilder("s")
    xls.SheetReader(xls.Workbook([], frozenset(), False), builder).read(xls.records(stream, 0))
    assert [row.cells[0] for row in builder.sheet()] == [
        Formula("=", Decimal("1.5")),
        Formula("=", "x"),
        Formula("=", "TRUE"),
        Formula("=", "#DIV/0!"),
    ]


def test_hidden_sheets_are_not_read():
    book = xlwt.Workbook()
    book.add_sheet("Hiện").write(0, 0, "a")
    hidden = book.add_sheet("Ẩn")
    hidden.write(0, 0, "b")
    hidden.visibility = 1
    assert [sheet.name for sheet in read_tables(saved(book), "x.xls")] == ["Hiện"]


def test_a_cell_in_the_farthest_corner_costs_nothing():
    (found,) = read_tables(corner_xls(), "x.xls")
    assert [(row.number, len(row.cells)) for row in found] == [(1, 1), (65536, 256)]


def test_more_cells_than_the_limit_are_refused(monkeypatch):
    assert MAX_CELLS == 2_000_000
    monkeypatch.setattr("bank_adapters.statements.xls_sheet.MAX_CELLS", 10)
    with pytest.raises(StatementError) as caught:
        read_tables(bidv(), "x.xls")
    assert caught.value.code == "too_many_rows"


def test_a_password_is_named_so():
    data = bidv()
    name, other = "Workbook".encode("utf-16-le"), "EncryptedPackage".encode("utf-16-le")
    at = data.rindex(name)
    entry = other.ljust(64, b"\0") + struct.pack("<H", len(other) + 2)
    with pytest.raises(StatementError) as caught:
        read_tables(data[:at] + entry + data[at + 66 :], "x.xls")
    assert caught.value.code == "encrypted"
    lock = struct.pack("<HHH", 0x002F, 2, 0)
    begin = data.index(struct.pack("<HH", 0x0809, 16)) + 20
    with pytest.raises(StatementError) as caught:
        read_tables(data[:begin] + lock + data[begin + 6 :], "x.xls")
    assert caught.value.code == "encrypted"


def test_a_workbook_cut_anywhere_is_refused_or_lacks_nothing():
    data = bidv()
    whole = read_statement(data, "x.xls")
    refused = 0
    for cut in range(8, len(data), 61):
        try:
            assert read_statement(data[:cut], "x.xls") == whole  # what was cut off were empty places of a table
        except StatementError:
            refused += 1
    assert refused > len(data) // 61 * 9 // 10


def test_a_chain_of_sectors_that_bites_its_tail_is_refused():
    data = bytearray(bidv())
    table = 512 * (struct.unpack_from("<I", data, 76)[0] + 1)
    struct.pack_into("<I", data, table, 0)  # sector 0 follows itself
    with pytest.raises(StatementError):
        read_tables(bytes(data), "x.xls")


def test_mutated_workbooks_raise_nothing_but_declared_errors():
    rng = random.Random(11)
    data = every_kind_of_cell()[:60_000]
    outcomes = set()
    for source in [data, bidv()] * 150:
        try:
            read_tables(mutated_bytes(source, rng), "x.xls")
            outcomes.add("read")
        except StatementError as error:
            outcomes.add(error.code)
    assert "bad_container" in outcomes
