"""A day that is proved whole is not paid twice because a second file words it otherwise."""

import random
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.sample_files import write_camt053, write_mt940, write_vietcombank
from payments.errors import DomainError
from reconciliation import statement_comparing
from reconciliation.doubts import Answer, SameLines
from reconciliation.models import RunState
from reconciliation.told_otherwise import Told, same_facts
from tests.payments.settlement.bank import Bank
from tests.reconciliation.desk import DAY, line
from tests.reconciliation.test_statement_import import balanced


def rounded_by_a_spreadsheet(made):
    """What Excel keeps of references of 17 digits: fifteen."""
    return replace(made, lines=tuple(replace(one, bank_reference="12345678901234500") for one in made.lines))


def test_a_reference_that_a_spreadsheet_rounds_credits_nobody_twice(desk):
    one = desk.issue(100_000)
    paid = line(100_000, f"{one.reference} nop tien", "12345678901234567")
    made = balanced(desk.number, [paid, line(7_000, "TRAN THI MAU", "12345678901234568")])
    desk.bring(write_vietcombank(made), "a.xlsx")
    report = desk.bring(write_vietcombank(rounded_by_a_spreadsheet(made)), "b.xlsx")
    assert (report.new_lines, report.statements[0].already_imported) == (0, True)
    assert "2 dòng được ghi khác" in report.notices[0]
    run = desk.night()
    assert (run.state, desk.count("bank_transaction"), Bank.state(desk, one)) == (RunState.PROVED, 2, ("paid", 100_000))


def test_a_workbook_with_numbers_after_an_mt940_without_them_is_the_same_day(desk):
    same = line(100_000, "NGUYEN VAN MAU chuyen tien")
    made = balanced(desk.number, [same, same, line(11_000, "Phi", direction="debit")])
    numbered = [replace(one, bank_reference=f"FT{n}", description=f"IBFT {n}") for n, one in enumerate(made.lines)]
    desk.bring(write_mt940([replace(made, sequence=1)]), "a.sta")
    assert desk.bring(write_vietcombank(replace(made, lines=tuple(numbered))), "b.xlsx").new_lines == 0
    assert (desk.count("bank_line"), desk.night().state) == (3, RunState.PROVED)


def test_a_statement_that_goes_on_where_the_first_one_ended_tells_other_money(desk):
    """Equal amounts of one day in two files, both proved: morning and afternoon. None of it may be lost."""
    morning = balanced(desk.number, [line(100_000, "a", "FT1"), line(100_000, "b", "FT2")])
    afternoon = balanced(desk.number, [line(100_000, "c", "FT3")])
    shift = morning.closing_vnd - afternoon.opening_vnd
    later = [replace(one, balance_after_vnd=one.balance_after_vnd + shift) for one in afternoon.lines]
    afternoon = replace(
        afternoon,
        opening_vnd=morning.closing_vnd,
        closing_vnd=afternoon.closing_vnd + shift,
        lines=tuple(later),
    )
    assert desk.bring(write_vietcombank(morning), "a.xlsx").new_lines == 2
    assert desk.bring(write_vietcombank(afternoon), "b.xlsx").new_lines == 1
    assert desk.count("bank_line") == 3


def test_halves_of_a_day_that_is_swept_empty_are_two_however_alike(desk):
    halves = [
        balanced(desk.number, [line(100_000, who, f"FT{who}"), line(100_000, "quet", f"FTS{who}", direction="debit")])
        for who in ("1", "2")
    ]
    assert halves[0].opening_vnd == halves[0].closing_vnd == halves[1].opening_vnd
    found = [desk.bring(write_vietcombank(half), f"{n}.xlsx").new_lines for n, half in enumerate(halves)]
    assert (found, desk.count("bank_line")) == ([2, 2], 4)


def parts_of_a_swept_day(account, number):
    """Three statements of one day as the bank sends them; the third goes between the balances of the first."""
    money = [
        (0, line(100_000, "NGUYEN VAN A", number and f"{number}1")),
        (0, line(100_000, "TRAN B", number and f"{number}3")),
    ]
    sweep = (100_000, line(100_000, "quet", number and f"{number}2", direction="debit"))
    parts = [money[0], sweep, money[1]]
    return [
        write_mt940([replace(balanced(account, [moved], opening=opening), sequence=n)])
        for n, (opening, moved) in enumerate(parts, start=1)
    ]


