"""Who holds a role is a question about a day."""

from datetime import date

import pytest
from sqlalchemy.orm import Session

from payments.access.models import Grant, Role, User
from payments.access.queries import users_with
from tests.payments.setting import SchoolSetting, make_school

pytestmark = pytest.mark.db

DAY = date(2025, 10, 1)


def holders(session: Session, school: SchoolSetting, day: date = DAY) -> list[int]:
    return [user.id for user in users_with(session, school.id, Role.PRINCIPAL, day)]


def test_the_principal_of_this_school_is_found_and_no_other(session: Session, school: SchoolSetting) -> None:
    make_school(session)
    assert holders(session, school) == [school.principal]


def test_a_role_ends_with_its_grant(session: Session, school: SchoolSetting) -> None:
    session.query(Grant).filter_by(user_id=school.principal).update({"valid_to": date(2025, 10, 1)})
    assert holders(session, school) == []
    assert holders(session, school, date(2025, 9, 30)) == [school.principal]


def test_a_user_who_was_switched_off_holds_nothing(session: Session, school: SchoolSetting) -> None:
    session.get_one(User, school.principal).active = False
    session.flush()
    assert holders(session, school) == []
