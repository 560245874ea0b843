"""What the sample writers write, the readers read back: the same lines, balances and proof."""

import random
from dataclasses import replace
from datetime import date, timedelta

import pytest

from bank_adapters.statements.keys import fold, natural_keys
from bank_adapters.statements.model import Statement, StatementLine
from bank_adapters.statements.proof import prove
from bank_adapters.statements.read import read_statement
from operations import sample_files
from reconciliation.school_ledgers.model import LedgerFile, LedgerRow, break_of
from reconciliation.school_ledgers.read import read_ledger
from reconciliation.school_ledgers.template import write_template

FIRST = date(2025, 10, 6)


def sample(count: int = 40, seed: int = 3) -> Statement:
    rng = random.Random(seed)
    balance = opening = 12_345_678
    lines = []
    for number in range(1, count + 1):
        credit = rng.random() < 0.8
        amount = rng.randrange(1_000, 3_000_000)
        balance += amount if credit else -amount
        day = FIRST + timedelta(days=number * 3 // count)
        memo = (
            f'MBVCB.{rng.randrange(10**9)}.HP7K3M9Q2XAT <nộp> & Tổng cộng "{number}" CT từ 1 tới 2 '
            + "x" * rng.randrange(90)
        )
        lines.append(
            StatementLine(
                line_no=number,
                value_date=day,
                booked_on=day,
                amount_vnd=amount,
                direction="credit" if credit else "debit",
                bank_reference=f"FT{25279000000 + number // 2}",
                description=memo,
                raw="",
                counterparty="NGUYEN VAN MAU" if credit else None,
                balance_after_vnd=balance,
                reversal=False,
            )
        )
    return Statement(
        account_number="0071001234567",
        currency="VND",
        period_from=FIRST,
        period_to=FIRST + timedelta(days=3),
        opening_vnd=opening,
        closing_vnd=balance,
        sequence=279,
        lines=tuple(lines),
    )


def facts(line: StatementLine) -> tuple[object, ...]:
    return (line.line_no, line.booked_on, line.value_date, line.amount_vnd, line.direction, line.bank_reference)


WRITERS = {
    "camt": lambda statement: sample_files.write_camt053([statement]),
    "mt940": lambda statement: sample_files.write_mt940([statement]),
    "vietcombank": sample_files.write_vietcombank,
    "techcombank": sample_files.write_techcombank,
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_written_statement_reads_back_equal(name):
    written = sample()
    (read,) = read_statement(WRITERS[name](written), "x")
    assert list(map(facts, read.lines)) == list(map(facts, written.lines))
    assert [fold(line.description) for line in read.lines] == [fold(line.description) for line in written.lines]
    assert (read.opening_vnd, read.closing_vnd) == (written.opening_vnd, written.closing_vnd)
    assert read.account_number == written.account_number
    assert prove(read).ok
    assert natural_keys(read.lines) == natural_keys(written.lines)
    assert read.format.startswith(name)


@pytest.mark.parametrize("name", ["camt", "mt940", "vietcombank"])
def test_the_period_is_stated(name):
    (read,) = read_statement(WRITERS[name](sample()), "x")
    assert (read.period_from, read.period_to) == (FIRST, FIRST + timedelta(days=3))


@pytest.mark.parametrize("name", WRITERS)
def test_a_lost_line_breaks_the_proof(name):
    written = sample()
    short = replace(written, lines=written.lines[:20] + written.lines[21:])
    (read,) = read_statement(WRITERS[name](short), "x")
    assert not prove(read).ok


@pytest.mark.parametrize("name", ["vietcombank", "techcombank"])
def test_a_spreadsheet_with_the_newest_line_first_is_put_in_order(name):
    written = sample()
    turned = replace(written, lines=written.lines[::-1])
    (read,) = read_statement(WRITERS[name](turned), "x")
    assert list(map(facts, read.lines)) == list(map(facts, written.lines))
    assert prove(read).ok


@pytest.mark.parametrize("name", ["camt", "mt940"])
def test_a_reversal_is_marked_and_moves_the_balance_back(name):
    line = replace(sample(1).lines[0], direction="debit", reversal=True, amount_vnd=5_000)
    written = replace(sample(1), lines=(line,), opening_vnd=5_000, closing_vnd=0)
    (read,) = read_statement(WRITERS[name](written), "x")
    assert (read.lines[0].direction, read.lines[0].reversal) == ("debit", True)
    assert prove(read).ok


@pytest.mark.parametrize("name", ["camt", "mt940"])
def test_several_statements_of_one_file_keep_their_own_account_and_balances(name):
    first, second = sample(5, seed=1), replace(sample(7, seed=2), account_number="19031234567890", sequence=280)
    writer = sample_files.write_camt053 if name == "camt" else sample_files.write_mt940
    read = read_statement(writer([first, second]), "x")
    assert [(item.account_number, item.sequence, len(item.lines)) for item in read] == [
        ("0071001234567", 279, 5),
        ("19031234567890", 280, 7),
    ]
    assert all(prove(item).ok for item in read)


@pytest.mark.parametrize("name", WRITERS)
def test_the_same_statement_is_the_same_file(name):
    assert WRITERS[name](sample()) == WRITERS[name](sample())


def ledger(account: str = "1121.02", opening: int | None = 2_000_000) -> LedgerFile:
    rows = tuple(
        LedgerRow(
            line_no=number,
            booked_on=FIRST + timedelta(days=number % 3),
            document_no=f"BC{number:04d}",
            document_date=FIRST,
            description=f"=Thu tiền ăn HP7K3M9Q2XAT lớp 1A ({number})",
            account_code=account,
            contra_account="3381",
            debit_vnd=number * 1000 if number % 4 else 0,
            credit_vnd=0 if number % 4 else number * 10,
            reference=None,
            is_cash=account.startswith("111"),
            source="",
        )
        for number in range(1, 21)
    )
    return LedgerFile(rows, account, opening, None, None, None, "")


def plain(rows: tuple[LedgerRow, ...]) -> list[LedgerRow]:
    return [replace(row, line_no=0, source="") for row in rows]


def test_a_written_ledger_reads_back_account_by_account():
    written = [ledger(), ledger("1111", opening=-5)]
    read = read_ledger(sample_files.write_misa_ledger(written), "so.xlsx")
    assert [item.account_code for item in read] == ["1121.02", "1111"]
    assert [plain(item.rows) for item in read] == [plain(item.rows) for item in written]
    assert [item.opening_vnd for item in read] == [2_000_000, -5]
    assert [break_of(item) for item in read] == [None, None]
    assert all(item.total_debit_vnd for item in read)
    assert [row.line_no for item in read for row in item.rows] == list(range(1, 41))


def test_the_template_reads_back_with_references_and_cash():
    rows = tuple(
        replace(
            row,
            reference="HP7K3M9Q2XAT",
            account_code="1111" if row.line_no % 2 else "1121",
            is_cash=bool(row.line_no % 2),
        )
        for row in ledger().rows
    )
    (read,) = read_ledger(write_template(rows), "mau.xlsx")
    assert plain(read.rows) == plain(rows)


def test_the_empty_template_is_a_ledger_without_rows():
    (read,) = read_ledger(write_template(), "mau.xlsx")
    assert read.rows == ()
