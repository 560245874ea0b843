"""Pupils and classes: sent in batches under the rules of the pupils' list, and read back without guardians."""

from collections.abc import Iterator
from datetime import date
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from payments import clock
from payments.api import queries
from payments.api.operation import Call, Line, Nothing, Operation, Page, Paged, Shape, Word, given
from payments.api.resources.reports import Trouble, troubles
from payments.api.rules import Scope
from payments.schools.models import EnrollmentStatus, IdentityStatus
from payments.schools.queries import class_sizes, year_in_sight
from payments.schools.roster.columns import COLUMNS
from payments.schools.rules import Sex
from payments.schools.service import import_records

BATCH = 1000
SEX = {Sex.MALE: "Nam", Sex.FEMALE: "Nữ"}
STATUS = {
    EnrollmentStatus.STUDYING: "Đang học",
    EnrollmentStatus.MOVED: "Chuyển đi",
    EnrollmentStatus.LEFT: "Thôi học",
}
IDENTITY = {IdentityStatus.VERIFIED: "Đã xác thực", IdentityStatus.UNVERIFIED: "Chưa xác thực"}
"""Our values in the words of the sector's template, which the reader knows."""
YearCode = Annotated[str, Meta(pattern=r"^20[0-9]{2}-20[0-9]{2}$", description="A school year such as 2025-2026.")]
RELATIONS = ("guardian", "father", "mother")
PATHS = {f"{who}_{what}": f"guardians/{who}/{what}" for who in RELATIONS for what in ("name", "phone", "email")} | {
    "identity": "identity_status"
}


class Parent(Shape):
    """Father or mother; kept with a phone only."""

    name: Line | UnsetType = UNSET
    phone: Line | UnsetType = UNSET


class Carer(Parent):
    """Who receives the notices; kept with a phone or an e-mail only."""

    email: Line | UnsetType = UNSET


class Guardians(Shape):
    """Who answers for a pupil: stored sealed, never read back through the API."""

    guardian: Carer | UnsetType = UNSET
    father: Parent | UnsetType = UNSET
    mother: Parent | UnsetType = UNSET


class PupilIn(Shape):
    """A pupil, known by the sector identifier; a field that is left out erases nothing."""

    sector_id: Annotated[Line, Meta(description="Mã định danh of the sector database, as text.")]
    full_name: Line
    date_of_birth: date
    sex: Sex
    class_name: Line
    grade: Annotated[int, Meta(ge=1, le=12, description="Left out: read off the class name.")] | UnsetType = UNSET
    status: EnrollmentStatus = EnrollmentStatus.STUDYING
    personal_id: Line | UnsetType = UNSET
    identity_status: IdentityStatus | UnsetType = UNSET
    guardians: Guardians | UnsetType = UNSET


class RosterIn(Shape):
    """Pupils of one school year."""

    pupils: Annotated[list[PupilIn], Meta(min_length=1, max_length=BATCH)]
    year: YearCode | UnsetType = UNSET
    day: (
        Annotated[
            date,
            Meta(
                description="When entries, changes of class and departures count; left out: today. A whole roster in"
                " several batches names the first day of school in each."
            ),
        ]
        | UnsetType
    ) = UNSET
    dry_run: Annotated[bool, Meta(description="true: report only, write nothing.")] = False


class Move(Shape):
    """A pupil who changed class (to_class), moved away or left."""

    sector_id: str
    from_class: str
    to_class: str | None
    status: EnrollmentStatus


class RosterReport(Shape):
    """What the import did; refused pupils changed nothing, nobody is ever deleted."""

    dry_run: bool
    year: str
    accepted: int
    refused: int
    created: int
    changed: int
    unchanged: Annotated[bool, Meta(description="true: nothing new was told, nothing was written.")]
    moves: list[Move]
    problems: list[Trouble]


class PupilOut(Shape):
    """A pupil with the class entered last."""

    sector_id: str
    full_name: str
    date_of_birth: date
    sex: Sex
    identity_status: IdentityStatus
    class_name: str | None
    grade: int | None
    year: str | None
    status: EnrollmentStatus | None
    since: date | None


class PupilPage(Page):
    """Pupils in the order in which they became known."""

    items: list[PupilOut]


class PupilQuery(Paged):
    """Which pupils."""

    sector_id: Word | UnsetType = UNSET
    class_name: Line | UnsetType = UNSET


