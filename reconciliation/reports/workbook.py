"""The report as XLSX: numbers are numbers, texts are texts and never formulas, the same run gives the same bytes."""

import io
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any

import xlsxwriter

from payments.money import format_number
from reconciliation import words
from reconciliation.movements import MATCHED, NOT_DUE
from reconciliation.reports.content import Finding, Report

OPTIONS = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
SUMMARY, MATCHES, EXCEPTIONS, WAITING = "Tổng hợp", "Khớp", "Ngoại lệ", "Chưa đến hạn"
LINE_HEIGHT = 15
MOST_LINES = 12
LONGEST_TEXT = 32_000
"""A cell holds 32,767 characters."""

Column = tuple[str, int, str]
"""Heading, width, format."""
COMMON: tuple[Column, ...] = (
    ("STT", 6, "number"),
    ("Ngày", 11, "day"),
    ("Sao kê (đồng)", 13, "money"),
    ("Báo có (đồng)", 13, "money"),
    ("Sổ kế toán (đồng)", 13, "money"),
    ("Mã thanh toán", 15, "text"),
    ("Số tham chiếu ngân hàng", 17, "text"),
    ("Số chứng từ", 13, "text"),
    ("Nội dung", 36, "text"),
    ("Dòng trong tệp sao kê", 18, "text"),
)
MATCH_COLUMNS: tuple[Column, ...] = (*COMMON, ("Căn cứ khớp", 44, "text"), ("Dấu hiệu", 14, "text"))
EXCEPTION_COLUMNS: tuple[Column, ...] = (
    ("Loại", 17, "text"),
    *COMMON,
    ("Số tiền (đồng)", 13, "money"),
    ("Tuổi", 11, "text"),
    ("Kèm theo", 16, "text"),
    ("Việc nên làm", 34, "text"),
    ("Căn cứ", 34, "text"),
    ("Ghi chú", 24, "text"),
    ("Khóa", 15, "text"),
)


