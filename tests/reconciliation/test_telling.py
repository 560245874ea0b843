"""School software is told of each day that a night closes, and of the day that the school signs."""

from datetime import UTC, datetime

import pytest

from payments import clock
from payments.events.rules import EventKind
from reconciliation import together
from tests.payments.events.told import listen, told
from tests.reconciliation.desk import DAY, OPENING, line

pytestmark = pytest.mark.db
MORNING = datetime(2025, 9, 11, 1, tzinfo=UTC)


def closed(desk):
    with desk.session() as session:
        return told(session, desk.school.id, EventKind.DAY_CLOSED)


@pytest.fixture(autouse=True)
def listening(desk):
    with desk.session() as session:
        listen(session, desk.school.id)


def test_a_proved_day_is_told_once_with_its_proof(desk):
    one = desk.issue(100_000)
    with clock.turned_to(MORNING):
        desk.pay(100_000, one.reference, "FT1")
        desk.state(line(100_000, one.reference, "FT1"))
        run = desk.night()
        desk.night()
    (event,) = closed(desk)
    assert (event["run_id"], event["day"], event["state"]) == (run.id, "2025-09-10", "proved")
    assert event["account"] == f"970998:{desk.number}"
    assert (event["opening_vnd"], event["credits_vnd"], event["closing_vnd"]) == (OPENING, 100_000, OPENING + 100_000)
    assert (event["matched"], event["closed_through"]) == (1, None)


def test_a_day_without_a_statement_is_not_told(desk):
    with clock.turned_to(MORNING):
        desk.night()
    assert closed(desk) == []


def test_a_day_that_does_not_prove_says_so(desk):
    with clock.turned_to(MORNING):
        desk.state(line(100_000, "x", "FT1"), closing_vnd=OPENING + 99_993)
        desk.night()
    assert [one["state"] for one in closed(desk)] == ["failed"]


def test_a_later_fact_closes_the_day_anew(desk):
    one = desk.issue(100_000)
    with clock.turned_to(MORNING):
        desk.state(line(100_000, one.reference, "FT1"))
        desk.night()
        desk.pay(100_000, one.reference, "FT1")
        desk.night()
    assert [event["exceptions"] for event in closed(desk)] == [{"missing_gateway": 1}, {}]


def test_signing_a_period_tells_its_last_day_again(desk):
    with clock.turned_to(MORNING):
        desk.state(opening=OPENING)
        desk.night()
        desk.sign(DAY)
    assert [event["closed_through"] for event in closed(desk)] == [None, "2025-09-10"]


def test_a_night_that_tells_nobody_would_be_noticed(desk, monkeypatch):
    """Teeth: the first test wants one event."""
    monkeypatch.setattr(together, "tell_closed", lambda *_: None)
    with clock.turned_to(MORNING):
        desk.state(opening=OPENING)
        desk.night()
    assert closed(desk) == []
