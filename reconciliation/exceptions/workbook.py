"""Exceptions as XLSX: real dates and numbers, a sum at the foot, a heading that stays, A4 landscape."""

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import xlsxwriter

from payments import clock
from reconciliation import words as night_words
from reconciliation.exceptions import words
from reconciliation.exceptions.rules import State, action_of, age_of
from reconciliation.reports.workbook import LONGEST_TEXT, OPTIONS

SHEET = "Ngoại lệ"
A4 = 9
COLUMNS: tuple[tuple[str, int, str], ...] = (
    ("Số", 7, "number"),
    ("Loại", 18, "text"),
    ("Kèm theo", 16, "text"),
    ("Ngày", 11, "day"),
    ("Số tiền (đồng)", 14, "money"),
    ("Sao kê (đồng)", 14, "money"),
    ("Báo có (đồng)", 14, "money"),
    ("Sổ kế toán (đồng)", 14, "money"),
    ("Mã thanh toán", 15, "text"),
    ("Nội dung", 34, "text"),
    ("Tài khoản", 20, "text"),
    ("Trạng thái", 14, "text"),
    ("Người phụ trách", 18, "text"),
    ("Vai trò", 14, "text"),
    ("Tuổi", 11, "text"),
    ("Hạn xử lý", 11, "day"),
    ("Cách xử lý", 18, "text"),
    ("Việc nên làm", 34, "text"),
    ("Ghi chú đối soát", 22, "text"),
    ("Phát hiện lúc", 16, "moment"),
    ("Khóa", 14, "text"),
)
SUMMED = (4, 5, 6, 7)
"""Columns with a sum at the foot."""
_FORMATS: Mapping[str, Mapping[str, Any]] = {
    "head": {"bold": True, "text_wrap": True, "bg_color": "#E8EEF7", "border": 1, "valign": "top"},
    "title": {"bold": True, "font_size": 14},
    "sum": {"bold": True, "num_format": "#,##0", "top": 1},
    "sum_text": {"bold": True, "top": 1},
    "day": {"num_format": "dd/mm/yyyy", "align": "left", "valign": "top"},
    "moment": {"num_format": "dd/mm/yyyy hh:mm", "align": "left", "valign": "top"},
    "money": {"num_format": "#,##0", "valign": "top"},
    "number": {"num_format": "0", "valign": "top"},
    "text": {"num_format": "@", "valign": "top", "text_wrap": True},
}
TITLE_ROW, HEAD_ROW = 0, 2


@dataclass(frozen=True, slots=True)
class Heading:
    """What the sheet is about."""

    school: str
    chosen: str
    """The filter in words."""


def write(heading: Heading, rows: Iterable[Any], sources: Mapping[int, Any]) -> bytes:
    """Write the exceptions of a list (``queries.rows``) with what each source says (``dossier.sources``)."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, OPTIONS)
    moment = clock.now()
    book.set_properties({"title": f"Ngoại lệ đối soát {heading.school}", "created": moment.replace(tzinfo=None)})
    formats = {name: book.add_format(dict(values)) for name, values in _FORMATS.items()}
    sheet = book.add_worksheet(SHEET)
    _set_up(sheet)
    made = moment.astimezone(clock.VIETNAM)
    sheet.write_string(TITLE_ROW, 0, f"NGOẠI LỆ ĐỐI SOÁT · {heading.school}", formats["title"])
    sheet.write_string(TITLE_ROW + 1, 0, f"{heading.chosen} · lập lúc {made:%H:%M %d/%m/%Y}")
    for number, (title, width, kind) in enumerate(COLUMNS):
        sheet.set_column(number, number, width, formats[kind])
        sheet.write_string(HEAD_ROW, number, title, formats["head"])
    last, sums = HEAD_ROW, dict.fromkeys(SUMMED, 0)
    for last, row in enumerate(rows, start=HEAD_ROW + 1):
        values = _values(row, sources[row.id], made.date())
        for number, (value, (_, _, kind)) in enumerate(zip(values, COLUMNS, strict=True)):
            _cell(sheet, last, number, value, formats[kind])
            if number in sums:
                sums[number] += value or 0
    sheet.autofilter(HEAD_ROW, 0, last, len(COLUMNS) - 1)
    sheet.write_string(last + 1, 1, "Cộng", formats["sum_text"])
    for number, total in sums.items():
        column = chr(ord("A") + number)
        # 109 adds what the filter shows; the value is written with it, so that readers without formulas see the sum.
        formula = f"=SUBTOTAL(109,{column}{HEAD_ROW + 2}:{column}{last + 1})" if last > HEAD_ROW else "=0"
        sheet.write_formula(last + 1, number, formula, formats["sum"], total)
    book.close()
    return out.getvalue()


def _set_up(sheet: Any) -> None:
    sheet.set_landscape()
    sheet.set_paper(A4)
    sheet.fit_to_pages(1, 0)
    sheet.set_margins(left=0.3, right=0.3, top=0.4, bottom=0.4)
    sheet.freeze_panes(HEAD_ROW + 1, 0)
    sheet.repeat_rows(HEAD_ROW)


def _values(row: Any, told: Any, today: date) -> Sequence[Any]:
    state = State(row.state)
    return (
        row.id,
        words.class_text(row.primary_class).vi,
        ", ".join(words.class_text(flag).vi for flag in row.flags),
        row.day,
        row.amount_vnd,
        told.bank_vnd,
        told.gateway_vnd,
        told.ledger_vnd,
        ", ".join(told.references),
        told.description,
        f"{row.fund} {row.bin}:{row.number}",
        words.STATES[state].vi,
        row.assignee or "",
        words.OWNERS[row.owner].vi,
        words.AGES[age_of((today - row.day).days)].vi,
        row.due_on,
        words.RESOLUTIONS[row.resolution].vi if row.resolution else "",
        words.ACTIONS[action_of(row.primary_class, row.flags)].vi,
        night_words.grouped(night_words.note_vi(told.note)),
        row.first_seen_at.astimezone(clock.VIETNAM).replace(tzinfo=None),
        row.primary_class,
    )


def _cell(sheet: Any, row: int, column: int, value: Any, cell_format: Any) -> None:
    """Write one value by its kind; nothing for what is not there. A text is never a formula."""
    if value is None or value == "":
        return
    if isinstance(value, (date, datetime)):
        sheet.write_datetime(row, column, value, cell_format)
    elif isinstance(value, int):
        sheet.write_number(row, column, value, cell_format)
    else:
        sheet.write_string(row, column, str(value)[:LONGEST_TEXT], cell_format)
