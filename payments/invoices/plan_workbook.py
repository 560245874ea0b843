"""The invoices that a round would issue, as a workbook: for the second person who wants to see every line first."""

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import xlsxwriter

from payments.invoices.planning import RoundPlan

HEADERS = ("Lớp", "Mã định danh", "Họ tên", "Khoản thu", "Diễn giải", "Số lượng", "Đơn giá", "Miễn giảm", "Thành tiền")
WIDTHS = (8, 14, 28, 10, 48, 10, 12, 12, 14)
TEXTS = 5
"""So many columns are text, the others whole numbers."""
SAFE: dict[str, Any] = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}


class PlannedPupil(NamedTuple):
    """Whom a line is for."""

    pupil_id: int
    class_name: str
    sector_id: str
    full_name: str


def plan_workbook(plan: RoundPlan, pupils: Sequence[PlannedPupil]) -> bytes:
    """Write every line of a plan in the order of ``pupils``, with the sum below; amounts are numbers (đồng)."""
    by_pupil: dict[int, list[tuple[object, ...]]] = {}
    for pupil_id, sheet in plan.drafts:
        by_pupil.setdefault(pupil_id, []).extend(
            (line.fee_code, line.description, line.quantity, line.unit_price_vnd, line.relief_vnd, line.amount_vnd)
            for line in sheet.lines
        )
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, SAFE) as book:
        sheet = book.add_worksheet("Dự kiến thu")
        formats = {"head": book.add_format({"bold": True, "bg_color": "#DDEBF7", "border": 1})}
        formats["number"] = book.add_format({"num_format": "#,##0"})
        formats["sum"] = book.add_format({"num_format": "#,##0", "bold": True})
        _write(sheet, _rows(pupils, by_pupil), formats, plan.amount_vnd)
    return buffer.getvalue()


def _rows(
    pupils: Iterable[PlannedPupil], by_pupil: Mapping[int, Sequence[tuple[object, ...]]]
) -> Iterable[tuple[object, ...]]:
    for pupil in pupils:
        for line in by_pupil.get(pupil.pupil_id, ()):
            yield (pupil.class_name, pupil.sector_id, pupil.full_name, *line)


def _write(sheet: Any, rows: Iterable[tuple[object, ...]], formats: Mapping[str, Any], amount_vnd: int) -> None:
    sheet.freeze_panes(1, 0)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.repeat_rows(0)
    for place, (header, width) in enumerate(zip(HEADERS, WIDTHS, strict=True)):
        sheet.set_column(place, place, width)
        sheet.write_string(0, place, header, formats["head"])
    last = 0
    for last, row in enumerate(rows, start=1):
        for place, value in enumerate(row):
            if place < TEXTS:
                sheet.write_string(last, place, str(value))
            else:
                sheet.write_number(last, place, value, formats["number"])
    sheet.write_string(last + 1, TEXTS - 1, "Cộng", formats["head"])
    sheet.write_number(last + 1, len(HEADERS) - 1, amount_vnd, formats["sum"])
