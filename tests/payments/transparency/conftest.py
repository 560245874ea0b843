"""What tests of public figures share."""

import pytest


@pytest.fixture
def database_url(furnished_url: str) -> str:
    """Databases of this folder hold the usual school."""
    return furnished_url
