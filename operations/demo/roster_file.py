"""A school's roster as its secretary would send it: an XLSX file in the sector template."""

import io
import unicodedata
from collections.abc import Sequence
from typing import Any

import xlsxwriter

from operations.demo.names import SAVED_AS_NFD
from operations.demo.people import Pupil
from operations.sample_files import workbook
from payments.schools.roster import columns
from payments.schools.rules import Sex

COLUMNS = (
    "class_name",
    "sector_id",
    "full_name",
    "date_of_birth",
    "sex",
    "status",
    "personal_id",
    "guardian_name",
    "guardian_phone",
    "guardian_email",
)
WORDS = {Sex.MALE: "Nam", Sex.FEMALE: "Nữ"}


def write_roster(pupils: Sequence[Pupil]) -> bytes:
    """Write the workbook; the same pupils give the same bytes."""
    out = io.BytesIO()
    book: xlsxwriter.Workbook = workbook(out)
    sheet = book.add_worksheet("Danh sách")
    day = book.add_format({"num_format": "dd/mm/yyyy"})
    headers = {column.key: column.header for column in columns.COLUMNS}
    sheet.write_row(0, 0, ["STT", *(headers[key] for key in COLUMNS)])
    for line, pupil in enumerate(pupils, start=1):
        _write_pupil(sheet, line, pupil, day)
    book.close()
    return out.getvalue()


def _write_pupil(sheet: Any, line: int, pupil: Pupil, day: Any) -> None:
    name = unicodedata.normalize("NFD", pupil.full_name) if pupil.full_name == SAVED_AS_NFD else pupil.full_name
    texts = {
        "class_name": pupil.class_name,
        "sector_id": pupil.sector_id,
        "full_name": name,
        "sex": WORDS[pupil.sex],
        "status": "Đang học",
        "personal_id": pupil.personal_id or "",
        "guardian_name": pupil.family.guardian_name,
        "guardian_phone": pupil.family.phone,
        "guardian_email": pupil.family.email,
    }
    sheet.write_number(line, 0, line)
    for place, key in enumerate(COLUMNS, start=1):
        if key == "date_of_birth":
            sheet.write_datetime(line, place, pupil.born, day)
        else:
            sheet.write_string(line, place, texts[key])
