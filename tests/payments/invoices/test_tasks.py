"""The worker issues what is queued, keeps what failed for a person, and may run twice."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from payments import celery
from payments.celery import make_celery
from payments.db import session_scope
from payments.invoices.issuing import request_issue
from payments.invoices.tasks import issue_due
from payments.settings import Settings, generated_environment
from tests.payments.invoices import rounds
from tests.payments.setting import SchoolSetting, make_school

pytestmark = pytest.mark.db


@pytest.fixture
def school(engine: Engine, database_url: str) -> Iterator[SchoolSetting]:
    """A school whose approved round is queued, and a Celery application on its database."""
    make_celery(Settings.from_env(generated_environment() | {"DATABASE_URL": database_url}), {})
    with session_scope(engine) as session:
        made = make_school(session)
        request_issue(session, made.id, rounds.approved(session, made), made.accountant)
    yield made
    celery.engine().dispose()
    celery._engines.clear()


def outbox(engine: Engine) -> list[tuple[object, ...]]:
    with session_scope(engine) as session:
        return [tuple(row) for row in session.execute(text("SELECT queue, problem, attempts FROM outbox"))]


def issued(engine: Engine) -> int:
    with session_scope(engine) as session:
        count = session.scalar(text("SELECT count(*) FROM invoice"))
        assert isinstance(count, int)
        return count


def test_a_queued_round_is_issued_and_the_row_is_done(engine: Engine, school: SchoolSetting) -> None:
    assert issue_due() == 1
    assert (issued(engine), outbox(engine)) == (1, [])
    assert issue_due() == 0


def test_a_round_that_a_rule_refuses_stays_with_its_reason(engine: Engine, school: SchoolSetting) -> None:
    with session_scope(engine) as session:
        session.execute(text("UPDATE channel SET active = false"))
    assert issue_due() == 1
    assert (issued(engine), outbox(engine)) == (0, [("issuing", "no_free_channel", 1)])


def test_a_round_queued_twice_is_issued_once(engine: Engine, school: SchoolSetting) -> None:
    with session_scope(engine) as session:
        round_id = session.scalar(text("SELECT id FROM collection_round"))
        assert isinstance(round_id, int)
        request_issue(session, school.id, round_id, school.accountant)
    assert issue_due() == 2
    assert (issued(engine), outbox(engine)) == (1, [])
