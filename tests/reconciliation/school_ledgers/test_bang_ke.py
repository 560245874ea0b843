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
    assert (found.mapping, found.account_code, [one.net_vnd for one in found.totals], break_of(found)) == (
        "bang_ke_thu/1",
        "1121.02",
        [1_800_000],
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


def by_classes(first="1.800.000", second="500.000", every="2.300.000") -> bytes:
    """A list with a total below each class, as schools print it."""
    third = ["3", "BK02", "05/10/2025", "Lê Văn Mẫu", "Tiền ăn", "500.000"]
    rows = [
        ["", "Lớp 1A"],
        *ROWS,
        ["", "", "", "Cộng lớp 1A", "", first],
        ["", "Lớp 1B"],
        third,
        ["", "", "", "Cộng lớp 1B", "", second],
    ]
    return paper(*rows, total=every)


def test_totals_of_classes_are_read_where_they_add_up():
    [found] = read_ledger(by_classes(), "bang-ke.csv")
    assert (len(found.rows), break_of(found)) == (3, None)
    [without_the_last] = read_ledger(by_classes(every=""), "bang-ke.csv")
    assert break_of(without_the_last) is None


@pytest.mark.parametrize(
    ("wrong", "place", "expected"),
    [
        ({"first": "1.900.000"}, "dòng 7", 1_800_000),
        ({"second": "501.000"}, "dòng 10", 500_000),
        ({"every": "2.300.001"}, "dòng 11", 2_300_000),
    ],
)
def test_a_total_of_a_class_that_its_rows_do_not_give_is_named_by_its_row(wrong, place, expected):
    [found] = read_ledger(by_classes(**wrong), "bang-ke.csv")
    broken = break_of(found)
    assert (broken.place, broken.expected_vnd) == (place, expected)


def test_half_a_row_at_the_end_of_a_text_is_no_posting():
    whole = paper(total="").decode().rpartition(",,,Tổng cộng")[0].rstrip("\r\n")
    for cut in range(len(whole) - 6, len(whole) + 1):
        books = read_books(whole[:cut].encode(), "bang-ke.csv")
        assert (len(books.ledgers[0].rows), len(books.bad), books.bad[0].place[-1]) == (1, 1, "5")


def test_a_posting_in_an_old_code_is_told_among_unicode_ones():
    old = ["3", "BK02", "06/10/2025", "Trần Thị Mẫu", "Thu tiÒn häc phÝ th¸ng m\xadêi", "5.000"]
    [found] = read_ledger(paper(*ROWS, old, total="1.805.000"), "bang-ke.csv")
    assert [(one.code, one.place) for one in found.notices] == [("old_code", "dòng 6")]
