"""A durable server of its own for the banks' door, and both shells of the door on it."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from operations.migrate import upgrade
from operations.services import EmbeddedPostgres
from payments.db import make_engine
from payments.settings import Settings
from tests.payments.inbox.callers import AsgiShell, Sender, Shell, WsgiShell, make_sender, settings_for


@pytest.fixture(scope="package")
def durable() -> Iterator[EmbeddedPostgres]:
    """A server that keeps its word (the shared one does not), migrated; nobody stops this one."""
    with EmbeddedPostgres() as server:
        upgrade(server.url)
        yield server


@pytest.fixture(scope="package")
def door_settings(durable: EmbeddedPostgres) -> Settings:
    return settings_for(durable.url)


@pytest.fixture(scope="package")
def door_engine(durable: EmbeddedPostgres) -> Iterator[Engine]:
    made = make_engine(durable.url)
    yield made
    made.dispose()


@pytest.fixture(scope="package", params=["wsgi", "asgi"])
def shell(request: pytest.FixtureRequest, door_settings: Settings) -> Iterator[Shell]:
    made = WsgiShell(door_settings) if request.param == "wsgi" else AsgiShell(door_settings)
    yield made
    made.close()


@pytest.fixture
def sender(door_engine: Engine, door_settings: Settings) -> Sender:
    """A school and a connection of its own for each test."""
    return make_sender(door_engine, door_settings)
