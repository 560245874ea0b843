"""A bank on a database of its own."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from payments.settlement.settling import settle_transactions
from tests.payments.settlement.bank import Bank
from tests.payments.settlement.setting import arrive


@pytest.fixture
def bank(engine: Engine) -> Iterator[Bank]:
    made = Bank(engine)
    yield made
    made.close()


@pytest.fixture
def unmatched(session, school):
    """A transfer of 100,000 đồng that says nothing."""
    transfer = arrive(session, school, 100_000, "chuyen tien")
    settle_transactions(session, school.id, [transfer])
    return transfer
