"""A bank on a database of its own."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from tests.payments.settlement.bank import Bank


@pytest.fixture
def bank(engine: Engine) -> Iterator[Bank]:
    made = Bank(engine)
    yield made
    made.close()
