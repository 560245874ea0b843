"""Statements come in once, whole, for the right account; what contradicts itself brings no money."""

import random
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bank_adapters.statements.errors import StatementError
from bank_adapters.statements.model import Statement
from bank_adapters.statements.read import read_statement
from operations.sample_files import write_camt053, write_mt940, write_techcombank, write_vietcombank
from payments import clock
from payments.errors import DomainError
from reconciliation.models import RunState
from reconciliation.statement_import import _ours, import_statement
from reconciliation.statement_proving import plan_statements
from tests.payments.setting import make_school
from tests.payments.settlement.bank import Bank
from tests.reconciliation.desk import DAY, OPENING, line, statement

TUESDAY, THURSDAY = date(2025, 9, 9), date(2025, 9, 11)


def balanced(account: str, lines, **more) -> Statement:
    """A statement with running balances, as banks list them."""
    made = statement(account, lines, **more)
    balance = made.opening_vnd
    stated = []
    for number, one in enumerate(made.lines, start=1):
        balance += one.amount_vnd if one.direction == "credit" else -one.amount_vnd
        stated.append(replace(one, line_no=number, balance_after_vnd=balance))
    return replace(made, lines=tuple(stated))


def some_lines(count: int = 6, day: date = DAY):
    return [line(100_000 + number, f"CT so {number}", f"FT{number:09d}", day=day) for number in range(count)]


@pytest.mark.parametrize("write", [write_vietcombank, write_techcombank])
def test_every_format_brings_the_same_lines_once(desk, write):
    made = balanced(desk.number, some_lines())
    first = desk.bring(write(made), "saoke.xlsx")
    assert (first.new_lines, first.statements[0].proved) == (6, True)
    assert desk.bring(write(made), "saoke-2.xlsx").new_lines == 0
    # Saved by another program as another format: the facts are known.
    assert desk.bring(write_camt053([made])).new_lines == 0
    assert (desk.count("bank_line"), desk.count("evidence")) == (6, 6)


def test_one_day_as_camt_and_mt940_and_excel_of_the_bank_is_one_day(desk):
    """Where the bank gives each line its number; the text of MT940 is folded, the number is not."""
    same = [line(100_000, "Chuyển tiền ăn", f"FT25253{n:06d}") for n in range(2)]
    made = balanced(desk.number, [*same, *some_lines(2), line(11_000, "Phí", "FT25253000009", direction="debit")])
    for data, name in (
        (write_mt940([replace(made, sequence=1)]), "a.sta"),
        (write_camt053([made]), "b.xml"),
        (write_vietcombank(made), "c.xlsx"),
        (write_techcombank(made), "d.xlsx"),
    ):
        desk.bring(data, name)
        assert (name, desk.count("bank_line"), desk.count("evidence")) == (name, 5, 5)
    run = desk.night()
    assert (run.state, run.proof["closing_vnd"]) == (RunState.PROVED, made.closing_vnd)


def test_two_files_that_tell_other_movements_of_one_day_do_not_prove_together(desk):
    """Each adds up, and they name other amounts: nobody can tell which is right, and the night refuses to prove."""
    made = balanced(desk.number, [line(100_000, "NGUYEN VAN MAU chuyen tien"), line(7_000, "TRAN THI MAU")])
    other = replace(made, lines=tuple(replace(one, amount_vnd=53_500, balance_after_vnd=None) for one in made.lines))
    desk.bring(write_vietcombank(made), "a.xlsx")
    assert desk.bring(write_camt053([other])).new_lines == 2
    assert desk.night().state is RunState.FAILED


def test_a_file_sorted_otherwise_is_known_or_proves_all_the_same(desk):
    made = balanced(desk.number, some_lines())
    shuffled = list(made.lines)
    random.Random(4).shuffle(shuffled)
    mixed = replace(made, lines=tuple(shuffled))
    first = desk.bring(write_vietcombank(mixed), "saoke.xlsx")
    assert (first.statements[0].proved, first.new_lines) == (True, 6)
    assert desk.bring(write_vietcombank(made), "saoke.xlsx").new_lines == 0
    assert (desk.count("bank_statement"), desk.count("bank_line")) == (1, 6)


