"""The books' own balance against the bank's: judged where the books state one, shown, signed, and never hidden."""

import json

import pytest

from payments.errors import DomainError
from reconciliation.balances import BooksFact
from reconciliation.models import RunState
from tests.reconciliation.closing.ledgers import NOTE
from tests.reconciliation.desk import DAY, OPENING, line, row
from tests.reconciliation.makers import on

pytestmark = pytest.mark.db
X_VND = 100_000


def test_the_identity_holds_with_what_is_outstanding_on_either_side():
    """Bank 1,300 less 500 not booked, plus 200 that only the books have, is 1,000."""
    told = BooksFact(1, on(1), on(9), 700, 300, 1_000).against(1_300, 600)
    assert (told["unbooked_vnd"], told["carried_vnd"], told["expected_vnd"], told["ok"]) == (300, 0, 1_000, True)
    assert told["bank_vnd"] - told["unbooked_vnd"] - told["carried_vnd"] == told["closing_vnd"]


def test_what_was_apart_before_the_first_books_is_carried_and_shown():
    told = BooksFact(1, on(1), on(9), 650, 300, 950).against(1_000, 300)
    assert (told["carried_vnd"], told["ok"]) == (50, True)


def test_books_that_state_what_their_rows_do_not_give_are_told():
    told = BooksFact(1, on(1), on(9), 700, 300, 1_001).against(1_000, 300)
    assert (told["expected_vnd"], told["closing_vnd"], told["ok"]) == (1_000, 1_001, False)


def stated(desk, closing_vnd: int) -> None:
    """The books of the day, with the balances that their file states."""
    desk.book(row(X_VND, "Thu hoc phi", code="1121"), period=(DAY, DAY))
    with desk.engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        connection.exec_driver_sql(
            f"UPDATE ledger_import SET opening_vnd = {OPENING}, closing_vnd = {closing_vnd},"
            f" account_ids = ARRAY[{desk.school.account}]"
        )
        connection.exec_driver_sql(f"UPDATE ledger_row SET account_id = {desk.school.account}")


def test_a_run_tells_it_and_the_close_signs_it(desk):
    desk.state(line(X_VND, "x", "FT1"), line(2 * X_VND, "y", "FT2"))
    stated(desk, OPENING + X_VND)
    run = desk.night()
    [told] = run.proof["books"]
    assert (run.state, told["bank_vnd"], told["unbooked_vnd"], told["ok"]) == (
        RunState.PROVED,
        OPENING + 3 * X_VND,
        2 * X_VND,
        True,
    )
    assert json.loads(desk.close().document)["accounts"][0]["books"] == told


def test_books_that_are_apart_need_a_note(desk):
    desk.state(line(X_VND, "x", "FT1"))
    stated(desk, OPENING + X_VND + 1)
    assert [told["ok"] for told in desk.night().proof["books"]] == [False]
    with pytest.raises(DomainError) as refused:
        desk.close(note=None)
    assert "1 sổ kế toán lệch số dư" in refused.value.vi
    assert json.loads(desk.close(note=NOTE).document)["acknowledged"]["books_apart"] == [f"970998:{desk.number}"]


def test_books_that_state_no_balance_are_not_judged(desk):
    desk.state(line(X_VND, "x", "FT1"))
    desk.book(row(X_VND, "Thu hoc phi", code="1121"), period=(DAY, DAY))
    assert "books" not in desk.night().proof
