"""Payment references: ``HP`` + nine random characters + one check character, e.g. ``HP7K3M9Q2XAT``.

The alphabet has no I, L, O and U, so a reference survives being read aloud or typed from paper. The check
character is ISO 7064 MOD 37-2 over the nine: it notices every wrong character and every swap of
neighbours. Which of the found references exists is the invoice table's word, never this module's.
"""

import codecs
import re
import secrets
import sys
import unicodedata
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate, chain, compress
from operator import mul

from stdnum.iso7064 import mod_37_2

PREFIX = "HP"
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
BODY_LENGTH = 9
LENGTH = len(PREFIX) + BODY_LENGTH + 1

MOST_REMEMBERED = 4096
"""Characters whose folded form is kept."""

AT_ONCE = 1000
"""Texts that are folded together: as many as stay near the processor."""

# 256 is a multiple of 32, so every character is equally likely.
_DRAW = bytes(ord(ALPHABET[byte % len(ALPHABET)]) for byte in range(256))
_CANONICAL = re.compile(f"{PREFIX}[{ALPHABET}]{{{BODY_LENGTH + 1}}}")
# The prefix stands before the look-ahead: then the engine searches for it as for a plain text, and overlapping
# candidates are found all the same. The second one looks back once more, to give the prefix too.
_BODY = re.compile(f"{PREFIX}(?=([{ALPHABET}]{{{BODY_LENGTH + 1}}}))".encode())
_WHOLE = re.compile(f"{PREFIX}(?<=(?=({PREFIX}[{ALPHABET}]{{{BODY_LENGTH + 1}}}))..)")

