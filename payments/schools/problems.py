"""What can be wrong with a row that people send: heading, reason and way out, in Vietnamese and English.

Sentences never repeat the cell: reports are kept, and a report shall not hold what the pupils' table seals.
"""

import enum
from dataclasses import dataclass
from typing import Any

from payments.i18n import Text


class Heading(enum.StrEnum):
    """The sector's criteria for clean data: right form, complete, no doubles, up to date."""

    RIGHT = "dung"
    COMPLETE = "du"
    CLEAN = "sach"
    LIVE = "song"


LABELS = {
    Heading.RIGHT: Text("Đúng", "Correct"),
    Heading.COMPLETE: Text("Đủ", "Complete"),
    Heading.CLEAN: Text("Sạch", "Clean"),
    Heading.LIVE: Text("Sống", "Live"),
}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem; a refusing one keeps the row out, the others only tell."""

    code: str
    heading: Heading
    refuses: bool
    reason: Text
    fix: Text


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem at a place: sheet, line and cell as the spreadsheet program names them, and the template's header."""

    kind: Kind
    sheet: str
    line: int
    column: str
    cell: str = ""
    other_line: int | None = None
    """The line it is compared with."""


def kind_of(code: str, heading: Heading, reason: Text, fix: Text, *, refuses: bool = True) -> Kind:
    """Define a kind of problem."""
    return Kind(code, heading, refuses, reason, fix)


def problem_json(problem: Problem) -> dict[str, Any]:
    """One problem as JSON values."""
    kind = problem.kind
    return {
        "code": kind.code,
        "sheet": problem.sheet,
        "line": problem.line,
        "cell": problem.cell,
        "column": problem.column,
        "other_line": problem.other_line,
        "reason": kind.reason._asdict(),
        "fix": kind.fix._asdict(),
    }


def place_words(problem: Problem) -> str:
    """Say where a problem stands: «trang Danh sách, dòng 12, cột «Ngày sinh» (ô E12)»."""
    sheet = f"trang {problem.sheet}, " if problem.sheet else ""
    cell = f" (ô {problem.cell})" if problem.cell else ""
    other = f", so với dòng {problem.other_line}" if problem.other_line else ""
    return f"{sheet}dòng {problem.line}, cột «{problem.column}»{cell}{other}"


MISSING = kind_of(
    "missing_value",
    Heading.COMPLETE,
    Text("Thiếu dữ liệu bắt buộc.", "A required value is missing."),
    Text("Điền ô này.", "Fill in this cell."),
)
FORMULA = kind_of(
    "formula",
    Heading.RIGHT,
    Text("Ô là công thức, không phải dữ liệu.", "The cell is a formula, not a value."),
    Text("Chép rồi dán dạng giá trị (Paste Values).", "Copy it and paste it as a value."),
)
LOST_ZERO = kind_of(
    "number_not_text",
    Heading.RIGHT,
    Text(
        "Ô ở dạng số (hoặc trong CSV) và không đủ chữ số, có thể đã mất số 0 ở đầu.",
        "The cell is a number (or stands in a CSV) with too few digits; leading zeros may be lost.",
    ),
    Text(
        "Đặt định dạng ô là Văn bản (Text), nhập lại đủ số rồi nộp tệp XLSX.",
        "Format the cell as text, type it again in full, and send it as XLSX.",
    ),
)
BAD_DATE = kind_of(
    "bad_date",
    Heading.RIGHT,
    Text(
        "Không đọc được ngày sinh, hoặc ngày sinh không hợp lý.",
        "The date of birth cannot be read, or is impossible.",
    ),
    Text("Ghi ngày/tháng/năm, ví dụ 05/09/2018.", "Write day/month/year, for instance 05/09/2018."),
)
BAD_SECTOR_ID = kind_of(
    "bad_sector_id",
    Heading.RIGHT,
    Text(
        "Mã định danh chỉ gồm 3–30 chữ số, chữ cái không dấu.", "A sector identifier has 3-30 digits or ASCII letters."
    ),
    Text("Lấy lại mã từ CSDL ngành.", "Take it from the sector database again."),
)
UNUSUAL_SECTOR_ID = kind_of(
    "unusual_sector_id",
    Heading.RIGHT,
    Text(
        "Mã định danh thường có 10 chữ số; mã này khác.", "Sector identifiers usually have 10 digits; this one differs."
    ),
    Text("Kiểm tra với CSDL ngành.", "Compare it with the sector database."),
    refuses=False,
)
BAD_DATE_CELL = kind_of(
    "bad_date",
    Heading.RIGHT,
    Text("Không đọc được ngày.", "The day cannot be read."),
    Text("Ghi ngày/tháng/năm, ví dụ 05/09/2025.", "Write day/month/year, for instance 05/09/2025."),
)
