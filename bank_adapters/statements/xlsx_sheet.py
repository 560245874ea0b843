"""The cells of one XLSX sheet, from parser events straight into rows."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from bank_adapters.statements.errors import StatementError
from bank_adapters.statements.rows import MAX_CELLS, MAX_COLUMNS, SheetBuilder, too_many
from bank_adapters.statements.safe_xml import local_name
from bank_adapters.statements.values import Formula, Value

MAX_CELL_CHARS = 32_767  # Excel's own limit
MAX_ROW_NUMBER = 1_048_576
_REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_WHOLE = re.compile(r"-?[0-9]{1,15}")
_NUMBER = re.compile(r"-?[0-9]{1,25}(?:\.[0-9]{1,60})?(?:[eE][+-]?[0-9]{1,3})?")
_LAST_SERIAL = 2_958_466  # the day after 9999-12-31


@dataclass(frozen=True, slots=True)
class Workbook:
    """What the cells of every sheet refer to."""

    strings: Sequence[str]
    date_styles: frozenset[int]
    epoch_1904: bool


class SheetTarget:
    """Receives the events of a sheet; keeps one row at a time and no tree."""

    def __init__(self, workbook: Workbook, builder: SheetBuilder) -> None:
        self.workbook = workbook
        self.builder = builder
        self.row = 0
        self.cells: list[Value] = []
        self.filled = -1  # last column that has a cell, for cells that do not name theirs
        self.column = 0
        self.in_cell = False  # extensions below the rows use the same names
        self.kind = ""
        self.style = ""
        self.texts: dict[str, list[str]] = {}
        self.open: list[str] | None = None
        self.characters = 0
        self.elements = 0  # rows and cells, empty ones too

    def start(self, tag: str, attrib: dict[str, str]) -> None:
        """Open a row, a cell, or a text inside a cell."""
        name = local_name(tag)
        if name == "c":
            self.start_cell(attrib)
        elif name in ("v", "t", "f") and self.in_cell:
            self.open = self.texts.setdefault(name, [])
        elif name == "row":
            self.start_row(attrib)
        elif name == "rPh":
            self.open = None

    def data(self, data: str) -> None:
        """Add text to what is open."""
        if self.open is not None:
            self.characters += len(data)
            if self.characters > MAX_CELL_CHARS:
                raise self.damaged("một ô quá dài", "a cell is too long")
            self.open.append(data)

    def end(self, tag: str) -> None:
        """Close a text, a cell or a row."""
        name = local_name(tag)
        if name in ("v", "t", "f"):
            self.open = None
        elif name == "c":
            self.end_cell()
        elif name == "row":
            self.builder.add(self.row, self.cells)
            self.cells = []

    def comment(self, text: str) -> None:
        """Comments carry nothing."""

    def close(self) -> None:
        """A document that ends inside a row is no XML, so nothing is left here."""

    def start_row(self, attrib: dict[str, str]) -> None:
        """Take the row's number; rows must come in order, each once."""
        self.count()
        stated = attrib.get("r", "")
        number = int(stated) if re.fullmatch("[0-9]{1,7}", stated, re.ASCII) else self.row + 1
        if not self.row < number <= MAX_ROW_NUMBER:
            raise self.damaged("dòng lặp hoặc sai thứ tự", "a row is repeated or out of order")
        self.row = number
        self.cells = []
        self.filled = -1

    def start_cell(self, attrib: dict[str, str]) -> None:
        """Take the cell's column, kind and style; cells must come in order, each once."""
        self.count()
        self.column = self.filled + 1
        stated = attrib.get("r")
        if stated is not None:
            match = _REFERENCE.fullmatch(stated)
            if match is None or int(match.group(2)) != self.row:
                raise self.damaged("địa chỉ ô sai", "a cell address is wrong")
            self.column = column_number(match.group(1))
        if self.column <= self.filled:
            raise self.damaged("ô lặp hoặc sai thứ tự", "a cell is repeated or out of order")
        self.filled = self.column
        self.kind = attrib.get("t", "n")
        self.style = attrib.get("s", "0")
        self.texts = {}
        self.characters = 0
        self.in_cell = True

    def count(self) -> None:
        """Count a row or cell; raises StatementError when there are too many, be they empty or not."""
        self.elements += 1
        if self.elements > MAX_CELLS:
            raise too_many(self.builder.name)

    def end_cell(self) -> None:
        """Put the cell's value into the row."""
        self.in_cell = False
        stated = self.value()
        value: Value = Formula("=" + "".join(self.texts["f"]), stated) if "f" in self.texts else stated
        if value is None or value == "":
            return
        if self.column >= MAX_COLUMNS:
            raise too_many(self.builder.name)
        self.cells.extend([None] * (self.column - len(self.cells)))
        self.cells.append(value)

    def value(self) -> str | int | Decimal | date | None:
        """Return what the cell states, without its formula."""
        if self.kind == "inlineStr":
            return "".join(self.texts.get("t", ()))
        text = "".join(self.texts.get("v", ()))
        if not text:
            return None
        if self.kind == "s":
            return self.shared(text)
        if self.kind == "b":
            return "TRUE" if text.strip() == "1" else "FALSE"
        if self.kind == "n":
            return self.number(text.strip())
        return text  # str, e, and d, whose text is a day already

    def shared(self, text: str) -> str:
        """Return the shared text with a number; the same object for every cell that names it."""
        if not re.fullmatch("[0-9]{1,7}", text, re.ASCII) or int(text) >= len(self.workbook.strings):
            raise self.damaged("ô trỏ tới chuỗi không có", "a cell names a text that is not there")
        return self.workbook.strings[int(text)]

    def number(self, text: str) -> str | int | Decimal | date:
        """Return a whole number as int, others exactly as Decimal, a day as date."""
        if _WHOLE.fullmatch(text):
            number: int | Decimal = int(text)
        elif _NUMBER.fullmatch(text):
            number = whole_or_decimal(Decimal(text))
        else:
            raise self.damaged("số không hợp lệ", "a number is not one")
        if self.style.isdigit() and self.style.isascii() and int(self.style[:6]) in self.workbook.date_styles:
            return day_of(number, epoch_1904=self.workbook.epoch_1904)
        return number

    def damaged(self, vi: str, en: str) -> StatementError:
        """Build the error for a sheet that no spreadsheet program writes."""
        return StatementError(
            "bad_structure",
            f"{self.builder.name}!dòng {self.row}",
            f"Trang tính bị hỏng: {vi}. Hãy mở tệp và lưu lại dạng XLSX.",
            f"The sheet is damaged: {en}. Open the file and save it as XLSX again.",
        )


def whole_or_decimal(number: Decimal) -> int | Decimal:
    """Return an int where nothing is lost; exponents are looked at before anything is expanded."""
    if number.adjusted() < 15 and number == number.to_integral_value():
        return int(number)
    return number


def day_of(number: int | Decimal, *, epoch_1904: bool) -> int | Decimal | date:
    """Return the day, and the time if there is one, of a serial number; a number outside the calendar stays."""
    serial = number + 1462 if epoch_1904 else number
    if not 61 <= serial < _LAST_SERIAL:  # below 61 the system of 1900 has a day that never was
        return number
    day = datetime(1899, 12, 30) + timedelta(days=int(serial))  # noqa: DTZ001 - a calendar day has no zone
    fraction = serial - int(serial)
    if not fraction:
        return day.date()
    return day + timedelta(seconds=round(fraction * 86_400))


def column_number(letters: str) -> int:
    """Return the column, counted from 0, that letters name."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1
