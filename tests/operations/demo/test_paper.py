"""Statements and books say what the plan says, in every format, and prove where they should."""

from collections import Counter
from dataclasses import replace

import pytest

from bank_adapters.statements.proof import prove
from bank_adapters.statements.read import read_statement
from operations.demo import paper
from reconciliation.school_ledgers.model import break_of
from reconciliation.school_ledgers.read import read_ledger
from tests.operations.demo import tiny


@pytest.fixture(scope="module")
def plan():
    return tiny.month()


@pytest.fixture(scope="module")
def statements(plan):
    return {one.account: one for one in paper.statements(plan, tiny.ACCOUNTS, tiny.spoiled_account())}


def test_every_statement_proves_but_the_spoiled_one(statements):
    for account, one in statements.items():
        (read,) = read_statement(one.data, one.file_name)
        assert prove(read).ok is (account != tiny.spoiled_account())
        assert len(read.lines) == one.rows


def test_a_statement_shows_what_the_plan_says_it_shows(plan, statements):
    for account, one in statements.items():
        (read,) = read_statement(one.data, one.file_name)
        times = {"never": 0, "twice": 2, "once": 1, "nameless": 1}
        wanted = Counter()
        for movement in plan.movements:
            if movement.account == account:
                amount_vnd = movement.stated_vnd or movement.amount_vnd
                wanted[movement.direction, amount_vnd] += times[movement.stated]
        assert Counter((line.direction, line.amount_vnd) for line in read.lines) == +wanted


@pytest.mark.parametrize("statement_format", ["camt", "mt940", "vietcombank", "techcombank"])
def test_each_format_of_statement_is_read_back(plan, statement_format):
    account = tiny.ACCOUNTS[0].account
    movements = [movement for movement in plan.movements if movement.account == account]
    statement = paper.statement_of(account, movements)
    (read,) = read_statement(paper.write_statement(statement, statement_format), "x")
    assert [(line.amount_vnd, line.booked_on) for line in read.lines] == [
        (line.amount_vnd, line.booked_on) for line in statement.lines
    ]
    assert [line.bank_reference for line in read.lines] == [line.bank_reference for line in statement.lines]


@pytest.mark.parametrize("template", [True, False])
def test_the_books_add_up_and_hold_what_the_accountant_booked(plan, template):
    accounts = [replace(one, books_name_bank=template) for one in tiny.ACCOUNTS]
    (one,) = paper.ledgers(plan, accounts)
    read = read_ledger(one.data, one.file_name)
    assert not any(break_of(ledger) for ledger in read)
    times = {"never": 0, "twice": 2, "once": 1}
    booked = sum(times[movement.posted] for movement in plan.movements) + len(plan.book_rows)
    assert sum(len(ledger.rows) for ledger in read) == booked == one.rows
    assert sum(row.is_cash for ledger in read for row in ledger.rows) == sum(row.is_cash for row in plan.book_rows)
