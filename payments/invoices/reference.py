"""Payment references: ``HP`` + nine random characters + one check character, e.g. ``HP7K3M9Q2XAT``.

The alphabet has no I, L, O and U, so a reference survives being read aloud or typed from paper. The check
character is ISO 7064 MOD 37-2 over the nine: it notices every wrong character and every swap of
neighbours. Which of the found references exists is the invoice table's word, never this module's.
"""

import re
import secrets
import unicodedata
from functools import lru_cache

from stdnum.iso7064 import mod_37_2

PREFIX = "HP"
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
BODY_LENGTH = 9
LENGTH = len(PREFIX) + BODY_LENGTH + 1

# 256 is a multiple of 32, so every character is equally likely.
_DRAW = bytes(ord(ALPHABET[byte % len(ALPHABET)]) for byte in range(256))
_CANONICAL = re.compile(f"{PREFIX}[{ALPHABET}]{{{BODY_LENGTH + 1}}}")
_CANDIDATE = re.compile(f"(?={PREFIX}([{ALPHABET}]{{{BODY_LENGTH + 1}}}))")

# What people and machines confuse when they copy a code, and how case is folded (design: references).
_FOLD = bytes(range(256)).upper().translate(bytes.maketrans(b"OIL", b"011"))
_NOISE = bytes(byte for byte in range(128) if not chr(byte).isalnum())
_BREAK = re.compile("[^0-9A-Z]+")
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
    folded = fold(text)
    if PREFIX not in folded:
        return []
    found = (PREFIX + match[1] for match in _CANDIDATE.finditer(folded) if mod_37_2.checksum(match[1]) == 1)
    return list(dict.fromkeys(found))


def fold(text: str) -> str:
    """Reduce a text to upper-case ASCII letters and digits with O, I and L read as 0, 1 and 1."""
    return _to_ascii(text).encode("ascii").translate(_FOLD, _NOISE).decode("ascii")


def fold_words(text: str) -> str:
    """Reduce a text as ``fold`` does, with one blank where characters were left out."""
    return _BREAK.sub(" ", _to_ascii(text).encode("ascii").translate(_FOLD).decode("ascii"))


def _to_ascii(text: str) -> str:
    return text if text.isascii() else text.translate(_FoldEachCharacter())


class _FoldEachCharacter(dict[int, str]):
    """Table for ``str.translate``: one character at a time, so that the work stays linear.

    Normalising a hostile text as a whole is quadratic in its combining marks.
    """

    def __missing__(self, code: int) -> str:
        self[code] = folded = _fold_character(chr(code))
        return folded


@lru_cache(maxsize=4096)
def _fold_character(character: str) -> str:
    if character in "ĐđÐð":  # has no decomposition; the Icelandic eth looks the same and is sent for it
        return "D"
    if character == "ı":
        return "I"
    return "".join(map(_strip_mark, unicodedata.normalize("NFKD", character)))


def _strip_mark(character: str) -> str:
    if character.isascii():
        return character
    return _FOREIGN_LETTER if unicodedata.category(character)[0] in "LN" else ""
