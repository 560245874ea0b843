"""So many refusals of a connection are stored in an hour; the others are counted."""

from datetime import timedelta

from payments.clock import now
from payments.inbox.throttle import RefusalBudget


def test_a_budget_holds_for_each_connection_and_returns_after_an_hour() -> None:
    budget, moment = RefusalBudget(per_hour=2), now()
    assert [budget.allows(1, moment) for _ in range(3)] == [True, True, False]
    assert budget.allows(2, moment)
    assert budget.allows(None, moment)
    assert not budget.allows(1, moment + timedelta(minutes=59))
    assert budget.allows(1, moment + timedelta(hours=1))


def test_a_clock_that_is_turned_back_does_not_close_the_budget_for_ever() -> None:
    budget, moment = RefusalBudget(per_hour=1), now()
    assert budget.allows(1, moment)
    assert budget.allows(1, moment - timedelta(days=1))
