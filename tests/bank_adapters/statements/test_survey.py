"""What a table seems to hold, guessed from its words and from its values; and the layout of a choice."""

import csv
import io

import pytest

from bank_adapters.statements.errors import StatementError
from bank_adapters.statements.layouts import COLUMNS, ONE_AMOUNT, built_in, layout_from
from bank_adapters.statements.proof import prove
from bank_adapters.statements.read import read_statement
from bank_adapters.statements.spreadsheet import recognise
from bank_adapters.statements.survey import Choice, layout_data, survey
from bank_adapters.statements.tables import read_tables

ROLES = COLUMNS | ONE_AMOUNT
PLAIN = [
    ["NGÂN HÀNG BÔNG SEN (mẫu)"],
    ["Số TK", "0123456789"],
    ["Thời điểm", "Mã", "Rút", "Gửi", "Còn", "Diễn tả"],
    ["05/10/2025", "BS00001", "", "1.500.000", "11.500.000", "HP7K3M9Q2XAT Nguyen Van Mau nop hoc phi"],
    ["06/10/2025", "BS00002", "200.000", "", "11.300.000", "Phi dich vu thang"],
    ["07/10/2025", "BS00003", "", "300.000", "11.600.000", "Tran Thi Mau nop tien an"],
]
SIGNED = [
    ["Date", "Trace", "Amount", "After", "Text"],
    ["05/10/2025", "T000001", "1.500.000", "2.500.000", "A B C nop tien"],
    ["06/10/2025", "T000002", "-200.000", "2.300.000", "Phi"],
    ["07/10/2025", "T000003", "300.000", "2.600.000", "D E F nop tien"],
]


def sheet(rows, name="x.csv"):
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    [found] = read_tables(out.getvalue().encode(), name)
    return found


def data(rows) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


def roles(rows) -> dict[str, tuple[int, str]]:
    return {one.role: (one.column, one.why) for one in survey(sheet(rows), built_in(), ROLES).guesses if one.role}


def choice(rows, name="bông sen", **words) -> dict:
    seen = survey(sheet(rows), built_in(), ROLES)
    columns = {one.role: one.column for one in seen.guesses if one.role}
    return layout_data(sheet(rows), Choice(name, seen.header, seen.two_rows, columns, {"account": ["so tk"]} | words))


def test_columns_without_known_words_are_told_by_their_values():
    found = roles(PLAIN)
    assert found == {
        "booked_on": (0, "values"),
        "bank_reference": (1, "values"),
        "debit": (2, "balance"),
        "credit": (3, "balance"),
        "balance": (4, "balance"),
        "description": (5, "values"),
    }


def test_the_newest_line_first_makes_no_difference():
    assert {role: column for role, (column, _) in roles([*PLAIN[:3], *reversed(PLAIN[3:])]).items()} == {
        role: column for role, (column, _) in roles(PLAIN).items()
    }


def test_one_signed_amount_is_told_by_the_balance_that_it_moves():
    found = roles(SIGNED)
    assert (found["amount"], found["balance"]) == ((2, "balance"), (3, "balance"))
    assert not {"debit", "credit"} & set(found)


def test_the_layout_of_a_choice_reads_the_file_and_the_proof_holds():
    [read] = read_statement(data(PLAIN), "x.csv", layouts=[choice(PLAIN)])
    assert (read.account_number, read.format) == ("0123456789", "bông sen/1")
    assert [(line.direction, line.amount_vnd) for line in read.lines] == [
        ("credit", 1_500_000),
        ("debit", 200_000),
        ("credit", 300_000),
    ]
    assert prove(read).ok


def test_a_signed_amount_becomes_debit_and_credit_with_the_place_of_its_cell():
    [read] = read_statement(data(SIGNED), "x.csv", layouts=[choice(SIGNED)])
    assert [(line.direction, line.amount_vnd) for line in read.lines] == [
        ("credit", 1_500_000),
        ("debit", 200_000),
        ("credit", 300_000),
    ]
    assert prove(read).ok
    broken = [*SIGNED[:2], [*SIGNED[2][:2], "12..34", *SIGNED[2][3:]], SIGNED[3]]
    with pytest.raises(StatementError) as caught:
        read_statement(data(broken), "x.csv", layouts=[choice(SIGNED)])
    assert (caught.value.code, caught.value.place) == ("bad_amount", "C3")


SIDED = [
    ["Ngày", "Số tiền", "D/C", "Nội dung"],
    ["05/10/2025", "1.500.000", "C", "nop tien"],
    ["06/10/2025", "200.000", "D", "phi"],
    ["07/10/2025", "300.000", "Có", "nop"],
    ["Tổng cộng", "2.000.000", "", ""],
]


def test_a_column_of_sides_says_which_way_the_money_went_and_a_total_has_none():
    layout = choice(SIDED, totals=["tong cong"])
    [read] = read_statement(data(SIDED), "x.csv", layouts=[layout])
    assert [line.direction for line in read.lines] == ["credit", "debit", "credit"]
    with pytest.raises(StatementError) as caught:
        read_statement(data([*SIDED[:2], ["06/10/2025", "200.000", "?", "phi"]]), "x.csv", layouts=[layout])
    assert (caught.value.code, caught.value.place) == ("missing_value", "C3")


def test_a_header_of_two_rows_is_seen_as_one():
    rows = [
        ["Ngày", "Phát sinh", "", "Số dư", "Nội dung"],
        ["", "Nợ", "Có", "", ""],
        *([one[0], one[2], one[3], one[4], one[5]] for one in PLAIN[3:]),
    ]
    seen = survey(sheet(rows), built_in(), ROLES)
    assert (seen.header, seen.two_rows) == (1, True)
    [read] = read_statement(data(rows), "x.csv", layouts=[choice(rows)])
    assert len(read.lines) == 3


def test_two_columns_of_one_name_are_refused_with_their_place():
    rows = [["Ngày", "Tiền", "Tiền", "Nội dung"], ["05/10/2025", "", "5.000", "x y"]]
    picked = Choice("x", 0, two_rows=False, columns={"booked_on": 0, "debit": 1, "credit": 2}, words={})
    with pytest.raises(StatementError) as caught:
        layout_data(sheet(rows), picked)
    assert caught.value.place == "B1"


def test_a_school_s_own_layout_goes_before_the_built_in_ones_and_only_where_it_fits():
    own = choice(PLAIN)
    assert recognise(sheet(PLAIN), built_in()) is None
    assert read_statement(data(PLAIN), "x.csv", layouts=[own])[0].format == "bông sen/1"
    known = [["Ngày giao dịch", "Số tham chiếu", "Số tiền ghi nợ", "Số tiền ghi có", "Mô tả"]]
    known += [["05/10/2025", "R1", "", "5.000", "x"]]
    assert read_statement(data(known), "x.csv", layouts=[own])[0].format == "vietcombank/1"


def test_debit_and_credit_beside_one_amount_are_no_layout():
    with pytest.raises(StatementError):
        layout_from(
            {
                "name": "x",
                "version": 1,
                "columns": {one: {"aliases": [one]} for one in ("booked_on", "description", "amount", "debit")},
            }
        )


def test_a_table_without_any_line_is_surveyed_without_harm():
    assert survey(sheet([["12345"]]), built_in(), ROLES).header == 0
    empty = survey(sheet([["Ngày", "Nội dung"], ["x", "y"]]), built_in(), ROLES)
    assert (empty.header, empty.two_rows) == (0, False)
