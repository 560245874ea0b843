"""Share money out that may pay any of several lines: as much of it as can be placed at all. Pure.

Pots overlap: a bundle of all items, another of two of them, a pupil's own account. If each simply took the first open
line, one could take what another needs, and a parent who paid exactly what the page asked for would see something open
and something too much. So the pots are shared out together (a maximum flow from pots to lines). What comes out is
unique, whatever the order of arrival: lines are filled in the order of allocation as far as any sharing allows, and of
pots that compete the earlier one is used up first. Both hold at once, as the theorem of Mendelsohn and Dulmage says of
matchings.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Pot:
    """So many đồng that may pay these lines (ids), and what they pay."""

    amount_vnd: int
    lines: frozenset[int]
    pays: dict[int, int] = field(default_factory=dict)
    """Line id -> đồng; nothing that is zero."""

    @property
    def left_vnd(self) -> int:
        """What finds no place."""
        return self.amount_vnd - sum(self.pays.values())

    def pay(self, line_id: int, amount_vnd: int) -> None:
        """Pay more of a line, or (negative) less."""
        paid_vnd = self.pays.pop(line_id, 0) + amount_vnd
        if paid_vnd:
            self.pays[line_id] = paid_vnd


def share_out(pots: Sequence[Pot], room: Mapping[int, int]) -> None:
    """Place the pots' money on lines; ``room``: line id -> đồng that are open, in the order of allocation."""
    left = dict(room)
    for pot in pots:
        while pot.left_vnd and _place_some(pot, pots, left):
            pass
    rank = {line_id: place for place, line_id in enumerate(left)}
    for line_id in rank:
        while left[line_id] and _bring_forward(line_id, pots, left, rank):
            pass


def _place_some(start: Pot, pots: Sequence[Pot], left: dict[int, int]) -> bool:
    """Place some money of a pot, where need be by moving money of others to other lines of theirs."""
    came: dict[int, tuple[Pot, int | None]] = {}
    """Line -> the pot that would pay it, and the line that this pot would pay less of instead."""
    queue: deque[tuple[Pot, int | None]] = deque([(start, None)])
    while queue:
        pot, instead = queue.popleft()
        for line_id, open_vnd in left.items():
            if line_id not in pot.lines or line_id in came:
                continue
            came[line_id] = (pot, instead)
            if open_vnd:
                _shift(line_id, came, min(start.left_vnd, open_vnd), left)
                return True
            queue.extend((other, line_id) for other in pots if line_id in other.pays and other is not pot)
    return False


def _bring_forward(wanted: int, pots: Sequence[Pot], left: dict[int, int], rank: Mapping[int, int]) -> bool:
    """Pay some more of a line in place of a later one, by moving money along lines that stay as full as they are."""
    came: dict[int, tuple[Pot, int]] = {}
    """Line -> the pot that would pay less of it, and the line that this pot would pay instead."""
    queue = deque([wanted])
    while queue:
        line_id = queue.popleft()
        for pot in pots:
            if line_id not in pot.lines:
                continue
            for paid in sorted(pot.pays, key=rank.__getitem__, reverse=True):
                if paid in came or paid == wanted:
                    continue
                came[paid] = (pot, line_id)
                if rank[paid] > rank[wanted]:
                    _give_way(paid, came, wanted, left)
                    return True
                queue.append(paid)
    return False


def _shift(line_id: int, came: Mapping[int, tuple[Pot, int | None]], most_vnd: int, left: dict[int, int]) -> None:
    path: list[tuple[Pot, int, int | None]] = []
    at: int | None = line_id
    while at is not None:
        pot, instead = came[at]
        path.append((pot, at, instead))
        at = instead
    amount_vnd = min([most_vnd, *(pot.pays[instead] for pot, _, instead in path if instead is not None)])
    for pot, paid, instead in path:
        pot.pay(paid, amount_vnd)
        if instead is not None:
            pot.pay(instead, -amount_vnd)
    left[line_id] -= amount_vnd


def _give_way(later: int, came: Mapping[int, tuple[Pot, int]], wanted: int, left: dict[int, int]) -> None:
    path: list[tuple[Pot, int, int]] = []
    at = later
    while at != wanted:
        pot, instead = came[at]
        path.append((pot, at, instead))
        at = instead
    amount_vnd = min([left[wanted], *(pot.pays[less] for pot, less, _ in path)])
    for pot, less, more in path:
        pot.pay(less, -amount_vnd)
        pot.pay(more, amount_vnd)
    left[wanted] -= amount_vnd
    left[later] += amount_vnd
