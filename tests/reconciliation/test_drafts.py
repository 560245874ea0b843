"""Postings proposed for what the books lack: right accounts, right sums, and the next import finds nothing missing."""

import io

import openpyxl
import pytest
from sqlalchemy import text

from payments.errors import DomainError
from payments.ledger.chart_service import load_chart_preset
from payments.settlement.models import ExcludeReason
from payments.settlement.service import confirm_refund, decide_refund, exclude, propose_refund
from reconciliation import drafts
from tests.reconciliation.desk import line, row

X_VND = 100_000


@pytest.fixture
def chart(desk):
    with desk.session() as session:
        load_chart_preset(session, desk.school.id, "TT107")


def missing(desk):
    """An exact payment, one that is too much, one that nobody knows, and one that the accountant has booked."""
    one, two, booked = (desk.issue(X_VND) for _ in range(3))
    paid = [(X_VND, one.reference, "FT1"), (X_VND + 7, two.reference, "FT2"), (X_VND + 1, "NGUYEN VAN MAU", "FT3"),
            (X_VND, booked.reference, "FT4")]  # fmt: skip
    for amount_vnd, memo, number in paid:
        desk.pay(amount_vnd, memo, number)
    desk.state(*(line(amount_vnd, memo, number) for amount_vnd, memo, number in paid))
    desk.book(row(X_VND, f"Thu {booked.reference}"))
    run = desk.night()
    assert run.exceptions == {"missing_ledger": 3}
    return run


def proposed(desk, run) -> list[tuple[str, int, str]]:
    with desk.session() as session:
        rows = drafts.postings(session, run.id)
    return sorted((row.contra_account, row.debit_vnd, row.document_no) for row in rows)


def test_each_part_goes_to_its_account(desk, chart):
    run = missing(desk)
    group = desk.rows("SELECT DISTINCT legal_group FROM invoice_line")
    income = {"agency": "3381", "service": "531", "tuition": "531"}[group[0][0]]
    assert proposed(desk, run) == sorted(
        [(income, X_VND, "FT1"), (income, X_VND, "FT2"), ("3388", 7, "FT2"), ("3388", X_VND + 1, "FT3")]
    )


def test_what_a_person_excluded_or_sends_back_goes_to_the_accounts_of_that(desk, chart):
    booked = desk.issue(X_VND).reference
    movements = [(X_VND, "LAI TIEN GUI", "FT5"), (X_VND + 1, "NGUYEN VAN MAU", "FT6"), (X_VND, booked, "FT4")]
    for amount_vnd, memo, number in movements:
        desk.pay(amount_vnd, memo, number)
    desk.state(
        *(line(amount_vnd, memo, number) for amount_vnd, memo, number in movements),
        line(X_VND + 1, "CHI HOAN TRA", "FT7", direction="debit"),
    )
    desk.book(row(X_VND, f"Thu {booked}"))
    desk.night()
    school = desk.school
    with desk.session() as session:
        found = dict(session.execute(text("SELECT bank_reference, id FROM bank_transaction")).all())
        exclude(session, school.id, found["FT5"], ExcludeReason.BANK_INTEREST, school.accountant)
        refund = propose_refund(session, school.id, found["FT6"], school.accountant)
        decide_refund(session, school.id, refund, school.principal, approved=True)
        confirm_refund(session, school.id, refund, found["FT7"], school.accountant)
    run = desk.night()
    assert proposed(desk, run) == [("3388", 0, "FT7"), ("3388", X_VND + 1, "FT6"), ("515", X_VND, "FT5")]
    assert run.proof["money"]["excluded_vnd"] == X_VND
    assert run.proof["money"]["refunds_vnd"] == X_VND + 1
    assert next(check for check in run.proof["checks"] if check["name"] == "receipts_placed")["ok"]


def test_the_file_is_one_that_the_next_import_reads(desk, chart):
    run = missing(desk)
    with desk.session() as session:
        data = drafts.workbook(session, run.id)
    sheet = openpyxl.load_workbook(io.BytesIO(data)).worksheets[0]
    assert sum(row[6].value or 0 for row in sheet.iter_rows(min_row=2)) == 3 * X_VND + 8
    desk.import_books(data)
    assert desk.night().exceptions == {}


def test_a_school_without_a_chart_is_told_what_to_do(desk):
    run = missing(desk)
    with desk.session() as session, pytest.raises(DomainError) as caught:
        drafts.workbook(session, run.id)
    assert caught.value.code == "no_account_code"