class ClassOut(Shape):
    """A class and how many sit in it today."""

    name: str
    grade: int | None
    pupils: int


class ClassList(Shape):
    """The classes of the present school year, else of the newest one."""

    year: str | None
    items: list[ClassOut]


def send(call: Call[Nothing, RosterIn]) -> RosterReport:
    """Take a batch of pupils."""
    body = call.body
    report = import_records(
        call.session,
        call.services.cipher,
        call.school_id,
        [dict(_record(pupil)) for pupil in body.pupils],
        sender=f"API: {call.holder.name}",
        actor_id=call.holder.user_id,
        year_code=given(body.year),
        day=given(body.day),
        dry_run=body.dry_run,
    )
    return RosterReport(
        dry_run=body.dry_run,
        year=report.year_code,
        accepted=report.accepted,
        refused=report.refused,
        created=report.created,
        changed=report.changed,
        unchanged=report.unchanged,
        moves=[
            Move(sector_id=move.sector_id, from_class=move.from_class, to_class=move.to_class, status=move.status)
            for move in report.moves
        ],
        problems=troubles(report.problems, COLUMNS, "pupils", PATHS, call.language),
    )


def _record(pupil: PupilIn) -> Iterator[tuple[str, str]]:
    """The cells of a pupil's row, by the keys of the template's columns."""
    yield "sector_id", pupil.sector_id
    yield "full_name", pupil.full_name
    yield "date_of_birth", pupil.date_of_birth.isoformat()
    yield "sex", SEX[pupil.sex]
    yield "class_name", pupil.class_name
    yield "status", STATUS[pupil.status]
    if pupil.grade is not UNSET:
        yield "grade", str(pupil.grade)
    if pupil.personal_id is not UNSET:
        yield "personal_id", pupil.personal_id
    if pupil.identity_status is not UNSET:
        yield "identity", IDENTITY[pupil.identity_status]
    for relation in RELATIONS:
        told = given(pupil.guardians) and given(getattr(pupil.guardians, relation))
        for field in told.__struct_fields__ if told else ():
            if getattr(told, field) is not UNSET:
                yield f"{relation}_{field}", getattr(told, field)


def list_pupils(call: Call[PupilQuery, None]) -> PupilPage:
    """A page of pupils."""
    query = call.query
    rows = queries.listed(
        call.session,
        "pupils",
        call.school_id,
        after=call.after()[0],
        limit=query.limit + 1,
        sector_id=given(query.sector_id),
        class_name=given(query.class_name),
    )
    kept, cursor = call.cut(rows, lambda row: (row["id"],))
    return PupilPage(
        items=[
            PupilOut(
                sector_id=row["sector_id"],
                full_name=row["full_name"],
                date_of_birth=row["date_of_birth"],
                sex=Sex(row["sex"]),
                identity_status=IdentityStatus(row["identity_status"]),
                class_name=row["class_name"],
                grade=row["grade"],
                year=row["year"],
                status=row["status"] and EnrollmentStatus(row["status"]),
                since=row["valid_from"],
            )
            for row in kept
        ],
        next_cursor=cursor,
    )


def list_classes(call: Call[Nothing, None]) -> ClassList:
    """All classes of a year."""
    today = clock.today()
    year = year_in_sight(call.session, call.school_id, today)
    rows = class_sizes(call.session, call.school_id, year.id, today) if year else []
    return ClassList(
        year=year.code if year else None,
        items=[ClassOut(name=row.name, grade=row.grade, pupils=row.pupils) for row in rows],
    )


OPERATIONS = (
    Operation(
        name="send_roster",
        method="POST",
        path="/roster",
        scope=Scope.ROSTER_WRITE,
        summary="Send pupils, classes and guardians",
        description="Inserts and updates by `sector_id`; the rules are those of the pupils' list."
        " Refused pupils are listed in `problems`, the others are written. Nobody is deleted.",
        run=send,
        body=RosterIn,
        answer=RosterReport,
    ),
    Operation(
        name="list_pupils",
        method="GET",
        path="/pupils",
        scope=Scope.ROSTER_READ,
        summary="Pupils with their class",
        run=list_pupils,
        query=PupilQuery,
        answer=PupilPage,
    ),
    Operation(
        name="list_classes",
        method="GET",
        path="/classes",
        scope=Scope.ROSTER_READ,
        summary="Classes of the school year",
        run=list_classes,
        answer=ClassList,
    ),
)
