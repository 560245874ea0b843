"""A story on a database of its own."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from tests.payments.payer_claims.story import Story, story


@pytest.fixture
def database_url(furnished_url: str) -> str:
    """Databases of this folder hold the usual school."""
    return furnished_url


@pytest.fixture
def told(engine: Engine, database_url: str) -> Iterator[Story]:
    with story(engine, database_url) as made:
        yield made