def test_periods_that_overlap_add_only_what_is_new(desk):
    days = [*some_lines(2, TUESDAY), *(replace(one, bank_reference=f"B{one.bank_reference}") for one in some_lines(2))]
    desk.bring(write_camt053([statement(desk.number, days, days=(TUESDAY, DAY))]))
    late = [replace(one, bank_reference=f"C{one.bank_reference}") for one in some_lines(3, THURSDAY)]
    opening = OPENING + sum(one.amount_vnd for one in days[:2])
    report = desk.bring(write_camt053([statement(desk.number, days[2:] + late, opening=opening, days=(DAY, THURSDAY))]))
    assert (report.statements[0].lines, report.new_lines) == (5, 3)
    run = desk.night(THURSDAY)
    assert (run.state, run.proof["credits_vnd"]) == (RunState.PROVED, sum(one.amount_vnd for one in days + late))


def test_a_file_that_may_be_cut_short_vouches_for_no_day_after_its_last_line(desk):
    desk.pay(55_000, "x", "FT9", day=THURSDAY)
    whole = balanced(desk.number, some_lines(2), days=(TUESDAY, THURSDAY))
    report = desk.bring(write_techcombank(replace(whole, closing_vnd=None)), "saoke.xlsx")
    assert (report.statements[0].period_from, report.statements[0].period_to) == (TUESDAY, DAY)
    assert (desk.night(DAY).state, desk.night(THURSDAY).state) == (RunState.PROVED, RunState.WAITING_STATEMENT)
    # The whole file says that nothing came on the days after: now the payment is missed.
    assert desk.bring(write_techcombank(whole), "saoke.xlsx").new_lines == 0
    run = desk.night(THURSDAY)
    assert (run.state, run.exceptions) == (RunState.PROVED, {"missing_bank": 1})


def test_a_reference_that_only_the_payers_bank_passed_through_finds_its_invoice(desk):
    one = desk.issue(100_000)
    desk.state(line(100_000, "Chuyen tien", "FT1", payer_reference=one.reference))
    assert Bank.state(desk, one) == ("paid", 100_000)


def test_two_true_equal_payments_of_one_file_stay_two(desk):
    same = line(100_000, "NGUYEN VAN MAU chuyen tien")
    assert desk.state(same, same).new_lines == 2
    assert desk.state(same, same).new_lines == 0
    assert desk.rows("SELECT count(*) FROM bank_transaction") == [(2,)]


def test_parts_of_one_day_in_one_file_are_numbered_as_one(desk):
    same = line(100_000, "NGUYEN VAN MAU chuyen tien")
    parts = [
        statement(desk.number, [same], sequence=1),
        statement(desk.number, [same], opening=OPENING + 100_000, sequence=2),
    ]
    assert desk.bring(write_camt053(parts)).new_lines == 2
    assert desk.night().state is RunState.PROVED


def test_one_file_with_statements_of_other_accounts_gives_only_ours(desk):
    other = statement("8888888888", some_lines(2))
    report = desk.bring(write_mt940([statement(desk.number, some_lines(3), sequence=1), replace(other, sequence=1)]))
    assert (report.new_lines, report.other_accounts) == (3, ("8888",))


def test_a_statement_of_another_account_is_refused_whole(desk):
    with pytest.raises(DomainError) as refused:
        desk.bring(write_camt053([statement("8888888888", some_lines())]))
    assert refused.value.code == "other_account"
    assert desk.count("bank_line") == 0


def test_leading_zeros_that_a_spreadsheet_drops_do_not_make_another_account(desk):
    assert desk.bring(write_camt053([statement(f"00{desk.number}", some_lines(1))])).new_lines == 1


