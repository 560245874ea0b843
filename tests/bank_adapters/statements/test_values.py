"""Amounts and days: read without doubt, or refused."""

from datetime import date, datetime
from decimal import Decimal

import pytest

from bank_adapters.statements.errors import StatementError
from bank_adapters.statements.values import Formula, parse_amount, parse_date, split_date, text_of


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1_500_000, 1_500_000),
        ("1500000", 1_500_000),
        ("1.500.000", 1_500_000),
        ("1,500,000", 1_500_000),
        ("1 500 000", 1_500_000),
        ("1\xa0500\xa0000 ₫", 1_500_000),
        ("1.500.000 đ", 1_500_000),
        ("1,500,000 VND", 1_500_000),
        ("1.500.000,00", 1_500_000),
        ("1,500,000.00", 1_500_000),
        ("1500000.00", 1_500_000),
        ("１.５００.０００", 1_500_000),
        ("-1.500", -1_500),
        ("(1.500)", -1_500),
        ("+1.500", 1_500),
        ("0", 0),
        ("0.00", 0),
        ("", None),
        ("  ", None),
        ("-", None),
        (None, None),
    ],
)
def test_an_amount_without_doubt_is_read(value, expected):
    assert parse_amount(value, "C2") == expected


@pytest.mark.parametrize(
    "value",
    [
        "1.5",
        "1.50",
        "1,00",
        "12.34",
        "1.500.00",
        "1.500,000.000",
        "1.5000",
        "12.3456",
        "1.500,5",
        "1.500.000,50",
        "1e6",
        "1_000",
        "²",
        "NaN",
        "x",
        "--5",
        "1.500 1.500",
        "99999999999999",
        "9" * 5000,
        10**14,
        Decimal("0.5"),
        Decimal("1e999"),
        date(2025, 10, 6),
        Formula("=1+1", 2),
        "=1+1",
    ],
)
def test_an_amount_in_doubt_is_refused(value):
    with pytest.raises(StatementError) as caught:
        parse_amount(value, "C2")
    assert caught.value.code in ("bad_amount", "formula")
    assert caught.value.place == "C2"


@pytest.mark.parametrize(
    "value",
    [
        "06/10/2025",
        "6/10/2025",
        "06-10-2025",
        "06.10.2025",
        "2025-10-06",
        "06/10/2025 23:59:59",
        "2025-10-06T23:59:59.123",
        45936,
        Decimal("45936.99"),
        date(2025, 10, 6),
        datetime.fromisoformat("2025-10-06T23:59:59"),
    ],
)
def test_a_day_without_doubt_is_read(value):
    assert parse_date(value, "B2") == date(2025, 10, 6)


@pytest.mark.parametrize(
    "value",
    [
        "31/02/2025",
        "10/13/2025",
        "06/10/25",
        "06/10-2025",
        "06/10/20255",
        "06/10/1925",
        "2025",
        5,
        10**9,
        "ngày",
        "0",
        Formula("=A1", 45936),
    ],
)
def test_a_day_in_doubt_is_refused(value):
    with pytest.raises(StatementError) as caught:
        parse_date(value, "B2")
    assert caught.value.code in ("bad_date", "formula")


def test_a_number_may_follow_the_day_in_one_cell():
    assert split_date("06/10/2025\n5078 - 12345", "B2") == (date(2025, 10, 6), "5078 - 12345")


def test_an_error_shows_digits_but_no_names():
    with pytest.raises(StatementError) as caught:
        parse_amount("Nguyễn Văn Mẫu 12", "C2")
    assert "Mẫu" not in str(caught.value) + caught.value.vi


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (12, "12"),
        (Decimal("0.50"), "0.50"),
        (date(2025, 10, 6), "06/10/2025"),
        (" a\xa0b ", "a b"),
        ("tiê\u0300n", "tiền"),
    ],
)
def test_text_is_what_the_cell_shows(value, text):
    assert text_of(value) == text
