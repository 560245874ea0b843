"""Read what is known for a roster, and write a plan: set-based, so the number of statements does not grow with rows."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import exists, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from payments.crypto import FieldCipher
from payments.schools.models import ClassRoom, Enrollment, EnrollmentStatus, Guardian, IdentityStatus, Pupil, School
from payments.schools.roster.plan import Known, KnownEnrollment, KnownPupil, Plan
from payments.schools.roster.rows import RosterGuardian, RosterPupil
from payments.schools.rules import search_key, sort_key

PERSONAL_ID = "pupil.personal_id"
GUARDIAN_NAME = "guardian.name"
GUARDIAN_PHONE = "guardian.phone"


def lock_school(session: Session, school_id: int) -> None:
    """Let one import of a school run at a time, without stopping those who only refer to the school."""
    session.execute(select(School.id).where(School.id == school_id).with_for_update(key_share=True))


def read_known(
    session: Session, cipher: FieldCipher, school_id: int, year_id: int, sector_ids: Collection[str]
) -> Known:
    """Read the pupils that a file names, with class and guardians, and the classes of the year."""
    rows = session.scalars(
        select(Pupil).where(Pupil.school_id == school_id, Pupil.sector_id.in_(list(sector_ids)))
    ).all()
    ids = [row.id for row in rows]
    guardians = read_guardians(session, cipher, school_id, ids)
    enrollments = read_enrollments(session, school_id, year_id, ids)
    classes = session.execute(
        select(ClassRoom.name, ClassRoom.id, ClassRoom.grade).where(
            ClassRoom.school_id == school_id, ClassRoom.year_id == year_id
        )
    )
    return Known(
        pupils={
            row.sector_id: KnownPupil(
                id=row.id,
                full_name=row.full_name,
                date_of_birth=row.date_of_birth,
                sex=row.sex,
                personal_id=opened(cipher, row.personal_id_sealed, PERSONAL_ID),
                identity_status=row.identity_status,
                guardians=guardians[row.id],
                enrollment=enrollments.get(row.id),
            )
            for row in rows
        },
        classes={name.casefold(): (class_id, grade) for name, class_id, grade in classes},
    )


def read_guardians(
    session: Session, cipher: FieldCipher, school_id: int, pupil_ids: Collection[int]
) -> defaultdict[int, dict[str, RosterGuardian]]:
    """Read and open the guardians of some pupils, by pupil and relation."""
    found: defaultdict[int, dict[str, RosterGuardian]] = defaultdict(dict)
    statement = select(Guardian).where(Guardian.school_id == school_id, Guardian.pupil_id.in_(list(pupil_ids)))
    for row in session.scalars(statement):
        found[row.pupil_id][row.relation] = RosterGuardian(
            row.relation,
            opened(cipher, row.name_sealed, GUARDIAN_NAME),
            opened(cipher, row.phone_sealed, GUARDIAN_PHONE),
            row.email,
        )
    return found


def read_enrollments(
    session: Session, school_id: int, year_id: int, pupil_ids: Collection[int]
) -> dict[int, KnownEnrollment]:
    """Read the open enrollment of some pupils in a year."""
    statement = (
        select(Enrollment.pupil_id, Enrollment.id, ClassRoom.id, ClassRoom.name, Enrollment.valid_from)
        .join(ClassRoom, (ClassRoom.school_id == Enrollment.school_id) & (ClassRoom.id == Enrollment.class_id))
        .where(
            Enrollment.school_id == school_id,
            Enrollment.pupil_id.in_(list(pupil_ids)),
            Enrollment.valid_to.is_(None),
            ClassRoom.year_id == year_id,
        )
        .order_by(Enrollment.valid_from)
    )
    return {
        pupil_id: KnownEnrollment(enrollment_id, class_id, name.casefold(), name, valid_from)
        for pupil_id, enrollment_id, class_id, name, valid_from in session.execute(statement)
    }


def read_enrolled(session: Session, school_id: int, year_id: int) -> list[tuple[str, str]]:
    """List (sector identifier, class) of all who sit in a class of the year, by class and Vietnamese name order."""
    statement = (
        select(Pupil.sector_id, ClassRoom.name)
        .join(Enrollment, (Enrollment.school_id == Pupil.school_id) & (Enrollment.pupil_id == Pupil.id))
        .join(ClassRoom, (ClassRoom.school_id == Enrollment.school_id) & (ClassRoom.id == Enrollment.class_id))
        .where(Pupil.school_id == school_id, ClassRoom.year_id == year_id, Enrollment.valid_to.is_(None))
        .order_by(ClassRoom.grade.asc().nulls_first(), ClassRoom.name, Pupil.sort_key.collate("C"), Pupil.id)
    )
    return [(sector_id, name) for sector_id, name in session.execute(statement)]


def read_owners(session: Session, cipher: FieldCipher, school_id: int, personal_ids: Collection[str]) -> dict[str, str]:
    """Name the sector identifier of the pupil who has a personal number already."""
    by_index = {cipher.blind_index(code, PERSONAL_ID): code for code in personal_ids}
    statement = select(Pupil.personal_id_index, Pupil.sector_id).where(
        Pupil.school_id == school_id, Pupil.personal_id_index.in_(list(by_index))
    )
    return {by_index[index]: sector_id for index, sector_id in session.execute(statement) if index is not None}


def read_namesakes(session: Session, school_id: int, pupils: Sequence[RosterPupil]) -> set[tuple[str, date]]:
    """Find (folded name, date of birth) that pupils of the school have already."""
    born = {pupil.date_of_birth for pupil in pupils}
    keys = {search_key(pupil.full_name) for pupil in pupils}
    statement = select(Pupil.full_name, Pupil.date_of_birth).where(
        Pupil.school_id == school_id, Pupil.date_of_birth.in_(born), Pupil.search_key.in_(keys)
    )
    return {(name.casefold(), day) for name, day in session.execute(statement)} if pupils else set()


def year_has_pupils(session: Session, school_id: int, year_id: int) -> bool:
    """Tell whether anybody was ever entered in a class of the year."""
    in_year = select(ClassRoom.id).where(ClassRoom.school_id == school_id, ClassRoom.year_id == year_id)
    entered = exists().where(Enrollment.school_id == school_id, Enrollment.class_id.in_(in_year))
    return bool(session.scalar(select(entered)))


def write_plan(
    session: Session, cipher: FieldCipher, *, school_id: int, year_id: int, plan: Plan, known: Known, day: date
) -> None:
    """Write everything a plan holds; enrollments that end do so on ``day``."""
    pupil_ids = {code: pupil.id for code, pupil in known.pupils.items()}
    pupil_ids |= upsert_pupils(session, cipher, school_id, plan.created + plan.changed)
    upsert_guardians(session, cipher, school_id, [(pupil_ids[code], told) for code, told in plan.guardians])
    class_ids = {key: class_id for key, (class_id, _grade) in known.classes.items()}
    class_ids |= insert_classes(session, school_id, year_id, plan.new_classes)
    update_grades(session, school_id, plan.grades)
    close_enrollments(session, school_id, plan.closing, day)
    enter_classes(session, school_id, [(pupil_ids[code], class_ids[key], since) for code, key, since in plan.entering])


def upsert_pupils(
    session: Session, cipher: FieldCipher, school_id: int, pupils: Sequence[RosterPupil]
) -> dict[str, int]:
    """Insert new pupils, overwrite changed ones, and return their ids by sector identifier."""
    if not pupils:
        return {}
    values = [pupil_values(cipher, school_id, pupil) for pupil in pupils]
    statement = insert(Pupil)
    fresh = {name: statement.excluded[name] for name in values[0] if name not in {"school_id", "sector_id"}}
    statement = statement.on_conflict_do_update(index_elements=["school_id", "sector_id"], set_=fresh)
    written = session.execute(statement.returning(Pupil.sector_id, Pupil.id), values)
    return {row.sector_id: row.id for row in written}


def pupil_values(cipher: FieldCipher, school_id: int, pupil: RosterPupil) -> dict[str, Any]:
    """The row of a pupil, with its keys for order and search, and the personal number sealed."""
    return {
        "school_id": school_id,
        "sector_id": pupil.sector_id,
        "full_name": pupil.full_name,
        "sort_key": sort_key(pupil.full_name),
        "search_key": search_key(pupil.full_name),
        "date_of_birth": pupil.date_of_birth,
        "sex": pupil.sex,
        "personal_id_sealed": sealed(cipher, pupil.personal_id, PERSONAL_ID),
        "personal_id_index": indexed(cipher, pupil.personal_id, PERSONAL_ID),
        "identity_status": pupil.identity_status or IdentityStatus.UNVERIFIED,
    }


def upsert_guardians(
    session: Session, cipher: FieldCipher, school_id: int, guardians: Sequence[tuple[int, RosterGuardian]]
) -> None:
    """Write guardians of pupils, one per relation."""
    if not guardians:
        return
    values = [
        {
            "school_id": school_id,
            "pupil_id": pupil_id,
            "relation": told.relation,
            "name_sealed": sealed(cipher, told.name, GUARDIAN_NAME),
            "phone_sealed": sealed(cipher, told.phone, GUARDIAN_PHONE),
            "phone_index": indexed(cipher, told.phone, GUARDIAN_PHONE),
            "email": told.email,
        }
        for pupil_id, told in guardians
    ]
    statement = insert(Guardian)
    fresh = {name: statement.excluded[name] for name in ("name_sealed", "phone_sealed", "phone_index", "email")}
    statement = statement.on_conflict_do_update(index_elements=["school_id", "pupil_id", "relation"], set_=fresh)
    session.execute(statement.returning(Guardian.id), values)


def insert_classes(
    session: Session, school_id: int, year_id: int, classes: Mapping[str, tuple[str, int | None]]
) -> dict[str, int]:
    """Insert the classes that are new in the year and return their ids by class key."""
    if not classes:
        return {}
    values = [
        {"school_id": school_id, "year_id": year_id, "name": name, "grade": grade} for name, grade in classes.values()
    ]
    written = session.execute(insert(ClassRoom).returning(ClassRoom.name, ClassRoom.id), values)
    return {name.casefold(): class_id for name, class_id in written}


def update_grades(session: Session, school_id: int, grades: Mapping[int, int]) -> None:
    """Write the grades of classes that the file tells now."""
    for grade in sorted(set(grades.values())):
        ids = [class_id for class_id, told in grades.items() if told == grade]
        session.execute(
            update(ClassRoom).where(ClassRoom.school_id == school_id, ClassRoom.id.in_(ids)).values(grade=grade)
        )


def close_enrollments(
    session: Session, school_id: int, closing: Sequence[tuple[int, EnrollmentStatus]], day: date
) -> None:
    """End enrollments on a day; one that would only start later never was."""
    for status in EnrollmentStatus:
        ids = [enrollment_id for enrollment_id, told in closing if told is status]
        if ids:
            session.execute(
                update(Enrollment)
                .where(Enrollment.school_id == school_id, Enrollment.id.in_(ids))
                .values(status=status, valid_to=func.greatest(Enrollment.valid_from, day))
            )


def enter_classes(session: Session, school_id: int, entering: Sequence[tuple[int, int, date]]) -> None:
    """Open enrollments (pupil id, class id, first day); one that ended on its first day is opened again."""
    if not entering:
        return
    values = [
        {
            "school_id": school_id,
            "pupil_id": pupil_id,
            "class_id": class_id,
            "valid_from": since,
            "valid_to": None,
            "status": EnrollmentStatus.STUDYING,
        }
        for pupil_id, class_id, since in entering
    ]
    statement = insert(Enrollment)
    reopened = {name: statement.excluded[name] for name in ("valid_to", "status")}
    statement = statement.on_conflict_do_update(
        index_elements=["school_id", "pupil_id", "class_id", "valid_from"], set_=reopened
    )
    session.execute(statement.returning(Enrollment.id), values)


def opened(cipher: FieldCipher, sealed_value: bytes | None, place: str) -> str | None:
    """Open a sealed text. Raises SealError."""
    return None if sealed_value is None else cipher.open(sealed_value, place).decode()


def sealed(cipher: FieldCipher, value: str | None, place: str) -> bytes | None:
    """Seal a text, if there is one."""
    return None if value is None else cipher.seal(value.encode(), place)


def indexed(cipher: FieldCipher, value: str | None, place: str) -> bytes | None:
    """Compute the blind index of a text, if there is one."""
    return None if value is None else cipher.blind_index(value, place)
