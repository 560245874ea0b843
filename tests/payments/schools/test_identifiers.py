"""Identifiers are text: folded the same way from every spelling, checked, never made up."""

from datetime import date

import pytest

from payments.schools import identifiers
from payments.schools.rules import Sex


def test_a_code_is_folded_from_full_width_digits_and_blanks():
    assert identifiers.normalise_code(" ０１２ 3456\u00a0789 ") == "0123456789"


@pytest.mark.parametrize(("code", "usual"), [("0123456789", True), ("HS-001", False), ("12345678901", False)])
def test_ten_digits_are_usual_but_no_law(code, usual):
    assert identifiers.is_sector_id(code)
    assert identifiers.is_usual_sector_id(code) is usual


@pytest.mark.parametrize("code", ["", "1", "AB CD", "=1+1", "Đ123", "1\x002", "1" * 31, "-123"])
def test_other_texts_are_no_sector_identifiers(code):
    assert not identifiers.is_sector_id(code)


def test_a_personal_number_has_twelve_digits():
    assert identifiers.is_personal_id("098218000001")
    assert not identifiers.is_personal_id("98218000001")


@pytest.mark.parametrize(
    ("born", "sex", "agrees"),
    [
        (date(2018, 5, 1), Sex.MALE, (True, True)),
        (date(2018, 5, 1), Sex.FEMALE, (True, False)),
        (date(2017, 5, 1), Sex.MALE, (False, True)),
        (date(1918, 5, 1), Sex.MALE, (False, True)),
    ],
)
def test_a_personal_number_is_compared_with_year_of_birth_and_sex(born, sex, agrees):
    assert identifiers.personal_id_agrees("098218000001", born, sex) == agrees


@pytest.mark.parametrize("text", ["0000123456", "+84 000 123 456", "84-000-123-456", "0000.123.456"])
def test_a_telephone_number_has_one_form(text):
    assert identifiers.normalise_phone(text) == "0000123456"


@pytest.mark.parametrize("text", ["123", "abc", "00001234567890", "=0000123456"])
def test_other_texts_are_no_telephone_numbers(text):
    assert identifiers.normalise_phone(text) is None


def test_an_address_is_folded_or_refused():
    assert identifiers.normalise_email(" Me.An@Example.VN ") == "me.an@example.vn"
    assert identifiers.normalise_email("me.an at example.vn") is None