def test_a_statement_without_days_and_lines_is_refused(desk):
    silent = replace(statement(desk.number, []), period_from=None, period_to=None)
    with pytest.raises((DomainError, StatementError)):
        desk.bring(write_camt053([silent]))
    assert desk.count("bank_statement") == 0


def test_a_statement_that_contradicts_itself_brings_no_money_until_a_right_one_comes(desk):
    one = desk.issue(100_000)
    lines = [line(100_000, one.reference, "FT1")]
    wrong = statement(desk.number, lines, closing_vnd=OPENING + 999)
    report = desk.bring(write_camt053([wrong]))
    assert (report.new_lines, report.statements[0].proved) == (1, False)
    assert str(OPENING + 999) in (report.statements[0].break_at or "")
    run = desk.night()
    assert (run.state, run.exceptions) == (RunState.FAILED, {"balance_break": 1, "missing_gateway": 1})
    assert desk.rows("SELECT state FROM invoice_balance") == [("open",)]
    # The right file: its line is new, the doubtful one counts no more.
    assert desk.state(*lines).new_lines == 1
    run = desk.night()
    assert (run.state, run.exceptions) == (RunState.PROVED, {"missing_gateway": 1})
    assert desk.rows("SELECT state FROM invoice_balance") == [("paid",)]
    assert desk.rows("SELECT kind FROM message ORDER BY 1") == [("balance_break",), ("missing_gateway",)]


def test_a_right_statement_behind_a_doubtful_one_in_a_file_tells_its_lines_as_new(desk):
    wrong = statement(desk.number, some_lines(2), closing_vnd=OPENING + 999)
    report = desk.bring(write_camt053([wrong, statement(desk.number, some_lines(2))]))
    assert [(one.proved, one.new_lines) for one in report.statements] == [(False, 2), (True, 2)]
    assert desk.count("evidence") == 2


def test_lines_of_a_doubtful_statement_are_counted_once_beside_a_right_one(desk):
    desk.state(*some_lines(3, TUESDAY), days=(TUESDAY, TUESDAY))
    both = [*some_lines(3, TUESDAY), line(5_000, "la", "FTX", day=DAY)]
    desk.bring(write_camt053([statement(desk.number, both, days=(TUESDAY, DAY), closing_vnd=1)]))
    run = desk.night()
    assert (run.state, run.exceptions) == (RunState.FAILED, {"balance_break": 1, "missing_gateway": 4})


def test_an_account_of_another_school_is_not_found(desk):
    with desk.session() as session:
        other = make_school(session)
        with pytest.raises(DomainError) as refused:
            import_statement(session, desk.school.id, other.account, b"", "x.xml")
    assert refused.value.code == "not_found"


def test_a_long_or_hostile_file_name_is_only_a_name(desk):
    desk.bring(write_camt053([statement(desk.number, some_lines(1))]), "../../etc/" + "x" * 5_000 + ".xml")
    [(name,)] = desk.rows("SELECT file_name FROM bank_statement")
    assert (len(name), "/" in name) == (200, False)


@settings(max_examples=100)
@given(data=st.data())
def test_half_files_and_changed_bytes_are_planned_whole_or_refused(data):
    made = write_camt053([statement("1234567890", some_lines())])
    cut = data.draw(st.integers(0, len(made) - 1))
    changed = bytearray(made[:cut] if data.draw(st.booleans()) else made)
    for _ in range(data.draw(st.integers(0, 4))):
        if changed:
            changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    try:
        planned = plan_statements(_ours(read_statement(bytes(changed), "saoke.xml"), "1234567890"))
    except (StatementError, DomainError):
        return
    assert all(len(one.keys) == len(one.statement.lines) for one in planned)
    assert all(one.proved != one.contradicts_itself or one.proof.opening_vnd is None for one in planned)


HEAD = "Ngày giao dịch,Số tham chiếu,Số tiền ghi nợ,Số tiền ghi có,Số dư,Mô tả\n"


