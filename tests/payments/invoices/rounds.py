"""A round of the small school, drafted, approved or issued."""

from datetime import date

from sqlalchemy.orm import Session

from payments.fees.models import Registration
from payments.invoices.issuing import issue_round
from payments.invoices.service import FeeOfRound, approve_round, draft_round
from tests.payments.setting import SchoolSetting

MEAL_DAYS = 22
STARTS = date(2025, 10, 1)
DUE = date(2025, 10, 20)


def drafted(session: Session, school: SchoolSetting, code: str = "T10") -> int:
    """Meals of 22 days for everybody, the club for whoever is registered."""
    return draft_round(
        session,
        school.id,
        code=code,
        name="Tháng 10/2025",
        year_id=school.year,
        starts_on=STARTS,
        due_on=DUE,
        fees=[FeeOfRound(school.meals, MEAL_DAYS), FeeOfRound(school.club)],
        actor_id=school.accountant,
    )


def approved(session: Session, school: SchoolSetting, code: str = "T10") -> int:
    round_id = drafted(session, school, code)
    approve_round(session, school.id, round_id, school.principal)
    return round_id


def issued(session: Session, school: SchoolSetting, code: str = "T10") -> int:
    round_id = approved(session, school, code)
    issue_round(session, school.id, round_id)
    return round_id


def register_for_club(session: Session, school: SchoolSetting, pupil_id: int, quantity: int = 4) -> None:
    session.add(
        Registration(
            school_id=school.id,
            pupil_id=pupil_id,
            fee_item_id=school.club,
            valid_from=date(2025, 9, 1),
            quantity=quantity,
        )
    )
    session.flush()
