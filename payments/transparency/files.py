"""The published rounds as CSV and XLSX: the columns of the page, sums as numbers, texts never as formulas."""

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import xlsxwriter

from payments.clock import day_of
from payments.fees.terms import LegalGroup, Unit
from payments.i18n import Language, Text
from payments.transparency.queries import Published, PublishedItem

BOM = "\ufeff"
SAFE = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
SOME_DAY = datetime(2025, 9, 1, tzinfo=UTC)
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""A spreadsheet program takes a text that begins so for a formula (OWASP)."""

GROUPS = {
    LegalGroup.TUITION: Text("học phí", "tuition"),
    LegalGroup.AGENCY: Text("thu hộ", "collected for others"),
    LegalGroup.SERVICE: Text("dịch vụ theo thỏa thuận", "service by agreement"),
    LegalGroup.SPONSORSHIP: Text("tài trợ", "sponsorship"),
}
UNITS = {
    Unit.MONTH: Text("tháng", "month"),
    Unit.SEMESTER: Text("học kỳ", "semester"),
    Unit.YEAR: Text("năm", "year"),
    Unit.DAY: Text("ngày", "day"),
    Unit.HOUR: Text("giờ", "hour"),
    Unit.PERIOD: Text("tiết", "period"),
    Unit.KM: Text("km", "km"),
    Unit.ONCE: Text("lần", "once"),
    Unit.FREE_AMOUNT: Text("tùy tâm", "free amount"),
}
MANDATORY = Text("bắt buộc", "mandatory")
VOLUNTARY = Text("tự nguyện", "voluntary")
OVER = Text("cao hơn mức trần", "above the ceiling")

_COLUMNS = (
    Text("Năm học", "School year"),
    Text("Đợt thu", "Round"),
    Text("Khoản thu", "Fee item"),
    Text("Nhóm", "Group"),
    Text("Tính chất", "Nature"),
    Text("Đơn vị tính", "Unit"),
    Text("Mức thu thấp nhất (đồng)", "Lowest price (đồng)"),
    Text("Mức thu cao nhất (đồng)", "Highest price (đồng)"),
    Text("Mức trần (đồng)", "Ceiling (đồng)"),
    Text("Căn cứ của mức trần", "Basis of the ceiling"),
    Text("So với mức trần", "Against the ceiling"),
    Text("Căn cứ thu", "Basis of the fee"),
    Text("Phải thu, làm tròn xuống (đồng)", "Billed, rounded down (đồng)"),
    Text("Đã thu, làm tròn xuống (đồng)", "Collected, rounded down (đồng)"),
    Text("Làm tròn đến (đồng)", "Rounded to (đồng)"),
    Text("Số liệu đến hết ngày", "Counted to the end of"),
)
_WIDTHS = (11, 24, 28, 18, 12, 10, 14, 14, 14, 32, 16, 32, 18, 18, 12, 14)


def counted_day(counted_until: datetime) -> date:
    """The last day that is counted whole."""
    return day_of(counted_until) - timedelta(days=1)


WORDS = {"groups": GROUPS, "units": UNITS, "counted_day": counted_day}
"""What the table of fees is written with, on the public page and in the desk's preview."""


def csv_text(rounds: Sequence[Published], language: Language) -> str:
    """The file as Excel in Vietnamese opens it: UTF-8 with BOM, semicolons."""
    out = io.StringIO()
    out.write(BOM)
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow([column.in_(language) for column in _COLUMNS])
    writer.writerows([_csv_cell(value) for value in row] for row in _rows(rounds, language))
    return out.getvalue()


def workbook(rounds: Sequence[Published], language: Language) -> bytes:
    """A workbook of one sheet, A4 across, its heading repeated on each page."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, SAFE) as book:
        # The same figures make the same bytes, so that a cache can tell.
        book.set_properties({"created": SOME_DAY})
        sheet = book.add_worksheet("Công khai" if language == "vi" else "Public")
        head = book.add_format({"bold": True, "text_wrap": True, "border": 1, "valign": "top"})
        text = book.add_format({"num_format": "@", "text_wrap": True, "valign": "top"})
        money = book.add_format({"num_format": "#,##0", "valign": "top"})
        day = book.add_format({"num_format": "dd/mm/yyyy", "align": "left", "valign": "top"})
        sheet.set_landscape()
        sheet.set_paper(9)  # A4
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)
        sheet.freeze_panes(1, 0)
        for number, (column, width) in enumerate(zip(_COLUMNS, _WIDTHS, strict=True)):
            sheet.set_column(number, number, width)
            sheet.write_string(0, number, column.in_(language), head)
        for row, values in enumerate(_rows(rounds, language), start=1):
            for number, value in enumerate(values):
                if isinstance(value, date):
                    sheet.write_datetime(row, number, value, day)
                elif isinstance(value, int):
                    sheet.write_number(row, number, value, money)
                elif value:
                    sheet.write_string(row, number, value, text)
    return out.getvalue()


def _rows(rounds: Sequence[Published], language: Language) -> Iterator[list[Any]]:
    for one in rounds:
        for item in one.items:
            yield [one.year, one.name, *_row(item, language)]


def _row(item: PublishedItem, language: Language) -> list[Any]:
    terms, ceiling = item.terms, item.ceiling
    shown = item.billed_vnd is not None or item.collected_vnd is not None
    return [
        terms.name,
        GROUPS[terms.legal_group].in_(language),
        (MANDATORY if terms.mandatory else VOLUNTARY).in_(language),
        UNITS[terms.unit].in_(language),
        min(item.prices_vnd, default=None),
        max(item.prices_vnd, default=None),
        ceiling.ceiling_vnd if ceiling else None,
        ceiling.document if ceiling else "",
        OVER.in_(language) if item.over_ceiling else "",
        terms.legal_basis,
        item.billed_vnd,
        item.collected_vnd,
        item.grain_vnd if shown else None,
        counted_day(item.counted_until) if shown and item.counted_until else None,
    ]


def _csv_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, date):
        return f"{value:%d/%m/%Y}"
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_DANGEROUS) else text
