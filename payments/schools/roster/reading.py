"""From the bytes of a roster to judged rows: every sheet that has the columns is read."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date

from payments.schools.roster.checks import check_rows
from payments.schools.roster.columns import COLUMNS
from payments.schools.roster.rows import ReadRow, read_row
from payments.schools.rules import SchoolLevel
from payments.schools.sheets import table_of, tables_with

PROGRAM = "API"
"""Name of the table that a program sends: with one its texts are texts, no digits of a CSV that may have lost zeros."""


@dataclass(frozen=True, slots=True)
class ReadRoster:
    """The rows of a file, and the headers of columns that we do not keep."""

    rows: tuple[ReadRow, ...]
    ignored_columns: tuple[str, ...]


def read_roster(data: bytes, filename: str, level: SchoolLevel, today: date) -> ReadRoster:
    """Read a roster from XLSX or CSV. Raises DomainError: the codes of ``tables_with``, and ``legacy_font``."""
    tables = tables_with(data, filename, COLUMNS)
    rows = [read_row(row, layout, level, today) for layout, below in tables for row in below]
    ignored = dict.fromkeys(header for layout, _below in tables for header in layout.ignored)
    return ReadRoster(tuple(check_rows(rows)), tuple(ignored))


def read_records(records: Sequence[Mapping[str, str]], level: SchoolLevel, today: date) -> ReadRoster:
    """Read pupils that a program tells, by the keys of ``columns``. Raises DomainError ``legacy_font``."""
    layout, rows = table_of(records, PROGRAM, COLUMNS)
    return ReadRoster(tuple(check_rows([read_row(row, layout, level, today) for row in rows])), ())


def content_sha256(rows: Sequence[ReadRow]) -> bytes:
    """Hash what the accepted rows tell, in canonical order: equal for the same roster re-saved or reordered."""
    pupils = sorted((asdict(row.pupil) for row in rows if row.pupil), key=lambda pupil: str(pupil["sector_id"]))
    return hashlib.sha256(json.dumps(pupils, default=str, sort_keys=True).encode()).digest()
