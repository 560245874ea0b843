"""Doctor proves that exceptions are the fold of their events; every break is noticed and its row named."""

import pytest
from sqlalchemy import text

from operations.invariants import check_invariants
from reconciliation.exceptions import service
from reconciliation.exceptions.rules import Resolution


def said(session) -> str:
    """What is wrong with exceptions; empty: nothing."""
    [check] = check_invariants(session.connection(), ["exceptions"])
    return check.detail


@pytest.fixture
def worked(nights):
    """A case that two people ended, one that was merged, one that is open."""
    line, missed = nights.line(), nights.said()
    nights.night(
        nights.item("missing_gateway", lines=[line]),
        nights.item("missing_bank", said=[missed]),
        nights.item("missing_bank", said=[nights.said()]),
    )
    nights.night(nights.item("amount_diff", lines=[line], said=[missed]))
    case = nights.session, nights.school.id, nights.ids()[0]
    service.propose(*case, nights.school.accountant, resolution=Resolution.REFUND)
    service.approve(*case, nights.school.principal)
    return nights


def test_exceptions_in_order_pass(worked):
    assert said(worked.session) == ""


MERGED = "(SELECT min(id) FROM reconcile_exception WHERE resolution = 'merged')"
BROKEN = [
    ("UPDATE reconcile_exception SET state = 'open', resolution = NULL WHERE state = 'resolved'", "is open"),
    ("UPDATE exception_event SET assignee_id = actor_id WHERE kind = 'approved'", "its events say resolved"),
    ("UPDATE exception_event SET actor_id = proposed_by WHERE kind = 'approved'", "has no second person"),
    ("UPDATE exception_event SET kind = 'resolved' WHERE kind = 'approved'", "has no second person"),
    (f"UPDATE exception_fact SET current = true, exception_id = {MERGED}", "which is merged"),
    ("ALTER TABLE exception_event DISABLE TRIGGER append_only", "append_only of exception_event"),
    ("ALTER TABLE reconcile_exception DISABLE TRIGGER guard_exception", "guard_exception of reconcile_exception"),
]


@pytest.mark.parametrize(("damage", "told"), BROKEN, ids=lambda value: value[:60])
def test_what_is_broken_is_named(worked, damage, told):
    worked.session.execute(text("SET LOCAL session_replication_role = replica"))
    worked.session.execute(text("ALTER TABLE exception_event DROP CONSTRAINT ck__exception_event__two_people"))
    worked.session.execute(text(damage))
    assert told in said(worked.session)
