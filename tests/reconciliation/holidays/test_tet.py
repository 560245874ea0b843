"""Tết shifts when the bank must show what was paid: by data, with and without it."""

from datetime import UTC, date, datetime

import pytest

from payments import clock
from reconciliation.holidays import service
from reconciliation.holidays.service import Day
from reconciliation.models import RunState
from tests.reconciliation.desk import OPENING, line

pytestmark = pytest.mark.db
X_VND = 100_000
EVE, BACK = date(2026, 2, 13), date(2026, 2, 23)
"""Friday before Tết 2026, and the Monday on which banks work again."""
AFTER = datetime(2026, 2, 24, 1, tzinfo=UTC)


def paid_late_on_the_eve(desk) -> list[str]:
    """Told at 23:40 on the last evening, booked when banks work again; the flags of its case on the two days."""
    one = desk.issue(X_VND)
    with clock.turned_to(AFTER):
        desk.pay(X_VND, one.reference, "FT1", day=EVE, at="23:40:00")
        desk.state(opening=OPENING, days=(EVE, date(2026, 2, 16)))
        first = desk.night(date(2026, 2, 16))
        assert first.state is RunState.PROVED
        desk.state(line(X_VND, one.reference, "FT1", day=BACK), days=(date(2026, 2, 17), BACK))
        desk.night(BACK)
        return sorted(desk.night(date(2026, 2, 16)).exceptions)


def test_with_tet_entered_the_bank_is_not_late(desk):
    with desk.session() as session:
        service.add(session, [Day(date(2026, 2, day), "Tết") for day in range(16, 21)])
    assert paid_late_on_the_eve(desk) == []


def test_without_it_the_payment_is_missed_on_the_monday(desk):
    """Teeth: only the data makes the difference."""
    one = desk.issue(X_VND)
    with clock.turned_to(AFTER):
        desk.pay(X_VND, one.reference, "FT1", day=EVE, at="23:40:00")
        desk.state(opening=OPENING, days=(EVE, date(2026, 2, 16)))
        assert desk.night(date(2026, 2, 16)).exceptions == {"missing_bank": 1}
