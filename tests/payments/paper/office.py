"""A school with an issued round of two classes, for tests of printing from the database."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.paper.service import Links
from payments.schools.models import ClassRoom
from tests.payments.setting import SchoolSetting, make_pupil, make_school
from tests.payments.settlement.setting import Issued, issue, open_round

LINKS = Links({1: b"k" * 32}, "https://hocphi.example.vn")


@dataclass(frozen=True)
class Office:
    """Ids of what there is, and the invoices in the order in which paper has them."""

    school: SchoolSetting
    round_id: int
    other_class: int
    invoices: tuple[Issued, ...]


def open_office(session: Session) -> Office:
    """1A: An (two invoices), Bình; 10A: Chi. The given names are in order, the ids are not."""
    school = make_school(session)
    later = ClassRoom(school_id=school.id, year_id=school.year, name="10A", grade=10)
    session.add(later)
    session.flush()
    chi = make_pupil(session, school.id, later.id, "Chi")
    binh = make_pupil(session, school.id, school.class_room, "Bình")
    round_id = open_round(session, school)
    made = {
        (pupil, account): issue(session, school, vnd, club_vnd, pupil=pupil, account=account, round_id=round_id)
        for pupil, account, vnd, club_vnd in (
            (chi, school.account, 310_000, 0),
            (binh, school.account, 220_000, 15_000),
            (school.pupil, school.account, 100_000, 0),
            (school.pupil, school.other_account, 50_000, 0),
        )
    }
    order = (
        (school.pupil, school.account),
        (school.pupil, school.other_account),
        (binh, school.account),
        (chi, school.account),
    )
    return Office(school, round_id, later.id, tuple(made[key] for key in order))


def memos(session: Session) -> int:
    """How many deeds of printing the log has."""
    return session.scalar(text("SELECT count(*) FROM audit_event WHERE action = 'paper.printed'")) or 0
