"""Rows of the queue as CSV and XLSX: amounts are numbers, days are days, texts are never formulas."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import IO, Any

import xlsxwriter

from payments.console.queue.columns import COLUMNS, Chosen, cells, heading
from payments.console.queue.lines import Line
from payments.i18n import Language, Text

BOM = "\ufeff"
OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
TOTAL = Text("Tổng cộng", "Total")
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""A spreadsheet program takes a text that begins so for a formula; some, signs of full width as well (OWASP)."""
_FORMATS = {
    "text": {"num_format": "@", "valign": "top"},
    "money": {"num_format": "#,##0", "valign": "top"},
    "number": {"num_format": "0", "valign": "top"},
    "day": {"num_format": "dd/mm/yyyy", "align": "left", "valign": "top"},
    "moment": {"num_format": "hh:mm dd/mm/yyyy", "align": "left", "valign": "top"},
}


def csv_lines(lines: Iterable[Line], wanted: Sequence[Chosen], language: Language) -> Iterator[str]:
    """The file in pieces, as Excel in Vietnamese opens it: UTF-8 with BOM, semicolons."""
    yield BOM + _csv_row([heading(one, language) for one in wanted])
    for line in lines:
        yield _csv_row(cells(line, wanted, language))


def workbook(out: IO[bytes], lines: Iterable[Line], wanted: Sequence[Chosen], language: Language) -> None:
    """Write a workbook of one sheet: a heading that stays, rows, a sum under each column of money; A4 across."""
    book = xlsxwriter.Workbook(out, OPTIONS)
    sheet = book.add_worksheet("Hàng đợi" if language == "vi" else "Queue")
    formats = {kind: book.add_format(look) for kind, look in _FORMATS.items()}
    bold = book.add_format({"bold": True, "text_wrap": True, "bg_color": "#E8EEF7", "border": 1, "valign": "top"})
    sheet.set_landscape()
    sheet.set_paper(9)  # A4
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
    sheet.freeze_panes(1, 0)
    for number, one in enumerate(wanted):
        sheet.set_column(number, number, COLUMNS[one.key].width, formats[COLUMNS[one.key].kind])
        sheet.write_string(0, number, heading(one, language), bold)
    sums = {number: 0 for number, one in enumerate(wanted) if COLUMNS[one.key].kind == "money"}
    last = 0
    for last, line in enumerate(lines, start=1):
        for number, (one, value) in enumerate(zip(wanted, cells(line, wanted, language), strict=True)):
            _write(sheet, last, number, value, formats[COLUMNS[one.key].kind])
            if number in sums:
                sums[number] += value or 0
    sheet.autofilter(0, 0, max(last, 1), len(wanted) - 1)
    _footer(sheet, last + 1, sums, book.add_format({"bold": True, "top": 1, "num_format": "#,##0"}), language)
    book.close()


def _footer(sheet: Any, row: int, sums: dict[int, int], look: Any, language: Language) -> None:
    if 0 not in sums:
        sheet.write_string(row, 0, TOTAL.in_(language), look)
    for number, sum_vnd in sums.items():
        sheet.write_number(row, number, sum_vnd, look)


def _write(sheet: Any, row: int, number: int, value: Any, look: Any) -> None:
    if value is None or value == "":
        return
    if isinstance(value, date):
        sheet.write_datetime(row, number, value, look)
    elif isinstance(value, int):
        sheet.write_number(row, number, value, look)
    else:
        sheet.write_string(row, number, str(value), look)


def _csv_row(values: Sequence[Any]) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=";", lineterminator="\r\n").writerow([_csv_cell(value) for value in values])
    return out.getvalue()


def _csv_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%d/%m/%Y %H:%M}"
    if isinstance(value, date):
        return f"{value:%d/%m/%Y}"
    if isinstance(value, int):
        return str(value)
    text = str(value)
    return f"'{text}" if text.startswith(_DANGEROUS) else text
