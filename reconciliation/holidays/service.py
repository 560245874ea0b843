"""Enter, change and read bank holidays. Runs that are made afterwards count with them; signed ones stay.

The file with the wheel (``vietnam.csv``) marks each day: ``certain`` (a fixed date of the Labour Code), ``lunar``
(computed by the lunar calendar) or ``yearly`` (usual, the government decides each year). What is not certain says so
in its name until a person enters the day as announced; days off in lieu are announced and not in the file.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.resources import files

from sqlalchemy import delete, extract, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from payments import clock
from payments.errors import DomainError, NotFoundError
from reconciliation.models import Holiday

MARKS = {"certain": "", "lunar": " (tính theo âm lịch)", "yearly": " (chờ thông báo hằng năm)"}
LONGEST_NAME = 200
NEXT_YEAR_FROM = 10
"""From this month on the next year's holidays should be there."""


@dataclass(frozen=True, slots=True)
class Day:
    """A holiday of a file."""

    day: date
    name: str


def packaged() -> bytes:
    """The file with the wheel."""
    return files("reconciliation.holidays").joinpath("vietnam.csv").read_bytes()


def read(data: bytes) -> list[Day]:
    """Days of a CSV ``day,name[,mark]``; all of it or nothing.

    Raises DomainError ``bad_holidays``, which names line, column and the way out.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _bad(1, "day", "tệp phải là UTF-8", "the file must be UTF-8") from error
    rows = csv.DictReader(io.StringIO(text, newline=""))
    if not {"day", "name"} <= set(rows.fieldnames or ()):
        raise _bad(1, "day,name", "dòng đầu phải là «day,name»", "the first line must be «day,name»")
    found: dict[date, Day] = {}
    for row in rows:
        one = _day(row, rows.line_num)
        if one.day in found:
            raise _bad(rows.line_num, "day", f"ngày {one.day} có hai lần", f"{one.day} stands there twice")
        found[one.day] = one
    return list(found.values())


def add(session: Session, days: Iterable[Day]) -> int:
    """Enter days; one that is known gets the new name. Returns how many were not known."""
    known = set(session.scalars(select(Holiday.day)))
    values = [{"day": one.day, "name": one.name} for one in days]
    if values:
        given = insert(Holiday).values(values)
        session.execute(given.on_conflict_do_update(index_elements=["day"], set_={"name": given.excluded.name}))
    return len({row["day"] for row in values} - known)


def remove(session: Session, day: date) -> None:
    """Take a day out. Raises NotFoundError."""
    if session.scalar(delete(Holiday).where(Holiday.day == day).returning(Holiday.id)) is None:
        raise NotFoundError(f"Ngày {day:%d/%m/%Y} không phải ngày nghỉ đã nhập.", f"{day} is no holiday.")


def listed(session: Session, year: int | None = None) -> Sequence[Holiday]:
    """Holidays in order, of one year or of all."""
    wanted = select(Holiday).order_by(Holiday.day)
    return session.scalars(wanted if year is None else wanted.where(extract("year", Holiday.day) == year)).all()


def missing_years(session: Session, today: date | None = None) -> list[int]:
    """Years whose holidays should be entered and are not: this one, and from October on the next one."""
    day = today or clock.today()
    wanted = [day.year, *([day.year + 1] if day.month >= NEXT_YEAR_FROM else [])]
    return [year for year in wanted if not listed(session, year)]


def _day(row: dict[str, str | None], line: int) -> Day:
    try:
        day = date.fromisoformat((row["day"] or "").strip())
    except ValueError as error:
        raise _bad(line, "day", "hãy viết ngày dạng 2026-02-17", "write the day as 2026-02-17") from error
    name = " ".join((row["name"] or "").split())
    if not name or len(name) > LONGEST_NAME:
        raise _bad(line, "name", "hãy ghi tên ngày nghỉ", "give the holiday a name")
    mark = (row.get("mark") or "certain").strip()
    if mark not in MARKS:
        raise _bad(line, "mark", f"chỉ nhận {', '.join(MARKS)}", f"one of {', '.join(MARKS)}")
    return Day(day, name + MARKS[mark])


def _bad(line: int, column: str, vi: str, en: str) -> DomainError:
    return DomainError(
        "bad_holidays", f"Dòng {line}, cột {column}: {vi}. Chưa nhập ngày nào.", f"Line {line}, column {column}: {en}."
    )