# ISO 7064 MOD 37-2 as a weighted sum: the value of a character by its position, each place worth twice the next one.
_MODULUS = 37
_WEIGHTS = tuple(pow(2, BODY_LENGTH - place, _MODULUS) for place in range(BODY_LENGTH + 1))
_VALUES = bytes(max(0, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ".find(chr(byte))) for byte in range(256))
_RIGHT = bytes(total % _MODULUS == 1 for total in range(max(_VALUES) * sum(_WEIGHTS) + 1))

# What people and machines confuse when they copy a code, and how case is folded (design: references).
_FOLD = bytes(range(256)).upper().translate(bytes.maketrans(b"OIL", b"011"))
_NOISE = bytes(byte for byte in range(128) if not chr(byte).isalnum())
_BREAK = re.compile("[^0-9A-Z]+")

# Keeps texts apart that are folded together; a text that holds it is folded without.
_BETWEEN = "\0"
_NOISE_IN_ONE = _NOISE.replace(_BETWEEN.encode(), b"")
_FOLDING = "hocphi.fold"
# No reference contains it, so it keeps what stands before and after a foreign letter apart.
_FOREIGN_LETTER = "U"


def generate() -> str:
    """Draw a new reference; nothing in it can be guessed, counted or traced to a pupil."""
    while True:
        body = secrets.token_bytes(BODY_LENGTH).translate(_DRAW).decode("ascii")
        check = mod_37_2.calc_check_digit(body)
        if check in ALPHABET:
            return f"{PREFIX}{body}{check}"


def is_valid(reference: str) -> bool:
    """Tell whether this is a reference in canonical form with the right check character."""
    return _CANONICAL.fullmatch(reference) is not None and mod_37_2.checksum(reference[len(PREFIX) :]) == 1


def find(text: str) -> list[str]:
    """List the canonical references in a bank's text, in order of position, each once.

    Case, diacritics, O/I/L confusions, and blanks, punctuation and line breaks inside a reference do not
    matter. Candidates may overlap («HP T9 HP…»): all that pass their check character are reported.
    """
    found = [
        PREFIX + body.decode("ascii")
        for body in _BODY.findall(_ascii(text).translate(_FOLD, _NOISE))
        if sum(map(mul, _WEIGHTS, body.translate(_VALUES))) % _MODULUS == 1
    ]
    return found if len(found) < 2 else list(dict.fromkeys(found))


def find_each(texts: Iterable[str]) -> list[list[str]]:
    """What ``find`` lists, for each of many texts: folded together, and their check characters computed together."""
    given = list(texts)
    found: list[list[str]] = []
    for start in range(0, len(given), AT_ONCE):
        found += _find_together(given[start : start + AT_ONCE])
    return found


def _find_together(texts: list[str]) -> list[list[str]]:
    found = list(map(_WHOLE.findall, _folded_together(texts)))
    candidates = list(chain.from_iterable(found))
    if not candidates:
        return found
    # Nearly every text has one candidate, which is right: only the others are looked at.
    counts = list(map(len, found))
    right = _are_right(candidates)
    wrong = right.find(0)
    ends = list(accumulate(counts)) if wrong >= 0 else []
    while wrong >= 0:
        place = bisect_right(ends, wrong)
        end = ends[place]
        found[place] = list(compress(found[place], right[end - counts[place] : end])) if counts[place] > 1 else []
        wrong = right.find(0, end)
    for several in set(counts) - {0, 1}:
        for place in _places_of(several, counts):
            found[place] = list(dict.fromkeys(found[place]))
    return found


def _places_of(value: int, values: list[int]) -> Iterator[int]:
    """Where a value stands that stands in few places."""
    place = -1
    for _ in range(values.count(value)):
        place = values.index(value, place + 1)
        yield place


def _folded_together(texts: list[str]) -> list[str]:
    joined = _BETWEEN.join(texts).encode("ascii", _FOLDING)
    folded = joined.translate(_FOLD, _NOISE_IN_ONE).decode("ascii").split(_BETWEEN)
    if len(folded) == len(texts):
        return folded
    return [fold(text) for text in texts]  # Some text holds what stands between them.


def _are_right(candidates: list[str]) -> bytes:
    """Whether each candidate passes its check character: 1 or 0.

    A place of all candidates at once is one whole number with 16 bits for each: their weighted sum fits in.
    """
    values = "".join(candidates).encode("ascii").translate(_VALUES)
    count = len(candidates)
    total = 0
    for place, weight in enumerate(_WEIGHTS):
        lanes = bytearray(2 * count)
        lanes[::2] = values[len(PREFIX) + place :: LENGTH]
        total += weight * int.from_bytes(lanes, sys.byteorder)
    sums = array("H", total.to_bytes(2 * count, sys.byteorder))
    return bytes(map(_RIGHT.__getitem__, sums))


def fold(text: str) -> str:
    """Reduce a text to upper-case ASCII letters and digits with O, I and L read as 0, 1 and 1."""
    return _ascii(text).translate(_FOLD, _NOISE).decode("ascii")


def fold_words(text: str) -> str:
    """Reduce a text as ``fold`` does, with one blank where characters were left out."""
    return _BREAK.sub(" ", _ascii(text).translate(_FOLD).decode("ascii"))


def _ascii(text: str) -> bytes:
    return text.encode("ascii") if text.isascii() else text.translate(_EACH_CHARACTER).encode("ascii")


class _FoldEachCharacter(dict[int, str]):
    """Table for ``str.translate``: one character at a time, so that the work stays linear.

    Normalising a hostile text as a whole is quadratic in its combining marks. What real texts contain is remembered.
    """

    def __missing__(self, code: int) -> str:
        folded = _fold_character(chr(code))
        if len(self) < MOST_REMEMBERED:
            self[code] = folded
        return folded


def _fold_character(character: str) -> str:
    if character in "ĐđÐð":  # has no decomposition; the Icelandic eth looks the same and is sent for it
        return "D"
    if character == "ı":
        return "I"
    return "".join(map(_strip_mark, unicodedata.normalize("NFKD", character)))


_EACH_CHARACTER = _FoldEachCharacter()


def _fold_run(error: UnicodeError) -> tuple[str, int]:
    """Fold the characters that ASCII lacks where they stand among many that it has."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return error.object[error.start : error.end].translate(_EACH_CHARACTER), error.end


codecs.register_error(_FOLDING, _fold_run)


def _strip_mark(character: str) -> str:
    if character.isascii():
        return character
    return _FOREIGN_LETTER if unicodedata.category(character)[0] in "LN" else ""
