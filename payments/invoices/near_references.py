"""Near references: what a damaged reference may have been. Suggestions for a person, never for automatic use.

About nine repairs of one damaged code pass the check character by chance, so a repaired code proves
nothing: the caller looks the suggestions up among open invoices and a person decides (outcome «damaged»).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from stdnum.iso7064 import mod_37_2

from payments.invoices import reference

MAX_CODES = 200
MAX_PREFIXES = 5
MAX_PLACES = 8
MIN_PREFIX_BODY = 4  # 20 random bits: among a school's open invoices such a beginning is nearly always alone

_MODULUS = 37
_VALUES = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*"
_LENGTH = reference.BODY_LENGTH + 1
_INVERSE_WEIGHTS = [pow(2, -(_LENGTH - 1 - position), _MODULUS) for position in range(_LENGTH)]
_CUT = re.compile(f"(?={reference.PREFIX}([{reference.ALPHABET}]{{{MIN_PREFIX_BODY},{reference.BODY_LENGTH}}})(?: |$))")
_PARTED_PREFIX = re.compile(f"(?={reference.PREFIX[0]}([{reference.ALPHABET}]){reference.PREFIX[1]})...")


@dataclass(frozen=True)
class NearReferences:
    """Codes that differ by one slip from what was read, and beginnings of codes that were cut off."""

    codes: tuple[str, ...]
    prefixes: tuple[str, ...]


def suggest(text: str) -> NearReferences:
    """List what a damaged reference in this text may have been: one character wrong, lost, added or swapped,
    a damaged ``HP``, or the end cut off. At most 200 codes and 5 prefixes, whatever the text.
    """
    folded = reference.fold(text)
    known = set(reference.find(text))
    slips = (code for code in dict.fromkeys(_slips(folded)) if code not in known)
    cut = dict.fromkeys([*_cut_off(reference.fold_words(text)), *_cut_off(folded)])
    return NearReferences(tuple(islice(slips, MAX_CODES)), tuple(islice(cut, MAX_PREFIXES)))


def _slips(folded: str) -> Iterator[str]:
    for place in islice(re.finditer(reference.PREFIX, folded), MAX_PLACES):
        for body in _repairs(folded[place.end() : place.end() + _LENGTH + 1]):
            yield reference.PREFIX + body
    for body in _behind_damaged_prefix(folded):
        yield reference.PREFIX + body


def _repairs(seen: str) -> Iterator[str]:
    """Bodies with a right check character that are one slip away from the text after a prefix."""
    body = seen[:_LENGTH]
    if len(body) == _LENGTH:
        yield from (fixed for position in range(_LENGTH) if (fixed := _solve(body, position)))
        yield from filter(_is_body, _swaps(body))
    if len(body) >= _LENGTH - 1:
        short = body[: _LENGTH - 1]
        yield from (fixed for at in range(_LENGTH) if (fixed := _solve(f"{short[:at]}0{short[at:]}", at)))
    if len(seen) > _LENGTH:
        yield from filter(_is_body, (seen[:at] + seen[at + 1 :] for at in range(_LENGTH)))


def _solve(body: str, position: int) -> str | None:
    """Replace the character at this position by the only one that makes the check character right."""
    missing = (1 - mod_37_2.checksum(body)) * _INVERSE_WEIGHTS[position]
    character = _VALUES[(_VALUES.index(body[position]) + missing) % _MODULUS]
    fixed = body[:position] + character + body[position + 1 :]
    return fixed if _is_body(fixed) else None


def _swaps(body: str) -> Iterator[str]:
    for at in range(_LENGTH - 1):
        yield body[:at] + body[at + 1] + body[at] + body[at + 2 :]


def _behind_damaged_prefix(folded: str) -> Iterator[str]:
    """Whole bodies whose ``HP`` lost a letter, has a wrong one, is swapped, or whose P changed places with the body."""
    for match in islice(_PARTED_PREFIX.finditer(folded), MAX_PLACES):
        body = match[1] + folded[match.end() : match.end() + _LENGTH - 1]
        if _is_body(body):
            yield body
    places = (match.end() for match in re.finditer(f"[{reference.PREFIX}]", folded))
    for start in islice(places, MAX_PLACES * 4):
        for body in (folded[start : start + _LENGTH], folded[start + 1 : start + 1 + _LENGTH]):
            if _is_body(body):
                yield body


def _cut_off(text: str) -> Iterator[str]:
    return (reference.PREFIX + match[1] for match in islice(_CUT.finditer(text), MAX_PLACES))


def _is_body(body: str) -> bool:
    return reference.is_valid(reference.PREFIX + body)
