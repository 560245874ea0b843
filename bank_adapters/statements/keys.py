"""Natural keys of lines: the same lines give the same keys, however the file was saved or sorted."""

import hashlib
import unicodedata
from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

from bank_adapters.statements.model import StatementLine

Key = TypeVar("Key", bound=Hashable)


def fold(text: str) -> str:
    """Reduce to upper-case A-Z, 0-9 and other letters without marks, so that re-saving changes nothing."""
    if text.isascii():
        return (text if text.isalnum() else "".join(filter(str.isalnum, text))).upper()
    spread = unicodedata.normalize("NFKD", text).replace("đ", "d").replace("Đ", "D")
    return "".join(char for char in spread if char.isalnum()).upper()


def fold_reference(text: str | None) -> str:
    """Fold a reference; leading zeros go too, for a spreadsheet program drops them from numbers."""
    return fold(text or "").lstrip("0")


def fingerprint(text: str) -> str:
    """Stand in for a text that may hold a name: 128 bits of the hash of its folded form."""
    return hashlib.sha256(fold(text).encode()).hexdigest()[:32]


def natural_key(line: StatementLine) -> str:
    """Name the fact behind a line: day, direction, amount and reference; without reference, its text."""
    reference = fold_reference(line.bank_reference) or "#" + fingerprint(line.description)
    return f"{line.booked_on.isoformat()}|{line.direction}|{line.amount_vnd}|{reference}"


def natural_keys(lines: Sequence[StatementLine]) -> list[tuple[str, int]]:
    """Give each line its key and its occurrence number: two equal payments stay two."""
    return count_occurrences((natural_key(line), fold(line.description)) for line in lines)


def count_occurrences(keyed: Iterable[tuple[Key, str]]) -> list[tuple[Key, int]]:
    """Number equal keys from 1; among equals the tie-break text decides, so the order of rows does not."""
    pairs = list(keyed)
    seen: dict[Key, int] = {}
    numbered: list[tuple[Key, int]] = [(key, 0) for key, _ in pairs]
    for position in sorted(range(len(pairs)), key=lambda index: pairs[index][1]):
        key = pairs[position][0]
        seen[key] = seen.get(key, 0) + 1
        numbered[position] = (key, seen[key])
    return numbered
