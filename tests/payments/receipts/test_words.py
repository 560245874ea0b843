"""Amounts in words, against the list of the requirements and against a reading of the words back into numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.money import MAX_VND
from payments.receipts.words import LARGEST, STYLES, in_words

LIST = {
    0: "Không đồng",
    4: "Bốn đồng",
    5: "Năm đồng",
    10: "Mười đồng",
    15: "Mười lăm đồng",
    20: "Hai mươi đồng",
    21: "Hai mươi mốt đồng",
    25: "Hai mươi lăm đồng",
    100: "Một trăm đồng",
    101: "Một trăm linh một đồng",
    105: "Một trăm linh năm đồng",
    111: "Một trăm mười một đồng",
    1_000: "Một nghìn đồng",
    1_005: "Một nghìn không trăm linh năm đồng",
    1_015: "Một nghìn không trăm mười lăm đồng",
    1_005_000: "Một triệu không trăm linh năm nghìn đồng",
    1_010_000: "Một triệu không trăm mười nghìn đồng",
    10_000_001: "Mười triệu không trăm linh một đồng",
    15_500_000: "Mười lăm triệu năm trăm nghìn đồng",
    21_021_021: "Hai mươi mốt triệu không trăm hai mươi mốt nghìn không trăm hai mươi mốt đồng",
    1_000_000_005: "Một tỷ không trăm linh năm đồng",
    12_345_678_901: ("Mười hai tỷ ba trăm bốn mươi lăm triệu sáu trăm bảy mươi tám nghìn chín trăm linh một đồng"),
    1_000_000_000_000: "Một nghìn tỷ đồng",
    1_005_000_000_000: "Một nghìn không trăm linh năm tỷ đồng",
}

DIGITS = dict(zip(["không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín"], range(10), strict=True)) | {
    "mốt": 1,
    "lăm": 5,
}


@pytest.mark.parametrize("amount_vnd", LIST)
def test_the_list_of_the_requirements(amount_vnd: int) -> None:
    assert in_words(amount_vnd) == LIST[amount_vnd]


SOUTH = {
    0: "Không đồng",
    5: "Năm đồng",
    15: "Mười lăm đồng",
    21: "Hai mươi mốt đồng",
    101: "Một trăm lẻ một đồng",
    105: "Một trăm lẻ năm đồng",
    1_005: "Một ngàn không trăm lẻ năm đồng",
    1_015: "Một ngàn không trăm mười lăm đồng",
    1_005_000: "Một triệu không trăm lẻ năm ngàn đồng",
    10_000_001: "Mười triệu không trăm lẻ một đồng",
    21_021_021: "Hai mươi mốt triệu không trăm hai mươi mốt ngàn không trăm hai mươi mốt đồng",
    12_345_678_901: "Mười hai tỷ ba trăm bốn mươi lăm triệu sáu trăm bảy mươi tám ngàn chín trăm lẻ một đồng",
}


@pytest.mark.parametrize("amount_vnd", SOUTH)
def test_the_south_says_it_its_own_way(amount_vnd: int) -> None:
    assert in_words(amount_vnd, STYLES["south"]) == SOUTH[amount_vnd]


@pytest.mark.parametrize("amount_vnd", [-1, -5, -(10**12), LARGEST + 1, 10**30])
def test_what_is_negative_or_beyond_reading_has_no_words(amount_vnd: int) -> None:
    with pytest.raises(ValueError, match="negative"):
        in_words(amount_vnd)


def heard(text: str) -> int:
    """What a listener writes down: read from left to right, sharing nothing with the code that speaks."""
    total = million = group = digit = 0
    for word in text.removesuffix(" đồng").lower().split():
        if word in DIGITS:
            digit = DIGITS[word]
        elif word in {"linh", "lẻ"}:
            digit = 0
        elif word == "trăm":
            group, digit = group + digit * 100, 0
        elif word == "mươi":
            group, digit = group + digit * 10, 0
        elif word == "mười":
            group, digit = group + 10, 0
        elif word in {"nghìn", "ngàn"}:
            million, group, digit = million + (group + digit) * 1_000, 0, 0
        elif word == "triệu":
            million, group, digit = million + (group + digit) * 1_000_000, 0, 0
        elif word == "tỷ":
            total, million, group, digit = total + (million + group + digit) * 10**9, 0, 0, 0
        else:
            raise AssertionError(word)
    return total + million + group + digit


@given(st.integers(0, MAX_VND), st.sampled_from(sorted(STYLES)))
def test_every_amount_is_heard_as_it_was_said(amount_vnd: int, style: str) -> None:
    assert heard(in_words(amount_vnd, STYLES[style])) == amount_vnd


@given(st.lists(st.sampled_from([0, 1, 4, 5, 10, 11, 15, 21, 100, 101, 105, 110, 115, 999]), min_size=1, max_size=4))
def test_groups_with_zeros_and_ones_are_heard_right(groups: list[int]) -> None:
    amount_vnd = 0
    for group in groups:
        amount_vnd = amount_vnd * 1000 + group
    assert heard(in_words(amount_vnd)) == amount_vnd
