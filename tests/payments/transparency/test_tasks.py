"""The night of the public figures runs by itself."""

import pytest
from sqlalchemy import Engine

from payments import celery, clock
from payments.background import BEAT
from payments.celery import QUEUES, make_celery
from payments.db import session_scope
from payments.settings import Settings, generated_environment
from payments.transparency.tasks import TASK, refresh_figures
from tests.payments.transparency.publishing import day, village

pytestmark = pytest.mark.db


def test_the_night_brings_every_schools_figures_up_to_date_once(engine: Engine, database_url: str) -> None:
    make_celery(Settings.from_env(generated_environment() | {"DATABASE_URL": database_url}), {})
    with session_scope(engine) as session:
        towns = [village(session, 12) for _ in range(2)]
        for town in towns:
            town.publish(day(9))
            town.pay(0, 11, day(9))
    with clock.turned_to(day(9, hour=20)):
        assert refresh_figures() == len(towns), "in Viet Nam the tenth has begun"
        assert refresh_figures() == 0
    with session_scope(engine) as session:
        for town in towns:
            town.session = session
            assert town.seen()["AN"].collected_vnd == 1_000_000
    celery.engine().dispose()
    celery._engines.clear()


def test_beat_starts_it_on_a_queue_that_has_a_worker() -> None:
    [entry] = [entry for entry in BEAT.values() if entry["task"] == TASK]
    assert entry["options"]["queue"] in QUEUES
