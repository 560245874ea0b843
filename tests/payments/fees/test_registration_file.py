"""Registrations from a spreadsheet: judged row by row, and the same file again changes nothing."""

import random
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from bank_adapters.statements.rows import Row
from bank_adapters.statements.tables import Formula
from payments.errors import DomainError
from payments.fees import service
from payments.fees.models import Registration
from payments.fees.registration_file import COLUMNS, FoundItem, read_registration, read_registrations
from payments.fees.terms import LegalGroup, Unit
from payments.schools.models import Pupil
from payments.schools.sheets import layout_of
from tests.payments.schools.roster.files import by_csv, by_openpyxl, by_xlsxwriter

HEADERS = ["STT", "Mã định danh", "Mã khoản thu", "Từ ngày", "Đến ngày", "Số lượng"]
LAYOUT = layout_of(Row("", 1, tuple(HEADERS)), COLUMNS)
PUPILS = {"0900000001": 11, "0900000002": 12}
ITEMS = {"AN": FoundItem(1, Unit.DAY), "QTT": FoundItem(2, Unit.FREE_AMOUNT)}
START = date(2025, 9, 1)


def read(*cells):
    return read_registration(Row("S", 5, (1, *cells)), LAYOUT, PUPILS, ITEMS)


def codes(row):
    return [problem.kind.code for problem in row.problems]


def test_a_good_row_becomes_a_registration():
    found = read("0900000001", "an", "01/09/2025", date(2026, 5, 31), 22).registration
    assert (found.pupil_id, found.fee_item_id, found.quantity) == (11, 1, 22)
    assert (found.valid_from, found.valid_to) == (START, date(2026, 5, 31))
    assert read("0900000001", "AN", START).registration.quantity == 1
    assert read("0900000001", "QTT", START, None, "200.000 đ").registration.quantity == 200_000


@pytest.mark.parametrize(
    ("cells", "code", "cell"),
    [
        (("0999999999", "AN", START), "unknown_pupil", "B5"),
        ((900000001, "AN", START), "number_not_text", "B5"),
        (("0900000001", "XX", START), "unknown_fee", "C5"),
        (("0900000001", None, START), "missing_value", "C5"),
        (("0900000001", "AN", None), "missing_value", "D5"),
        (("0900000001", "AN", "đầu năm"), "bad_date", "D5"),
        (("0900000001", "AN", START, date(2025, 8, 1)), "bad_dates", "E5"),
        (("0900000001", "AN", START, None, "hai"), "bad_quantity", "F5"),
        (("0900000001", "AN", START, None, -1), "bad_quantity", "F5"),
        (("0900000001", "AN", START, None, Decimal("1.5")), "bad_quantity", "F5"),
        (("0900000001", "AN", START, None, 2**31), "bad_quantity", "F5"),
        (("0900000001", "AN", START, None, Formula("=1", 1)), "formula", "F5"),
        (("0900000001", "QTT", START), "missing_value", "F5"),
    ],
)
def test_a_wrong_cell_refuses_the_row_and_is_named(cells, code, cell):
    row = read(*cells)
    assert row.registration is None
    assert (codes(row), row.problems[0].cell, row.problems[0].line) == ([code], cell, 5)


def test_rows_that_contradict_each_other_are_all_refused():
    rows = [Row("", line, (1, "0900000001", "AN", START, None, line // 4)) for line in (4, 5, 9)]
    read_rows = read_registrations([(LAYOUT, rows)], PUPILS, ITEMS)
    assert [codes(row) for row in read_rows] == [["registered_twice"]] * 3
    assert [row.registration for row in read_registrations([(LAYOUT, rows[:2])], PUPILS, ITEMS)].count(None) == 0


def fuzz(rounds, seed):
    draw = random.Random(seed)
    alphabet = "0123456789/-.,:ANQT ăđ\u0301\x00\ud800'=+\uff10\U0001f600\n"
    for _ in range(rounds):
        cells = ["0900000001", "AN", "01/09/2025", None, 22]
        for _ in range(draw.randint(1, 3)):
            text = "".join(draw.choices(alphabet, k=draw.randint(0, 12)))
            cells[draw.randrange(5)] = draw.choice(
                [
                    text,
                    draw.randint(-(10**20), 10**20),
                    Decimal(7).scaleb(draw.randint(-99, 99)),
                    Formula("=", text),
                    None,
                ]
            )
        row = read(*cells)
        assert (row.registration is None) == any(problem.kind.refuses for problem in row.problems)


def test_random_cells_give_a_registration_or_reasons():
    fuzz(3_000, seed=5)


@pytest.mark.slow
def test_a_hundred_thousand_random_rows_give_a_registration_or_reasons():
    fuzz(100_000, seed=6)


@pytest.fixture
def rows(session, school):
    """Good and bad rows for the school's one pupil."""
    service.add_fee_item(
        session,
        school.id,
        code="QTT",
        name="Tài trợ",
        legal_group=LegalGroup.SPONSORSHIP,
        unit=Unit.FREE_AMOUNT,
        mandatory=False,
        by_registration=True,
        receiving_account_id=school.account,
        legal_basis="Kế hoạch tài trợ (mẫu)",
        valid_from=START,
    )
    code = session.get(Pupil, (school.id, school.pupil)).sector_id
    return [
        [1, code, "KNS", START, date(2026, 5, 31), 4],
        [2, code, "QTT", START, None, 200_000],
        [3, code, "XX", START, None, 1],
        [4, "0000000000", "KNS", START, None, 1],
    ]


@pytest.mark.parametrize("again", [by_xlsxwriter, by_openpyxl, by_csv, lambda rows, head: by_csv(rows[::-1], head)])
def test_the_same_registrations_in_any_dress_change_nothing(session, school, rows, again):
    first = service.import_registrations(session, school.id, by_xlsxwriter(rows, HEADERS), "dk.xlsx")
    assert (first.new, first.refused, first.importable) == (2, 2, True)
    second = service.import_registrations(session, school.id, again(rows, HEADERS), "dk.csv")
    assert (second.new, second.changed, second.unchanged) == (0, 0, 2)
    assert session.scalar(select(func.count()).where(Registration.school_id == school.id)) == 2
    assert [problem["code"] for problem in second.to_json()["problems"]] == [p.kind.code for p in second.problems]


def test_a_file_without_the_columns_is_refused(session, school):
    with pytest.raises(DomainError) as refused:
        service.import_registrations(session, school.id, by_csv([], ["a", "b", "c", "d"]), "x.csv")
    assert refused.value.code == "no_table"
    assert "«Mã khoản thu»" in refused.value.vi
