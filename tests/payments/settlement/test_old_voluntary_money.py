"""Money that filled voluntary lines before families chose stays where it is: no later fold moves it (docs/adr/0031)."""

import importlib
from pathlib import Path

import pytest
from sqlalchemy import text

import migrations.versions
from payments.settlement.applying import stands
from payments.settlement.settling import settle_transactions
from tests.payments.settlement.setting import arrive, issue, ledger, state_of

pytestmark = pytest.mark.db

[STEP] = Path(migrations.versions.__file__).parent.glob("*_fill_voluntary_lines_that_were_chosen.py")
KEEP = importlib.import_module(f"migrations.versions.{STEP.stem}").KEEP


@pytest.fixture
def old(session, school):
    """Three notices as they were: a club half filled by a surplus, one paid in full, one declined and filled anyway."""
    issued = [issue(session, school, 100_000, 20_000) for _ in range(4)]
    for one, amount_vnd in zip(issued, (115_000, 120_000, 130_000, 100_000), strict=True):
        settle_transactions(session, school.id, [arrive(session, school, amount_vnd, one.reference)])
    session.execute(text("UPDATE voluntary_choice SET chosen = false"))
    session.execute(
        text("""
            DELETE FROM voluntary_choice WHERE line_id NOT IN (
                SELECT id FROM invoice_line WHERE invoice_id = :declined)
        """),
        {"declined": issued[2].id},
    )
    session.execute(text("UPDATE voluntary_choice SET declined = true"))
    return issued


def words(session):
    rows = session.execute(text("SELECT declined, chosen, kept FROM voluntary_choice ORDER BY line_id"))
    return [tuple(row) for row in rows]


def test_every_voluntary_line_with_money_on_it_keeps_it(session, school, old):
    before = [state_of(session, school, one) for one in old], ledger(session, school)
    session.execute(text(KEEP))
    assert words(session) == [(False, False, True), (False, False, True), (True, False, True)]
    assert all(stands(session, school.id, one.id) for one in old)
    assert ([state_of(session, school, one) for one in old], ledger(session, school)) == before
    for one in old:
        settle_transactions(session, school.id, [arrive(session, school, 1_000, one.reference, hour=9)])
    paid = [state_of(session, school, one)[1] for one in old]
    assert paid == [116_000, 120_000, 120_000, 100_000], "the rest of what was begun, and nothing that nobody chose"


def test_without_that_mark_the_next_payment_would_move_settled_money(session, school, old):
    """Teeth."""
    assert [stands(session, school.id, one.id) for one in old] == [False, True, False, True], (
        "the second was paid whole"
    )
