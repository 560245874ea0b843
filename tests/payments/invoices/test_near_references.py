"""A damaged reference leads a person to the right invoice, and the list stays short."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.iso7064 import mod_37_2

from payments.invoices.near_references import MAX_CODES, MAX_PREFIXES, suggest
from payments.invoices.reference import ALPHABET, find, is_valid

CODES = (
    st.text(ALPHABET, min_size=9, max_size=9)
    .map(lambda body: f"HP{body}{mod_37_2.calc_check_digit(body)}")
    .filter(is_valid)
)
FRAME = "MBVCB.7575327615.426726.{}.CT tu 0000000001 NGUYEN VAN MAU toi TRUONG MAU"


@given(CODES, st.integers(0, 11), st.sampled_from(ALPHABET + "U"))
def test_one_wrong_character_is_suggested(code, position, other):
    damaged = code[:position] + other + code[position + 1 :]
    text = FRAME.format(damaged)
    assert code in find(text) or code in suggest(text).codes


@given(CODES, st.integers(0, 11))
def test_a_lost_character_is_suggested(code, position):
    text = FRAME.format(code[:position] + code[position + 1 :])
    assert code in find(text) or code in suggest(text).codes


@given(CODES, st.integers(2, 11), st.sampled_from(ALPHABET + "U"))
def test_an_added_character_is_suggested(code, position, added):
    text = FRAME.format(code[:position] + added + code[position:])
    assert code in find(text) or code in suggest(text).codes


@given(CODES, st.integers(0, 10))
def test_swapped_neighbours_are_suggested(code, position):
    text = FRAME.format(code[:position] + code[position + 1] + code[position] + code[position + 2 :])
    assert code in find(text) or code in suggest(text).codes


@pytest.mark.parametrize("kept", range(6, 12))
@pytest.mark.parametrize("frame", ["{}", "IBFT {}", "{} CT tu 0000000001", "{}-CHUYEN TIEN"])
def test_a_cut_reference_is_suggested_by_its_beginning(frame, kept):
    assert "HP7K3M9Q2XAT"[:kept] in suggest(frame.format("HP7K3M9Q2XAT"[:kept])).prefixes


def test_a_reference_cut_after_a_blank_is_suggested_by_its_beginning():
    assert "HP7K3M9" in suggest("nop tien hp7k 3m9").prefixes


def test_a_readable_reference_is_no_suggestion():
    near = suggest(FRAME.format("HP7K3M9Q2XAT"))
    assert "HP7K3M9Q2XAT" not in near.codes
    assert near.prefixes == ()


def test_plain_text_suggests_nothing():
    near = suggest("NGUYEN VAN MAU chuyen tien FT24323362960955 GD 703855-111724 17:58:18")
    assert near.codes == near.prefixes == ()


def test_the_list_is_bounded_whatever_the_text():
    draw = random.Random(1)
    for _ in range(300):
        near = suggest("".join(draw.choices("HHPPhp0123ABĐ .\ud800", k=3_000)))
        assert len(near.codes) <= MAX_CODES
        assert len(near.prefixes) <= MAX_PREFIXES
        assert all(map(is_valid, near.codes))
