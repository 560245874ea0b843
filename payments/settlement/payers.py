"""Who paid, as far as a bank's text says so: the account that money came from, or the name that the bank states. Pure.

Nothing is stored for it: the marks are read from texts that are there, compared, and forgotten.
"""

import re
from collections.abc import Iterator

from payments.schools.rules import search_key

FEWEST_DIGITS = 6
_ACCOUNT = re.compile(r"\b(?:ct\s+)?(?:tu|from)\s+(?:tk\s+)?([0-9]{6,19})\b", re.IGNORECASE)
_STATED_NAME = re.compile(r"\bB/?O:\s*([^.:;,]{5,60})", re.IGNORECASE)
MANY_PUPILS = 5
"""Who paid for more pupils than this (a teacher, a shop) says nothing about one."""


def payer_marks(text: str) -> frozenset[str]:
    """«CT tu 0011001932418 …» -> the account; «BO:NGUYEN VAN MAU.» -> the name, without diacritics."""
    return frozenset(_marks(text))


def _marks(text: str) -> Iterator[str]:
    for match in _ACCOUNT.finditer(text):
        yield match[1]
    for match in _STATED_NAME.finditer(text):
        name = search_key(match[1])
        if len(name.split()) > 1:
            yield name
