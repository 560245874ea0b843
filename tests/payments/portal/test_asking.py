"""What people type is understood, and what a try counts against does not hang on the code."""

from datetime import date

import pytest

from payments.invoices.reference import generate
from payments.portal.asking import (
    CODE,
    EVERYBODY,
    NETWORK,
    NETWORK_PRESSED,
    PAIR,
    PAIR_PRESSED,
    code_is_closed,
    network_is_tired,
    read_asked,
    read_day,
)
from payments.portal.rules import veiled_name


@pytest.mark.parametrize(
    "typed",
    ["02/03/2019", "2/3/2019", " 2.3.2019 ", "2-3-2019", "02 03 2019", "02032019", "2019-03-02", "2 / 3 / 2019"],
)
def test_a_day_is_read_as_people_here_write_it(typed: str) -> None:
    assert read_day(typed) == date(2019, 3, 2)


@pytest.mark.parametrize(
    "typed", ["", "31/02/2019", "2/3/19", "2019", "mồng hai", "2/3/2019/4", "٠٢/٠٣/٢٠١٩", "0/0/0000"]
)
def test_what_is_no_day_is_none(typed: str) -> None:
    assert read_day(typed) is None


def test_a_reference_is_read_in_every_spelling_and_counted_as_one() -> None:
    reference = generate()
    spelt = [reference, reference.lower(), f" {reference[:4]} {reference[4:8]} {reference[8:]} "]
    asked = [read_asked(code, "02/03/2019") for code in spelt]
    assert {one.reference for one in asked if one} == {reference}
    assert len({repr(one.tries("n")) for one in asked if one}) == 1
    identifier = read_asked("09 0000 1234", "02/03/2019")
    assert identifier is not None
    assert (identifier.code, identifier.reference) == ("0900001234", "")


@pytest.mark.parametrize("code", ["", "   ", "x" * 41])
def test_what_cannot_be_a_code_is_not_looked_up(code: str) -> None:
    assert read_asked(code, "02/03/2019") is None
    assert read_asked("0900001234", "x") is None


def test_pressed_limits_count_only_when_everybody_presses() -> None:
    assert not network_is_tired(frozenset({NETWORK_PRESSED, PAIR, CODE}))
    assert not network_is_tired(frozenset({EVERYBODY}))
    assert network_is_tired(frozenset({EVERYBODY, NETWORK_PRESSED}))
    assert network_is_tired(frozenset({NETWORK}))
    assert not code_is_closed(frozenset({CODE}))
    assert not code_is_closed(frozenset({PAIR_PRESSED}))
    assert code_is_closed(frozenset({CODE, PAIR_PRESSED}))
    assert code_is_closed(frozenset({PAIR}))


def test_a_veiled_name_keeps_the_family_name_only() -> None:
    assert veiled_name("Nguyễn Thị Minh Anh") == "Nguyễn T. M. A."
    assert veiled_name("An") == "An"