def test_balances_that_come_back_after_a_sweep_tell_other_money(desk):
    for n, data in enumerate(parts_of_a_swept_day(desk.number, "FT2525300001")):
        assert desk.bring(data, f"{n}.sta").new_lines == 1
    assert desk.count("bank_line") == 3


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1)], ids=["in order", "the sweep comes last"])
def test_where_the_bank_gives_no_numbers_a_person_says_what_came_after_the_sweep(desk, order):
    parts = parts_of_a_swept_day(desk.number, None)
    for n in order:
        if n == 2:
            with pytest.raises(DomainError, match="same_lines"):
                desk.bring(parts[n], f"{n}.sta")
        desk.bring(parts[n], f"{n}.sta", answer=Answer(SameLines.NEW))
    assert desk.count("bank_line") == 3


def test_equal_balances_and_other_numbers_of_the_bank_are_asked(desk):
    """Half of a swept day whose sweep nobody has brought yet; or the bank numbers its export anew."""
    made = [balanced(desk.number, [line(100_000, who, f"FT2525300001{who}")]) for who in "12"]
    desk.bring(write_vietcombank(made[0]), "a.xlsx")
    with pytest.raises(DomainError, match="same_lines"):
        desk.bring(write_vietcombank(made[1]), "b.xlsx")
    assert desk.bring(write_vietcombank(made[1]), "b.xlsx", answer=Answer(SameLines.NEW)).new_lines == 1


def test_a_day_told_twice_in_one_file_is_known_in_both_statements(desk):
    """The day, which balances know, and a longer period with the same line: it is one payment there, too."""
    made = balanced(desk.number, [line(100_000, "NGUYEN VAN MAU", "12345678901234567")])
    desk.bring(write_vietcombank(made), "a.xlsx")
    day = replace(made, lines=(line(100_000, "MAU NOP TIEN"),))
    longer = replace(day, period_from=DAY - timedelta(1), period_to=DAY + timedelta(1))
    assert (desk.bring(write_camt053([day, longer])).new_lines, desk.count("bank_line")) == (0, 1)


def test_without_the_comparison_a_person_is_asked(desk, monkeypatch):
    monkeypatch.setattr(statement_comparing, "known_otherwise", lambda *_: {})
    with pytest.raises(DomainError, match="same_lines"):
        test_a_reference_that_a_spreadsheet_rounds_credits_nobody_twice(desk)


def test_without_comparison_and_question_the_second_file_would_be_money_again(desk, monkeypatch):
    monkeypatch.setattr(statement_comparing, "known_otherwise", lambda *_: {})
    monkeypatch.setattr(statement_comparing, "doubtful", lambda *_: [])
    with pytest.raises(AssertionError):
        test_a_reference_that_a_spreadsheet_rounds_credits_nobody_twice(desk)


lines = st.lists(st.tuples(st.integers(0, 1), st.sampled_from(["credit", "debit"]), st.integers(1, 2)), max_size=12)


@given(lines, st.integers(0, 12), st.randoms())
def test_of_one_day_told_twice_only_the_excess_is_new(made, more, rng: random.Random):
    stored = [Told(f"s{n}", DAY + timedelta(day), way, vnd, "x") for n, (day, way, vnd) in enumerate(made)]
    again = [replace(one, key=one.key if rng.random() < 0.3 else f"f{n}") for n, one in enumerate(stored)]
    extra = [Told(f"e{n}", date(2025, 9, 20), "credit", 1, "x") for n in range(more)]
    rng.shuffle(again)
    pairs = same_facts([*again, *extra], stored)
    keys = [pairs.get(one.key, one.key) for one in again]
    assert sorted(keys) == sorted(one.key for one in stored)
    by_key = {one.key: one for one in stored}
    assert all(by_key[pairs.get(one.key, one.key)].movement == one.movement for one in again)
    assert not any(one.key in pairs for one in extra)
