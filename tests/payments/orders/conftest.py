"""A desk on a database of its own, and the services' server."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from tests.payments.orders.desk import Desk
from tests.payments.orders.service_server import Service, service


@pytest.fixture
def provider() -> Iterator[Service]:
    with service() as running:
        yield running


@pytest.fixture
def desk(engine: Engine, database_url: str, provider: Service) -> Iterator[Desk]:
    made = Desk(engine, provider, database_url)
    yield made
    made.close()