def table(*rows: tuple[date, int, int], end: str = "") -> bytes:
    """A text as a bank's site exports it: day, money in and running balance; nothing says that it ends here."""
    return (
        HEAD + "".join(f"{day:%d/%m/%Y},FT{n},,{vnd},{left},CT {n}\n" for n, (day, vnd, left) in enumerate(rows)) + end
    ).encode()


def test_a_text_cut_between_two_rows_of_a_day_does_not_vouch_for_that_day(desk):
    desk.pay(5_000, "x", "FT2", day=DAY)
    rows = [(TUESDAY, 1_000, 1_001_000), (DAY, 2_000, 1_003_000), (DAY, 5_000, 1_008_000)]
    report = desk.bring(table(*rows[:2]), "saoke.csv")
    assert (report.new_lines, report.statements[0].period_to, report.statements[0].closing_vnd) == (
        2,
        TUESDAY,
        1_001_000,
    )
    assert "10/09/2025" in report.notices[-1]
    assert (desk.night(TUESDAY).state, desk.night(DAY).state) == (RunState.PROVED, RunState.WAITING_STATEMENT)
    # The whole file comes with its closing balance: nothing was missing.
    whole = desk.bring(table(*rows, end="Số dư cuối kỳ,,,,1008000,\n"), "saoke.csv")
    assert (whole.new_lines, whole.statements[0].period_to) == (1, DAY)
    run = desk.night(DAY)
    assert (run.state, run.exceptions) == (RunState.PROVED, {"missing_gateway": 1})


def test_a_cut_text_of_one_day_brings_its_lines_and_the_day_waits(desk):
    report = desk.bring(table((DAY, 2_000, 1_002_000)), "saoke.csv")
    assert (report.new_lines, report.statements[0].proved, len(report.notices)) == (1, False, 1)
    assert desk.night().state is RunState.WAITING_STATEMENT
    assert desk.bring(table((DAY, 2_000, 1_002_000), end="Số dư cuối kỳ,,,,1002000,\n"), "saoke.csv").new_lines == 0
    assert desk.night().state is RunState.PROVED


def test_a_text_with_its_newest_line_first_may_lack_its_oldest(desk):
    report = desk.bring(table((DAY, 2_000, 1_003_000), (TUESDAY, 1_000, 1_001_000)), "saoke.csv")
    one = report.statements[0]
    assert (one.period_from, one.period_to, one.opening_vnd, one.closing_vnd) == (DAY, DAY, 1_001_000, 1_003_000)


def test_an_export_made_during_the_day_does_not_vouch_for_the_rest_of_it(desk):
    desk.pay(55_000, "x", "FT9", day=DAY, at="16:00:00")
    made = balanced(desk.number, [*some_lines(2, TUESDAY), line(7_000, "CT", "FT7")], days=(TUESDAY, date(2025, 9, 30)))
    with clock.turned_to(datetime(2025, 9, 10, 3, tzinfo=UTC)):
        report = desk.bring(write_vietcombank(made), "saoke.xlsx")
    assert (report.new_lines, report.statements[0].period_to) == (3, TUESDAY)
    assert (desk.night(TUESDAY).state, desk.night(DAY).state) == (RunState.PROVED, RunState.WAITING_STATEMENT)
    # The same file a day later is taken at its word for the day that is over by then.
    with clock.turned_to(datetime(2025, 9, 11, 3, tzinfo=UTC)):
        assert desk.bring(write_vietcombank(made), "saoke.xlsx").statements[0].period_to == DAY


def test_no_statement_vouches_for_days_to_come(desk):
    with clock.turned_to(datetime(2025, 9, 10, 15, tzinfo=UTC)):
        report = desk.bring(write_camt053([statement(desk.number, some_lines(1), days=(DAY, THURSDAY))]))
    assert (report.statements[0].period_to, report.statements[0].proved) == (DAY, True)
