"""Decisions about schools and pupils that need no database: who runs a school, how names are kept, ordered and found.

Vietnamese names are ordered by given name, then family name, then middle names; inside each, syllable by
syllable, letters (A Ă Â B C D Đ E Ê …) before tones (none, huyền, hỏi, ngã, sắc, nặng), as dictionaries do.
"""

import enum
import re
import unicodedata
from datetime import date

ALPHABET = "aăâbcdđeêfghijklmnoôơpqrstuưvwxyz"
TONES = "\u0300\u0309\u0303\u0301\u0323"
"""Combining marks of huyền, hỏi, ngã, sắc, nặng, in the order of dictionaries."""

_LETTER_MARKS = "\u0306\u0302\u031b"  # breve, circumflex, horn: they make another letter
_LETTER_KEY = {letter: chr(ord("A") + place) for place, letter in enumerate(ALPHABET)}
_TONE_KEY = {mark: str(place) for place, mark in enumerate(TONES, start=1)}
_SPACES = re.compile(r"\s+")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_NAME_PUNCTUATION = frozenset(" '’.-")
MAX_NAME = 100
SCHOOL_YEAR_STARTS_IN = 8
GRADES = range(1, 13)


class SchoolLevel(enum.StrEnum):
    """Levels of the Vietnamese school system."""

    KINDERGARTEN = "kindergarten"
    PRIMARY = "primary"
    LOWER_SECONDARY = "lower_secondary"
    UPPER_SECONDARY = "upper_secondary"
    CONTINUING = "continuing"


class Ownership(enum.StrEnum):
    """Who runs the school: public tuition is zero since 2025-26, other schools still charge it."""

    PUBLIC = "public"
    PUBLIC_HIGH_QUALITY = "public_high_quality"
    PRIVATE = "private"


class Sex(enum.StrEnum):
    """As the sector database writes it: Nam, Nữ."""

    MALE = "male"
    FEMALE = "female"


def normalise_name(text: str) -> str:
    """Give a name its one stored form: NFC, single spaces, nothing invisible; letters and case stay as written."""
    return unicodedata.normalize("NFC", _SPACES.sub(" ", _INVISIBLE.sub("", text)).strip())


def is_name(name: str) -> bool:
    """Tell whether a normalised text can be a person's name: letters of any script, apostrophe, dot, hyphen."""
    known = all(char in _NAME_PUNCTUATION or unicodedata.category(char)[0] in "LM" for char in name)
    return known and 0 < len(name) <= MAX_NAME and any(map(str.isalpha, name))


def sort_key(name: str) -> str:
    """Compute the text by which a name is ordered, to be compared byte by byte (collation "C").

    «Nguyễn Văn An» comes before «Lê Thị Ân», and «Hoà» and «Hòa» stand together. Names that differ in case or
    punctuation only get different keys, side by side; NFC and NFD spellings get the same key.
    """
    folded = normalise_name(name).lower()
    words = folded.split()
    ordered = [*words[-1:], *words[:1], *words[1:-1]] if len(words) > 1 else words
    return "".join(map(syllable_key, ordered)) + "!" + folded


def syllable_key(syllable: str) -> str:
    """Encode one syllable: its letters as A–a in alphabetical order, then the digit of its tone.

    Digits stand below letters in ASCII, so «An» precedes «Anh» and the tone decides only between equal letters.
    """
    tone = "0"
    letters: list[str] = []
    for char in unicodedata.normalize("NFD", syllable):
        if char in _TONE_KEY:
            tone = _TONE_KEY[char]
        elif char in _LETTER_MARKS and letters:
            letters[-1] = unicodedata.normalize("NFC", letters[-1] + char)
        elif char.isalnum():
            letters.append(char)
    return "".join(_LETTER_KEY.get(letter) or foreign_letter(letter) for letter in letters) + tone


def foreign_letter(letter: str) -> str:
    """Encode a letter outside the Vietnamese alphabet: after all of it, by code point."""
    return f"~{ord(letter[0]):06X}"


def search_key(text: str) -> str:
    """Fold a name, or what somebody types to find it: lower case, no diacritics, đ as d, single spaces."""
    bare = unicodedata.normalize("NFD", normalise_name(text).lower()).replace("đ", "d")
    kept = (char for char in bare if char.isalnum() or char == " ")
    return _SPACES.sub(" ", "".join(kept)).strip()


def school_year_of(day: date) -> tuple[str, date, date]:
    """Name the school year a day belongs to, with first and last day: August to July, so that none is left out."""
    first = day.year if day.month >= SCHOOL_YEAR_STARTS_IN else day.year - 1
    starts_on = date(first, SCHOOL_YEAR_STARTS_IN, 1)
    return f"{first}-{first + 1}", starts_on, date(first + 1, SCHOOL_YEAR_STARTS_IN - 1, 31)


def grade_of(class_name: str, level: SchoolLevel) -> int | None:
    """Read the grade off a class name («1A», «6/4», «Lớp 10A1»); None in kindergartens and where none stands there."""
    if level is SchoolLevel.KINDERGARTEN:
        return None
    match = re.match(r"(?:lớp\s*)?([0-9]{1,2})(?![0-9])", normalise_name(class_name).lower(), re.ASCII)
    grade = int(match[1]) if match else None
    return grade if grade in GRADES else None
