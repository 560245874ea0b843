"""Single fields: amounts, moments, texts."""

from datetime import datetime
from typing import Any

import pytest

from bank_adapters import fields
from bank_adapters.contract import Counterparty, Direction, MalformedCallbackError
from bank_adapters.strict_json import Number


@pytest.mark.parametrize(
    "value", [Number("1250000"), Number("1250000.0"), "1250000", "1250000.00", "0001250000", Number("1250000.0000")]
)
def test_amounts_are_read_in_every_form_a_sender_uses(value: str) -> None:
    assert fields.amount_vnd({"amount": value}, "amount") == 1_250_000


@pytest.mark.parametrize(
    "value",
    [
        None, True, 5, 1.5, [], {}, "", " ", "0", "0.0", "-5", "+5", "1e6", Number("1e6"), Number("1250000.5"),
        "1.250.000", "1,250,000", "1 000", "1_000", "１２３", "²", "12345678901234", "NaN", "0x10", "1250000 ",
        "1250000\n", "100.00000",
    ],
)  # fmt: skip
def test_anything_else_is_no_amount(value: Any) -> None:
    with pytest.raises(MalformedCallbackError) as caught:
        fields.amount_vnd({"amount": value}, "amount")
    assert (caught.value.code, caught.value.where) == ("bad_amount", "amount")


def test_a_minus_is_a_direction_where_the_sender_uses_one() -> None:
    assert fields.signed_amount_vnd({"amount": Number("-850000")}, "amount") == (Direction.debit, 850_000)
    assert fields.signed_amount_vnd({"amount": "850000"}, "amount") == (Direction.credit, 850_000)
    for bad in ("--1", "-", "-0", "-1e5"):
        with pytest.raises(MalformedCallbackError):
            fields.signed_amount_vnd({"amount": bad}, "amount")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-09-22 08:15:30", "2026-09-22T08:15:30+07:00"),
        ("2026-09-22T08:15:30", "2026-09-22T08:15:30+07:00"),
        ("2024-05-1701:53", "2024-05-17T01:53:00+07:00"),
        ("2026-09-22T01:15:30Z", "2026-09-22T08:15:30+07:00"),
        ("2026-09-22T01:15:30.123+00:00", "2026-09-22T08:15:30+07:00"),
        ("2026-09-21T20:15:30-0500", "2026-09-22T08:15:30+07:00"),
        (Number("1790039730"), "2026-09-22T08:15:30+07:00"),
        ("1790039730000", "2026-09-22T08:15:30+07:00"),
        (Number("1790039730999"), "2026-09-22T08:15:30.999000+07:00"),
        ("2026-09-04T16:59:59Z", "2026-09-04T23:59:59+07:00"),
        ("2026-09-04T17:00:00Z", "2026-09-05T00:00:00+07:00"),
    ],
)
def test_moments_are_read_in_every_form_a_sender_uses(value: str, expected: str) -> None:
    found = fields.moment({"when": value}, "when")
    assert found == datetime.fromisoformat(expected)
    assert found.isoformat() == expected


@pytest.mark.parametrize(
    "value",
    [
        None, 5, "", "today", "2026-13-01 00:00:00", "2026-02-30 00:00:00", "2026-09-22", "2026-09-22 24:00:00",
        "179003973", "0179003973000", "99999999999999", "1999-12-31 23:59:59", "2100-01-01 00:00:00",
        "２０２６-09-22 08:15:30",
        "2026-09-22 08:15:30+99:99", "0001-01-01T00:00:00+08:00", "9999-12-31T23:59:59Z",
        "9999999999", "22/09/2026 08:15:30",
    ],
)  # fmt: skip
def test_anything_else_is_no_moment(value: Any) -> None:
    with pytest.raises(MalformedCallbackError) as caught:
        fields.moment({"when": value}, "when")
    assert caught.value.code == "bad_time"


def test_identifiers_are_short_texts_or_numbers() -> None:
    assert fields.identifier({"id": Number("92704001")}, "id") == "92704001"
    assert type(fields.identifier({"id": Number("1")}, "id")) is str
    assert fields.optional_identifier({"id": "  "}, "id") is None
    assert fields.optional_identifier({}, "id") is None
    for bad in ("x" * 129, True, [], {}):
        with pytest.raises(MalformedCallbackError):
            fields.identifier({"id": bad}, "id")
    with pytest.raises(MalformedCallbackError):
        fields.identifier({"id": None}, "id")


def test_hints_never_stop_money() -> None:
    assert fields.balance_vnd({"b": Number("-5.00")}, "b") == -5
    for bad in (None, True, "x", Number("1e9"), []):
        assert fields.balance_vnd({"b": bad}, "b") is None
        assert fields.optional_date({"b": bad}, "b") is None
        assert fields.counterparty({"n": bad if bad != "x" else None}, "n", "a", "k") in (None, Counterparty("1e9"))
    assert fields.counterparty({"n": " A ", "a": ""}, "n", "a", "k") == Counterparty("A", None, None)


def test_another_currency_is_refused() -> None:
    fields.require_vnd({})
    fields.require_vnd({"currency": "VND"})
    for bad in ("USD", "vnd", [], True):
        with pytest.raises(MalformedCallbackError):
            fields.require_vnd({"currency": bad})


def test_an_error_never_repeats_what_the_sender_wrote() -> None:
    with pytest.raises(MalformedCallbackError) as caught:
        fields.amount_vnd({"amount": "secret 123"}, "amount")
    assert "secret" not in str(caught.value)


def test_a_moment_of_14_digits_has_no_other_form() -> None:
    assert fields.moment_of_14_digits({"t": "20260922081530"}, "t").isoformat() == "2026-09-22T08:15:30+07:00"
    for text in (
        "2026092208153",
        "202609220815301",
        "1790039730000",
        "1790039730",
        "2026-09-22 08:15:30",
        "20261322081530",
    ):
        with pytest.raises(MalformedCallbackError, match="bad time"):
            fields.moment_of_14_digits({"t": text}, "t")
