"""Claiming work: no more rows than asked for, whatever plan the database chooses."""

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import clock, outbox

pytestmark = pytest.mark.db
NESTED = ("enable_hashjoin", "enable_mergejoin", "enable_hashagg", "enable_sort", "enable_material", "enable_memoize")
AS_A_SUBQUERY = text("""
    UPDATE outbox SET lease_token = lease_token + 1 WHERE id IN (
        SELECT id FROM outbox WHERE queue = 'imports' AND due_at <= :now AND lease_token = 0
        ORDER BY due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id
""")


@pytest.fixture
def waiting(session: Session) -> Session:
    """Five rows that are due, and a planner that has only nested loops, as it may choose on a table without figures."""
    for subject in range(5):
        outbox.put(session, "imports", "read", subject_id=subject + 1)
    session.flush()
    for name in NESTED:
        session.execute(text(f"SET LOCAL {name} = off"))
    return session


def test_one_row_at_a_time_is_one_row(waiting: Session) -> None:
    for _ in range(5):
        assert len(outbox.claim(waiting, "imports", limit=1)) == 1
    assert outbox.claim(waiting, "imports", limit=1) == []


def test_a_subquery_would_lease_rows_that_nobody_then_works_on(waiting: Session) -> None:
    assert len(waiting.execute(AS_A_SUBQUERY, {"now": clock.now()}).all()) > 1
