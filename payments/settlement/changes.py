"""From what stands and what should stand to the rows to add and the lines to post. Pure.

Money rows are only ever added: more money is one more row, less money takes rows back whole (a negative row that names
the first) and adds the remainder.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

Place = tuple[int, int]
"""(transaction id, line id) of an allocation, or (transaction id, pupil id) of a credit."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A live row: added, and not taken back."""

    id: int
    place: Place
    amount_vnd: int


@dataclass(frozen=True, slots=True)
class NewRow:
    """A row to add; negative when it takes ``reverses_id`` back."""

    place: Place
    amount_vnd: int
    reverses_id: int | None = None


def totals(standing: Iterable[Standing]) -> dict[Place, int]:
    """What stands at each place, in đồng."""
    sums: dict[Place, int] = defaultdict(int)
    for row in standing:
        sums[row.place] += row.amount_vnd
    return dict(sums)


def differences(wanted: Mapping[Place, int], stands: Mapping[Place, int]) -> dict[Place, int]:
    """How much each place must change, in đồng; places that stay are left out."""
    changes = {place: wanted.get(place, 0) - stands.get(place, 0) for place in wanted.keys() | stands.keys()}
    return {place: changes[place] for place in sorted(changes) if changes[place]}


def new_rows(changes: Mapping[Place, int], standing: Iterable[Standing]) -> list[NewRow]:
    """The rows that bring about the changes. Raises ValueError when more is to be taken back than stands."""
    at: dict[Place, list[Standing]] = defaultdict(list)
    for row in standing:
        at[row.place].append(row)
    return [
        row
        for place, change_vnd in changes.items()
        for row in ([NewRow(place, change_vnd)] if change_vnd > 0 else _take_back(place, -change_vnd, at[place]))
    ]


def _take_back(place: Place, wanted_vnd: int, standing: Sequence[Standing]) -> Iterator[NewRow]:
    """Take whole rows back, the newest first, and add what was too much."""
    for row in sorted(standing, key=lambda row: -row.id):
        if wanted_vnd <= 0:
            break
        wanted_vnd -= row.amount_vnd
        yield NewRow(place, -row.amount_vnd, row.id)
    if wanted_vnd > 0:
        raise ValueError(f"{wanted_vnd} đồng more to take back than stands at {place}")
    if wanted_vnd < 0:
        yield NewRow(place, -wanted_vnd)
