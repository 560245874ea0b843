"""School ledgers: a MISA-like export and our template, every row read or refused."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from bank_adapters.statements.errors import StatementError
from reconciliation.school_ledgers.model import break_of, natural_keys
from reconciliation.school_ledgers.read import read_ledger

GOLDEN = Path(__file__).parent / "golden" / "misa_so_chi_tiet.csv"
HEADER = "Ngày hạch toán,Số CT,Ngày CT,Diễn giải,TK đối ứng,Phát sinh Nợ,Phát sinh Có,Số dư"


def ledger(*rows: str, head: str = "Tài khoản: 1121", header: str = HEADER) -> bytes:
    return "\n".join([f'"{head}"', header, *rows, ""]).encode()


def read_one(data: bytes):
    (found,) = read_ledger(data, "so.csv")
    return found


def error_of(data: bytes) -> StatementError:
    with pytest.raises(StatementError) as caught:
        read_ledger(data, "so.csv")
    return caught.value


def test_a_detailed_ledger_is_read_account_by_account():
    found = json.loads(
        json.dumps([asdict(item) for item in read_ledger(GOLDEN.read_bytes(), GOLDEN.name)], default=str)
    )
    assert found == json.loads(GOLDEN.with_suffix(".json").read_text("utf-8"))


def test_its_balances_and_totals_hold():
    assert [break_of(item) for item in read_ledger(GOLDEN.read_bytes(), "so.csv")] == [None, None]


def test_one_dong_too_much_is_a_break():
    text = GOLDEN.read_text("utf-8").replace("400.000,0", "400.001,0")
    first, second = read_ledger(text.encode(), "so.csv")
    assert break_of(first).what == "closing"
    assert break_of(second) is None


def test_cash_is_known_by_its_account():
    found = read_ledger(GOLDEN.read_bytes(), "so.csv")
    assert [row.is_cash for item in found for row in item.rows] == [False, False, False, True]


def test_the_account_above_the_header_counts_for_every_row():
    found = read_one(ledger("06/10/2025,BC1,,a,3381,5,,"))
    assert (found.account_code, found.rows[0].account_code) == ("1121", "1121")


def test_a_column_of_accounts_counts_before_a_label():
    header = HEADER.replace("TK đối ứng", "Tài khoản,TK đối ứng")
    found = read_one(ledger("06/10/2025,BC1,,a,1111,3381,5,,", header=header))
    assert (found.rows[0].account_code, found.rows[0].is_cash) == ("1111", True)


def test_a_red_entry_keeps_its_sign():
    assert read_one(ledger("06/10/2025,BC1,,Ghi đỏ,3381,-500.000,,")).rows[0].debit_vnd == -500_000


def test_subtotals_and_carried_balances_are_no_rows():
    rows = ("06/10/2025,BC1,,a,3381,5,,", ",,,Cộng trang,,5,,", ",,,Số dư mang sang,,,,5", "06/10/2025,BC2,,b,3381,6,,")
    assert [row.debit_vnd for row in read_one(ledger(*rows)).rows] == [5, 6]


@pytest.mark.parametrize(
    ("row", "code", "place"),
    [
        ("06/10/2025,BC1,,a,3381,1.5,,", "bad_amount", "F3"),
        ("06/10/2025,BC1,,a,3381,5,5,", "bad_amount", "dòng 3"),
        ("06/10/2025,BC1,,a,3381,,,", "missing_value", "dòng 3"),
        (",BC1,,a,3381,5,,", "missing_value", "A3"),
        ("06/13/2025,BC1,,a,3381,5,,", "bad_date", "A3"),
        ("06/10/2025,BC1,x,a,3381,5,,", "bad_date", "C3"),
    ],
)
def test_a_row_that_may_hold_money_is_read_or_refuses_the_file(row, code, place):
    error = error_of(ledger(row, "06/10/2025,BC2,,b,3381,6,,"))
    assert (error.code, error.place) == (code, place)


def test_a_file_without_known_header_says_what_to_do():
    error = error_of(b"a,b,c\n1,2,3\n")
    assert error.code == "no_header"
    assert "mẫu" in error.vi


def test_a_mapping_of_the_schools_own_is_the_only_one_tried():
    own = {
        "name": "sisap",
        "version": 1,
        "columns": {
            "booked_on": {"aliases": ["Ngày"]},
            "description": {"aliases": ["Nội dung"]},
            "debit": {"aliases": ["Thu"]},
            "credit": {"aliases": ["Chi"]},
        },
    }
    (found,) = read_ledger(b"Ng\xc3\xa0y,N\xe1\xbb\x99i dung,Thu,Chi\n06/10/2025,a,5,\n", "so.csv", own)
    assert (found.mapping, found.rows[0].debit_vnd) == ("sisap/1", 5)
    with pytest.raises(StatementError):
        read_ledger(GOLDEN.read_bytes(), "so.csv", own)


def test_keys_are_equal_when_rows_are_sorted_otherwise():
    rows = ["06/10/2025,BC1,,a,3381,5,,", "06/10/2025,BC1,,a,3381,5,,", "06/10/2025,BC02,,b,3381,5,,"]
    first = natural_keys(read_one(ledger(*rows)).rows)
    again = natural_keys(read_one(ledger(*[row.replace("BC02", "bc02") for row in reversed(rows)])).rows)
    assert sorted(first) == sorted(again)
    assert len(set(first)) == 3
