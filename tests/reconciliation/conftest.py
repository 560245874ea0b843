"""A desk on a database of its own."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from tests.reconciliation.desk import Desk


@pytest.fixture
def desk(engine: Engine) -> Iterator[Desk]:
    made = Desk(engine)
    yield made
    made.close()
