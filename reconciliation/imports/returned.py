"""A file whose rows are bad, given back as a workbook: every row where it stood, with reason and way out beside it.

The whole of it comes back, not the bad rows alone: a statement proves only whole, two equal payments are told apart by
counting them, and what is known already adds nothing. Texts stay texts; nothing in the workbook is ever computed.
"""

import io
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import xlsxwriter

from bank_adapters.statements.errors import StatementError
from bank_adapters.statements.headers import folded
from bank_adapters.statements.layouts import Layout
from bank_adapters.statements.rows import Sheet
from bank_adapters.statements.spreadsheet import recognise
from bank_adapters.statements.values import MAX_AMOUNT_VND, Formula, Value, text_of

REASON, FIX = "Lý do lỗi", "Cách sửa"
OURS = {folded(REASON), folded(FIX)}
SAFE = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
LIST = "Lỗi"
WIDTH = 48
OUTSIDE_NAMES = re.compile(r"[\[\]:*?/\\']")
MAX_SHEET_NAME = 31
_PLACE = re.compile(r"(?:(?P<sheet>.*)!)?(?:dòng (?P<row>[0-9]+)|(?P<column>[A-Z]{1,3})(?P<line>[0-9]+))", re.DOTALL)
FIXES: Mapping[str, str] = {
    "missing_value": "Điền ô còn thiếu theo chứng từ gốc.",
    "bad_amount": "Ghi lại số tiền của dòng này theo chứng từ gốc.",
    "bad_date": "Ghi ngày dạng ngày/tháng/năm.",
    "formula": "Chép ô rồi dán dạng giá trị (Paste Values).",
    "bad_structure": "Xuất lại tệp từ ngân hàng hoặc phần mềm kế toán.",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where an error stands: sheet, row as the program numbers it, column counted from 0 (None: the whole row)."""

    sheet: str
    row: int
    column: int | None


def place_of(text: str) -> Place | None:
    """Read a place as ``Row.place`` writes it; None for anything else, such as an XML path."""
    match = _PLACE.fullmatch(text)
    if match is None:
        return None
    if match["row"]:
        return Place(match["sheet"] or "", int(match["row"]), None)
    number = 0
    for letter in match["column"]:
        number = number * 26 + ord(letter) - 64
    return Place(match["sheet"] or "", int(match["line"]), number - 1)


def reason_and_fix(error: StatementError) -> tuple[str, str]:
    """Split what is told to a person into what is wrong and the way out."""
    reason, found, fix = error.vi.partition(" Hãy ")
    return (reason, f"Hãy {fix}") if found else (reason, FIXES.get(error.code, FIXES["bad_structure"]))


def rows_with(errors: Sequence[StatementError]) -> int:
    """How many rows the errors are about; one that names no row counts once."""
    places = [place_of(error.place) for error in errors]
    return len({(place.sheet, place.row) if place else index for index, place in enumerate(places)})


def returned_workbook(sheets: Sequence[Sheet], known: Sequence[Layout], errors: Sequence[StatementError]) -> bytes:
    """Write the sheets again, with the two columns beside every bad row; errors without a row have a sheet of theirs.

    The same input gives the same cells; columns of an earlier return are replaced.
    """
    by_row: dict[tuple[str, int], list[tuple[int | None, StatementError]]] = defaultdict(list)
    elsewhere = []
    names = {sheet.name for sheet in sheets}
    for error in errors:
        place = place_of(error.place)
        if place is None or place.sheet not in names:
            elsewhere.append(error)
        else:
            by_row[place.sheet, place.row].append((place.column, error))
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, SAFE) as book:
        formats = _formats(book)
        for number, sheet in enumerate(sheets, start=1):
            if sheet.rows:
                told = {row: found for (name, row), found in by_row.items() if name == sheet.name}
                _write_sheet(book.add_worksheet(_name(sheet.name, number, book)), sheet, known, told, formats)
        if elsewhere or not book.worksheets():
            _write_list(book.add_worksheet(_name(LIST, 0, book)), elsewhere, formats)
    return buffer.getvalue()


def _formats(book: Any) -> dict[str, Any]:
    wrong = {"bg_color": "#F8CBAD"}
    return {
        "text": book.add_format({"num_format": "@"}),
        "day": book.add_format({"num_format": "dd/mm/yyyy"}),
        "money": book.add_format({"num_format": "#,##0"}),
        "wrong": book.add_format({"num_format": "@", **wrong}),
        "head": book.add_format({"num_format": "@", "bold": True, "bg_color": "#FCE4D6"}),
        "told": book.add_format({"num_format": "@", "text_wrap": True, "valign": "top", **wrong}),
    }


def _name(name: str, number: int, book: Any) -> str:
    """A name that a workbook may give to a sheet, once."""
    wanted = OUTSIDE_NAMES.sub(" ", name)[:MAX_SHEET_NAME].strip() or f"Trang {number}"
    taken = {sheet.get_name().lower() for sheet in book.worksheets()}
    return wanted if wanted.lower() not in taken else f"{wanted[: MAX_SHEET_NAME - 6]} ({number})"


def _write_sheet(
    target: Any,
    sheet: Sheet,
    known: Sequence[Layout],
    told: Mapping[int, list[tuple[int | None, StatementError]]],
    formats: Mapping[str, Any],
) -> None:
    head = _head_row(sheet, known)
    left_out = _ours_in(sheet, head)
    width = max(len(row.cells) for row in sheet.rows) - len(left_out)
    target.set_column(width, width + 1, WIDTH)
    for row in sheet.rows:
        found = told.get(row.number, [])
        wrong = {column for column, _ in found}
        line = row.number - 1
        kept = [column for column in range(len(row.cells)) if column not in left_out]
        for place, column in enumerate(kept):
            _write_cell(target, line, place, row.cells[column], formats, wrong=column in wrong)
        for spot, error in found:
            if spot in kept:
                target.write_comment(line, kept.index(spot), reason_and_fix(error)[1])
        if found:
            pairs = [reason_and_fix(error) for _, error in found]
            target.write_string(line, width, "\n".join(dict.fromkeys(reason for reason, _ in pairs)), formats["told"])
            target.write_string(line, width + 1, "\n".join(dict.fromkeys(fix for _, fix in pairs)), formats["told"])
    if head is not None:
        target.write_string(head - 1, width, REASON, formats["head"])
        target.write_string(head - 1, width + 1, FIX, formats["head"])
        target.freeze_panes(head, 0)
        target.autofilter(head - 1, 0, sheet.rows[-1].number - 1, width + 1)


def _head_row(sheet: Sheet, known: Sequence[Layout]) -> int | None:
    """The number of the last header row, where a layout knows the sheet."""
    recognised = recognise(sheet, known)
    return None if recognised is None else sheet.rows[recognised[1].body - 1].number


def _ours_in(sheet: Sheet, head: int | None) -> set[int]:
    """The columns that an earlier return has added."""
    row = next((row for row in sheet.rows if row.number == head), None)
    cells = row.cells if row else ()
    return {column for column, cell in enumerate(cells) if isinstance(cell, str) and folded(cell) in OURS}


def _write_cell(target: Any, line: int, column: int, value: Value, formats: Mapping[str, Any], *, wrong: bool) -> None:
    """Write a cell as what it was: a day, a whole number, else its text. A bad formula comes back as its text."""
    if isinstance(value, Formula):
        value = f"={value.text.lstrip('=')}" if wrong else value.cached
    if value is None and not wrong:
        return
    if wrong:
        target.write_string(line, column, text_of(value), formats["wrong"])
    elif isinstance(value, date):
        target.write_datetime(line, column, value, formats["day"])
    elif isinstance(value, int) and abs(value) <= MAX_AMOUNT_VND:
        target.write_number(line, column, value, formats["money"])
    else:
        target.write_string(line, column, text_of(value), formats["text"])


def _write_list(target: Any, errors: Sequence[StatementError], formats: Mapping[str, Any]) -> None:
    target.set_column(0, 2, WIDTH)
    for column, title in enumerate(("Vị trí", REASON, FIX)):
        target.write_string(0, column, title, formats["head"])
    for line, error in enumerate(errors, start=1):
        for column, text in enumerate((error.place, *reason_and_fix(error))):
            target.write_string(line, column, text, formats["text"])
