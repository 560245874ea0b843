"""The school's books come in once and whole, on the right receiving account, and vouch only for their days."""

import io
from dataclasses import replace
from datetime import UTC, date, datetime

import openpyxl
import pytest

from bank_adapters.statements.errors import StatementError
from operations.sample_files import write_misa_ledger
from payments import clock
from payments.errors import DomainError
from reconciliation import service
from reconciliation.school_ledgers.model import LedgerFile
from reconciliation.school_ledgers.template import write_template
from tests.reconciliation.desk import DAY, line, row


def bring(desk, data: bytes, name: str = "so.xlsx", **more):
    with desk.session() as session:
        return service.import_ledger(session, desk.school.id, data, name, **more)


def rows_of(desk) -> list[tuple]:
    return desk.rows(
        "SELECT account_id, direction, amount_vnd::bigint, is_cash FROM ledger_row ORDER BY amount_vnd, id"
    )


def test_the_same_books_again_add_nothing_also_sorted_or_saved_otherwise(desk):
    rows = [row(100_000 + number, f"Thu {number}", code="1121") for number in range(5)]
    assert desk.book(*rows).new_rows == 5
    again = desk.book(*reversed(rows))
    assert (again.new_rows, again.already_imported) == (0, True)
    assert bring(desk, write_misa_ledger([LedgerFile(tuple(rows), "1121", 0, None, None, None, "")])).new_rows == 0
    assert desk.count("ledger_row") == 5


def test_books_that_go_on_add_only_what_is_new(desk):
    rows = [row(100_000 + number, f"Thu {number}", code="1121") for number in range(3)]
    desk.book(*rows[:2])
    assert desk.book(*rows).new_rows == 1


def test_two_equal_postings_stay_two(desk):
    same = row(100_000, "Thu tiền ăn", code="1121", document="BK01")
    assert desk.book(same, same).new_rows == 2
    assert desk.book(same, same).new_rows == 0


def test_money_in_is_a_credit_seen_from_the_bank_and_cash_is_marked(desk):
    out = replace(row(0, "Rút tiền", code="1121"), credit_vnd=3_000)
    one = desk.issue(100_000)
    desk.book(row(1_000, f"Thu {one.reference}", code="1121"), row(2_000, "Tiền mặt", code="1111"), out)
    account = desk.school.account
    assert rows_of(desk) == [
        (account, "credit", 1_000, False),
        (None, "credit", 2_000, True),
        (account, "debit", 3_000, False),
    ]


def test_a_code_stands_for_the_account_that_its_references_point_to(desk):
    one, other = desk.issue(100_000), desk.issue(200_000, account=desk.school.other_account)
    report = desk.book(
        row(1_000, f"Thu {one.reference}", code="1121.01"),
        row(2_000, "Thu không mã", code="1121.01"),
        row(3_000, f"Thu {other.reference}", code="1121.02"),
        row(4_000, "Kho bạc", code="1122"),
    )
    assert [account for account, *_ in rows_of(desk)] == [
        desk.school.account,
        desk.school.account,
        desk.school.other_account,
        None,
    ]
    assert report.unplaced == {"1122": 1}


def test_what_a_person_says_about_a_code_holds_for_rows_imported_before(desk):
    desk.book(row(100_000, "Thu không mã", code="1121.07"))
    desk.state(line(100_000, "NGUYEN VAN MAU", "FT1"))
    assert desk.night().exceptions == {"missing_gateway": 1}
    with desk.session() as session:
        service.set_book_account(session, desk.school.id, "1121.07", desk.school.account)
    run = desk.night()
    assert [len(item.ledger_row_ids) for item in desk.items(run)] == [1]
    with desk.session() as session, pytest.raises(DomainError) as refused:
        service.set_book_account(session, desk.school.id, "531", desk.school.account)
    assert refused.value.code == "bad_account_code"


def test_books_vouch_for_whole_months_up_to_the_day_of_import(desk):
    with clock.turned_to(datetime(2025, 9, 20, tzinfo=UTC)):
        report = desk.book(row(1_000, "Thu", code="1121"))
        soon = desk.book(row(4_000, "Thu", code="1121"), row(5_000, "Thu", code="1121", day=date(2025, 10, 10)))
        with pytest.raises(StatementError, match="bad_date"):
            desk.book(row(4_000, "Thu", code="1121"), row(5_000, "Thu", code="1121", day=date(2052, 9, 10)))
    assert (report.period_from, report.period_to) == (date(2025, 9, 1), date(2025, 9, 20))
    assert (soon.rows, soon.period_to) == (2, date(2025, 9, 20))
    told = desk.book(row(2_000, "Thu", code="1121"), period=(DAY, DAY))
    assert (told.period_from, told.period_to) == (DAY, DAY)
    for last in (date(2025, 9, 1), date(2999, 9, 1)):
        with pytest.raises(DomainError) as refused:
            desk.book(row(3_000, "Thu", code="1121"), period=(DAY, last))
        assert refused.value.code == "bad_period"


def test_missing_ledger_is_judged_only_once_books_of_the_day_are_there(desk):
    one = desk.issue(100_000)
    desk.pay(100_000, one.reference, "FT1")
    desk.state(line(100_000, one.reference, "FT1"))
    assert desk.night().exceptions == {}
    desk.book(row(5_000, f"Thu khác {desk.issue(5_000).reference}", code="1121"))
    assert desk.night().exceptions == {"missing_ledger": 1, "only_ledger": 1}


def test_a_ledger_that_does_not_add_up_is_refused_whole(desk):
    ledger = LedgerFile((row(100_000, "Thu", code="1121"),), "1121", 0, None, None, None, "")
    book = openpyxl.load_workbook(io.BytesIO(write_misa_ledger([ledger])))
    sheet = book.active
    for cells in sheet.iter_rows():
        for cell in cells:
            if cell.value == 100_000 and sheet.cell(cell.row, 4).value == "Cộng phát sinh":
                cell.value = 150_000
    changed = io.BytesIO()
    book.save(changed)
    with pytest.raises(DomainError) as refused:
        bring(desk, changed.getvalue())
    assert refused.value.code == "ledger_break"
    assert desk.count("ledger_import") == 0


def test_books_without_money_accounts_are_refused_in_words(desk):
    with pytest.raises(DomainError) as refused:
        desk.book(row(100_000, "Thu", code="531"))
    assert refused.value.code == "no_money_rows"


def test_rows_of_other_accounts_are_counted_and_left_alone(desk):
    report = desk.book(row(100_000, "Thu", code="1121"), row(100_000, "Thu", code="531"))
    assert (report.rows, report.other_rows, desk.count("ledger_row")) == (1, 1, 1)


def test_a_mapping_of_the_schools_own_reads_its_columns(desk):
    mapping = {
        "name": "so_rieng",
        "version": 1,
        "columns": {
            "booked_on": {"aliases": ["ngay ghi so"]},
            "description": {"aliases": ["dien giai"]},
            "account": {"aliases": ["tai khoan"]},
            "debit": {"aliases": ["phat sinh no"]},
            "credit": {"aliases": ["phat sinh co"]},
        },
    }
    assert bring(desk, write_template([row(1_000, "Thu", code="1121")]), mapping=mapping).new_rows == 1
