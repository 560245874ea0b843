"""Bank spreadsheets: the header wherever it stands, every row read or refused, no row lost in silence."""

import io
import json
from datetime import date
from pathlib import Path

import pytest
import xlsxwriter

from bank_adapters.statements import layouts
from bank_adapters.statements.errors import StatementError
from bank_adapters.statements.proof import prove
from bank_adapters.statements.read import read_statement

HEADER = "Ngày giao dịch,Số tham chiếu,Số tiền ghi nợ,Số tiền ghi có,Số dư,Mô tả"


def sheet(*rows: str, head: str = "", header: str = HEADER) -> bytes:
    return "\n".join([head, header, *rows, ""]).encode()


def read_one(data: bytes, layout=None):
    (statement,) = read_statement(data, "sao-ke.csv", layout)
    return statement


def error_of(data: bytes) -> StatementError:
    with pytest.raises(StatementError) as caught:
        read_statement(data, "sao-ke.csv")
    return caught.value


def test_the_other_export_of_vietcombank_is_read():
    statement = read_one(sheet("06/10/2025,00123,,1.500.000,1.500.000,HP7K3M9Q2XAT"))
    (line,) = statement.lines
    assert (line.bank_reference, line.amount_vnd, line.balance_after_vnd) == ("00123", 1_500_000, 1_500_000)
    assert (line.booked_on, line.value_date) == (date(2025, 10, 6), date(2025, 10, 6))


@pytest.mark.parametrize(
    "header",
    [
        "NGAY GIAO DICH,SO THAM CHIEU,SO TIEN GHI NO,SO TIEN GHI CO,SO DU,MO TA",
        "Ngày giao dịch (*),Số tham chiếu:,Số tiền ghi nợ (VND),Số tiền ghi có (VND),Số dư,Mô tả",
        '"Nga\u0300y giao di\u0323ch",Số tham chiếu,"Số tiền\nghi nợ","Số tiền\nghi có",Số dư,Mô tả',
        "Ngày giao dịch/Date,Số tham chiếu/Ref,Số tiền ghi nợ/Debit,Số tiền ghi có/Credit,Số dư/Balance,Mô tả/Text",
    ],
)
def test_the_header_is_found_in_any_spelling(header):
    assert len(read_one(sheet("06/10/2025,1,,5,5,a", header=header)).lines) == 1


def test_a_header_below_the_fortieth_row_is_not_found():
    assert len(read_one(sheet("06/10/2025,1,,5,5,a", head="x\n" * 37)).lines) == 1
    assert error_of(sheet("06/10/2025,1,,5,5,a", head="x\n" * 60)).code == "no_header"


def test_a_column_named_twice_is_no_column():
    header = HEADER.replace("Số dư", "Số tiền ghi có")
    assert error_of(sheet("06/10/2025,1,,5,6,a", header=header)).code == "no_header"


def test_columns_may_be_numbered_below_the_header():
    assert len(read_one(sheet("(1),(2),(3),(4),(5),(6)", "06/10/2025,1,,5,5,a")).lines) == 1


@pytest.mark.parametrize(
    ("row", "code", "place"),
    [
        ("06/10/2025,1,,1.5,5,a", "bad_amount", "D3"),
        ("06/10/2025,1,,5,5.55,a", "bad_amount", "E3"),
        ("06/10/2025,1,5,5,5,a", "bad_amount", "dòng 3"),
        ("06/10/2025,1,-5,,5,a", "bad_amount", "dòng 3"),
        ("06/10/2025,1,,,5,a", "missing_value", "dòng 3"),
        ("06/10/2025,1,,,,a", "missing_value", "dòng 3"),
        (",1,,5,5,a", "missing_value", "A3"),
        ("32/10/2025,1,,5,5,a", "bad_date", "A3"),
        ("2025,1,,5,5,a", "bad_date", "A3"),
    ],
)
def test_a_row_that_may_hold_money_is_read_or_refuses_the_file(row, code, place):
    error = error_of(sheet(row, "06/10/2025,2,,5,5,b"))
    assert (error.code, error.place) == (code, place)


