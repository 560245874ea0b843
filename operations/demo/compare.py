"""The judge: what was planted against what was found, row by row; a false alarm counts as much as a miss."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from operations.demo import truth

SHOWN = 5


@dataclass(frozen=True, slots=True)
class Verdict:
    """The comparison: counts by key, and the rows that only one side knows."""

    planted: dict[str, int]
    found: dict[str, int]
    missed: dict[str, list[str]]
    false_alarms: dict[str, list[str]]

    @property
    def ok(self) -> bool:
        """Whether both sides name the same rows."""
        return not self.missed and not self.false_alarms


def compare(path: Path, found: Mapping[str, Counter[str]], doubtful: Collection[str] = ()) -> Verdict:
    """Open the truth and compare. ``doubtful`` rows, of which nobody can know how often they arrived, are left out."""
    planted = {key: _certain(rows, doubtful) for key, rows in truth.read(path).items()}
    told = {key: _certain(rows, doubtful) for key, rows in found.items()}
    keys = sorted(planted.keys() | told.keys())
    missed = {key: planted.get(key, Counter()) - told.get(key, Counter()) for key in keys}
    alarms = {key: told.get(key, Counter()) - planted.get(key, Counter()) for key in keys}
    return Verdict(
        planted=_counts(planted),
        found=_counts(told),
        missed=_some(missed),
        false_alarms=_some(alarms),
    )


def _certain(rows: Counter[str], doubtful: Collection[str]) -> Counter[str]:
    return Counter({row: count for row, count in rows.items() if row not in doubtful})


def _counts(rows: Mapping[str, Counter[str]]) -> dict[str, int]:
    return {key: found.total() for key, found in sorted(rows.items()) if found}


def _some(rows: Mapping[str, Counter[str]]) -> dict[str, list[str]]:
    """The first of the rows, for a person."""
    return {key: sorted(found.elements())[:SHOWN] for key, found in rows.items() if found}
