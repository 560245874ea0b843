"""Identifiers of pupils: text that is kept as issued, checked for form, and never recomputed.

The sector identifier (mã định danh của Bộ GD&ĐT) is given once and used at all levels (TT 42/2021). The personal
number (số định danh cá nhân) has 12 digits: province (3), century and sex (1), year of birth (2), random (6).
"""

import re
import unicodedata
from datetime import date

from payments.schools.rules import Sex

SECTOR_ID_DIGITS = 10
_SECTOR_ID = re.compile(r"[0-9A-Z][0-9A-Z./-]{2,29}", re.ASCII)
_PERSONAL_ID = re.compile(r"[0-9]{12}", re.ASCII)
_PHONE = re.compile(r"(?:\+?84|0)([0-9]{9,10})|([35789][0-9]{8})", re.ASCII)
_EMAIL = re.compile(r"[a-z0-9._%+-]{1,64}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,4}", re.ASCII)
MAX_EMAIL = 254


def normalise_code(text: str) -> str:
    """Fold an identifier as typed: full-width digits become plain, blanks go, letters are upper case."""
    return "".join(unicodedata.normalize("NFKC", text).split()).upper()


def is_sector_id(code: str) -> bool:
    """Tell whether a normalised code can be a sector identifier; its usual length is ``is_usual_sector_id``'s word."""
    return _SECTOR_ID.fullmatch(code) is not None


def is_usual_sector_id(code: str) -> bool:
    """Tell whether a sector identifier has the ten digits that most have (no rule says that all must)."""
    return len(code) == SECTOR_ID_DIGITS and code.isdecimal()


def is_personal_id(code: str) -> bool:
    """Tell whether a normalised code has the twelve digits of a personal number."""
    return _PERSONAL_ID.fullmatch(code) is not None


def personal_id_agrees(code: str, born: date, sex: Sex) -> tuple[bool, bool]:
    """Compare a personal number with the year of birth and the sex of its bearer: (year agrees, sex agrees)."""
    century = 19 + int(code[3]) // 2
    says_male = int(code[3]) % 2 == 0
    return century * 100 + int(code[4:6]) == born.year, says_male == (sex is Sex.MALE)


def normalise_phone(text: str) -> str | None:
    """Fold a Vietnamese telephone number to ``0…``; None when it is none.

    A mobile number whose 0 a spreadsheet has eaten is still one: nine digits that start with 3, 5, 7, 8 or 9.
    """
    digits = re.sub(r"[\s().-]", "", unicodedata.normalize("NFKC", text))
    match = _PHONE.fullmatch(digits)
    return f"0{match[1] or match[2]}" if match else None


def normalise_email(text: str) -> str | None:
    """Fold an address to lower case; None when it is none."""
    folded = unicodedata.normalize("NFKC", text).strip().lower()
    return folded if _EMAIL.fullmatch(folded) and len(folded) <= MAX_EMAIL else None