@pytest.mark.parametrize(("column", "place"), [(1, "B2"), (5, "F2")])
def test_a_formula_where_a_payment_is_found_by_the_text_is_refused(column, place):
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    table = book.add_worksheet()
    table.write_row(0, 0, HEADER.split(","))
    table.write_row(1, 0, ["06/10/2025", "1", None, 5, 5, "a"])
    table.write_formula(1, column, '=HYPERLINK("http://x.invalid")', None, "HP7K3M9Q2XAT")
    book.close()
    with pytest.raises(StatementError) as caught:
        read_statement(out.getvalue(), "sao-ke.xlsx")
    assert (caught.value.code, caught.value.place) == ("formula", f"Sheet1!{place}")


def test_every_bad_row_is_named_at_once():
    error = error_of(sheet("06/10/2025,1,,1.5,5,a", "06/10/2025,2,,5,5,b", "x,3,,5,5,c"))
    assert [error.place, *(other.place for other in error.others)] == ["D3", "A5"]


def test_a_row_of_zero_and_a_row_of_text_are_passed_over_with_notice():
    statement = read_one(sheet("06/10/2025,1,0,0,5,a", "Trang 1/2,,,,,", "06/10/2025,2,,5,5,b"))
    assert [line.bank_reference for line in statement.lines] == ["2"]
    assert [notice.place for notice in statement.notices] == ["dòng 3", "dòng 4"]


@pytest.mark.parametrize(
    "footer",
    ["Ngày in,,,,Trang 1/1,", ",,,Kiểm soát viên,Kế toán trưởng,", ',,,"(Ký, họ tên)","(Ký, đóng dấu)",'],
)
def test_words_of_a_footer_below_columns_of_money_are_no_movement(footer):
    rows = ("06/10/2025,1,,5,5,a", footer, HEADER, "06/10/2025,2,,5,10,b", "Tổng cộng,,0,10,,", footer)
    statement = read_one(sheet(*rows))
    assert (len(statement.lines), prove(statement).ok) == (2, True)


@pytest.mark.parametrize("amount", ["5", "1.25O.000", "5 VND", "-5"])
def test_what_may_be_money_without_a_day_is_never_taken_for_a_footer(amount):
    assert error_of(sheet("06/10/2025,1,,5,5,a", f",,,{amount},,")).code in {"missing_value", "bad_amount"}


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("TNX Date,Doc No,Debit,Credit,Balance,Transactions in detail", "vietcombank/1"),
        ("Transaction Date,Transaction No,Debit,Credit,Balance,Details", "techcombank/1"),
        ("Ngày giao dịch,Số bút toán,Nợ TKTT,Có TKTT,Số dư,Diễn giải", "techcombank/1"),
    ],
)
def test_a_header_in_one_language_is_enough(header, name):
    statement = read_one(sheet("06/10/2025,1,,5,5,a", header=header))
    assert (statement.format, statement.lines[0].direction) == (name, "credit")


def test_a_memo_that_looks_like_a_total_is_a_line_all_the_same():
    statement = read_one(sheet("06/10/2025,1,,5,5,Tổng cộng 5 cháu", "06/10/2025,2,,5,10,Số dư cuối kỳ"))
    assert len(statement.lines) == 2
    assert statement.closing_vnd is None


def test_lines_after_the_totals_are_not_lost():
    rows = ("06/10/2025,1,,5,5,a", "Tổng cộng,,0,10,,", "06/10/2025,2,,5,10,b", "Người lập,,,,,")
    statement = read_one(sheet(*rows))
    assert len(statement.lines) == 2
    assert statement.credits_vnd == 10
    assert prove(statement).ok


