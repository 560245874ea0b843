"""Databases that hold the usual school already: made once for a worker, copied for whoever asks.

A folder whose tests are about that school's pages takes ``furnished_url`` as its ``database_url``; ``faces`` knows such
a database and adds nothing.
"""

from collections.abc import Iterator

import pytest

from payments.db import make_engine
from tests.conftest import Postgres
from tests.payments.faces import FURNISHED, Furniture, furnish, settings_for


@pytest.fixture(scope="session")
def furnished(postgres: Postgres) -> Iterator[tuple[str, Furniture]]:
    """The name of this worker's furnished database, and what stands in it."""
    name = postgres.new_database()
    engine = make_engine(postgres.url(name))
    furniture = furnish(engine, settings_for(postgres.url(name)))
    engine.dispose()
    yield name, furniture
    postgres.drop_database(name)


@pytest.fixture
def furnished_url(postgres: Postgres, furnished: tuple[str, Furniture]) -> Iterator[str]:
    """The address of a fresh copy of the furnished database, dropped after the test."""
    template, furniture = furnished
    name = postgres.new_database(template=template)
    url = postgres.url(name)
    FURNISHED[url] = furniture
    yield url
    del FURNISHED[url]
    postgres.drop_database(name)
