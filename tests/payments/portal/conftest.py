"""What several tests of the parent's page share."""

import pytest

from tests.payments.payer_claims.conftest import told

__all__ = ["database_url", "told"]


@pytest.fixture
def database_url(furnished_url: str) -> str:
    """Databases of this folder hold the usual school."""
    return furnished_url
