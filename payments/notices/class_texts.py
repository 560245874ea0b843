"""Texts for a class teacher to paste: one for the group, about everybody; one for each parent, to send alone.

The list holds every pupil of the class who has an invoice in the round, whether it is paid or not: a teacher's file is
no list of debtors. It holds no amount, and of a name what a notice shows.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

import xlsxwriter
from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.i18n import Language
from payments.notices.models import Campaign
from payments.notices.outside import Outside
from payments.notices.rules import Kind
from payments.notices.texts import chat_text
from payments.notices.wording import LANGUAGES, template_of
from payments.notices.writing import values_for_class, values_of_pupil
from payments.portal.service import ensure_links, good_until, links_of

HEADINGS = ("Lớp", "Mã học sinh", "Đường dẫn", "Nội dung")
_BOM = "\ufeff"
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""A spreadsheet program takes a text that begins so for a formula; some, signs of full width as well (OWASP)."""
_XLSX = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}

_PUPILS = text("""
    SELECT p.id, p.sector_id, p.full_name, min(i.due_on) AS due_on
    FROM invoice i
    JOIN invoice_balance b ON b.school_id = i.school_id AND b.invoice_id = i.id
    JOIN pupil p ON p.school_id = i.school_id AND p.id = i.pupil_id
    WHERE i.school_id = :school_id AND i.round_id = :round_id AND b.state IN ('open', 'partial', 'paid')
      AND :class_id = (SELECT e.class_id FROM enrollment e WHERE e.school_id = p.school_id AND e.pupil_id = p.id
                       ORDER BY e.valid_from DESC, e.id DESC LIMIT 1)
    GROUP BY p.school_id, p.id, p.sector_id, p.full_name, p.sort_key
    ORDER BY p.sort_key COLLATE "C", p.id
""")
_CLASSES = text("""
    SELECT DISTINCT c.id, c.name FROM invoice i
    JOIN enrollment e ON e.school_id = i.school_id AND e.pupil_id = i.pupil_id
    JOIN class_room c ON c.school_id = e.school_id AND c.id = e.class_id
    WHERE i.school_id = :school_id AND i.round_id = :round_id ORDER BY c.name, c.id
""")


@dataclass(frozen=True, slots=True)
class Line:
    """One pupil's text; ``full_name`` is for the screen of the school, never for the file."""

    full_name: str
    sector_id: str
    link: str
    text: str


@dataclass(frozen=True, slots=True)
class ClassTexts:
    """What a class teacher takes along."""

    class_name: str
    group: str
    lines: Sequence[Line]


def classes_of(session: Session, school_id: int, round_id: int) -> list[tuple[int, str]]:
    """The classes with invoices in a round."""
    return [(row.id, row.name) for row in session.execute(_CLASSES, {"school_id": school_id, "round_id": round_id})]


def texts_for(
    session: Session, outside: Outside, campaign: Campaign, class_id: int, languages: tuple[Language, ...]
) -> ClassTexts:
    """All texts of a class; ``campaign`` names school and round and is not kept."""
    school_id, keys = campaign.school_id, outside.settings.link_keys
    ensure_links(session, keys, school_id, good_until(session, school_id))
    rows = session.execute(_PUPILS, {"school_id": school_id, "round_id": campaign.round_id, "class_id": class_id}).all()
    links = links_of(session, keys, school_id, [row.id for row in rows])
    single = {one: template_of(session, school_id, Kind.NEW_ROUND, one) for one in languages}
    group = {one: template_of(session, school_id, Kind.GROUP, one) for one in languages}
    common = values_for_class(session, outside, campaign, class_id)
    lines = []
    for row in rows:
        if row.id not in links:
            continue
        link = f"{outside.settings.base_url}/p/{links[row.id]}"
        values = {**common, **values_of_pupil(row.full_name, row.due_on), "duong_dan": link}
        lines.append(Line(row.full_name, row.sector_id, link, chat_text(single, languages, values)))
    return ClassTexts(common["lop"], chat_text(group, languages, common), lines)


def for_paste(school_id: int, round_id: int, language: str) -> tuple[Campaign, tuple[Language, ...]]:
    """School and round as texts are written for them, free of charge."""
    return Campaign(school_id=school_id, round_id=round_id, price_vnd=0), LANGUAGES[language]


def as_csv(told: ClassTexts) -> bytes:
    """As Excel in Vietnamese opens it: UTF-8 with BOM, semicolons; no cell is a formula."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(HEADINGS)
    writer.writerows([_safe(cell) for cell in row] for row in _rows(told))
    return (_BOM + out.getvalue()).encode()


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_DANGEROUS) else cell


def as_xlsx(told: ClassTexts) -> bytes:
    """A workbook of texts."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, _XLSX)
    sheet = book.add_worksheet("Nội dung gửi")
    words = book.add_format({"num_format": "@", "text_wrap": True, "valign": "top"})
    bold = book.add_format({"bold": True, "bg_color": "#E8EEF7", "border": 1})
    for column, (heading, width) in enumerate(zip(HEADINGS, (8, 16, 46, 70), strict=True)):
        sheet.set_column(column, column, width, words)
        sheet.write_string(0, column, heading, bold)
    for number, row in enumerate(_rows(told), start=1):
        for column, cell in enumerate(row):
            sheet.write_string(number, column, cell, words)
    sheet.freeze_panes(1, 0)
    book.close()
    return out.getvalue()


def _rows(told: ClassTexts) -> list[tuple[str, str, str, str]]:
    return [(told.class_name, line.sector_id, line.link, line.text) for line in told.lines]
