"""Log-ins, lock-outs and sessions on the real database."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from payments import clock
from payments.access.models import Role
from payments.access.rules import MAX_FAILURES
from payments.access.service import create_user, grant_role, log_in, log_out, session_actor
from payments.errors import ConflictError, DomainError

pytestmark = pytest.mark.db
NOON = datetime(2025, 9, 8, 5, tzinfo=UTC)
PASSWORD = "hoa-phuong-do-2025"


def log(session: Session, password: str = PASSWORD, address: str = "192.0.2.7") -> str | None:
    return log_in(session, username="thuy", password=password, remote_addr=address)


@pytest.fixture
def thuy(session: Session) -> int:
    with clock.turned_to(NOON):
        user_id = create_user(session, username="Thuy", full_name="Cô Thủy (mẫu)", password=PASSWORD)
        grant_role(session, user_id, Role.ACCOUNTANT, None)
    return user_id


def test_the_right_password_opens_a_session_that_knows_its_roles(session: Session, thuy: int) -> None:
    with clock.turned_to(NOON):
        token = log(session)
        assert token is not None
        person = session_actor(session, token)
    assert person is not None
    assert person.user_id == thuy
    assert person.has("accountant")
    assert not person.has("principal")


def test_a_wrong_password_is_refused_and_five_of_them_lock_for_a_quarter_of_an_hour(
    session: Session, thuy: int
) -> None:
    with clock.turned_to(NOON):
        assert all(log(session, "sai-mat-khau-roi") is None for _ in range(MAX_FAILURES))
        assert log(session) is None
    with clock.turned_to(NOON + timedelta(minutes=16)):
        assert log(session) is not None


def test_an_unknown_name_is_refused_like_a_wrong_password(session: Session) -> None:
    assert log(session) is None


def test_a_session_ends_after_a_quarter_of_an_hour_without_a_click(session: Session, thuy: int) -> None:
    with clock.turned_to(NOON):
        token = log(session)
    assert token is not None
    with clock.turned_to(NOON + timedelta(minutes=14)):
        assert session_actor(session, token) is not None
    with clock.turned_to(NOON + timedelta(minutes=30)):
        assert session_actor(session, token) is None


def test_a_session_ends_after_ten_hours_however_busy(session: Session, thuy: int) -> None:
    with clock.turned_to(NOON):
        token = log(session)
    assert token is not None
    for step in range(61):
        with clock.turned_to(NOON + timedelta(minutes=10 * step)):
            alive = session_actor(session, token)
            assert (alive is not None) == (step <= 60)
    with clock.turned_to(NOON + timedelta(minutes=601)):
        assert session_actor(session, token) is None


def test_an_old_cookie_is_worth_nothing_after_log_out(session: Session, thuy: int) -> None:
    with clock.turned_to(NOON):
        token = log(session)
        assert token is not None
        log_out(session, token)
        assert session_actor(session, token) is None


def test_weak_passwords_and_taken_names_are_refused(session: Session, thuy: int) -> None:
    with pytest.raises(DomainError, match="weak_password"):
        create_user(session, username="lan", full_name="Lan", password="ngan")
    with pytest.raises(ConflictError, match="username_taken"):
        create_user(session, username="thuy", full_name="Thủy", password=PASSWORD)
