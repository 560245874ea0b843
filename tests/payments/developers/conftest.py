"""The developers' desk for the tests of its pages."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from tests.payments.developers.desks import DeveloperDesk, developer_desk


@pytest.fixture
def desk(engine: Engine, database_url: str) -> Iterator[DeveloperDesk]:
    with developer_desk(engine, database_url) as made:
        yield made
