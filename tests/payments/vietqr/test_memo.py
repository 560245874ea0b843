"""The memo keeps the reference whole and first, and says what it changed in the rest."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.invoices.reference import find
from payments.vietqr import VietQRError, build_memo
from payments.vietqr.memo import CHANGES

CODE = "HP7K3M9Q2XAT"


def kinds(memo):
    return [change.kind for change in memo.changes]


def test_reference_alone_is_unchanged():
    memo = build_memo(CODE)
    assert (memo.text, memo.changes) == (CODE, ())


def test_prefix_word_comes_first_and_reference_second():
    assert build_memo(CODE, prefix="SEVQR").text == f"SEVQR {CODE}"


def test_every_change_is_told_with_before_and_after():
    memo = build_memo(CODE, "Tiền  ăn #9", limit=25)
    assert memo.text == f"{CODE} TIEN AN 9"
    assert kinds(memo) == ["diacritics", "upper_case", "removed", "blanks"]
    assert memo.changes[0].before == "Tiền  ăn #9"
    assert memo.changes[-1].after == "TIEN AN 9"
    assert all(change.vi and change.en for change in memo.changes)
    assert {change.kind for change in memo.changes} <= set(CHANGES)


def test_what_is_no_vietnamese_letter_is_told_as_removed_not_as_diacritics():
    memo = build_memo("HP1", "AN 😀 Яв", limit=25)
    assert memo.text == "HP1 AN"
    assert kinds(memo) == ["upper_case", "removed", "blanks"]


def test_a_note_of_a_million_words_costs_little():
    assert build_memo(CODE, "a " * 1_000_000).text == f"{CODE} A A A"


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_vietnamese_letters_are_folded_in_either_form(form):
    assert build_memo("HP1", unicodedata.normalize(form, "Đỗ Ưng Ở"), limit=25).text == "HP1 DO UNG O"


def test_words_that_do_not_fit_are_left_out_whole():
    memo = build_memo(CODE, "AN TRUA")
    assert memo.text == f"{CODE} AN"
    assert kinds(memo) == ["shortened"]
    assert build_memo(CODE, "BANTRUA").text == CODE


@pytest.mark.parametrize("reference", ["hp7k3m9q2xat", "HP-7K3", "HP 7", "", "HPĐ", " HP1", "HP1\n", "HP²"])
def test_reference_is_never_repaired(reference):
    with pytest.raises(VietQRError) as caught:
        build_memo(reference)
    assert caught.value.code == "memo_not_ascii"


def test_reference_and_prefix_are_never_shortened():
    with pytest.raises(VietQRError) as caught:
        build_memo("A" * 20)
    assert caught.value.code == "memo_too_long"
    with pytest.raises(VietQRError):
        build_memo(CODE, prefix="LONGPREFIX")
    with pytest.raises(VietQRError):
        build_memo("A" * 26, limit=99)


@given(st.text(max_size=60), st.sampled_from(["", "SEVQR"]), st.integers(19, 25))
def test_any_note_gives_a_safe_memo_that_is_found_again(note, prefix, limit):
    memo = build_memo(CODE, note, prefix=prefix, limit=limit)
    assert len(memo.text) <= limit
    assert set(memo.text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ._-")
    assert CODE in find(memo.text)
    assert memo.text == memo.text.strip()
