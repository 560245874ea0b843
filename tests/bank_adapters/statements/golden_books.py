"""Writes the golden samples that are no text: ``python -m tests.bank_adapters.statements.golden_books``.

The shapes follow the layouts; every number, name and memo is invented.
"""

import io
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import xlsxwriter
import xlwt

GOLDEN = Path(__file__).parent / "golden"
WRITTEN_AT = datetime(2025, 1, 1, tzinfo=UTC).replace(tzinfo=None)  # a fixed day keeps a file the same
OPENING = 10_000_000
MOVES: list[tuple[str, str, str, int, str]] = [
    # day, reference, debit or credit, đồng, memo
    ("06/10/2025", "2510060001", "credit", 1_500_000, "HP7K3M9Q2XAT nop tien an thang 10"),
    ("06/10/2025", "2510060002", "debit", 11_000, "Phi quan ly tai khoan"),
    ("07/10/2025", "2510070003", "credit", 650_000, "Tổng cộng 2 con lop 1A 2B"),
]


def running() -> list[int]:
    """Balances after each movement."""
    balance, found = OPENING, []
    for _, _, side, amount, _ in MOVES:
        balance += amount if side == "credit" else -amount
        found.append(balance)
    return found


def day(text: str) -> date:
    """A day of dd/mm/yyyy."""
    return date(int(text[6:]), int(text[3:5]), int(text[:2]))


def bidv() -> bytes:
    """XLS of Excel 97-2003: days as serials, amounts as numbers, opening balance above, three footer rows."""
    book = xlwt.Workbook()
    sheet = book.add_sheet("Sao ke")
    as_day = xlwt.easyxf(num_format_str="DD/MM/YYYY")
    for number, text in enumerate(
        ["NGÂN HÀNG TMCP ĐẦU TƯ VÀ PHÁT TRIỂN VIỆT NAM (BIDV)", "Số tài khoản: 2151 0000 123456", "Loại tiền: VND"]
    ):
        sheet.write(number, 0, text)
    sheet.write(3, 0, "Từ ngày 06/10/2025 đến ngày 07/10/2025")
    titles = ["STT", "Ngày HL", "Số tham chiếu", "Ghi nợ", "Ghi có", "Số dư", "Mô tả"]
    for column, title in enumerate(titles):
        sheet.write(5, column, title)
    sheet.write(6, 1, "Số dư đầu kỳ")
    sheet.write(6, 5, OPENING)
    at = 7
    for number, (move, balance) in enumerate(zip(MOVES, running(), strict=True)):
        at = 7 + number
        text, reference, side, amount, memo = move
        sheet.write(at, 0, number + 1)
        sheet.write(at, 1, day(text), as_day)
        sheet.write(at, 2, reference)
        sheet.write(at, 3 if side == "debit" else 4, amount)
        sheet.write(at, 5, balance)
        sheet.write(at, 6, memo)
    for column, value in ((1, "Cộng phát sinh"), (3, 11_000), (4, 2_150_000)):
        sheet.write(at + 1, column, value)
    sheet.write(at + 2, 1, "Số dư cuối kỳ")
    sheet.write(at + 2, 5, running()[-1])
    sheet.write(at + 4, 4, "Kiểm soát viên")
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def corner_xls() -> bytes:
    """A small XLS with one cell in the first and one in the farthest corner, and no statement."""
    book = xlwt.Workbook()
    sheet = book.add_sheet("a")
    sheet.write(0, 0, 1)
    sheet.write(65_535, 255, 1)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def tpbank() -> bytes:
    """XLSX, sheet «VN», header in row 9, moments as text, grouped text amounts."""
    out, book, sheet = opened("VN")
    for number, text in enumerate(
        ["TIEN PHONG BANK (TPBank)", "Số tài khoản: 0000 1234 567", "Số dư đầu kỳ: 10.000.000"]
    ):
        sheet.write_string(number, 1, text)
    titles = ["Ngày thực hiện", "Ngày hiệu lực", "Mô tả giao dịch", "Ghi nợ", "Ghi có", "Số dư", "Tài khoản đối ứng"]
    sheet.write_row(8, 0, titles)
    for number, (move, balance) in enumerate(zip(MOVES, running(), strict=True), start=9):
        text, _, side, amount, memo = move
        sides = [grouped(amount) if side == name else "" for name in ("debit", "credit")]
        sheet.write_row(number, 0, [f"{text} 08:15:0{number % 10}", text, memo, *sides, grouped(balance), "0011000099"])
    sheet.write_row(12, 0, ["Tổng cộng", "", "", grouped(11_000), grouped(2_150_000)])
    sheet.write_row(13, 0, ["Số dư cuối kỳ", "", "", "", "", grouped(running()[-1])])
    book.close()
    return out.getvalue()


def mb() -> bytes:
    """XLSX with days counted from 1904, two header rows with merged cells, amounts as numbers."""
    out, book, sheet = opened("MB Bank", date_1904=True)
    as_day = book.add_format({"num_format": "dd/mm/yyyy"})
    sheet.write_string(0, 0, "NGÂN HÀNG TMCP QUÂN ĐỘI")
    sheet.write_string(1, 0, "Số tài khoản: 0801 1234 56789")
    sheet.write_string(2, 0, "Số dư đầu kỳ: 10,000,000")
    sheet.merge_range(4, 2, 4, 3, "Phát sinh")
    for column, title in ((0, "Ngày giao dịch"), (1, "Số bút toán"), (4, "Số dư"), (5, "Nội dung")):
        sheet.merge_range(4, column, 5, column, title)
    sheet.write_row(5, 2, ["Nợ", "Có"])
    for number, (move, balance) in enumerate(zip(MOVES, running(), strict=True), start=6):
        text, reference, side, amount, memo = move
        if number == 7:  # a day whose cell lost its format is a bare number
            sheet.write_number(number, 0, (day(text) - date(1904, 1, 1)).days)
        else:
            sheet.write_datetime(number, 0, day(text), as_day)
        sheet.write_string(number, 1, f"FT{reference}")
        sheet.write_number(number, 2 if side == "debit" else 3, amount)
        sheet.write_number(number, 4, balance)
        sheet.write_string(number, 5, memo)
    sheet.write_row(9, 1, ["Cộng phát sinh", 11_000, 2_150_000])
    sheet.write_row(10, 1, ["Số dư cuối kỳ", "", "", running()[-1]])
    book.close()
    return out.getvalue()


def opened(name: str, **options: bool) -> tuple[io.BytesIO, Any, Any]:
    """A workbook with one sheet."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, **options})
    book.set_properties({"created": WRITTEN_AT})
    return out, book, book.add_worksheet(name)


def grouped(amount: int) -> str:
    """An amount as Vietnamese programs show it."""
    return f"{amount:,}".replace(",", ".")


if __name__ == "__main__":
    for file, data in (("bidv.xls", bidv()), ("tpbank.xlsx", tpbank()), ("mb.xlsx", mb())):
        (GOLDEN / file).write_bytes(data)
