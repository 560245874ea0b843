"""Rows and sheets, and the limits that every table format shares."""

from collections.abc import Iterator
from dataclasses import dataclass

from bank_adapters.statements.errors import StatementError
from bank_adapters.statements.values import Value, is_blank

MAX_ROWS = 200_000
MAX_COLUMNS = 512
MAX_CELLS = 2_000_000  # of a file, counted with the empty ones in between


@dataclass(frozen=True, slots=True)
class Row:
    """One row that shows something; `number` counts from 1, as the spreadsheet program shows it."""

    sheet: str
    number: int
    cells: tuple[Value, ...]

    def cell(self, column: int | None) -> Value:
        """Return the cell of a column counted from 0; empty beyond the last one."""
        if column is None or column >= len(self.cells):
            return None
        return self.cells[column]

    def place(self, column: int | None = None) -> str:
        """Say where a cell, or the row, stands: `Sheet1!C14`, `dòng 14`."""
        prefix = f"{self.sheet}!" if self.sheet else ""
        if column is None:
            return f"{prefix}dòng {self.number}"
        return f"{prefix}{column_letters(column)}{self.number}"


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rows of one sheet that show something, in order."""

    name: str
    rows: tuple[Row, ...]
    epoch_1904: bool = False  # a number that is no day by its format may be one all the same
    open_row: int | None = None  # a last row that has no end, as in a file that was cut short
    endless: bool = False  # plain text, which looks whole wherever it is cut between two rows

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)


class SheetBuilder:
    """Collects the rows of a sheet within the limits shared by all formats and by the whole file."""

    def __init__(self, name: str, cells_before: int = 0, *, epoch_1904: bool = False) -> None:
        self.name = name
        self.epoch_1904 = epoch_1904
        self.open_row: int | None = None
        self.endless = False
        self.rows: list[Row] = []
        self.cells = cells_before

    def add(self, number: int, cells: list[Value]) -> None:
        """Keep a row unless it shows nothing; raises StatementError beyond the limits."""
        while cells and is_blank(cells[-1]):
            cells.pop()
        if not cells:
            return
        self.cells += len(cells)
        if len(self.rows) >= MAX_ROWS or len(cells) > MAX_COLUMNS or self.cells > MAX_CELLS:
            raise too_many(self.name)
        self.rows.append(Row(self.name, number, tuple(cells)))

    def sheet(self) -> Sheet:
        """Return what was collected."""
        return Sheet(self.name, tuple(self.rows), self.epoch_1904, self.open_row, self.endless)


def column_letters(column: int) -> str:
    """Name a column counted from 0 as spreadsheet programs do."""
    letters = ""
    number = column + 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def too_many(name: str) -> StatementError:
    """Build the error for a sheet beyond the limits of rows, columns or cells."""
    return StatementError(
        "too_many_rows",
        name,
        f"Trang tính có quá nhiều ô (tối đa {MAX_ROWS} dòng, {MAX_COLUMNS} cột). Hãy chia nhỏ tệp.",
        f"The sheet has too many cells (at most {MAX_ROWS} rows, {MAX_COLUMNS} columns). Split the file.",
    )
