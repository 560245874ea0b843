"""Which part of a bank's text is a payment reference, whole, damaged or cut off: for the eye alone. Pure."""

import re
import unicodedata
from typing import NamedTuple

LONGEST = 140
"""So much of a bank's text stands in a row; all of it is on the page of the transfer."""
_CODE = re.compile(r"HP[ .\-_/]?[0-9A-Z]{4,12}", re.IGNORECASE)
_MIX = re.compile(r"(?=[^0-9]*[0-9])(?=[^A-Za-z]*[A-Za-z])")


class Piece(NamedTuple):
    """A part of a text; ``marked`` when it looks like a payment reference."""

    text: str
    marked: bool


def pieces(memo: str, references: list[str] | None = None, longest: int | None = None) -> list[Piece]:
    """Cut a text around what looks like payment references, at most ``longest`` characters of it.

    ``references``: what was found in it for certain; their first letters tell where, whatever stands between them.
    """
    shown = readable(memo)
    shown = shown if longest is None or len(shown) <= longest else shown[: longest - 1] + "…"
    spans = _spans(shown, references or [])
    parts: list[Piece] = []
    end = 0
    for start, stop in spans:
        if start > end:
            parts.append(Piece(shown[end:start], marked=False))
        parts.append(Piece(shown[start:stop], marked=True))
        end = stop
    return [*parts, Piece(shown[end:], marked=False)] if end < len(shown) else parts


def readable(memo: str) -> str:
    """The text on one line, without characters that turn or hide others (a forged text must not lie to the eye)."""
    kept = (" " if char in "\r\n\t" else char for char in memo if unicodedata.category(char) not in {"Cf", "Cs", "Co"})
    return "".join(char for char in kept if unicodedata.category(char) != "Cc")


def _spans(text: str, references: list[str]) -> list[tuple[int, int]]:
    """Where the found references stand, else where something looks like one."""
    found = [match.span() for reference in references for match in [_spelled(reference).search(text)] if match]
    looks = found or [match.span() for match in _CODE.finditer(text) if _MIX.match(match[0][2:])]
    spans: list[tuple[int, int]] = []
    for start, stop in sorted(looks):
        if not spans or start >= spans[-1][1]:
            spans.append((start, stop))
    return spans


def _spelled(reference: str) -> re.Pattern[str]:
    """A reference as people and banks write it: O for 0, I or L for 1, anything but letters and digits between."""
    twins = {"0": "[0O]", "1": "[1IL]"}
    return re.compile(r"[^0-9A-Za-z]{0,3}".join(twins.get(char, char) for char in reference), re.IGNORECASE)
