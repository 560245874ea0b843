"""From the bytes of a file to judged rows: every sheet that looks like a roster is read."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date

from bank_adapters.statements.errors import StatementError
from bank_adapters.statements.tables import Sheet, read_tables
from payments.errors import DomainError
from payments.schools.roster.checks import check_rows
from payments.schools.roster.columns import Layout, find_layout, is_numbering
from payments.schools.roster.rows import ReadRow, read_row
from payments.schools.rules import SchoolLevel


@dataclass(frozen=True, slots=True)
class ReadRoster:
    """The rows of a file, and the headers of columns that we do not keep."""

    rows: tuple[ReadRow, ...]
    ignored_columns: tuple[str, ...]


def read_roster(data: bytes, filename: str, level: SchoolLevel, today: date) -> ReadRoster:
    """Read a roster from XLSX or CSV.

    Raises DomainError: the codes of the table reader (a damaged, protected or unsafe file), ``no_roster`` when no sheet
    has the columns, ``missing_column``, ``duplicate_column``, ``legacy_font``.
    """
    found = [(sheet, layout) for sheet in guarded_tables(data, filename) if (layout := find_layout(sheet))]
    complete = [(sheet, layout) for sheet, layout in found if not layout.missing]
    if not complete:
        raise missing_columns(found[0][1]) if found else no_roster()
    rows = [row for sheet, layout in complete for row in rows_of(sheet, layout, level, today)]
    ignored = dict.fromkeys(header for _sheet, layout in complete for header in layout.ignored)
    return ReadRoster(tuple(check_rows(rows)), tuple(ignored))


def guarded_tables(data: bytes, filename: str) -> list[Sheet]:
    """Read a file through the guarded reader; what it refuses becomes a DomainError with the same code."""
    try:
        return read_tables(data, filename)
    except StatementError as error:
        place = f" ({error.place})" if error.place else ""
        raise DomainError(error.code, f"{error.vi}{place}", f"{error.en}{place}") from None


def rows_of(sheet: Sheet, layout: Layout, level: SchoolLevel, today: date) -> list[ReadRow]:
    """Read the rows below the header of a sheet, without one that only numbers the columns."""
    below = [row for row in sheet.rows if row.number > layout.header_row and not is_numbering(row)]
    kept = set(layout.places.values())
    return [read_row(row, layout, level, today) for row in below if any(row.cell(place) for place in kept)]


def content_sha256(rows: Sequence[ReadRow]) -> bytes:
    """Hash what the accepted rows tell, in canonical order: equal for the same roster re-saved or reordered."""
    pupils = sorted((asdict(row.pupil) for row in rows if row.pupil), key=lambda pupil: str(pupil["sector_id"]))
    return hashlib.sha256(json.dumps(pupils, default=str, sort_keys=True).encode()).digest()


def missing_columns(layout: Layout) -> DomainError:
    """Build the error for a sheet that lacks required columns."""
    names = ", ".join(f"«{column.header}»" for column in layout.missing)
    return DomainError(
        "missing_column",
        f"Thiếu cột bắt buộc: {names} (tiêu đề ở dòng {layout.header_row}). Hãy dùng tệp mẫu.",
        f"Required columns are missing: {names} (header in line {layout.header_row}). Use the template.",
    )


def no_roster() -> DomainError:
    """Build the error for a file without a roster."""
    return DomainError(
        "no_roster",
        "Không tìm thấy dòng tiêu đề của danh sách học sinh. Hãy dùng tệp mẫu (hocphi roster template).",
        "No header row of a pupils' list was found. Use the template (hocphi roster template).",
    )
