"""XLSX files for the accountant: the empty template, and the refused rows of a file with what to correct.

No text ever becomes a formula or a link, and identifiers are text cells, so that leading zeros stay.
"""

import io
from collections.abc import Sequence
from typing import Any

import xlsxwriter

from bank_adapters.statements.tables import Row, Sheet
from bank_adapters.statements.values import text_of
from payments.schools.problems import Problem
from payments.schools.roster.columns import COLUMNS
from payments.schools.roster.report import RosterReport
from payments.schools.sheets import find_layout, guarded_tables

LIST_SHEET, CATALOGUE_SHEET, GUIDE_SHEET = "Danh sách", "Danh mục", "Hướng dẫn"
REASON, FIX = "Lý do lỗi", "Cách sửa"
CATALOGUES = {
    "sex": ("Giới tính", ("Nam", "Nữ")),
    "status": ("Trạng thái", ("Đang học", "Chuyển đi", "Thôi học")),
    "identity": ("Xác thực ĐDCN", ("Đã xác thực", "Chưa xác thực")),
}
TEMPLATE_ROWS = 5000
SAFE: dict[str, Any] = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
GUIDE = (
    "Mỗi học sinh một dòng. Cột có dấu (*) là bắt buộc. Không đổi tên cột; thứ tự cột và dòng tùy ý.",
    "Mã định danh, số định danh, điện thoại: ô dạng Văn bản (Text), giữ số 0 ở đầu. Chữ dùng phông Unicode.",
    "Nộp lại cùng danh sách không làm thay đổi gì. Học sinh không có trong tệp được liệt kê, không bị xóa.",
    "Chỉ điền những cột dưới đây. Cột khác (dân tộc, địa chỉ…) không được lưu.",
)


def roster_template() -> bytes:
    """Build the empty template: the list, the catalogues behind its drop-downs, and how to fill it in."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, SAFE) as book:
        formats = {"head": book.add_format({"bold": True, "text_wrap": True, "bg_color": "#DDEBF7", "border": 1})}
        formats["text"] = book.add_format({"num_format": "@"})
        formats["day"] = book.add_format({"num_format": "dd/mm/yyyy"})
        write_list(book.add_worksheet(LIST_SHEET), formats)
        write_catalogues(book.add_worksheet(CATALOGUE_SHEET), formats)
        write_guide(book.add_worksheet(GUIDE_SHEET), formats)
    return buffer.getvalue()


def write_list(sheet: Any, formats: dict[str, Any]) -> None:
    """Write the headers, text formats and drop-downs of the list."""
    sheet.freeze_panes(1, 0)
    sheet.write_string(0, 0, "STT", formats["head"])
    for place, column in enumerate(COLUMNS, start=1):
        form = formats["day"] if column.key == "date_of_birth" else formats["text"]
        sheet.set_column(place, place, max(12, len(column.header) + 4), form)
        sheet.write_string(0, place, f"{column.header} (*)" if column.required else column.header, formats["head"])
        sheet.write_comment(0, place, column.takes.vi)
        if column.key in CATALOGUES:
            letter = "ABC"[list(CATALOGUES).index(column.key)]
            last = len(CATALOGUES[column.key][1]) + 1
            source = f"='{CATALOGUE_SHEET}'!${letter}$2:${letter}${last}"
            sheet.data_validation(1, place, TEMPLATE_ROWS, place, {"validate": "list", "source": source})


def write_catalogues(sheet: Any, formats: dict[str, Any]) -> None:
    """Write the values that drop-downs offer."""
    for place, (title, values) in enumerate(CATALOGUES.values()):
        sheet.set_column(place, place, 20)
        sheet.write_string(0, place, title, formats["head"])
        for line, value in enumerate(values, start=1):
            sheet.write_string(line, place, value)


def write_guide(sheet: Any, formats: dict[str, Any]) -> None:
    """Write how to fill in the list, and what each column takes, in both languages."""
    sheet.set_column(0, 0, 28)
    sheet.set_column(1, 2, 60)
    for line, sentence in enumerate(GUIDE):
        sheet.write_string(line, 0, sentence)
    for place, title in enumerate(("Cột", "Nội dung", "In English")):
        sheet.write_string(len(GUIDE) + 1, place, title, formats["head"])
    for line, column in enumerate(COLUMNS, start=len(GUIDE) + 2):
        for place, text in enumerate((column.header, column.takes.vi, column.takes.en)):
            sheet.write_string(line, place, text)


def refused_rows(data: bytes, filename: str, report: RosterReport) -> bytes:
    """Build a workbook of the rows that were refused, with «Lý do lỗi» and «Cách sửa»: correct it and import it.

    Raises DomainError when the file cannot be read.
    """
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, SAFE) as book:
        wrong = book.add_format({"bg_color": "#F8CBAD", "num_format": "@"})
        text = book.add_format({"num_format": "@"})
        for number, sheet in enumerate(guarded_tables(data, filename), start=1):
            refused = [row for row in report.problems if row.kind.refuses and row.sheet == sheet.name]
            if refused:
                target = book.add_worksheet(sheet.name[:31] or f"Trang {number}")
                write_refused(target, sheet, refused, (text, wrong))
        if not book.worksheets():
            book.add_worksheet(LIST_SHEET)
    return buffer.getvalue()


def write_refused(target: Any, sheet: Sheet, refused: Sequence[Problem], formats: tuple[Any, Any]) -> None:
    """Write header, refused rows as they came, and reasons beside them; wrong cells carry a comment."""
    layout = find_layout(sheet, COLUMNS)
    if layout is None:
        return
    header = next(row for row in sheet.rows if row.number == layout.header_row)
    width = max(len(row.cells) for row in sheet.rows)
    for place, value in enumerate([*header.cells, *[None] * (width - len(header.cells)), REASON, FIX]):
        target.write_string(0, place, text_of(value))
    lines = dict.fromkeys(problem.line for problem in refused)
    by_number = {row.number: row for row in sheet.rows}
    for target_line, line in enumerate(sorted(lines), start=1):
        told = [problem for problem in refused if problem.line == line]
        write_row(target, target_line, by_number[line], told, formats)
        target.write_string(target_line, width, "\n".join(f"{row.column}: {row.kind.reason.vi}" for row in told))
        target.write_string(target_line, width + 1, "\n".join(row.kind.fix.vi for row in told))


def write_row(target: Any, line: int, row: Row, told: Sequence[Problem], formats: tuple[Any, Any]) -> None:
    """Write the cells of one refused row as text."""
    text, wrong = formats
    for place, value in enumerate(row.cells):
        target.write_string(line, place, text_of(value), text)
    for problem in told:
        if problem.cell:
            place = column_of(problem.cell)
            target.write_string(line, place, text_of(row.cell(place)), wrong)
            target.write_comment(line, place, problem.kind.fix.vi)


def column_of(cell: str) -> int:
    """Count the column of a cell name from 0: «C14» is 2."""
    number = 0
    for letter in cell.rstrip("0123456789"):
        number = number * 26 + ord(letter) - 64
    return number - 1
