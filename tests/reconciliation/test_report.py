"""What a report says about a case: each source's money once and in its direction, and how old the case is."""

import io
from datetime import UTC, datetime

import openpyxl
import pytest

from bank_adapters.contract import Answer
from payments import clock
from reconciliation import words
from reconciliation.reports import content, workbook
from tests.payments.inbox.callers import make_sender, sepay_body, sepay_request
from tests.reconciliation.desk import DAY, OPENING, line

X_VND = 100_000


def findings(desk, run) -> list[content.Finding]:
    with desk.session() as session:
        return list(content.build(session, run.id).entries)


def tell_again(desk, memo: str, number: str) -> Answer:
    """The same payment through a second connection of the account."""
    sender = make_sender(desk.engine, desk.settings, school=desk.school)
    body = sepay_body(desk.number, 990, X_VND, memo, referenceCode=number, transactionDate=f"{DAY} 08:00:00")
    return desk.shell.call(sender.url, sepay_request(body))


def test_money_that_two_connections_tell_of_is_shown_once(desk):
    one = desk.issue(X_VND)
    desk.pay(X_VND, one.reference, "BK1")
    tell_again(desk, one.reference, "BK1")
    desk.state(line(X_VND, one.reference, "BK1"))
    [found] = findings(desk, desk.night())
    assert desk.rows("SELECT count(*) FROM evidence WHERE source = 'callback'") == [(2,)]
    assert (found.primary_class, found.bank_vnd, found.gateway_vnd) == ("matched", X_VND, X_VND)


def test_a_case_is_as_old_as_the_run_sees_it(desk):
    desk.pay(X_VND, desk.issue(X_VND).reference, "BK1")
    with clock.turned_to(datetime(2025, 9, 14, 1, tzinfo=UTC)):
        desk.state(opening=OPENING)
        run = desk.night()
    with clock.turned_to(datetime(2026, 9, 14, 1, tzinfo=UTC)):
        [found] = findings(desk, run)
    assert (found.primary_class, found.age_days) == ("missing_bank", 4)


def test_the_workbook_sums_each_class_and_leaves_room_for_what_to_do(desk):
    desk.state(*[line(X_VND + number, f"CT {number}", f"BK{number}") for number in range(3)])
    run = desk.night()
    with desk.session() as session:
        book = openpyxl.load_workbook(io.BytesIO(workbook.write(content.build(session, run.id))))
    sums = {row[0].value: (row[1].value, row[2].value) for row in book["Tổng hợp"].iter_rows() if row[0].value}
    assert sums["Thiếu báo có"] == (3, 3 * X_VND + 3)
    sheet = book["Ngoại lệ"]
    assert sheet.row_dimensions[2].height >= 2 * workbook.LINE_HEIGHT
    assert (sheet.freeze_panes, sheet.print_title_rows) == ("A2", "$1:$1")


@pytest.mark.parametrize(
    ("days", "name"),
    [
        (0, "0–1 ngày"),
        (1, "0–1 ngày"),
        (2, "2–3 ngày"),
        (7, "4–7 ngày"),
        (8, "8–30 ngày"),
        (30, "8–30 ngày"),
        (31, "trên 30 ngày"),
    ],
)
def test_ages_fall_into_the_buckets_of_an_aging_table(days, name):
    assert words.age_vi(days) == name
