"""A street with a wallet inside the rolled-back session."""

import pytest
from sqlalchemy.orm import Session

from tests.payments.clearing.street import Street


@pytest.fixture
def street(session: Session) -> Street:
    return Street(session)
