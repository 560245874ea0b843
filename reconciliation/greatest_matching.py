"""As many pairs as there can be between lines of two sides, the likely ones first; equal lines are counted as one kind.

Thousands of equal amounts of one day are a few kinds, so a school of any size is compared in a moment.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Sides:
    """Our lines and their kinds, the kinds of theirs that each of ours may meet, and the lines of each of those."""

    kind_of: Sequence[int]
    """Of each of our lines."""
    reach: Sequence[Sequence[int]]
    """Kinds of theirs, by our kind."""
    members: Sequence[Sequence[int]]
    """Lines of theirs, by their kind."""
    holders: list[set[int]] = field(init=False)
    """Our lines that hold a place in a kind of theirs; never more than it has members."""
    held: dict[int, int] = field(default_factory=dict)
    """Kind of theirs, by our line."""

    def __post_init__(self) -> None:
        self.holders = [set() for _ in self.members]

    def has_room(self, kind: int) -> bool:
        """Whether a line of that kind has no partner yet."""
        return len(self.holders[kind]) < len(self.members[kind])

    def hold(self, mine: int, kind: int) -> None:
        """Give a line of ours a place there, and up the one that it had."""
        if mine in self.held:
            self.holders[self.held[mine]].discard(mine)
        self.held[mine] = kind
        self.holders[kind].add(mine)


def greatest_matching(sides: Sides, likely: Iterable[tuple[int, int]], order: Iterable[int]) -> dict[int, int]:
    """Pair our lines (keys) with theirs.

    ``likely``: pairs that may be, the likeliest first; a line that has one stays paired. ``order``: all our lines as
    they are tried after that; by augmenting paths, so what is left over has no partner in whatever way one pairs.
    """
    wished = _take_likely(sides, likely)
    tried: set[int] = set()  # Our kinds from which nobody finds room: a search that failed says so for all later ones.
    for mine in order:
        if mine not in sides.held:
            _augment(sides, mine, tried)
    return _places(sides, wished)


def _take_likely(sides: Sides, likely: Iterable[tuple[int, int]]) -> dict[int, int]:
    kind_of_theirs = {other: kind for kind, members in enumerate(sides.members) for other in members}
    wished: dict[int, int] = {}
    taken: set[int] = set()
    for mine, other in likely:
        if mine not in wished and other not in taken:
            wished[mine] = other
            taken.add(other)
            sides.hold(mine, kind_of_theirs[other])
    return wished


def _augment(sides: Sides, start: int, tried: set[int]) -> None:
    came_from: dict[int, int] = {}
    waiting, seen = deque([start]), set(tried)
    while waiting:
        mine = waiting.popleft()
        if sides.kind_of[mine] in seen:
            continue
        seen.add(sides.kind_of[mine])
        for kind in sides.reach[sides.kind_of[mine]]:
            if kind in came_from:
                continue
            came_from[kind] = mine
            if sides.has_room(kind):
                _hand_on(sides, came_from, start, kind)
                return
            waiting.extend(sorted(sides.holders[kind]))
    tried |= seen


def _hand_on(sides: Sides, came_from: dict[int, int], start: int, kind: int) -> None:
    """Along the path back to ``start``, each line moves to the kind that it reached."""
    while True:
        mine = came_from[kind]
        before = sides.held.get(mine)
        sides.hold(mine, kind)
        if mine == start or before is None:
            return
        kind = before


def _places(sides: Sides, wished: dict[int, int]) -> dict[int, int]:
    """A line of theirs for each line of ours: the likely one where its kind is still held."""
    free: dict[int, dict[int, None]] = {kind: dict.fromkeys(members) for kind, members in enumerate(sides.members)}
    found: dict[int, int] = {}
    for mine, kind in sides.held.items():
        if wished.get(mine) in free[kind]:
            found[mine] = wished[mine]
            del free[kind][wished[mine]]
    left: dict[int, Iterator[int]] = {kind: iter(list(places)) for kind, places in free.items()}
    return found | {mine: next(left[kind]) for mine, kind in sorted(sides.held.items()) if mine not in found}