def test_wrong_totals_break_the_proof():
    assert not prove(read_one(sheet("06/10/2025,1,,5,5,a", "Tổng cộng,,0,6,,"))).ok


@pytest.mark.parametrize("number", ["1.23457E+16", '"1,23457E+16"', "9E+15"])
def test_a_number_of_the_bank_that_a_spreadsheet_destroyed_is_refused_with_the_way_out(number):
    """It would be another payment than the same row in the bank's own file, and the same as its neighbours."""
    error = error_of(sheet(f"06/10/2025,{number},,100.000,,HP7K3M9Q2XAT"))
    assert (error.code, error.place) == ("bad_reference", "B3")
    assert "tải lại tệp gốc" in error.vi


@pytest.mark.parametrize("number", ["12345678901234567", "FT25E+1", "1E16", "E+16"])
def test_a_whole_number_of_the_bank_is_read_as_it_is(number):
    (line,) = read_one(sheet(f"06/10/2025,{number},,100.000,,HP7K3M9Q2XAT")).lines
    assert line.bank_reference == number


def test_two_different_opening_balances_are_refused():
    rows = ("Số dư đầu kỳ,,,,7,", "06/10/2025,1,,5,12,a")
    assert error_of(sheet(*rows, head="Số dư đầu kỳ: 8")).code == "bad_structure"
    assert read_one(sheet(*rows, head="Số dư đầu kỳ: 7 VND")).opening_vnd == 7


def test_another_currency_is_refused():
    assert error_of(sheet("06/10/2025,1,,5,5,a", head="Loại tiền: USD")).code == "bad_currency"
    assert read_one(sheet("06/10/2025,1,,5,5,a", head="Loại tiền: VND")).currency == "VND"


@pytest.mark.parametrize(
    "head", ["Số tài khoản: 0071 0012 34567", "Tài khoản/Account No,,00710 01234567", "Account number - 0071001234567"]
)
def test_the_account_number_is_found_above_the_header(head):
    assert read_one(sheet("06/10/2025,1,,5,5,a", head=head)).account_number == "0071001234567"


def test_a_layout_of_the_schools_own_is_the_only_one_tried():
    own = {
        "name": "ngan_hang_xa",
        "version": 3,
        "columns": {
            "booked_on": {"aliases": ["Ngày"]},
            "debit": {"aliases": ["Rút ra"]},
            "credit": {"aliases": ["Gửi vào"]},
            "description": {"aliases": ["Nội dung"]},
        },
    }
    data = sheet("06/10/2025,5,,a", header="Ngày,Gửi vào,Rút ra,Nội dung")
    statement = read_one(data, own)
    assert (statement.format, statement.lines[0].direction) == ("ngan_hang_xa/3", "credit")
    with pytest.raises(StatementError):
        read_statement(sheet("06/10/2025,1,,5,5,a"), "x", own)


@pytest.mark.parametrize(
    "own",
    [{}, {"version": 1, "columns": []}, {"version": 1, "columns": {"booked_on": {}}}, {"version": True, "columns": {}}],
)
def test_a_layout_that_is_none_is_refused(own):
    with pytest.raises(StatementError) as caught:
        read_statement(sheet("06/10/2025,1,,5,5,a"), "x", own)
    assert caught.value.code == "unknown_layout"


def test_a_header_that_two_layouts_read_differently_is_refused(monkeypatch):
    data = json.loads((Path(layouts.__file__).parent / "vietcombank.json").read_text("utf-8"))
    data["columns"]["debit"]["aliases"], data["columns"]["credit"]["aliases"] = ["so tien ghi co"], ["so tien ghi no"]
    both = (*layouts.built_in(), layouts.layout_from(data | {"name": "khac"}))
    monkeypatch.setattr(layouts, "built_in", lambda: both)
    assert error_of(sheet("06/10/2025,1,,5,5,a")).code == "unknown_layout"


