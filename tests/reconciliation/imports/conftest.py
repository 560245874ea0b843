"""A school's desk with the pages of imports, and a worker that may be told to die."""

from collections.abc import Iterator

import pytest

from reconciliation.panels import PANELS
from tests.payments.faces import faces
from tests.reconciliation.imports.hall import Hall


@pytest.fixture
def hall(engine, database_url) -> Iterator[Hall]:
    with faces(engine, database_url, PANELS) as made:
        yield Hall(made)
