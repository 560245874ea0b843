"""Vietnamese names are kept in one form, stand in the order people expect, and are found without diacritics."""

import unicodedata
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.schools.rules import (
    ALPHABET,
    SchoolLevel,
    grade_of,
    is_name,
    normalise_name,
    school_year_of,
    search_key,
    sort_key,
)

IN_ORDER = [
    "An",
    "Lê An",
    "Lê Thị An",
    "Lê Văn An",
    "Nguyễn An",
    "Nguyễn Văn An",
    "Nguyễn Văn Bá An",
    "Lê Án",
    "Lê Anh",
    "Nguyễn Ngọc Ánh",
    "Lê Ân",
    "Lê Ba",
    "Lê Bà",
    "Lê Bả",
    "Lê Bã",
    "Lê Bá",
    "Lê Bạ",
    "Lê Băng",
    "Lê Bân",
    "Đặng Chi",
    "Đỗ Chi",
    "Lê Chi",
    "Lê Dung",
    "Lê Dũng",
    "Lê Đào",
    "Lê Đức",
    "Lê Em",
    "Lê Én",
    "Lê Êm",
    "Lê Oanh",
    "Lê Ông",
    "Lê Ơn",
    "Lê Uyên",
    "Lê Ước",
    "Lê Yến",
]
NAMES = st.lists(st.text(alphabet="ABĐÂabđăâêôơưệướàỷ'-", min_size=1, max_size=6), min_size=1, max_size=5).map(" ".join)


def by_bytes(names):
    return sorted(names, key=lambda name: sort_key(name).encode())


def test_names_stand_by_given_name_then_family_then_middle_in_vietnamese_order():
    assert by_bytes(reversed(IN_ORDER)) == IN_ORDER


def test_both_ways_to_place_a_tone_stand_together():
    assert by_bytes(["Lê Hoán", "Trần Hòa", "Lê Hoà", "An Hòa"]) == ["An Hòa", "Lê Hoà", "Trần Hòa", "Lê Hoán"]


def test_letters_outside_the_alphabet_come_last_and_do_not_fail():
    assert by_bytes(["김 민준", "Lê Zoe", "H'Hen Niê", "Vàng A Súa"])[-1] == "김 민준"


@given(NAMES)
def test_the_key_does_not_depend_on_unicode_form_or_spaces(name):
    decomposed = unicodedata.normalize("NFD", name)
    assert sort_key(decomposed) == sort_key(name) == sort_key(f"\u00a0 {name}  ")
    assert search_key(decomposed) == search_key(name)


@given(st.lists(NAMES, max_size=8))
def test_comparing_keys_byte_by_byte_is_the_order_of_given_family_and_middle_names(names):
    def spelled(name):
        words = normalise_name(name).lower().split()
        ordered = [words[-1], words[0], *words[1:-1]] if len(words) > 1 else words
        return [syllable(word) for word in ordered]

    def syllable(word):
        letters, tone = [], 0
        for char in unicodedata.normalize("NFC", word):
            parts = unicodedata.normalize("NFD", char)
            for mark in parts[1:]:
                tone = "\u0300\u0309\u0303\u0301\u0323".find(mark) + 1 or tone
            bare = unicodedata.normalize("NFC", "".join(p for p in parts if p not in "\u0300\u0309\u0303\u0301\u0323"))
            if bare in ALPHABET:
                letters.append(ALPHABET.index(bare))
        return letters, tone

    in_key_order = by_bytes(names)
    assert [spelled(name) for name in in_key_order] == sorted(map(spelled, names))


@given(st.text(max_size=60))
def test_any_text_has_keys_without_control_characters_of_its_own(text):
    sort_key(text)
    assert search_key(search_key(text)) == search_key(text)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Đặng Thị Ngọc Ánh", "dang thi ngoc anh"),
        ("  NGUYỄN\u00a0Văn  An ", "nguyen van an"),
        ("H'Hen Niê", "hhen nie"),
        ("Ước", "uoc"),
    ],
)
def test_names_are_found_without_diacritics(name, key):
    assert search_key(name) == key
    assert key.split()[-1] in search_key(name)


def test_names_are_kept_in_nfc_without_invisible_signs():
    assert normalise_name(unicodedata.normalize("NFD", " Nguyễn\u200b  Thị\ufeff Hoà ")) == "Nguyễn Thị Hoà"


@pytest.mark.parametrize("name", ["Nguyễn Văn An", "Vàng A Súa", "H'Hen Niê", "Y Blôk Êban", "김 민준", "Kim Min-jun"])
def test_names_of_every_people_are_names(name):
    assert is_name(name)


@pytest.mark.parametrize("name", ["", "12345", "An\x00", "=1+1", "a@b.vn", "-", "An" * 60, "Nguyễn Văn An 2"])
def test_numbers_signs_and_formulas_are_no_names(name):
    assert not is_name(name)


@pytest.mark.parametrize(
    ("name", "level", "grade"),
    [
        ("1A", SchoolLevel.PRIMARY, 1),
        ("Lớp 3A2", SchoolLevel.PRIMARY, 3),
        ("6/4", SchoolLevel.LOWER_SECONDARY, 6),
        ("10A1", SchoolLevel.UPPER_SECONDARY, 10),
        ("6A", SchoolLevel.PRIMARY, 6),
        ("0A", SchoolLevel.PRIMARY, None),
        ("13A", SchoolLevel.CONTINUING, None),
        ("Lá 2", SchoolLevel.KINDERGARTEN, None),
        ("Nhà trẻ 24–36", SchoolLevel.KINDERGARTEN, None),
        ("100A", SchoolLevel.UPPER_SECONDARY, None),
    ],
)
def test_the_grade_is_read_off_the_class_name(name, level, grade):
    assert grade_of(name, level) == grade


def test_every_day_belongs_to_one_school_year():
    assert school_year_of(date(2026, 7, 31)) == ("2025-2026", date(2025, 8, 1), date(2026, 7, 31))
    assert school_year_of(date(2026, 8, 1))[0] == "2026-2027"
