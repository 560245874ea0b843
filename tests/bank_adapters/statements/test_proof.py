"""The balance proof is exact and names the first line that breaks it."""

from dataclasses import replace
from datetime import date

from bank_adapters.statements.model import Statement, StatementLine
from bank_adapters.statements.proof import newest_first, prove


def line(number: int, amount_vnd: int, balance: int | None = None) -> StatementLine:
    day = date(2025, 10, 6)
    return StatementLine(
        line_no=number,
        value_date=day,
        booked_on=day,
        amount_vnd=abs(amount_vnd),
        direction="credit" if amount_vnd > 0 else "debit",
        bank_reference=None,
        description="",
        raw="",
        balance_after_vnd=balance,
    )


def statement(*lines: StatementLine, opening: int | None = 1000, closing: int | None = 1300) -> Statement:
    return Statement(
        account_number="1",
        currency="VND",
        period_from=None,
        period_to=None,
        opening_vnd=opening,
        closing_vnd=closing,
        sequence=None,
        lines=lines,
    )


def test_opening_and_movements_give_closing():
    proof = prove(statement(line(1, 500), line(2, -200)))
    assert (proof.ok, proof.credits_vnd, proof.debits_vnd) == (True, 500, 200)


def test_one_dong_too_much_is_a_break():
    proof = prove(statement(line(1, 501), line(2, -200)))
    assert not proof.ok
    assert (proof.first_break.line_no, proof.first_break.expected_vnd, proof.first_break.found_vnd) == (
        0,
        1301,
        1300,
    )


def test_a_surplus_is_a_break_as_much_as_a_loss():
    assert not prove(statement(line(1, 500), line(2, -200), closing=1299)).ok


def test_a_wrong_running_balance_names_its_line():
    proof = prove(statement(line(1, 500, 1500), line(2, -200, 1310), line(3, -10, 1300)))
    assert proof.first_break.line_no == 2
    assert not proof.ok


def test_lines_without_running_balance_are_bridged():
    assert prove(statement(line(1, 500), line(2, -150, 1350), line(3, -50))).ok


def test_balances_may_follow_from_running_balances_and_say_so():
    proof = prove(statement(line(1, 500, 1500), line(2, -200, 1300), opening=None, closing=None))
    assert (proof.ok, proof.opening_vnd, proof.closing_vnd) == (True, 1000, 1300)
    assert not proof.opening_stated
    assert not proof.closing_stated


def test_a_statement_that_states_no_balance_does_not_prove():
    assert not prove(statement(line(1, 500), opening=None)).ok
    assert not prove(statement(line(1, 500), closing=None)).ok


def test_an_empty_day_proves_when_both_balances_are_equal():
    assert prove(statement(opening=7, closing=7)).ok
    assert not prove(statement(opening=7, closing=8)).ok


def test_a_file_with_the_newest_line_first_is_noticed_within_one_day():
    upwards = [line(1, 500, 1500), line(2, -200, 1300)]
    assert not newest_first(upwards)
    assert newest_first(upwards[::-1])
    assert newest_first([replace(upwards[0], booked_on=date(2025, 10, 7)), upwards[1]])
