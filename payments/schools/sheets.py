"""Spreadsheets that people send: the guarded reader, columns found by their headers, rows without decoration."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bank_adapters.statements.errors import StatementError
from bank_adapters.statements.tables import Row, Sheet, read_tables
from bank_adapters.statements.values import text_of
from payments.errors import DomainError
from payments.i18n import Text
from payments.schools.rules import search_key

HEADER_IN_FIRST_ROWS = 40
LIKE_A_HEADER = 3


@dataclass(frozen=True, slots=True)
class Column:
    """A column we keep: its header in the template, other names in real files (best first), and what it takes."""

    key: str
    header: str
    names: tuple[str, ...]
    takes: Text
    required: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the columns of a sheet stand: key -> place counted from 0; headers that we do not keep."""

    places: Mapping[str, int]
    header_row: int
    ignored: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def missing(self) -> list[Column]:
        """Required columns that the sheet lacks."""
        return [column for column in self.columns if column.required and column.key not in self.places]

    def header(self, key: str) -> str:
        """The template's name of a column."""
        return next(column.header for column in self.columns if column.key == key)


def table_of(records: Sequence[Mapping[str, str]], name: str, columns: tuple[Column, ...]) -> tuple[Layout, list[Row]]:
    """Stand what a program tells (by column key) in a table, so that it is read and judged as a file's rows are.

    Line 1 is the first record. Every value is a text, as in a workbook whose cells are formatted so.
    """
    layout = Layout({column.key: place for place, column in enumerate(columns)}, 0, (), columns)
    rows = [
        Row(name, line, tuple(record.get(column.key) for column in columns)) for line, record in enumerate(records, 1)
    ]
    return layout, rows


def fold_header(text: str) -> str:
    """Fold a header for comparison: no case, diacritics, blanks, punctuation, or «(*)»."""
    return search_key(text).replace(" ", "")


def without_notes(text: str) -> str:
    """Drop what stands in brackets: «Mã định danh Bộ GD&ĐT (trên CSDL ngành)»."""
    return re.sub(r"\([^)]*\)", " ", text)


def rank(column: Column, header: str) -> int | None:
    """Say how well a header names a column: 0 is the template's own, None is not at all."""
    names = [fold_header(column.header), *column.names]
    folded = {fold_header(header), fold_header(without_notes(header))}
    return next((place for place, name in enumerate(names) if name in folded), None)


def find_layout(sheet: Sheet, columns: tuple[Column, ...]) -> Layout | None:
    """Find the header row of a sheet: the first with all required columns, else the best; None: another sheet."""
    layouts = [layout_of(row, columns) for row in sheet.rows[:HEADER_IN_FIRST_ROWS]]
    complete = next((layout for layout in layouts if not layout.missing), None)
    best = complete or max(layouts, key=lambda layout: len(layout.places), default=None)
    return best if best and len(best.places) >= LIKE_A_HEADER else None


def layout_of(row: Row, columns: tuple[Column, ...]) -> Layout:
    """Read a row as if it were the header. Raises DomainError ``duplicate_column`` when two cells name one column."""
    headers = [text_of(value) for value in row.cells]
    places: dict[str, int] = {}
    for column in columns:
        ranked = [(found, place) for place, header in enumerate(headers) if (found := rank(column, header)) is not None]
        if ranked:
            places[column.key] = pick(column, sorted(ranked), row)
    kept = set(places.values())
    ignored = tuple(header[:60] for place, header in enumerate(headers) if header and place not in kept)
    return Layout(places, row.number, ignored, columns)


def pick(column: Column, ranked: Sequence[tuple[int, int]], row: Row) -> int:
    """Pick the cell that names a column best; two equally good ones are refused, not guessed."""
    if len(ranked) > 1 and ranked[0][0] == ranked[1][0] and len(row.cells) > LIKE_A_HEADER:
        first, second = row.place(ranked[0][1]), row.place(ranked[1][1])
        raise DomainError(
            "duplicate_column",
            f"Cột «{column.header}» có hai lần ({first} và {second}). Hãy xóa hoặc đổi tên một cột.",
            f"The column «{column.header}» stands there twice ({first} and {second}). Remove or rename one.",
        )
    return ranked[0][1]


def is_numbering(row: Row) -> bool:
    """Tell whether a row only numbers the columns: «(1) (2) (3)»."""
    texts = [text_of(value).strip("()[] ") for value in row.cells if value is not None]
    return len(texts) > LIKE_A_HEADER and all(text.isascii() and text.isdigit() and len(text) < 3 for text in texts)


def guarded_tables(data: bytes, filename: str) -> list[Sheet]:
    """Read a file through the guarded reader; what it refuses becomes a DomainError with the same code."""
    try:
        return read_tables(data, filename)
    except StatementError as error:
        place = f" ({error.place})" if error.place else ""
        raise DomainError(error.code, f"{error.vi}{place}", f"{error.en}{place}") from None


def tables_with(data: bytes, filename: str, columns: tuple[Column, ...]) -> list[tuple[Layout, list[Row]]]:
    """Read every sheet that has the required columns: its layout, and the rows below its header.

    Raises DomainError: the codes of the table reader (a damaged, protected or unsafe file), ``no_table`` when no sheet
    has the columns, ``missing_column``, ``duplicate_column``.
    """
    found = [(layout, sheet) for sheet in guarded_tables(data, filename) if (layout := find_layout(sheet, columns))]
    complete = [(layout, sheet) for layout, sheet in found if not layout.missing]
    if not complete:
        raise missing_columns(found[0][0]) if found else no_table(columns)
    return [(layout, rows_below(sheet, layout)) for layout, sheet in complete]


def rows_below(sheet: Sheet, layout: Layout) -> list[Row]:
    """List the rows below a header that say something, without one that only numbers the columns."""
    kept = set(layout.places.values())
    below = [row for row in sheet.rows if row.number > layout.header_row and not is_numbering(row)]
    return [row for row in below if any(row.cell(place) is not None for place in kept)]


def missing_columns(layout: Layout) -> DomainError:
    """Build the error for a sheet that lacks required columns."""
    names = ", ".join(f"«{column.header}»" for column in layout.missing)
    return DomainError(
        "missing_column",
        f"Thiếu cột bắt buộc: {names} (tiêu đề ở dòng {layout.header_row}). Hãy dùng tệp mẫu.",
        f"Required columns are missing: {names} (header in line {layout.header_row}). Use the template.",
    )


def no_table(columns: Sequence[Column]) -> DomainError:
    """Build the error for a file without the table we look for."""
    names = ", ".join(f"«{column.header}»" for column in columns if column.required)
    return DomainError(
        "no_table",
        f"Không tìm thấy dòng tiêu đề có các cột {names}. Hãy dùng tệp mẫu.",
        f"No header row with the columns {names} was found. Use the template.",
    )
