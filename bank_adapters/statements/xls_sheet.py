"""The cells of one XLS sheet, record by record, into rows."""

import math
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from bank_adapters.statements.errors import StatementError
from bank_adapters.statements.rows import MAX_CELLS, SheetBuilder, too_many
from bank_adapters.statements.values import Formula, Value
from bank_adapters.statements.xlsx_sheet import MAX_CELL_CHARS, day_of, whole_or_decimal

NUMBER, RK, MULRK, LABELSST, LABEL, RSTRING, BOOLERR = 0x0203, 0x027E, 0x00BD, 0x00FD, 0x0204, 0x00D6, 0x0205
FORMULA, STRING = 0x0006, 0x0207
MAX_COLUMN = 255
_WIDE = 0x01
_RESULT_TEXT, _RESULT_LOGICAL, _RESULT_ERROR = 0, 1, 2
_ERRORS = {0x00: "#NULL!", 0x07: "#DIV/0!", 0x0F: "#VALUE!", 0x17: "#REF!", 0x1D: "#NAME?", 0x24: "#NUM!", 0x2A: "#N/A"}

Plain = str | int | Decimal | date | None


@dataclass(frozen=True, slots=True)
class Workbook:
    """What the cells of every sheet refer to."""

    strings: Sequence[str]
    date_styles: frozenset[int]
    epoch_1904: bool


class SheetReader:
    """Reads the records of one sheet; keeps cells by row, for a file may list them in any order."""

    def __init__(self, workbook: Workbook, builder: SheetBuilder) -> None:
        self.workbook = workbook
        self.builder = builder
        self.rows: dict[int, dict[int, Value]] = {}
        self.cells = 0
        self.computed: tuple[int, int] | None = None  # the formula whose text is in the next STRING

    def read(self, records: Iterable[tuple[int, bytes]]) -> None:
        """Read every record and hand the rows over in order; raises StatementError."""
        for kind, content in records:
            try:
                self.take(kind, content)
            except (struct.error, IndexError):
                raise self.damaged() from None
        for number in sorted(self.rows):
            cells = self.rows[number]
            row: list[Value] = [None] * (max(cells) + 1)
            for column, value in cells.items():
                row[column] = value
            self.builder.add(number + 1, row)

    def take(self, kind: int, content: bytes) -> None:
        """Take one record; those that hold no cell are passed over."""
        if kind == LABELSST:
            row, column, _, index = struct.unpack_from("<HHHI", content)
            self.put(row, column, self.workbook.strings[index])
        elif kind == NUMBER:
            row, column, style, number = struct.unpack_from("<HHHd", content)
            self.put(row, column, self.number(number, style))
        elif kind == RK:
            row, column, style, packed = struct.unpack_from("<HHHI", content)
            self.put(row, column, self.number(unpacked(packed), style))
        elif kind == MULRK:
            row, first = struct.unpack_from("<HH", content)
            for offset in range((len(content) - 6) // 6):
                style, packed = struct.unpack_from("<HI", content, 4 + 6 * offset)
                self.put(row, first + offset, self.number(unpacked(packed), style))
        elif kind in (LABEL, RSTRING):
            row, column = struct.unpack_from("<HH", content)
            self.put(row, column, text_at(content, 6))
        elif kind == BOOLERR:
            row, column, _, value, is_error = struct.unpack_from("<HHHBB", content)
            self.put(row, column, _ERRORS.get(value, "#N/A") if is_error else logical(value))
        elif kind == FORMULA:
            self.formula(content)
        elif kind == STRING and self.computed is not None:
            row, column = self.computed
            self.rows[row][column] = Formula("=", text_at(content, 0))
            self.computed = None

    def formula(self, content: bytes) -> None:
        """Keep a cell that computes, with the result that the program saved."""
        row, column, style = struct.unpack_from("<HHH", content)
        result = content[6:14]
        self.computed = None
        if result[6:8] != b"\xff\xff":
            self.put(row, column, Formula("=", self.number(struct.unpack("<d", result)[0], style)))
            return
        kind, value = result[0], result[2]
        cached = logical(value) if kind == _RESULT_LOGICAL else None
        if kind == _RESULT_ERROR:
            cached = _ERRORS.get(value, "#N/A")
        self.put(row, column, Formula("=", cached))
        if kind == _RESULT_TEXT:
            self.computed = row, column

    def put(self, row: int, column: int, value: Value) -> None:
        """Keep a cell; raises StatementError for one that is there already, or for too many."""
        self.cells += 1
        if self.cells > MAX_CELLS or column > MAX_COLUMN:
            raise too_many(self.builder.name)
        cells = self.rows.setdefault(row, {})
        if column in cells:
            raise self.damaged()
        cells[column] = value

    def number(self, number: float, style: int) -> Plain:
        """Return a whole number as int, others as Decimal, a day as date."""
        if not math.isfinite(number):
            raise self.damaged()
        exact = whole_or_decimal(Decimal(repr(number)))
        if style in self.workbook.date_styles:
            return day_of(exact, epoch_1904=self.workbook.epoch_1904)
        return exact

    def damaged(self) -> StatementError:
        """Build the error for a sheet that no spreadsheet program writes."""
        return StatementError(
            "bad_structure",
            self.builder.name,
            "Trang tính XLS bị hỏng. Hãy mở tệp và lưu lại dạng XLSX.",
            "The XLS sheet is damaged. Open the file and save it as XLSX.",
        )


def unpacked(packed: int) -> float:
    """Return the number of an RK value: 30 bits of a float or of a whole number, perhaps in hundredths."""
    if packed & 2:
        number = float((packed ^ 0x80000000) - 0x80000000 >> 2)
    else:
        number = struct.unpack("<d", struct.pack("<II", 0, packed & 0xFFFFFFFC))[0]
    return number / 100 if packed & 1 else number


def logical(value: int) -> str:
    """Return what a cell of truth shows."""
    return "TRUE" if value else "FALSE"


def text_at(content: bytes, at: int, *, wide_length: bool = True) -> str:
    """Return the text at a place in a record: its length in characters, its width, its characters."""
    length, flags = struct.unpack_from("<HB" if wide_length else "<BB", content, at)
    start = at + (3 if wide_length else 2)
    size = length * 2 if flags & _WIDE else length
    if length > MAX_CELL_CHARS or start + size > len(content):
        raise struct.error
    return content[start : start + size].decode("utf-16-le" if flags & _WIDE else "latin-1", "replace")
