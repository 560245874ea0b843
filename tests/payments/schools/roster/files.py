"""Rosters as schools send them: the same rows through openpyxl, XlsxWriter and CSV."""

import csv
import io
from datetime import date

import openpyxl
import xlsxwriter

from bank_adapters.statements.rows import Row
from payments.schools.roster.columns import COLUMNS
from payments.schools.sheets import Layout, layout_of

HEADERS = [
    "STT",
    "Mã lớp",
    "Mã định danh Bộ GD&ĐT (trên CSDL ngành)",
    "Họ tên",
    "Ngày sinh (dd/mm/yyyy)",
    "Giới tính",
    "Dân tộc",
    "Trạng thái",
    "Số ĐDCN",
    "Họ tên người giám hộ",
    "Điện thoại người giám hộ",
    "Email người giám hộ",
]
KEYS = ["no", "class_name", "sector_id", "full_name", "born", "sex", "people", "status", "personal_id"]
KEYS += ["guardian_name", "guardian_phone", "guardian_email"]


def pupil(number: int, **other: object) -> list[object]:
    """A row of the template for an invented pupil; 0000… and 098… belong to nobody."""
    cells = {
        "no": number,
        "class_name": "1A",
        "sector_id": f"09{number:08d}",
        "full_name": f"Nguyễn Văn {chr(65 + number % 26)}n",
        "born": date(2018, 1 + number % 12, 1 + number % 28),
        "sex": "Nam",
        "people": "Kinh",
        "status": None,
        "personal_id": f"098218{number:06d}",
        "guardian_name": "Trần Thị Mẫu",
        "guardian_phone": f"0000{number:06d}",
        "guardian_email": None,
    } | other
    return [cells[key] for key in KEYS]


def by_xlsxwriter(rows: list[list[object]], headers: list[str] = HEADERS, above: int = 0) -> bytes:
    """The rows as XlsxWriter saves them, with title lines above."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_formulas": False}) as book:
        sheet, day = book.add_worksheet("Danh sách"), book.add_format({"num_format": "dd/mm/yyyy"})
        for line in range(above):
            sheet.write_string(line, 0, "TRƯỜNG TIỂU HỌC HOA PHƯỢNG (MẪU)")
        for line, cells in enumerate([headers, *rows], start=above):
            for place, value in enumerate(cells):
                if isinstance(value, date):
                    sheet.write_datetime(line, place, value, day)
                elif isinstance(value, str) and value.startswith("{="):
                    sheet.write_formula(line, place, value[1:], None, "x")
                elif value is not None:
                    sheet.write(line, place, value)
    return buffer.getvalue()


def by_openpyxl(rows: list[list[object]], headers: list[str] = HEADERS) -> bytes:
    """The rows as openpyxl saves them."""
    book = openpyxl.Workbook()
    book.active.append(headers)
    for cells in rows:
        book.active.append(cells)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def by_csv(rows: list[list[object]], headers: list[str] = HEADERS, delimiter: str = ",") -> bytes:
    """The rows as a spreadsheet program exports them."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter)
    writer.writerow(headers)
    for cells in rows:
        writer.writerow([value.strftime("%d/%m/%Y") if isinstance(value, date) else value for value in cells])
    return "\ufeff".encode() + buffer.getvalue().encode()


def layout() -> Layout:
    """The layout of ``HEADERS``."""
    return layout_of(Row("Danh sách", 1, tuple(HEADERS)), COLUMNS)
