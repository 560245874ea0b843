"""Payment references: ``HP`` + nine random characters + one check character, e.g. ``HP7K3M9Q2XAT``.

The alphabet has no I, L, O and U, so a reference survives being read aloud or typed from paper. The check
character is ISO 7064 MOD 37-2 over the nine: it notices every wrong character and every swap of
neighbours. Which of the found references exists is the invoice table's word, never this module's.
"""

import codecs
import re
import secrets
import unicodedata
from collections.abc import Iterable
from operator import mul

from stdnum.iso7064 import mod_37_2

PREFIX = "HP"
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
BODY_LENGTH = 9
LENGTH = len(PREFIX) + BODY_LENGTH + 1

MOST_REMEMBERED = 4096
"""Characters whose folded form is kept."""

AT_ONCE = 1000
"""Texts that are looked through together: as many as stay near the processor."""

# 256 is a multiple of 32, so every character is equally likely.
_DRAW = bytes(ord(ALPHABET[byte % len(ALPHABET)]) for byte in range(256))
_FORM = f"{PREFIX}[{ALPHABET}]{{{BODY_LENGTH + 1}}}"
_CANONICAL = re.compile(_FORM)
# The prefix stands first: then the engine searches for it as for a plain text. It looks back from there, so that a
# candidate is found whole, and ahead, so that overlapping ones are found too.
_CANDIDATE = re.compile(f"{PREFIX}(?<=(?=({_FORM}))..)".encode())

_WHOLE = re.compile(f".{{{LENGTH}}}")

# ISO 7064 MOD 37-2 as a weighted sum: the value of a character by its position, each place worth twice the next one,
# the prefix nothing.
_MODULUS = 37
_WEIGHTS = (0,) * len(PREFIX) + tuple(pow(2, BODY_LENGTH - place, _MODULUS) for place in range(BODY_LENGTH + 1))
_VALUES = bytes(max(0, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ".find(chr(byte))) for byte in range(256))
_RIGHT = bytes(total % _MODULUS == 1 for total in range(256))
# The same for many at once, place by place: what a character adds to the sum, and how many places fit into a byte
# (6 x 36 = 216) before the sum is reduced again.
_ADDED = [bytes(weight * value % _MODULUS for value in _VALUES) for weight in _WEIGHTS]
_FIT = 6
_REDUCED = bytes(total % _MODULUS for total in range(256))

# What people and machines confuse when they copy a code, and how case is folded (design: references).
_FOLD = bytes(range(256)).upper().translate(bytes.maketrans(b"OIL", b"011"))
_NOISE = bytes(byte for byte in range(128) if not chr(byte).isalnum())
_BREAK = re.compile("[^0-9A-Z]+")

# Keeps texts apart that are looked through together, and marks where a candidate stood.
_BETWEEN = "\0"
_PLACE = b"\1"
_NOISE_IN_MANY = _NOISE.replace(_BETWEEN.encode(), b"")
_LETTERS = bytes(byte for byte in range(128) if chr(byte).isalnum())
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
        candidate.decode()
        for candidate in _CANDIDATE.findall(_ascii(text).translate(_FOLD, _NOISE))
        if sum(map(mul, _WEIGHTS, candidate.translate(_VALUES))) % _MODULUS == 1
    ]
    return found if len(found) < 2 else list(dict.fromkeys(found))


def find_each(texts: Iterable[str]) -> list[str]:
    """What ``find`` lists for each of many texts, joined by blanks; for many it takes a fraction of the time."""
    given = list(texts)
    found: list[str] = []
    for start in range(0, len(given), AT_ONCE):
        found += _find_together(given[start : start + AT_ONCE])
    return found


def _find_together(texts: list[str]) -> list[str]:
    """Look through one text made of all of them; nothing is done for a single one before its references are known."""
    # Candidates are every second piece; what stands around them is between.
    pieces: list[bytes] = _CANDIDATE.split(_folded_together(texts))
    right = _are_right(pieces[1::2])
    wrong = right.find(0)
    while wrong >= 0:
        pieces[2 * wrong + 1] = b""
        wrong = right.find(0, wrong + 1)
    pieces[::2] = _PLACE.join(pieces[::2]).translate(None, _LETTERS).split(_PLACE)
    found = b"".join(pieces).decode().split(_BETWEEN)
    return [codes if len(codes) <= LENGTH else _each_once(codes) for codes in found]


def _folded_together(texts: list[str]) -> bytes:
    joined = _BETWEEN.join(texts)
    if joined.count(_BETWEEN) >= len(texts):
        joined = _BETWEEN.join(text.replace(_BETWEEN, "") for text in texts)
    return joined.encode("ascii", _FOLDING).translate(_FOLD, _NOISE_IN_MANY)


def _each_once(codes: str) -> str:
    return " ".join(dict.fromkeys(_WHOLE.findall(codes)))


def _are_right(candidates: list[bytes]) -> bytes:
    """Whether each candidate passes its check character: 1 or 0.

    One place of all candidates is one whole number with a byte for each, so that all are added at once.
    """
    characters, count = b"".join(candidates), len(candidates)
    places = [
        int.from_bytes(characters[place::LENGTH].translate(_ADDED[place]), "little")
        for place in range(len(PREFIX), LENGTH)
    ]
    first = sum(places[:_FIT]).to_bytes(count, "little").translate(_REDUCED)
    total = int.from_bytes(first, "little") + sum(places[_FIT:])
    return total.to_bytes(count, "little").translate(_RIGHT)


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
