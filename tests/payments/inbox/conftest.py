"""A durable server of its own for the banks' door, and a school whose bank calls it."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from operations.migrate import upgrade
from operations.services import EmbeddedPostgres
from payments.db import make_engine
from payments.inbox.views import WsgiDoor
from payments.settings import Settings
from tests.payments.inbox.callers import Sender, make_sender, settings_for


@pytest.fixture
def settings(database_url: str) -> Settings:
    return settings_for(database_url)


@pytest.fixture
def sender(engine: Engine, settings: Settings) -> Sender:
    return make_sender(engine, settings)


@pytest.fixture
def wsgi_door(settings: Settings) -> Iterator[WsgiDoor]:
    door = WsgiDoor(lambda environ, start_response: [b"behind"], settings)
    yield door
    door.close()


@pytest.fixture(scope="module")
def durable() -> Iterator[EmbeddedPostgres]:
    """A server that keeps its word (the shared one does not), migrated."""
    with EmbeddedPostgres() as server:
        upgrade(server.url)
        yield server


@pytest.fixture
def durable_engine(durable: EmbeddedPostgres) -> Iterator[Engine]:
    made = make_engine(durable.url)
    yield made
    made.dispose()