def write(report: Report) -> bytes:
    """Write the workbook."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, OPTIONS)
    made = datetime.fromisoformat(report.made_at).astimezone(UTC).replace(tzinfo=None)
    book.set_properties({"title": f"Đối soát {report.account} {report.day:%d/%m/%Y}", "created": made})
    formats = {
        "head": book.add_format({"bold": True, "text_wrap": True, "bg_color": "#E8EEF7", "border": 1, "valign": "top"}),
        "title": book.add_format({"bold": True, "font_size": 14}),
        "bold": book.add_format({"bold": True}),
        "good": book.add_format({"font_color": "#116329"}),
        "bad": book.add_format({"bold": True, "font_color": "#A40E26"}),
        "day": book.add_format({"num_format": "dd/mm/yyyy", "align": "left", "valign": "top"}),
        "money": book.add_format({"num_format": "#,##0", "valign": "top"}),
        "number": book.add_format({"num_format": "0", "valign": "top"}),
        "text": book.add_format({"num_format": "@", "valign": "top", "text_wrap": True}),
        "name": book.add_format({"num_format": "@", "valign": "top"}),
    }
    _summary(_sheet(book, SUMMARY), formats, report)
    _table(_sheet(book, MATCHES), formats, MATCH_COLUMNS, map(_match, report.of(MATCHED)))
    _table(_sheet(book, EXCEPTIONS), formats, EXCEPTION_COLUMNS, map(_exception, report.odd))
    _table(_sheet(book, WAITING), formats, MATCH_COLUMNS, map(_match, report.of(NOT_DUE)))
    book.close()
    return out.getvalue()


def _sheet(book: Any, name: str) -> Any:
    sheet = book.add_worksheet(name)
    sheet.set_landscape()
    sheet.set_paper(9)  # A4
    sheet.fit_to_pages(1, 0)
    sheet.set_margins(left=0.3, right=0.3, top=0.4, bottom=0.4)
    return sheet


def _common(entry: Finding) -> list[Any]:
    return [
        entry.position,
        entry.day,
        entry.bank_vnd,
        entry.gateway_vnd,
        entry.ledger_vnd,
        ", ".join(entry.references),
        ", ".join(entry.bank_references),
        ", ".join(entry.documents),
        entry.text,
        ", ".join(entry.places),
    ]


def _match(entry: Finding) -> list[Any]:
    return [*_common(entry), entry.why, _flags(entry)]


def _exception(entry: Finding) -> list[Any]:
    key = entry.primary_class
    advice, note = words.CLASSES[key].advice, words.note_vi(entry.note)
    if entry.late is not None:
        note = f"thuộc ngày {entry.late.day:%d/%m/%Y}, lần khóa sổ {entry.late.close}" + (f"; {note}" if note else "")
    age = words.age_vi(entry.age_days)
    return [words.class_vi(key), *_common(entry), entry.amount_vnd, age, _flags(entry), advice, entry.why, note, key]


def _flags(entry: Finding) -> str:
    return ", ".join(words.class_vi(flag) for flag in entry.flags)


def _table(sheet: Any, formats: dict[str, Any], columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> None:
    """Write a heading that stays, and rows in the formats of the columns."""
    for number, (title, width, kind) in enumerate(columns):
        sheet.set_column(number, number, width, formats[kind])
        sheet.write_string(0, number, title, formats["head"])
    sheet.set_row(0, 2 * LINE_HEIGHT)
    sheet.freeze_panes(1, 0)
    sheet.repeat_rows(0)
    last = 0
    for last, row in enumerate(rows, start=1):
        sheet.set_row(last, LINE_HEIGHT * _lines(row, columns))
        for number, (value, (_, _, kind)) in enumerate(zip(row, columns, strict=True)):
            _cell(sheet, last, number, value, formats[kind])
    sheet.autofilter(0, 0, last, len(columns) - 1)


def _lines(row: Sequence[Any], columns: Sequence[Column]) -> int:
    """How many lines the longest text of a row takes in its column: not every program grows a row by itself."""
    texts = [(len(value), width) for value, (_, width, _) in zip(row, columns, strict=True) if isinstance(value, str)]
    return min(MOST_LINES, max(1 + length // (width - 2) for length, width in texts))


def _cell(sheet: Any, row: int, column: int, value: Any, cell_format: Any) -> None:
    """Write one value by its kind; nothing for what is not there."""
    if value is None or value == "":
        return
    if isinstance(value, date):
        sheet.write_datetime(row, column, value, cell_format)
    elif isinstance(value, int):
        sheet.write_number(row, column, value, cell_format)
    else:
        sheet.write_string(row, column, str(value)[:LONGEST_TEXT], cell_format)


def _summary(sheet: Any, formats: dict[str, Any], report: Report) -> None:
    """The proof on one page."""
    sheet.set_column(0, 0, 62)
    sheet.set_column(1, 8, 18)
    sheet.write_string(0, 0, "BIÊN BẢN ĐỐI SOÁT TÀI KHOẢN", formats["title"])
    row = _pairs(sheet, formats, 2, _head(report))
    row = _pairs(sheet, formats, row + 1, _balances(report))
    row = _checks(sheet, formats, row + 1, report)
    row = _totals(sheet, formats, row + 1, report)
    sheet.write_row(row + 1, 0, ["Kết quả", "Số trường hợp", "Số tiền (đồng)"], formats["head"])
    for line, key in enumerate((MATCHED, NOT_DUE, *sorted(report.exceptions)), start=row + 2):
        found = report.of(key)
        sheet.write_string(line, 0, words.class_vi(key), formats["text"])
        sheet.write_number(line, 1, len(found), formats["money"])
        sheet.write_number(line, 2, sum(entry.amount_vnd for entry in found), formats["money"])


def _head(report: Report) -> list[tuple[str, Any]]:
    return [
        ("Trường", report.school),
        ("Tài khoản", report.account),
        ("Từ ngày", report.from_day),
        ("Đến ngày", report.day),
        ("Trạng thái", words.STATES[report.state.lower()].vi),
        ("Lần đối soát số", str(report.id)),
        ("Lập lúc", f"{datetime.fromisoformat(report.made_at):%H:%M:%S %d/%m/%Y}"),
        ("Dấu vân tay dữ liệu (SHA-256)", report.inputs_sha256),
        ("Phiên bản quy tắc", str(report.rules_version)),
    ]


def _balances(report: Report) -> list[tuple[str, Any]]:
    proof = report.proof
    return [
        ("Số dư đầu kỳ (đồng)", proof["opening_vnd"]),
        ("Phát sinh có (đồng)", proof["credits_vnd"]),
        ("Phát sinh nợ (đồng)", proof["debits_vnd"]),
        ("Số dư cuối kỳ (đồng)", proof["closing_vnd"]),
        ("Số tiền đã khớp (đồng)", report.matched_vnd),
    ]


def _pairs(sheet: Any, formats: dict[str, Any], row: int, pairs: Iterable[tuple[str, Any]]) -> int:
    """Write names and values below each other; return the row after them."""
    for name, value in pairs:
        sheet.write_string(row, 0, name, formats["text"])
        kind = "day" if isinstance(value, date) else "money" if isinstance(value, int) else "name"
        _cell(sheet, row, 1, value, formats[kind])
        row += 1
    return row


def _checks(sheet: Any, formats: dict[str, Any], row: int, report: Report) -> int:
    sheet.write_row(row, 0, ["Phép kiểm tra", "Kết quả", "Phải là", "Tìm thấy", "Vị trí"], formats["head"])
    for check in report.proof["checks"]:
        row += 1
        sheet.write_string(row, 0, words.CHECKS.get(check["name"], check["name"]), formats["text"])
        sheet.write_string(row, 1, "Đạt" if check["ok"] else "KHÔNG ĐẠT", formats["good" if check["ok"] else "bad"])
        _cell(sheet, row, 2, check["expected"], formats["money"])
        _cell(sheet, row, 3, check["found"], formats["money"])
        _cell(sheet, row, 4, check["place"], formats["text"])
    return row + 1


def _totals(sheet: Any, formats: dict[str, Any], row: int, report: Report) -> int:
    heads = ("Nguồn", "Số dòng", "Tổng (đồng)", "Khớp", "Khớp (đồng)", "Ngoại lệ", "Ngoại lệ (đồng)")
    sheet.write_row(row, 0, [*heads, "Chưa đến hạn", "Chưa đến hạn (đồng)"], formats["head"])
    keys = ("count", "vnd", "matched", "matched_vnd", "exceptions", "exceptions_vnd", "not_due", "not_due_vnd")
    totals = report.proof["totals"]
    for name in (name for name in words.SOURCES if name in totals):
        total = totals[name]
        row += 1
        sheet.write_string(row, 0, words.SOURCES[name], formats["text"])
        for number, key in enumerate(keys, start=1):
            sheet.write_number(row, number, total[key], formats["money"])
    return row + 1


def short_text(report: Report) -> str:
    """The report in a few lines for a terminal."""
    proof = report.proof
    figures = [proof[name] for name in ("opening_vnd", "credits_vnd", "debits_vnd", "closing_vnd")]
    opening, credits_vnd, debits_vnd, closing = ("—" if one is None else format_number(one) for one in figures)
    lines = [
        f"{report.school} {report.account} {report.day:%d/%m/%Y}: {words.STATES[report.state.lower()].vi}",
        f"  {opening} + {credits_vnd} − {debits_vnd} = {closing}",
        f"  Khớp {report.matched} · chưa đến hạn {report.not_due}",
    ]
    lines += [f"  {words.class_vi(key)} ({key}): {count}" for key, count in sorted(report.exceptions.items())]
    lines += [
        f"  ✗ {words.CHECKS.get(one['name'], one['name'])} {one['place']}" for one in proof["checks"] if not one["ok"]
    ]
    return "\n".join(lines)
