"""From night to night: one case stays one exception, whatever becomes of it; the same runs again change nothing."""

from datetime import date, timedelta

import pytest

from reconciliation.catching_up import catch_up
from reconciliation.exceptions import syncing
from tests.reconciliation.desk import DAY, OPENING, line, row

X_VND, Y_VND = 100_000, 250_000
NEXT = date(2025, 9, 11)

CASES = """
    SELECT id, primary_class, state, resolution, amount_vnd::bigint FROM reconcile_exception ORDER BY id
"""


def night(desk, day: date = DAY):
    """Settle what waits, reconcile as production does, and follow the exceptions."""
    desk.settle()
    with desk.session() as session:
        return catch_up(session, desk.school.id, desk.school.account, day)


def cases(desk) -> list[tuple]:
    return [tuple(row) for row in desk.rows(CASES)]


def kinds(desk, number: int = 1) -> list[str]:
    """The kinds of all events of the exception that was opened as the so-manieth."""
    found = desk.rows("SELECT exception_id, kind FROM exception_event ORDER BY id")
    ids = sorted({exception_id for exception_id, _ in found})
    return [kind for exception_id, kind in found if exception_id == ids[number - 1]]


def test_a_finding_becomes_an_exception_with_owner_term_and_event(desk):
    one = desk.issue(X_VND)
    desk.state(line(X_VND, f"Nguyễn Văn Ấn {one.reference}", "FT25253000001"))
    run = night(desk)
    [found] = desk.rows("""
        SELECT primary_class, state, owner, amount_vnd::bigint, day, first_run_id, last_run_id, search_key, due_on,
            first_seen_at FROM reconcile_exception
    """)
    assert found[:7] == ("missing_gateway", "open", "operator", X_VND, DAY, run.id, run.id)
    for told in ("nguyen van an", one.reference.lower(), "ft25253000001", str(X_VND)):
        assert told in found[7]
    assert found[9] == run.created_at
    assert timedelta() < found[8] - run.created_at.date() <= timedelta(days=4)
    assert kinds(desk) == ["seen"]


def test_the_same_night_again_changes_nothing(desk):
    desk.state(line(X_VND, desk.issue(X_VND).reference, "FT1"))
    night(desk)
    before = desk.rows("SELECT * FROM reconcile_exception"), desk.rows("SELECT * FROM exception_event")
    night(desk)
    with desk.session() as session:
        assert syncing.sync(session, desk.school.id, desk.school.account) == syncing.Synced()
    assert (desk.rows("SELECT * FROM reconcile_exception"), desk.rows("SELECT * FROM exception_event")) == before


def test_following_all_runs_anew_gives_the_same_exceptions(desk):
    desk.state(*(line(X_VND + number, desk.issue(X_VND).reference, f"FT{number}") for number in range(3)))
    night(desk)
    desk.state(line(Y_VND, "x", "FT9", day=NEXT), opening=OPENING + 3 * X_VND + 3, days=(NEXT, NEXT))
    night(desk, NEXT)
    told = (
        "SELECT primary_class, amount_vnd, day, due_on, first_seen_at, search_key FROM reconcile_exception ORDER BY id"
    )
    before = desk.rows(told)
    assert len(before) == 4
    with desk.session() as session:
        for table in ("exception_event", "exception_fact", "exception_sync", "reconcile_exception"):
            session.connection().exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            session.connection().exec_driver_sql(f"DELETE FROM {table}")
            session.connection().exec_driver_sql(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    with desk.session() as session:
        assert syncing.sync(session, desk.school.id, desk.school.account).new == len(before)
    assert desk.rows(told) == before


def test_a_late_callback_closes_the_case_as_matched_since(desk):
    one = desk.issue(X_VND)
    desk.state(line(X_VND, one.reference, "FT1"))
    night(desk)
    desk.pay(X_VND, one.reference, "FT1")
    night(desk)
    [(_, primary_class, state, resolution, _)] = cases(desk)
    assert (primary_class, state, resolution) == ("missing_gateway", "resolved", "matched_since")
    assert kinds(desk) == ["seen", "matched_since"]


def test_a_case_whose_class_changes_stays_the_same_exception(desk):
    one = desk.issue(X_VND)
    desk.pay(X_VND, one.reference, "FT1")
    desk.state(opening=OPENING)
    night(desk)
    [(number, *first)] = cases(desk)
    assert first == ["missing_bank", "open", None, X_VND]
    desk.state(line(X_VND - 500, one.reference, "FT1"), opening=OPENING)
    night(desk)
    after = {key: rest for key, *rest in cases(desk)}
    assert after[number][:1] == ["amount_diff"]
    assert after[number][3] == X_VND - 500
    assert kinds(desk)[:2] == ["seen", "changed"]
    [(detail,)] = desk.rows("SELECT detail FROM exception_event WHERE kind = 'changed'")
    assert detail["primary_class"] == ["missing_bank", "amount_diff"]
    assert detail["amount_vnd"] == [X_VND, X_VND - 500]
    assert "facts_added" in detail


@pytest.mark.parametrize("booked", [True, False])
def test_a_case_that_the_books_join_or_lack_follows(desk, booked):
    one, two = desk.issue(X_VND), desk.issue(Y_VND)
    for number, paid, amount in (("FT1", one, X_VND), ("FT2", two, Y_VND)):
        desk.pay(amount, paid.reference, number)
    desk.state(line(X_VND, one.reference, "FT1"), line(Y_VND, two.reference, "FT2"))
    night(desk)
    assert cases(desk) == []
    desk.book(row(Y_VND, f"Thu {two.reference}", code="1121"))
    night(desk)
    assert [found[1] for found in cases(desk)] == ["missing_ledger"]
    if booked:
        desk.book(row(X_VND, f"Thu {one.reference}", code="1121", document="7"))
        night(desk)
        assert [found[1:4] for found in cases(desk)] == [("missing_ledger", "resolved", "matched_since")]


def test_a_mended_balance_ends_its_break(desk):
    desk.state(line(X_VND, "x", "FT1"), closing_vnd=OPENING + X_VND + 7)
    night(desk)
    found = {one[1]: one[2] for one in cases(desk)}
    assert found["balance_break"] == "open"
    desk.state(line(X_VND, "x", "FT1"))
    night(desk)
    found = {one[1]: one[2:4] for one in cases(desk)}
    assert found["balance_break"] == ("resolved", "no_longer_found")
    # The line of the doubtful file and that of the sound one are one fact: one exception.
    assert [one[1] for one in cases(desk)].count("missing_gateway") == 1


def test_a_case_that_moves_to_another_day_is_not_opened_twice(desk):
    one = desk.issue(X_VND)
    desk.pay(X_VND, one.reference, "FT1")
    desk.state(opening=OPENING)
    night(desk)
    desk.state(line(X_VND, one.reference, "FT1", day=NEXT), days=(NEXT, NEXT))
    night(desk, NEXT)
    [(_, primary_class, state, _, _)] = cases(desk)
    assert (primary_class, state) == ("date_cutoff", "open")
    assert kinds(desk) == ["seen", "changed"]
