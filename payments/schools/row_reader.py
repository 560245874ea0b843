"""The cells of one row, with a note of everything that is wrong with them."""

import re
from datetime import date, datetime

from bank_adapters.statements.rows import column_letters
from bank_adapters.statements.tables import Formula, Row, Value
from bank_adapters.statements.values import text_of
from payments.schools import identifiers, problems
from payments.schools.problems import Kind, Problem
from payments.schools.sheets import Layout

_DAY_FIRST = re.compile(r"([0-9]{1,2})([/.-])([0-9]{1,2})\2([0-9]{4})", re.ASCII)
_YEAR_FIRST = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:[T ]00:00(?::00)?)?", re.ASCII)


class RowReader:
    """Takes the cells of one row by column key and gathers what is wrong with them."""

    def __init__(self, row: Row, layout: Layout) -> None:
        self.row = row
        self.layout = layout
        self.found: list[Problem] = []

    def value(self, key: str) -> Value:
        """The cell of a column; a column that the file lacks is empty, a formula is a problem."""
        value = self.row.cell(self.layout.places.get(key))
        if isinstance(value, Formula):
            self.tell(problems.FORMULA, key)
            return None
        return value

    def text(self, key: str) -> str:
        """What the cell of a column shows."""
        return text_of(self.value(key))

    def tell(self, kind: Kind, key: str) -> None:
        """Note a problem of a column, once."""
        problem = problem_at(kind, self.row, self.layout, key)
        if problem not in self.found:
            self.found.append(problem)

    @property
    def refused(self) -> bool:
        """Whether a problem keeps the row out."""
        return any(problem.kind.refuses for problem in self.found)


def problem_at(kind: Kind, row: Row, layout: Layout, key: str, other_line: int | None = None) -> Problem:
    """Build a problem with its column and cell as the spreadsheet program names them."""
    place = layout.places.get(key)
    cell = "" if place is None else f"{column_letters(place)}{row.number}"
    return Problem(kind, row.sheet, row.number, layout.header(key), cell, other_line)


def required_text(reader: RowReader, key: str) -> str:
    """Take the text of a required cell; an empty one is a problem."""
    text = reader.text(key)
    if not text:
        reader.tell(problems.MISSING, key)
    return text


def may_have_lost_zeros(reader: RowReader, key: str) -> bool:
    """Tell whether digits of a cell may have lost zeros in front: a number, or digits of a CSV that Excel has saved."""
    bare = reader.row.sheet == "" and reader.text(key).isdecimal()
    return bare or isinstance(reader.value(key), int)


def read_sector_id(reader: RowReader) -> str | None:
    """Read the sector identifier; short digits that are no text cell may have lost zeros."""
    text = required_text(reader, "sector_id")
    if not text:
        return None
    code = identifiers.normalise_code(text.removeprefix("'"))
    usual = identifiers.is_usual_sector_id(code)
    if len(code) < identifiers.SECTOR_ID_DIGITS and may_have_lost_zeros(reader, "sector_id"):
        reader.tell(problems.LOST_ZERO, "sector_id")
        return None
    if not identifiers.is_sector_id(code):
        reader.tell(problems.BAD_SECTOR_ID, "sector_id")
        return None
    if not usual:
        reader.tell(problems.UNUSUAL_SECTOR_ID, "sector_id")
    return code


def day_of(value: Value, text: str) -> date | None:
    """Read a day out of a cell; a bare number is no day (the cell has lost its format)."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if not isinstance(value, str):
        return None
    day_first, year_first = _DAY_FIRST.fullmatch(text), _YEAR_FIRST.fullmatch(text)
    if day_first:
        day, month, year = day_first[1], day_first[3], day_first[4]
    elif year_first:
        year, month, day = year_first.groups()
    else:
        return None
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None
