"""The clock of accounts runs by itself."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from payments import celery, clock
from payments.background import BEAT
from payments.banking.models import AccountState, ReceivingAccount
from payments.banking.service import approve_account, propose_account
from payments.banking.tasks import activate_accounts
from payments.celery import QUEUES, make_celery
from payments.db import session_scope
from payments.settings import Settings, generated_environment
from tests.payments.setting import make_school

pytestmark = pytest.mark.db

MONDAY = datetime(2025, 9, 8, 3, tzinfo=UTC)


def test_a_cooled_account_becomes_active_without_a_person(engine: Engine, database_url: str) -> None:
    make_celery(Settings.from_env(generated_environment() | {"DATABASE_URL": database_url}), {})
    with clock.turned_to(MONDAY), session_scope(engine) as session:
        school = make_school(session)
        account = propose_account(
            session,
            school.id,
            bank_bin="970999",
            number="4711",
            holder_name="TRUONG",
            fund="Bán trú",
            actor_id=school.accountant,
        )
        approve_account(session, school.id, account.id, school.principal)
    with clock.turned_to(MONDAY + timedelta(hours=23)):
        assert activate_accounts() == 0
    with clock.turned_to(MONDAY + timedelta(hours=25)):
        assert activate_accounts() == 1
    with session_scope(engine) as session:
        found = session.get_one(ReceivingAccount, (school.id, account.id))
        assert found.state is AccountState.ACTIVE
    celery.engine().dispose()
    celery._engines.clear()


def test_beat_starts_it_on_a_queue_that_has_a_worker() -> None:
    entry = BEAT["accounts-cooled"]
    assert entry["task"] == "payments.banking.tasks.activate_accounts"
    assert entry["options"]["queue"] in QUEUES
