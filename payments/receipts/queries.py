"""Reads of receipts: for their holder by number, for anybody by the code on them."""

import re
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

CODE = re.compile(r"[A-Za-z0-9_-]{20}", re.ASCII)
_NUMBER = re.compile(r"([A-Z]{2})-([0-9]{4})-([0-9]{1,9})", re.ASCII)


@dataclass(frozen=True, slots=True)
class ReceiptRow:
    """A receipt without the pupil's name."""

    school_id: int
    school_name: str
    words: str
    """The school's way of reading amounts aloud: a key of ``words.STYLES``."""
    year: int
    series: str
    number: int
    transaction_id: int
    pupil_id: int
    amount_vnd: int
    received_on: date
    issued_at: datetime
    verify_code: str
    revoked_at: datetime | None

    @property
    def name(self) -> str:
        """Its number as people say it: XN-2026-000123."""
        return f"{self.series}-{self.year}-{self.number:06d}"


_RECEIPT = (
    "SELECT r.school_id, s.name, s.number_words, r.year, r.series, r.number, r.transaction_id, r.pupil_id,"
    " r.amount_vnd, r.received_on, r.issued_at, r.verify_code, r.revoked_at"
    " FROM receipt r JOIN school s ON s.id = r.school_id "
)
_BY_CODE = text(_RECEIPT + "WHERE r.verify_code = :code")
_OF_PUPIL = text(_RECEIPT + "WHERE r.school_id = :school_id AND r.pupil_id = :pupil_id ORDER BY r.issued_at DESC, r.id")
_BY_NUMBER = text(
    _RECEIPT + "WHERE r.school_id = :school_id AND r.pupil_id = :pupil_id"
    " AND r.series = :series AND r.year = :year AND r.number = :number"
)


def by_code(session: Session, code: str) -> ReceiptRow | None:
    """The receipt with this public code; None for a code that nobody was given."""
    row = session.execute(_BY_CODE, {"code": code}).first() if CODE.fullmatch(code) else None
    return None if row is None else ReceiptRow(*row)


def of_pupil(session: Session, school_id: int, pupil_id: int) -> list[ReceiptRow]:
    """Every receipt of a pupil, revoked ones too, newest first."""
    return [ReceiptRow(*row) for row in session.execute(_OF_PUPIL, {"school_id": school_id, "pupil_id": pupil_id})]


def by_name(session: Session, school_id: int, pupil_id: int, name: str) -> ReceiptRow | None:
    """The pupil's receipt with this number (``ReceiptRow.name``); None when it is nobody's or another pupil's."""
    found = _NUMBER.fullmatch(name)
    if found is None:
        return None
    wanted = {"series": found[1], "year": int(found[2]), "number": int(found[3])}
    row = session.execute(_BY_NUMBER, {"school_id": school_id, "pupil_id": pupil_id, **wanted}).first()
    return None if row is None else ReceiptRow(*row)