def test_built_in_layouts_are_known_by_name_and_version():
    assert {(layout.name, layout.version) for layout in layouts.built_in()} >= {("vietcombank", 1), ("techcombank", 1)}


HEADLESS = "Ngày giao dịch,Số tham chiếu,Ghi nợ,Ghi có,Số dư,Diễn giải"


@pytest.mark.parametrize(
    ("head", "name"), [("Ngân hàng BIDV", "bidv/1"), ("NGÂN HÀNG NÔNG NGHIỆP VÀ PHÁT TRIỂN NÔNG THÔN", "agribank/1")]
)
def test_the_bank_named_above_the_table_decides_between_layouts_that_fit_alike(head, name):
    assert read_one(sheet("06/10/2025,1,,5,5,a", header=HEADLESS, head=head)).format == name


def test_layouts_that_fit_alike_and_read_alike_are_no_question():
    statement = read_one(sheet("06/10/2025,1,,5,5,a", header=HEADLESS))
    assert (statement.lines[0].amount_vnd, statement.lines[0].direction) == (5, "credit")


def test_the_words_for_balances_are_part_of_how_a_layout_reads(monkeypatch):
    data = json.loads((Path(layouts.__file__).parent / "bidv.json").read_text("utf-8"))
    other = layouts.layout_from(data | {"name": "khac", "closing": ["cong phat sinh"], "totals": []})
    monkeypatch.setattr(layouts, "built_in", lambda: (layouts.layout_from(data), other))
    error = error_of(sheet("06/10/2025,1,,5,5,a", header=HEADLESS))
    assert (error.code, "bidv" in error.vi, "khac" in error.vi) == ("unknown_layout", True, True)


@pytest.mark.parametrize("column", ["TK đối ứng", "Ngày chứng từ", "Số chứng từ"])
def test_the_schools_books_are_refused_for_there_a_debit_is_money_in(column):
    header = f"Ngày,Số tham chiếu,Diễn giải,Phát sinh Nợ,Phát sinh Có,Số dư,{column}"
    error = error_of(sheet("06/10/2025,1,thu tiền,5,,5,531", header=header))
    assert (error.code, "sổ kế toán" in error.vi) == ("unknown_layout", True)


ONE_AMOUNT = {
    "name": "mot_cot",
    "version": 1,
    "columns": {
        "booked_on": {"aliases": ["Ngày"]},
        "amount": {"aliases": ["Số tiền"]},
        "side": {"aliases": ["Nợ/Có"]},
        "description": {"aliases": ["Nội dung"]},
        "balance": {"aliases": ["Số dư"]},
    },
}


def test_one_column_of_amounts_says_its_side_by_sign_or_by_a_second_column():
    signed = sheet("06/10/2025,+1.500.000,a,10", "06/10/2025,-11.000,b,", header="Ngày,Số tiền,Nội dung,Số dư")
    sided = sheet("06/10/2025,1.500.000,C,a", "06/10/2025,11.000,D,b", header="Ngày,Số tiền,Nợ/Có,Nội dung")
    for data in (signed, sided):
        lines = read_one(data, ONE_AMOUNT).lines
        assert [(line.amount_vnd, line.direction) for line in lines] == [(1_500_000, "credit"), (11_000, "debit")]


def test_a_side_that_contradicts_its_sign_or_is_no_known_word_is_refused():
    for row, code in (("06/10/2025,-5,C,a", "bad_amount"), ("06/10/2025,5,?,a", "missing_value")):
        with pytest.raises(StatementError) as caught:
            read_one(sheet(row, header="Ngày,Số tiền,Nợ/Có,Nội dung"), ONE_AMOUNT)
        assert caught.value.code == code


def test_no_built_in_layout_takes_a_list_with_one_column_of_amounts_for_a_statement():
    assert error_of(sheet("06/10/2025,5,a", header="Ngày,Số tiền,Nội dung")).code == "no_header"
