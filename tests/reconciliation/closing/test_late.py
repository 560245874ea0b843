"""What comes after a close lands on the next open day, as its own class, with a link to the close that it missed."""

import io
from datetime import timedelta

import openpyxl
import pytest

from payments import clock
from reconciliation import service, together
from reconciliation.closing import late
from reconciliation.models import RunState
from reconciliation.reports import content, workbook
from tests.reconciliation.closing.ledgers import NEXT, SIGNING
from tests.reconciliation.desk import DAY, OPENING, line, row

pytestmark = pytest.mark.db
X_VND = 100_000
THIRD = DAY + timedelta(days=2)


def catch_up(desk, day):
    desk.settle()
    with desk.session() as session:
        return service.catch_up(session, desk.school.id, desk.school.account, day)


def links(desk):
    return desk.rows("SELECT run_id, position, close_id, day FROM late_item ORDER BY run_id, position")


def open_items(desk, run):
    return [(item.primary_class, item.value_date) for item in desk.items(run)]


def test_a_late_callback_lands_on_the_next_open_day_with_its_link(desk):
    desk.day_of(DAY, X_VND)
    close = desk.close()
    desk.day_of(NEXT, opening=OPENING + X_VND)
    desk.pay(X_VND, desk.issue(X_VND).reference, "FT9")
    run = catch_up(desk, NEXT)
    assert (run.day, run.exceptions) == (NEXT, {"closed_period": 1})
    assert links(desk) == [(run.id, 1, close.id, DAY)]
    with desk.session() as session:
        [(place, link)] = late.links_of(session, desk.school.id, [run.id]).items()
    assert (place, link) == ((run.id, 1), late.Link(close.sequence, DAY))


def test_the_next_close_shows_what_was_late_and_which_close_it_missed(desk):
    desk.day_of(DAY, X_VND)
    desk.close()
    desk.day_of(NEXT, opening=OPENING + X_VND)
    desk.pay(X_VND, desk.issue(X_VND).reference, "FT9")
    document = desk.close(NEXT).document.decode()
    assert '"class":"closed_period"' in document
    assert '"late":{"close":1,"day":"2025-09-10"}' in document


def test_late_lines_and_rows_reach_the_first_open_day_though_later_nights_stand(desk):
    """The first open day is far behind by then; it is made again all the same, and nothing is lost."""
    desk.state(opening=OPENING, days=(DAY, DAY))
    desk.night(DAY)
    desk.close()
    desk.day_of(NEXT)
    for ahead in range(2, 6):
        desk.day_of(DAY + timedelta(days=ahead))
    one = desk.issue(X_VND)
    desk.book(row(X_VND, f"Thu {one.reference}", day=DAY))
    catch_up(desk, DAY + timedelta(days=5))
    run = desk.night(NEXT)
    assert open_items(desk, run) == [("closed_period", DAY)]
    assert [link[2:] for link in links(desk)] == [(1, DAY)]
    assert desk.night(DAY).exceptions == {}


def test_what_was_known_is_not_late_whatever_the_clock_says(desk):
    """The moment of arrival proves nothing: a clock that was wrong makes nobody late, and nobody early."""
    with clock.turned_to(SIGNING + timedelta(days=9)):
        desk.day_of(DAY, X_VND)
    desk.close()
    desk.day_of(NEXT, opening=OPENING + X_VND)
    assert desk.night(NEXT).exceptions == {}
    with clock.turned_to(SIGNING - timedelta(days=20)):
        desk.pay(X_VND, desk.issue(X_VND).reference, "FT9")
    assert catch_up(desk, NEXT).exceptions == {"closed_period": 1}


def test_a_payment_over_the_end_of_the_period_is_no_late_one(desk):
    """Told at night, booked on the morning after the period: ordinary, whoever signs in between."""
    desk.state(opening=OPENING, days=(DAY, DAY))
    one = desk.issue(X_VND)
    desk.pay(X_VND, one.reference, "FT1", at="23:40:00")
    desk.night(DAY)
    desk.close()
    desk.state(line(X_VND, one.reference, "FT1", day=NEXT), days=(NEXT, NEXT))
    run = desk.night(NEXT)
    assert (run.state, run.exceptions) == (RunState.PROVED, {"date_cutoff": 1})
    assert links(desk) == []


def test_a_line_that_arrives_for_a_missed_payment_closes_it_in_the_open_period(desk):
    """Signed as missing at the bank; the bank books it later: matched there, and the signed night stays."""
    desk.state(opening=OPENING, days=(DAY, DAY))
    one = desk.issue(X_VND)
    desk.pay(X_VND, one.reference, "FT1")
    signed = desk.night(DAY)
    assert signed.exceptions == {"missing_bank": 1}
    desk.close()
    desk.state(line(X_VND, one.reference, "FT1", day=NEXT), days=(NEXT, NEXT))
    run = desk.night(NEXT)
    assert [(item.primary_class, item.rule) for item in desk.items(run)] == [("date_cutoff", "T0")]
    assert desk.night(DAY).id == signed.id


def test_a_second_close_sends_late_facts_behind_itself(desk):
    desk.day_of(DAY, X_VND)
    desk.day_of(NEXT, opening=OPENING + X_VND)
    desk.close(DAY)
    desk.close(NEXT)
    desk.day_of(THIRD, opening=OPENING + X_VND)
    desk.pay(X_VND, desk.issue(X_VND).reference, "FT9")
    run = catch_up(desk, THIRD)
    assert links(desk) == [(run.id, 1, 1, DAY)]
    desk.close(THIRD)
    assert desk.rows("SELECT count(*) FROM late_item") == [(1,)]


def test_a_night_without_links_would_be_noticed(desk, monkeypatch):
    """Teeth of the links."""
    monkeypatch.setattr(together, "keep_links", lambda *_: None)
    desk.day_of(DAY, X_VND)
    desk.close()
    desk.day_of(NEXT, opening=OPENING + X_VND)
    desk.pay(X_VND, desk.issue(X_VND).reference, "FT9")
    assert catch_up(desk, NEXT).exceptions == {"closed_period": 1}
    assert links(desk) == []


def test_a_night_that_knew_nothing_would_call_everything_late(desk, monkeypatch):
    """Teeth of ``close_run``: without it the payment over the end of the period is a false alarm."""
    monkeypatch.setattr(late.Signed, "_known_ids", lambda _self: (set(), set(), set()))
    desk.day_of(DAY, X_VND)
    desk.close()
    desk.day_of(NEXT, opening=OPENING + X_VND)
    assert desk.night(NEXT).exceptions == {"closed_period": 1}


def test_the_report_of_the_run_says_what_was_missed(desk):
    desk.day_of(DAY, X_VND)
    desk.close()
    desk.day_of(NEXT, opening=OPENING + X_VND)
    desk.pay(X_VND, desk.issue(X_VND).reference, "FT9")
    run = catch_up(desk, NEXT)
    with desk.session() as session:
        report = content.build(session, run.id)
    assert [entry.late for entry in report.entries] == [late.Link(1, DAY)]
    assert b'"late":{"close":1,"day":"2025-09-10"}' in content.as_json(report)
    book = openpyxl.load_workbook(io.BytesIO(workbook.write(report)))
    cells = {cell.value for row in book["Ngoại lệ"].iter_rows() for cell in row}
    assert "thuộc ngày 10/09/2025, lần khóa sổ 1" in cells
