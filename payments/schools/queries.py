"""Reads of the organisation tree, schools and pupils."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Select, and_, exists, func, literal, or_, select, tuple_
from sqlalchemy.orm import Session, aliased

from payments.errors import NotFoundError
from payments.schools.identifiers import normalise_code
from payments.schools.models import (
    ClassRoom,
    Enrollment,
    Organisation,
    OrganisationParent,
    Pupil,
    RosterImport,
    School,
    SchoolYear,
)
from payments.schools.rules import search_key

MAX_FOUND = 50


class PupilRow(NamedTuple):
    """A pupil as lists show one."""

    pupil_id: int
    sector_id: str
    full_name: str
    class_id: int
    class_name: str


def organisation_by_code(session: Session, code: str) -> Organisation:
    """Find a node of the tree by its code. Raises NotFoundError."""
    found = session.scalar(select(Organisation).where(Organisation.code == code))
    if found is None:
        raise NotFoundError(f"Không có đơn vị mã «{code}».", f"There is no organisation «{code}».")
    return found


def parent_on(session: Session, organisation_id: int, day: date) -> int | None:
    """Name the parent of an organisation on a day; None at the top of the tree, and outside every membership."""
    return session.scalar(
        select(OrganisationParent.parent_id).where(
            OrganisationParent.child_id == organisation_id, _open_on(OrganisationParent, day)
        )
    )


def subtree(session: Session, root_id: int, day: date) -> list[int]:
    """List an organisation and all that stood below it on a day, in order of id."""
    tree = select(literal(root_id, BigInteger).label("id")).cte("tree", recursive=True)
    below = select(OrganisationParent.child_id).join(tree, OrganisationParent.parent_id == tree.c.id)
    whole = tree.union(below.where(_open_on(OrganisationParent, day)))
    return list(session.scalars(select(whole.c.id).order_by(whole.c.id)))


class TreeRow(NamedTuple):
    """A node of the tree; ``depth`` counts from the top."""

    code: str
    name: str
    kind: str
    parent: str | None
    depth: int


def tree_on(session: Session, day: date) -> list[TreeRow]:
    """List every organisation as the tree stood on a day, each below its parent, siblings by code."""
    above = aliased(Organisation)
    rows = session.execute(
        select(Organisation.code, Organisation.name, Organisation.kind, above.code)
        .outerjoin(
            OrganisationParent,
            (OrganisationParent.child_id == Organisation.id) & _open_on(OrganisationParent, day),
        )
        .outerjoin(above, above.id == OrganisationParent.parent_id)
        .order_by(Organisation.code)
    ).all()
    below: defaultdict[str | None, list[tuple[str, str, str]]] = defaultdict(list)
    for code, name, kind, parent in rows:
        below[parent].append((code, name, kind.value))

    def walk(parent: str | None, depth: int) -> Iterator[TreeRow]:
        for code, name, kind in below[parent]:
            yield TreeRow(code, name, kind, parent, depth)
            yield from walk(code, depth + 1)

    return list(walk(None, 0))


def schools_under(session: Session, root_id: int, day: date) -> list[int]:
    """List the schools that stood below an organisation on a day (itself, when it is one), in order of id."""
    return list(
        session.scalars(select(School.id).where(School.id.in_(subtree(session, root_id, day))).order_by(School.id))
    )


def school_by_code(session: Session, code: str) -> School:
    """Find a school by its code. Raises NotFoundError."""
    found = session.scalar(select(School).where(School.code == code))
    if found is None:
        raise NotFoundError(f"Không có trường mã «{code}».", f"There is no school «{code}».")
    return found


def bank_apps_on(session: Session, school_id: int) -> bool:
    """Whether the school's pages may link into banks' apps (through a third party)."""
    return bool(session.scalar(select(School.bank_apps).where(School.id == school_id)))


def list_schools(session: Session) -> Sequence[School]:
    """List all schools in order of code."""
    return session.scalars(select(School).order_by(School.code)).all()


def year_on(session: Session, school_id: int, day: date) -> SchoolYear | None:
    """Find the school year a day belongs to; of two that overlap, the later one."""
    return session.scalars(
        select(SchoolYear)
        .where(SchoolYear.school_id == school_id, SchoolYear.starts_on <= day, SchoolYear.ends_on >= day)
        .order_by(SchoolYear.starts_on.desc())
        .limit(1)
    ).first()


def year_in_sight(session: Session, school_id: int, day: date) -> SchoolYear | None:
    """Find the school year of a day, else the newest one that the school has."""
    newest = select(SchoolYear).where(SchoolYear.school_id == school_id).order_by(SchoolYear.starts_on.desc()).limit(1)
    return year_on(session, school_id, day) or session.scalars(newest).first()


def year_by_code(session: Session, school_id: int, code: str) -> SchoolYear | None:
    """Find a school year by its code."""
    return session.scalar(select(SchoolYear).where(SchoolYear.school_id == school_id, SchoolYear.code == code))


def classes_of(session: Session, school_id: int, year_id: int) -> Sequence[ClassRoom]:
    """List the classes of a year by grade and name."""
    statement = select(ClassRoom).where(ClassRoom.school_id == school_id, ClassRoom.year_id == year_id)
    return session.scalars(statement.order_by(ClassRoom.grade.asc().nulls_first(), ClassRoom.name)).all()


def pupils_of_class(session: Session, school_id: int, class_id: int, day: date) -> list[PupilRow]:
    """List who sits in a class on a day, in Vietnamese name order."""
    return _rows(session, _pupils(school_id, day).where(Enrollment.class_id == class_id))


def search_pupils(session: Session, school_id: int, text: str, day: date, limit: int = MAX_FOUND) -> list[PupilRow]:
    """Find pupils who study on a day by a part of the name, with or without diacritics, or by sector identifier.

    Each stands with the class entered last (an older year's class may still be open). An empty text finds nobody.
    """
    folded = search_key(text)
    if not folded:
        return []
    matches = or_(Pupil.search_key.contains(folded, autoescape=True), Pupil.sector_id == text.strip())
    later = aliased(Enrollment)
    entered_later = exists().where(
        later.school_id == Enrollment.school_id,
        later.pupil_id == Enrollment.pupil_id,
        tuple_(later.valid_from, later.id) > tuple_(Enrollment.valid_from, Enrollment.id),
        _open_on(later, day),
    )
    return _rows(session, _pupils(school_id, day).where(matches, ~entered_later).limit(limit))


class ClassRow(NamedTuple):
    """A class of a year with how many sit in it today."""

    name: str
    grade: int | None
    pupils: int


def class_sizes(session: Session, school_id: int, year_id: int, day: date) -> list[ClassRow]:
    """Count who sits in each class of a year on a day."""
    statement = (
        select(ClassRoom.name, ClassRoom.grade, func.count(Enrollment.id))
        .outerjoin(
            Enrollment,
            (Enrollment.school_id == ClassRoom.school_id)
            & (Enrollment.class_id == ClassRoom.id)
            & _open_on(Enrollment, day),
        )
        .where(ClassRoom.school_id == school_id, ClassRoom.year_id == year_id)
        .group_by(ClassRoom.id, ClassRoom.name, ClassRoom.grade)
        .order_by(ClassRoom.grade.asc().nulls_first(), ClassRoom.name)
    )
    return [ClassRow(*row) for row in session.execute(statement)]


def roster_imports(session: Session, school_id: int, limit: int = MAX_FOUND) -> Sequence[RosterImport]:
    """The imports that changed something, newest first."""
    return session.scalars(
        select(RosterImport).where(RosterImport.school_id == school_id).order_by(RosterImport.id.desc()).limit(limit)
    ).all()


def roster_import(session: Session, school_id: int, import_id: int) -> RosterImport:
    """One import with its report. Raises NotFoundError."""
    found = session.get(RosterImport, (school_id, import_id))
    if found is None:
        raise NotFoundError("Không tìm thấy lần nhập danh sách này.", "There is no such import.")
    return found


def pupil_ids(session: Session, school_id: int, sector_ids: Collection[str]) -> dict[str, int]:
    """Find the pupils of a school by their sector identifiers; who is not known is left out."""
    statement = select(Pupil.sector_id, Pupil.id).where(
        Pupil.school_id == school_id, Pupil.sector_id.in_(list(sector_ids))
    )
    return {row.sector_id: row.id for row in session.execute(statement)}


def pupil_id_by_sector_id(session: Session, school_id: int, sector_id: str) -> int:
    """Find a pupil of a school by the sector identifier as somebody types it. Raises NotFoundError."""
    code = normalise_code(sector_id)
    found = pupil_ids(session, school_id, [code]).get(code) if "\x00" not in code else None
    if found is None:
        raise NotFoundError(
            "Trường không có học sinh mang mã định danh này; hãy kiểm tra đủ chữ số, kể cả số 0 ở đầu.",
            "No pupil of the school has this identifier; check all its digits, leading zeros too.",
        )
    return found


def _pupils(school_id: int, day: date) -> Select[int, str, str, int, str]:
    """Pupils with the classes they sit in on a day, in Vietnamese name order."""
    return (
        select(Pupil.id, Pupil.sector_id, Pupil.full_name, ClassRoom.id, ClassRoom.name)
        .join(Enrollment, (Enrollment.school_id == Pupil.school_id) & (Enrollment.pupil_id == Pupil.id))
        .join(ClassRoom, (ClassRoom.school_id == Enrollment.school_id) & (ClassRoom.id == Enrollment.class_id))
        .where(Pupil.school_id == school_id, _open_on(Enrollment, day))
        .order_by(Pupil.sort_key.collate("C"), Pupil.id)
    )


def _rows(session: Session, statement: Select[int, str, str, int, str]) -> list[PupilRow]:
    return [PupilRow(*row) for row in session.execute(statement)]


def _open_on(dated: type[Enrollment] | type[OrganisationParent], day: date) -> ColumnElement[bool]:
    """Membership on a day; in this room ``valid_to`` is the first day on which it no longer holds."""
    return and_(dated.valid_from <= day, or_(dated.valid_to.is_(None), dated.valid_to > day))
