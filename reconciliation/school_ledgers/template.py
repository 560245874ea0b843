"""Our own ledger template: an XLSX that any school can fill from any accounting software."""

import io
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import xlsxwriter

from reconciliation.school_ledgers.model import LedgerRow

COLUMNS = (
    ("Ngày ghi sổ (*)", 14, "Ngày/tháng/năm, ví dụ 06/10/2025."),
    ("Số chứng từ", 16, "Số giấy báo có, phiếu thu hoặc bảng kê."),
    ("Ngày chứng từ", 14, "Ngày/tháng/năm; để trống nếu trùng ngày ghi sổ."),
    ("Diễn giải (*)", 46, "Nội dung như trong sổ; giữ nguyên mã HP… nếu có."),
    ("Tài khoản (*)", 14, "Tài khoản của dòng, ví dụ 1121.02 (tiền gửi) hoặc 1111 (tiền mặt)."),
    ("TK đối ứng", 14, "Ví dụ 531, 3381, 3388."),
    ("Phát sinh Nợ", 16, "Số nguyên đồng; tiền vào quỹ hoặc tài khoản ghi bên Nợ."),
    ("Phát sinh Có", 16, "Số nguyên đồng; mỗi dòng chỉ ghi một bên."),
    ("Mã thanh toán", 18, "Mã HP… trên thông báo thu tiền, nếu biết."),
    ("Hình thức", 16, "Chọn trong danh sách: Chuyển khoản hoặc Tiền mặt."),
)
METHODS = ("Chuyển khoản", "Tiền mặt")
SHEET, LISTS, HELP = "Sổ chi tiết", "Danh mục", "Hướng dẫn"
PREPARED_ROWS = 5000
_WRITTEN_AT = datetime(2025, 1, 1, tzinfo=UTC).replace(tzinfo=None)  # a fixed day keeps the file the same


def write_template(rows: Sequence[LedgerRow] = ()) -> bytes:
    """Write the template, empty or with rows; texts stay texts, so nothing in it is ever computed."""
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(out, options)
    book.set_properties({"title": "Sổ chi tiết tài khoản", "created": _WRITTEN_AT})
    formats = {
        "head": book.add_format({"bold": True, "text_wrap": True, "bg_color": "#E8EEF7", "border": 1}),
        "day": book.add_format({"num_format": "dd/mm/yyyy"}),
        "text": book.add_format({"num_format": "@"}),
        "money": book.add_format({"num_format": "#,##0"}),
    }
    sheet = book.add_worksheet(SHEET)
    write_columns(sheet, formats)
    for number, row in enumerate(rows, start=1):
        write_row(sheet, number, row, formats)
    lists = book.add_worksheet(LISTS)
    lists.write_column(0, 0, ["Hình thức", *METHODS])
    write_help(book.add_worksheet(HELP), formats)
    book.close()
    return out.getvalue()


def write_columns(sheet: Any, formats: dict[str, Any]) -> None:
    """Write the header, the formats of the columns below it and the checks on what may be typed there."""
    kinds = ("day", "text", "day", "text", "text", "text", "money", "money", "text", "text")
    for column, ((title, width, _), kind) in enumerate(zip(COLUMNS, kinds, strict=True)):
        sheet.set_column(column, column, width, formats[kind])
        sheet.write_string(0, column, title, formats["head"])
    sheet.freeze_panes(1, 0)
    sheet.data_validation(
        1, 9, PREPARED_ROWS, 9, {"validate": "list", "source": f"='{LISTS}'!$A$2:$A${len(METHODS) + 1}"}
    )
    whole = {"validate": "integer", "criteria": ">=", "value": 0, "error_message": "Hãy nhập số nguyên đồng."}
    sheet.data_validation(1, 6, PREPARED_ROWS, 7, whole)


def write_row(sheet: Any, number: int, row: LedgerRow, formats: dict[str, Any]) -> None:
    """Write one posting."""
    write_day(sheet, number, 0, row.booked_on, formats)
    write_day(sheet, number, 2, row.document_date, formats)
    texts = {1: row.document_no, 3: row.description, 4: row.account_code, 5: row.contra_account, 8: row.reference}
    for column, text in {**texts, 9: METHODS[row.is_cash]}.items():
        if text:
            sheet.write_string(number, column, text, formats["text"])
    for column, amount_vnd in ((6, row.debit_vnd), (7, row.credit_vnd)):
        if amount_vnd:
            sheet.write_number(number, column, amount_vnd, formats["money"])


def write_day(sheet: Any, number: int, column: int, day: date | None, formats: dict[str, Any]) -> None:
    """Write a day as a day."""
    if day is not None:
        sheet.write_datetime(number, column, day, formats["day"])


def write_help(sheet: Any, formats: dict[str, Any]) -> None:
    """Write what each column means."""
    sheet.set_column(0, 0, 20)
    sheet.set_column(1, 1, 90)
    sheet.write_row(0, 0, ["Cột", "Cách ghi"], formats["head"])
    for number, (title, _, text) in enumerate(COLUMNS, start=1):
        sheet.write_row(number, 0, [title, text])
    rules = (
        "Cột có dấu (*) là bắt buộc. Mỗi dòng ghi một bên: Nợ hoặc Có.",
        "Không dùng công thức: chép rồi dán dạng giá trị (Paste Values).",
        "Nộp lại cùng một tệp không làm phát sinh dòng mới; thứ tự dòng không quan trọng.",
    )
    for number, text in enumerate(rules, start=len(COLUMNS) + 2):
        sheet.write_string(number, 0, text)
