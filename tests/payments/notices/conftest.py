"""An office with a mail server, at noon."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from payments import clock
from tests.payments.notices.mailbox import Mailbox, mail_server
from tests.payments.notices.office import NOON, Office, office


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mail_server() as made:
        yield made


@pytest.fixture
def school_office(engine: Engine, database_url: str, box: Mailbox) -> Iterator[Office]:
    with clock.turned_to(NOON), office(engine, database_url, box.url) as made:
        yield made
