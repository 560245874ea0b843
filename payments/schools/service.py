"""Schools and the tree they stand in: dated facts that are added, never overwritten."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from payments import clock
from payments.audit.service import record
from payments.crypto import FieldCipher
from payments.errors import ConflictError, DomainError, NotFoundError
from payments.ledger.chart_service import load_chart_preset
from payments.schools import queries
from payments.schools.models import (
    InvoiceGrouping,
    NumberWords,
    Organisation,
    OrganisationKind,
    OrganisationParent,
    RosterImport,
    School,
    SchoolYear,
)
from payments.schools.roster import problems, store
from payments.schools.roster.checks import tell_namesakes, tell_unknown_leavers
from payments.schools.roster.plan import Days, make_plan, missing_pupils
from payments.schools.roster.reading import ReadRoster, content_sha256, read_records, read_roster
from payments.schools.roster.report import RosterReport, make_report
from payments.schools.roster.rows import ReadRow, with_problem
from payments.schools.rules import Ownership, SchoolLevel, normalise_name, school_year_of

FIRST_CHART = "TT107"
_CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,39}", re.ASCII)
_YEAR_CODE = re.compile(r"(20[0-9]{2})-(20[0-9]{2})", re.ASCII)


def create_organisation(
    session: Session,
    *,
    code: str,
    name: str,
    kind: OrganisationKind,
    parent_id: int | None = None,
    from_day: date | None = None,
) -> int:
    """Add a node of the tree, below ``parent_id`` from a day on (default today), and return its id.

    Raises ConflictError ``code_taken`` and DomainError ``bad_code``, ``bad_name``.
    """
    _check_code_and_name(code, name)
    organisation = Organisation(code=code, name=normalise_name(name), kind=kind)
    try:
        with session.begin_nested():
            session.add(organisation)
    except IntegrityError:
        raise ConflictError(
            "code_taken", f"Mã «{code}» đã có đơn vị khác dùng.", f"The code «{code}» is already in use."
        ) from None
    if parent_id is not None:
        move_organisation(session, organisation.id, parent_id, from_day or clock.today())
    return organisation.id


def move_organisation(session: Session, child_id: int, parent_id: int, from_day: date) -> None:
    """Put an organisation below another from a day on; where it stood before stays in the history.

    Raises DomainError ``bad_parent`` (a school, itself, or one that stands below it) and ConflictError
    ``moved_later`` when a membership from that day or later exists already.
    """
    # Moves are rare; one at a time, so that two together can make no circle.
    session.execute(text("LOCK TABLE organisation_parent IN SHARE ROW EXCLUSIVE MODE"))
    if queries.parent_on(session, child_id, from_day) == parent_id:
        return
    _check_parent(session, child_id, parent_id, from_day)
    latest = session.scalars(
        select(OrganisationParent)
        .where(OrganisationParent.child_id == child_id)
        .order_by(OrganisationParent.valid_from.desc())
        .limit(1)
    ).first()
    if latest is not None:
        if latest.valid_from >= from_day:
            raise ConflictError(
                "moved_later",
                f"Đơn vị đã được chuyển từ ngày {latest.valid_from:%d/%m/%Y}. Hãy chọn ngày sau đó.",
                f"The organisation has moved on {latest.valid_from:%d/%m/%Y} already. Choose a later day.",
            )
        if latest.valid_to is None or latest.valid_to > from_day:
            latest.valid_to = from_day
    session.add(OrganisationParent(child_id=child_id, parent_id=parent_id, valid_from=from_day))
    session.flush()


def _check_parent(session: Session, child_id: int, parent_id: int, from_day: date) -> None:
    parent = session.get(Organisation, parent_id)
    if parent is None or session.get(Organisation, child_id) is None:
        raise NotFoundError("Không có đơn vị này.", "There is no such organisation.")
    circle = parent_id in _ever_below(session, child_id, from_day)
    if parent.kind is OrganisationKind.SCHOOL or circle:
        raise DomainError(
            "bad_parent",
            "Đơn vị cấp trên không thể là một trường, chính đơn vị đó hoặc đơn vị nằm dưới nó.",
            "The parent can be neither a school, nor the organisation itself, nor one that stands below it.",
        )


def _ever_below(session: Session, root_id: int, from_day: date) -> set[int]:
    """All that stand below on the day or at a later time: none of them may become the parent."""
    days = session.scalars(select(OrganisationParent.valid_from).where(OrganisationParent.valid_from > from_day)).all()
    return {found for day in {from_day, *days} for found in queries.subtree(session, root_id, day)}


def create_school(
    session: Session,
    *,
    code: str,
    name: str,
    level: SchoolLevel,
    ownership: Ownership = Ownership.PUBLIC,
    area_group: str | None = None,
    invoice_grouping: InvoiceGrouping = InvoiceGrouping.PER_ACCOUNT,
    parent_id: int | None = None,
    from_day: date | None = None,
    actor_id: int | None = None,
) -> int:
    """Add a school with its place in the tree and a first chart of accounts; return its id.

    Raises what ``create_organisation`` raises.
    """
    school_id = create_organisation(
        session, code=code, name=name, kind=OrganisationKind.SCHOOL, parent_id=parent_id, from_day=from_day
    )
    session.add(
        School(
            id=school_id,
            code=code,
            name=normalise_name(name),
            level=level,
            ownership=ownership,
            area_group=area_group,
            invoice_grouping=invoice_grouping,
            created_at=clock.now(),
        )
    )
    session.flush()
    load_chart_preset(session, school_id, FIRST_CHART)
    record(session, actor_id, "school.created", subject_kind="school", subject_id=school_id, school_id=school_id)
    return school_id


def change_school(
    session: Session,
    school_id: int,
    *,
    name: str | None = None,
    ownership: Ownership | None = None,
    area_group: str | None = None,
    invoice_grouping: InvoiceGrouping | None = None,
    number_words: NumberWords | None = None,
    actor_id: int | None = None,
) -> None:
    """Change what is told of a school, None keeps it; rounds that are drafted keep the grouping they had.

    Raises NotFoundError and DomainError ``bad_name``.
    """
    school = session.get(School, school_id, with_for_update=True)
    organisation = session.get(Organisation, school_id)
    if school is None or organisation is None:
        raise NotFoundError("Không tìm thấy trường.", "No such school.")
    if name is not None:
        _check_code_and_name(school.code, name)
        school.name = organisation.name = normalise_name(name)
    school.ownership = ownership or school.ownership
    school.area_group = area_group or school.area_group
    school.invoice_grouping = invoice_grouping or school.invoice_grouping
    school.number_words = number_words or school.number_words
    session.flush()
    detail = {"ownership": school.ownership, "area_group": school.area_group, "grouping": school.invoice_grouping}
    record(
        session,
        actor_id,
        "school.changed",
        subject_kind="school",
        subject_id=school_id,
        school_id=school_id,
        detail=detail,
    )


def open_year(session: Session, school_id: int, code: str, starts_on: date, ends_on: date) -> int:
    """Add a school year and return its id. Raises DomainError ``bad_year`` and ConflictError ``year_exists``."""
    if ends_on <= starts_on:
        raise DomainError(
            "bad_year", "Năm học phải kết thúc sau ngày bắt đầu.", "A school year must end after it starts."
        )
    if queries.year_by_code(session, school_id, code) is not None:
        raise ConflictError("year_exists", f"Năm học «{code}» đã có.", f"The school year «{code}» exists already.")
    year = SchoolYear(school_id=school_id, code=code, starts_on=starts_on, ends_on=ends_on)
    session.add(year)
    session.flush()
    return year.id


def ensure_year(session: Session, school_id: int, day: date, code: str | None = None) -> SchoolYear:
    """Find the school year of a day, or the one with a code («2025-2026»), and open it where it is missing.

    Raises DomainError ``bad_year``.
    """
    if code is None:
        found = queries.year_on(session, school_id, day)
        if found is not None:
            return found
        code, starts_on, ends_on = school_year_of(day)
    else:
        code, starts_on, ends_on = _year_by_name(code)
    found = queries.year_by_code(session, school_id, code)
    if found is not None:
        return found
    year_id = open_year(session, school_id, code, starts_on, ends_on)
    return session.get_one(SchoolYear, (school_id, year_id))


def _year_by_name(code: str) -> tuple[str, date, date]:
    match = _YEAR_CODE.fullmatch(code)
    if match is None or int(match[2]) != int(match[1]) + 1:
        raise DomainError("bad_year", "Năm học viết dạng 2025-2026.", "Write the school year like 2025-2026.")
    return school_year_of(date(int(match[2]), 1, 1))


def _check_code_and_name(code: str, name: str) -> None:
    if _CODE.fullmatch(code) is None:
        raise DomainError(
            "bad_code",
            "Mã đơn vị gồm 1–40 chữ cái không dấu, chữ số, dấu chấm, gạch ngang, gạch dưới.",
            "A code has 1-40 ASCII letters, digits, dots, hyphens or underscores.",
        )
    if not normalise_name(name) or "\x00" in name:
        raise DomainError("bad_name", "Hãy nhập tên đơn vị.", "Give the organisation a name.")


def import_roster(  # noqa: PLR0917 - other rooms call it with these places
    session: Session,
    cipher: FieldCipher,
    school_id: int,
    data: bytes,
    filename: str,
    actor_id: int | None,
    *,
    year_code: str | None = None,
    day: date | None = None,
) -> RosterReport:
    """Import a roster in the sector template; rows that are refused change nothing, nobody is ever deleted.

    ``day`` (default today) is when changes of class and departures count; the first roster of a year counts from the
    year's first day. The same roster again, re-saved or reordered, writes nothing. Raises DomainError when the file as
    a whole cannot be read (codes of ``read_roster``), NotFoundError without such a school.
    """
    source = _Source(
        filename, hashlib.sha256(data).digest(), lambda level, today: read_roster(data, filename, level, today)
    )
    return _import(session, cipher, school_id, source, actor_id, year_code=year_code, day=day)


def preview_roster(  # noqa: PLR0917 - as import_roster
    session: Session,
    cipher: FieldCipher,
    school_id: int,
    data: bytes,
    filename: str,
    actor_id: int | None,
    *,
    year_code: str | None = None,
    day: date | None = None,
) -> RosterReport:
    """Report what ``import_roster`` would do, and write nothing. Raises the same."""
    return _undone(
        session,
        lambda: import_roster(session, cipher, school_id, data, filename, actor_id, year_code=year_code, day=day),
    )


def import_records(
    session: Session,
    cipher: FieldCipher,
    school_id: int,
    records: Sequence[Mapping[str, str]],
    *,
    sender: str,
    actor_id: int,
    year_code: str | None = None,
    day: date | None = None,
    dry_run: bool = False,
) -> RosterReport:
    """Import pupils that a program tells by the keys of the template's columns, judged as rows of a file are.

    It may be a part of the roster only: who is not told is not listed as missing. Raises as ``import_roster`` does.
    """
    content = json.dumps(records, sort_keys=True).encode()
    source = _Source(
        sender,
        hashlib.sha256(content).digest(),
        lambda level, today: read_records(records, level, today),
        whole=False,
    )

    def act() -> RosterReport:
        return _import(session, cipher, school_id, source, actor_id, year_code=year_code, day=day)

    return _undone(session, act) if dry_run else act()


@dataclass(frozen=True, slots=True)
class _Source:
    """Where pupils come from, and how they are read; ``whole``: it names everybody, so who is missing is told."""

    name: str
    sha256: bytes
    read: Callable[[SchoolLevel, date], ReadRoster]
    whole: bool = True


def _import(
    session: Session,
    cipher: FieldCipher,
    school_id: int,
    source: _Source,
    actor_id: int | None,
    *,
    year_code: str | None,
    day: date | None,
) -> RosterReport:
    store.lock_school(session, school_id)
    school = session.get(School, school_id)
    if school is None:
        raise NotFoundError("Không tìm thấy trường.", "No such school.")
    today = clock.today()
    roster = source.read(school.level, today)
    year = ensure_year(session, school_id, day or today, year_code)
    rows = _refuse_owned_numbers(session, cipher, school_id, roster.rows)
    named = frozenset(row.sector_id for row in rows if row.sector_id)
    known = store.read_known(session, cipher, school_id, year.id, named)
    change_day = min(max(day or today, year.starts_on), year.ends_on)
    started = store.year_has_pupils(session, school_id, year.id)
    pupils = [row.pupil for row in rows if row.pupil]
    plan = make_plan(pupils, known, Days(entry=change_day if started else year.starts_on, change=change_day))
    rows = tell_unknown_leavers(rows, plan.unknown_leavers)
    namesakes = store.read_namesakes(session, school_id, plan.created)
    rows = tell_namesakes(rows, namesakes, {pupil.sector_id for pupil in plan.created})
    enrolled = store.read_enrolled(session, school_id, year.id) if source.whole else []
    report = make_report(
        school_code=school.code,
        year_code=year.code,
        file_name=source.name,
        rows=rows,
        plan=plan,
        missing=missing_pupils(enrolled, named),
        ignored_columns=roster.ignored_columns,
    )
    if plan.empty:
        return report
    store.write_plan(session, cipher, school_id=school_id, year_id=year.id, plan=plan, known=known, day=change_day)
    return _keep_report(session, school_id, report, (source.sha256, content_sha256(rows)), actor_id)


def _undone(session: Session, act: Callable[[], RosterReport]) -> RosterReport:
    """Look at what an import would do, and take back what it wrote."""
    try:
        with session.begin_nested():
            report = act()
            raise _SeenEnoughError  # noqa: TRY301 - leaving the savepoint by an exception is the point
    except _SeenEnoughError:
        return replace(report, import_id=None)


class _SeenEnoughError(Exception):
    """Ends a preview: leaving its savepoint by an exception undoes what the import wrote."""


def _refuse_owned_numbers(
    session: Session, cipher: FieldCipher, school_id: int, rows: Sequence[ReadRow]
) -> list[ReadRow]:
    """Refuse rows whose personal number another pupil of the school has already («sạch»)."""
    numbers = {row.pupil.personal_id for row in rows if row.pupil and row.pupil.personal_id}
    owners = store.read_owners(session, cipher, school_id, numbers)
    return [
        with_problem(row, problems.SAME_PERSONAL_ID, "personal_id")
        if row.pupil and owners.get(row.pupil.personal_id or "", row.sector_id) != row.sector_id
        else row
        for row in rows
    ]


def _keep_report(
    session: Session, school_id: int, report: RosterReport, hashes: tuple[bytes, bytes], actor_id: int | None
) -> RosterReport:
    """Store the report of an import that changed something, with the hashes of file and content, and the deed."""
    kept = RosterImport(
        school_id=school_id,
        imported_at=clock.now(),
        imported_by=actor_id,
        file_name=report.file_name,
        file_sha256=hashes[0],
        content_sha256=hashes[1],
        report=report.to_json(),
    )
    session.add(kept)
    session.flush()
    record(
        session,
        actor_id,
        "roster.imported",
        subject_kind="roster_import",
        subject_id=kept.id,
        school_id=school_id,
        detail={"accepted": report.accepted, "refused": report.refused, "created": report.created},
    )
    return replace(report, import_id=kept.id)
