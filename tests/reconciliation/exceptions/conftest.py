"""A school with nights in a transaction that is rolled back."""

import pytest
from sqlalchemy.orm import Session

from tests.reconciliation.exceptions.setting import Nights


@pytest.fixture
def nights(session: Session) -> Nights:
    return Nights(session)
