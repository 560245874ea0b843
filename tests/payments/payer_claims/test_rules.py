"""What may be typed as the bank's number of a transfer, and what is refused with a reason."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bank_adapters.statements.keys import fold_reference
from payments.errors import DomainError
from payments.invoices import reference
from payments.payer_claims.rules import read_amount, read_day, read_reference

TODAY = date(2026, 11, 27)


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("FT25253123456789", "FT25253123456789"),
        (" ft25253-1234 56789 ", "FT25253123456789"),
        ("0007575327615", "0007575327615"),
        ("Mã FT25253123456", "MAFT25253123456"),
    ],
)
def test_blanks_case_and_marks_do_not_matter(typed: str, read: str) -> None:
    assert read_reference(typed) == read


@pytest.mark.parametrize("typed", ["", "12345", "NGUYEN VAN AN", "000000000", "F" * 60, "学費12345678", "FT1\x00"])
def test_what_no_bank_gives_is_refused_with_an_example(typed: str) -> None:
    with pytest.raises(DomainError) as refused:
        read_reference(typed)
    assert refused.value.code == "bad_bank_reference"
    assert "FT25253123456789" in refused.value.vi


def test_the_memo_code_of_the_school_is_not_the_bank_s_number() -> None:
    with pytest.raises(DomainError, match="memo code"):
        read_reference(f"SEVQR {reference.generate()}")


@given(st.from_regex(r"[ .0-9A-Za-z-]{8,30}", fullmatch=True))
def test_it_is_folded_as_the_bank_s_own_numbers_are(typed: str) -> None:
    try:
        read = read_reference(typed)
    except DomainError:
        return
    assert read.lstrip("0") == fold_reference(typed)


def test_amount_and_day_may_be_left_out() -> None:
    assert (read_amount(" "), read_day("", TODAY)) == (None, None)
    assert (read_amount("1.150.000"), read_day("2026-11-26", TODAY)) == (1_150_000, date(2026, 11, 26))


@pytest.mark.parametrize("typed", ["0", "-5", "một trăm", "9" * 30])
def test_an_amount_that_is_none_is_refused(typed: str) -> None:
    with pytest.raises(DomainError):
        read_amount(typed)


@pytest.mark.parametrize("typed", ["2026-11-28", "2026-08-01", "hôm qua", "2026-02-30"])
def test_a_day_that_cannot_be_is_refused(typed: str) -> None:
    with pytest.raises(DomainError, match="bad_day"):
        read_day(typed, TODAY)
