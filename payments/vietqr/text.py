"""Vietnamese text as banks carry it: plain ASCII."""

import unicodedata

_NO_DECOMPOSITION = str.maketrans({"Đ": "D", "đ": "d", "Ð": "D", "ð": "d", "ı": "i"})


def drop_marks(text: str) -> str:
    """Drop diacritics and width, keep case; characters of other scripts stay."""
    if text.isascii():
        return text
    # One character at a time: normalising a whole text is quadratic in its combining marks.
    parts = (
        part for character in text.translate(_NO_DECOMPOSITION) for part in unicodedata.normalize("NFKD", character)
    )
    return "".join(part for part in parts if not unicodedata.combining(part))


def to_ascii(text: str) -> str:
    """Drop diacritics and width, keep case; characters without an ASCII form are left out."""
    return "".join(filter(str.isascii, drop_marks(text)))
