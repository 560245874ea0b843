"""A school inside the rolled-back session; ``tests.payments.setting.make_school`` builds one in any other."""

import pytest
from sqlalchemy.orm import Session

from tests.payments.setting import SchoolSetting, make_school


@pytest.fixture
def school(session: Session) -> SchoolSetting:
    """A fresh school inside the rolled-back session."""
    return make_school(session)
