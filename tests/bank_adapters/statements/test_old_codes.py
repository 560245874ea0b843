"""Vietnamese from before Unicode is named, with the place and the way out; Vietnamese in Unicode never is."""

import unicodedata

import pytest

from bank_adapters.statements import old_codes
from bank_adapters.statements.errors import StatementError
from bank_adapters.statements.read import read_statement
from bank_adapters.statements.tables import read_tables

HEADER = "Ngày giao dịch,Số tham chiếu,Số tiền ghi nợ,Số tiền ghi có,Số dư,Mô tả"
TCVN3 = "Ngµy giao dÞch,Sè tham chiÕu,Sè tiÒn ghi nî,Sè tiÒn ghi cã,Sè d­,M« t¶"
VNI = "Ngaøy giao dòch,Soá tham chieáu,Soá tieàn ghi nôï,Soá tieàn ghi coù,Soá dö,Moâ taû"
ROW = "06/10/2025,1,,5,5,HP7K3M9Q2XAT"
PLAIN = """Trường Tiểu học Nguyễn Bỉnh Khiêm quá hoà huỷ khoẻ tuỳ thuở nghiêng ngoằn ngoèo quýt giếng xuyên
Đóng tiền ăn bán trú cho cháu Lê Thị Mỹ Uyên lớp 1A, khoá học hè; SỐ TÀI KHOẢN, QUẢN LÝ, HỌC PHÍ, LÒ ĐÒ, À Ừ Ý Ạ"""


def error_of(data: bytes) -> StatementError:
    with pytest.raises(StatementError) as caught:
        read_statement(data, "sao-ke.csv")
    return caught.value


def with_tone_apart(char: str) -> str:
    """As Windows-1258 holds a letter: the tone after it, other marks in it."""
    spread = unicodedata.normalize("NFD", char)
    tones = "".join(mark for mark in spread if mark in "\u0300\u0301\u0303\u0309\u0323")
    return unicodedata.normalize("NFC", "".join(mark for mark in spread if mark not in tones)) + tones


@pytest.mark.parametrize(("header", "code"), [(TCVN3, "TCVN3 (ABC)"), (VNI, "VNI")])
def test_a_file_in_an_old_code_is_named_with_its_first_cell(header, code):
    error = error_of(f"{header}\n{ROW}\n".encode())
    assert (error.code, error.place) == ("bad_encoding", "A1")
    assert code in error.vi
    assert "Unicode" in error.vi
    assert "A1" in error.en


@pytest.mark.parametrize(
    ("text", "encoding", "code"),
    [
        (TCVN3, "latin-1", "TCVN3 (ABC)"),
        (VNI, "cp1252", "VNI"),
        (unicodedata.normalize("NFC", HEADER), "cp1258", "Windows-1258"),
    ],
)
def test_a_text_file_that_is_not_utf_8_is_told_which_code_it_is_in(text, encoding, code):
    if encoding == "cp1258":
        text = "".join(map(with_tone_apart, text))
    error = error_of(f"sao ke\n{text}\n{ROW}\n".encode(encoding))
    assert (error.code, error.place) == ("bad_encoding", "dòng 2")
    assert code in error.vi


def test_another_foreign_code_is_refused_without_a_guess():
    assert error_of(f"Ngày,Số\n{ROW}\n".encode().replace(b"\xc3\xa0", b"\xff")).vi.startswith("Tệp không dùng")


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_vietnamese_in_unicode_is_never_taken_for_an_old_code(form):
    count = old_codes.Count()
    count.add(unicodedata.normalize(form, PLAIN))
    assert (count.tcvn3, count.vni, count.code) == (0, 0, None)


@pytest.mark.parametrize("text", ["Müller & Söhne © 2025 «Café» François", "3×4 ½ ® ¬ ¹ ²", "Ñandú Østergård"])
def test_foreign_names_and_marks_are_no_old_code(text):
    read_tables(f"{text},{text}\n".encode(), "x.csv")


def test_one_memo_in_an_old_code_is_kept_and_noted():
    memo = "Nép tiÒn häc phÝ th¸ng m­êi"
    (statement,) = read_statement(f"{HEADER}\n06/10/2025,1,,5,5,{memo}\n06/10/2025,2,,5,10,x\n".encode(), "x.csv")
    assert statement.lines[0].description == unicodedata.normalize("NFC", memo)
    assert [(notice.code, notice.place) for notice in statement.notices] == [("old_code", "dòng 2")]


def test_without_the_check_the_text_would_be_stored_as_it_is(monkeypatch):
    monkeypatch.setattr("bank_adapters.statements.tables.refuse_old_codes", lambda sheets: None)
    (sheet,) = read_tables(f"{TCVN3}\n{ROW}\n".encode(), "x.csv")
    assert sheet.rows[0].cell(0) == "Ngµy giao dÞch"
