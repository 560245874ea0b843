"""A signing school on a database of its own, on the day it signs."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from payments import clock
from tests.reconciliation.closing.ledgers import SIGNING, Signer


@pytest.fixture
def desk(engine: Engine) -> Iterator[Signer]:
    made = Signer(engine)
    with clock.turned_to(SIGNING):
        yield made
    made.shell.close()
