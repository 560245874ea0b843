"""A month with planted faults of eleven classes: what SQL judges in bulk, row by row against the matcher alone."""

from collections import Counter

import pytest
from sqlalchemy import text

from benchmarks.province import loading, plan
from payments.db import make_engine, session_scope
from reconciliation import queries
from reconciliation.bulk import judging, statements
from reconciliation.night import Night
from reconciliation.together import reconcile

ITEM = (
    "position",
    "primary_class",
    "flags",
    "rule",
    "amount_vnd",
    "value_date",
    "references",
    "bank_line_ids",
    "transaction_ids",
    "evidence_ids",
    "ledger_row_ids",
    "note",
    "grounds",
)
NEVER = 10**9
"""Fewer lines than this: nothing is judged in bulk."""


def stored(engine, schools, monkeypatch, least: int, statement=statements.JUDGE_ALL) -> tuple[list, int]:
    """Everything that the runs of one night say, school by school, and how much of it was judged in bulk."""
    said = []
    with monkeypatch.context() as patch, session_scope(engine) as session:
        patch.setattr(judging, "LEAST", least)
        patch.setattr(statements, "JUDGE_ALL", statement)
        runs = reconcile(session, [Night(session, one.id, one.id, plan.LAST) for one in schools])
        for run in runs:
            items = [tuple(getattr(item, name) for name in ITEM) for item in queries.items(session, run)]
            head = (run.school_id, run.from_day, run.day, run.state, run.matched, run.matched_vnd, run.not_due)
            said.append((head, run.proof, run.exceptions, items))
        bulk = session.scalar(text("SELECT coalesce(sum(size), 0) FROM reconcile_block"))
        session.rollback()
    return said, bulk


@pytest.mark.parametrize("seed", [3, 20251031, 77])
def test_every_stored_row_of_a_month_is_the_matchers(postgres, monkeypatch, seed):
    schools = list(plan.province(660, schools=22, seed=seed))
    planted = sum((school.counts for school in schools), Counter())
    assert set(planted) == {"matched", *plan.KINDS}
    url = postgres.url(postgres.new_database())
    loading.load(url, schools)
    engine = make_engine(url)
    try:
        alone, none = stored(engine, schools, monkeypatch, NEVER)
        assert none == 0
        for statement in (statements.JUDGE_ALL, statements.JUDGE_NEW):
            found, bulk = stored(engine, schools, monkeypatch, 1, statement)
            assert bulk > 0.9 * planted["matched"]
            assert found == alone
    finally:
        engine.dispose()
