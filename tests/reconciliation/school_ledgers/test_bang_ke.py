"""A list of receipts («bảng kê»): one column of amounts, a total that must hold, one account by label or by column."""

import csv
import io

import pytest

from bank_adapters.statements.errors import StatementError
from reconciliation.school_ledgers.model import break_of
from reconciliation.school_ledgers.read import read_books, read_ledger

HEAD = ["STT", "Số chứng từ", "Ngày nộp", "Họ và tên người nộp", "Nội dung", "Số tiền"]
ROWS = [
    ["1", "BK01", "05/10/2025", "Nguyễn Văn Mẫu", "Học phí HP7K3M9Q2XAT", "1.500.000"],
    ["2", "BK01", "05/10/2025", "Trần Thị Mẫu", "Tiền ăn", "300.000"],
]


def paper(*rows, account="Tài khoản: 1121.02", total="1.800.000") -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerows([["BẢNG KÊ THU (mẫu)"], [account], HEAD, *(rows or ROWS), ["", "", "", "Tổng cộng", "", total]])
    return out.getvalue().encode()


def test_a_list_is_money_in_on_the_account_of_its_label_and_its_total_holds():
    [found] = read_ledger(paper(), "bang-ke.csv")
    assert (found.mapping, found.account_code, found.total_net_vnd, break_of(found)) == (
        "bang_ke_thu/1",
        "1121.02",
        1_800_000,
        None,
    )
    assert [(row.debit_vnd, row.credit_vnd, row.document_no) for row in found.rows] == [
        (1_500_000, 0, "BK01"),
        (300_000, 0, "BK01"),
    ]
    assert found.rows[0].description == "Học phí HP7K3M9Q2XAT · Nguyễn Văn Mẫu"


def test_a_total_that_its_rows_do_not_give_is_a_break():
    [found] = read_ledger(paper(total="1.900.000"), "bang-ke.csv")
    broken = break_of(found)
    assert (broken.what, broken.expected_vnd, broken.found_vnd) == ("total", 1_800_000, 1_900_000)


def test_a_taken_back_receipt_is_money_out():
    back = ["3", "BK02", "06/10/2025", "Trần Thị Mẫu", "Trả lại", "-300.000"]
    [found] = read_ledger(paper(*ROWS, back, total="1.500.000"), "bang-ke.csv")
    assert (found.rows[2].debit_vnd, found.rows[2].credit_vnd, break_of(found)) == (0, 300_000, None)


def test_an_account_of_cash_is_cash():
    [found] = read_ledger(paper(account="Tài khoản: 1111"), "bang-ke.csv")
    assert {row.is_cash for row in found.rows} == {True}


def test_a_bad_amount_is_named_by_its_own_cell():
    books = read_books(paper(ROWS[0], [*ROWS[1][:5], "3OO.000"]), "bang-ke.csv")
    assert [(one.code, one.place) for one in books.bad] == [("bad_amount", "F5")]
    with pytest.raises(StatementError):
        read_ledger(paper(ROWS[0], [*ROWS[1][:5], "3OO.000"]), "bang-ke.csv")
