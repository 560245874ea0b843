"""Finding the header row of a table by what its columns are called, in whatever spelling."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise, zip_longest

from bank_adapters.statements.rows import Row
from bank_adapters.statements.values import Value, text_of

SEARCHED_ROWS = 40
MAX_LABEL_CHARS = 160  # a longer text is no label, and folding it would cost time
_REMEMBERED = 1024  # a file repeats its labels and days; every layout and reader looks at them
_NOTES = re.compile(r"\([^)]*\)|[*:]")
_FOOTNOTE = re.compile(r"(?<=[a-z])[0-9]$")


@dataclass(frozen=True, slots=True)
class Column:
    """A column that a layout knows: its folded names, best first."""

    name: str
    aliases: tuple[str, ...]
    required: bool


@dataclass(frozen=True, slots=True)
class Header:
    """Where the columns of a layout stand, and the position of the first row below the header."""

    columns: Mapping[str, int]
    first: int  # positions in the sequence of rows, not row numbers
    body: int


Names = Sequence[frozenset[str]]
"""What each cell of a row goes by."""


def folded(text: str) -> str:
    """Fold a label: lower case, no marks, brackets, asterisks or footnote digits, single blanks."""
    return _folded(text[:MAX_LABEL_CHARS])


@lru_cache(_REMEMBERED)
def _folded(text: str) -> str:
    bare = text.lower()
    if not bare.isascii():
        spread = unicodedata.normalize("NFKD", bare).replace("đ", "d")
        bare = "".join(char for char in spread if not unicodedata.combining(char))
    return _FOOTNOTE.sub("", " ".join(_NOTES.sub(" ", bare).replace(".", " ").split()))


def labels_of(value: Value) -> frozenset[str]:
    """Return the names a header cell goes by: as a whole, and each half around `/` or a line break."""
    text = text_of(value)[:MAX_LABEL_CHARS]
    parts = {text, *text.split("/"), *re.split(r"[/\n]", text)}
    return frozenset(filter(None, map(folded, parts)))


def row_names(row: Row) -> list[frozenset[str]]:
    """Return the names that each cell of a row goes by."""
    return [labels_of(cell) for cell in row.cells]


def find_header(rows: Sequence[Row], columns: Sequence[Column]) -> Header | None:
    """Return the first row among the first ones that names every required column, else the first such pair."""
    return find_among([row_names(row) for row in rows[:SEARCHED_ROWS]], columns)


def find_among(searched: Sequence[Names], columns: Sequence[Column]) -> Header | None:
    """``find_header`` in rows whose names are known already: they are the same whichever layout looks for itself."""
    for first, names in enumerate(searched):
        found = assign(names, columns)
        if found is not None:
            return Header(found, first, first + 1)
    for first, (upper, lower) in enumerate(pairwise(searched)):
        found = assign(stacked(upper, lower), columns)
        if found is not None:
            return Header(found, first, first + 2)
    return None


def stacked(upper: Names, lower: Names) -> list[frozenset[str]]:
    """Name the columns of a header of two rows, where a cell above may span several below."""
    names: list[frozenset[str]] = []
    above: frozenset[str] = frozenset()
    for own, below in zip_longest(upper, lower, fillvalue=frozenset[str]()):
        above = own or above
        joined = {f"{top} {bottom}" for top in above for bottom in below}
        names.append(frozenset(joined) | (below or own))
    return names


def assign(labels: Names, columns: Sequence[Column]) -> dict[str, int] | None:
    """Give every column its place; a name that two columns bear is no name. None if one is missing."""
    found: dict[str, int] = {}
    for column in columns:
        free = [place for place in range(len(labels)) if place not in found.values()]
        place = next((only for alias in column.aliases if (only := bearer(alias, labels, free)) is not None), None)
        if place is not None:
            found[column.name] = place
        elif column.required:
            return None
    return found


def bearer(alias: str, labels: Names, free: Sequence[int]) -> int | None:
    """Return the only free column that bears a name."""
    bearing = [place for place in free if alias in labels[place]]
    return bearing[0] if len(bearing) == 1 else None
