"""Pairing one-to-one within a key: in time that grows with the number of facts, whatever their order. Pure.

``Window`` says how many days the right fact may lie after the left one: (at least, at most).
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from datetime import date
from typing import Protocol, TypeVar

Window = tuple[int, int]


class Dated(Protocol):
    """A fact with its day."""

    @property
    def day(self) -> date:
        """The day it is dated."""


Left = TypeVar("Left", bound=Dated)
Right = TypeVar("Right", bound=Dated)
Key = Hashable | None
"""None: this fact takes no part."""


def grouped(
    left: Iterable[Left],
    right: Iterable[Right],
    left_key: Callable[[Left], Key],
    right_key: Callable[[Right], Key],
) -> Iterator[tuple[list[Left], list[Right]]]:
    """Yield the facts of every key that both sides have, in the order in which they were given."""
    lefts: dict[Hashable, list[Left]] = {}
    for one in left:
        if (key := left_key(one)) is not None:
            lefts.setdefault(key, []).append(one)
    rights: dict[Hashable, list[Right]] = {}
    for other in right:
        if (key := right_key(other)) is not None and key in lefts:
            rights.setdefault(key, []).append(other)
    return ((lefts[key], found) for key, found in rights.items())


def one_to_one(left: Sequence[Left], right: Sequence[Right], window: Window) -> Iterator[tuple[Left, Right]]:
    """Pair facts that are equal in all but their day: those of one day first, then the earliest that fit."""
    if len(left) == len(right) == 1:
        if within(left[0], right[0], window):
            yield left[0], right[0]
        return
    waiting: dict[date, list[Right]] = defaultdict(list)
    for other in right:
        waiting[other.day].append(other)
    alone = []
    for one in left:
        same_day = waiting.get(one.day)
        if same_day:
            yield one, same_day.pop(0)
        else:
            alone.append(one)
    yield from _in_order(alone, [other for group in waiting.values() for other in group], window)


def _in_order(left: list[Left], right: list[Right], window: Window) -> Iterator[tuple[Left, Right]]:
    left.sort(key=lambda fact: fact.day)
    right.sort(key=lambda fact: fact.day)
    position = 0
    for one in left:
        while position < len(right) and (right[position].day - one.day).days < window[0]:
            position += 1
        if position < len(right) and within(one, right[position], window):
            yield one, right[position]
            position += 1


def within(one: Dated, other: Dated, window: Window) -> bool:
    """Whether the other fact lies in the window of the one."""
    return window[0] <= (other.day - one.day).days <= window[1]


def neighbourhoods(
    left: Sequence[Left], right: Sequence[Right], window: Window
) -> Iterator[tuple[list[Left], list[Right]]]:
    """Part facts into sets that are connected by the window, each with both sides."""
    by_day: dict[date, tuple[list[Left], list[Right]]] = defaultdict(lambda: ([], []))
    for one in left:
        by_day[one.day][0].append(one)
    for other in right:
        by_day[other.day][1].append(other)
    group: tuple[list[Left], list[Right]] = ([], [])
    for day in sorted(by_day):
        lefts, rights = by_day[day]
        if not any(_joined(group, lefts, rights, window)):
            yield from _both(group)
            group = ([], [])
        group[0].extend(lefts)
        group[1].extend(rights)
    yield from _both(group)


def connected(
    left: Sequence[Left], right: Sequence[Right], parted: Callable[[Sequence[Left], Sequence[Right]], bool]
) -> Iterator[tuple[list[Left], list[Right]]]:
    """Part candidates into sets that hold together when some of them are known not to be one; both sides each."""
    rights = list(right)
    groups: list[tuple[list[Left], list[Right]]] = [([], [other]) for other in rights]
    for one in left:
        mine = [group for group in groups if any(not parted([one], [other]) for other in group[1])]
        if not mine:
            continue
        rest = [group for group in groups if all(group is not other for other in mine)]
        lefts = [found for group in mine for found in group[0]]
        groups = [*rest, ([*lefts, one], [found for group in mine for found in group[1]])]
    yield from (group for group in groups if group[0])


def _joined(
    group: tuple[list[Left], list[Right]], lefts: list[Left], rights: list[Right], window: Window
) -> Iterator[bool]:
    """Days come in order, so of the group only the last fact of each side can be near."""
    if lefts and group[1]:
        yield within(lefts[0], group[1][-1], window)
    if rights and group[0]:
        yield within(group[0][-1], rights[0], window)


def _both(group: tuple[list[Left], list[Right]]) -> Iterator[tuple[list[Left], list[Right]]]:
    if group[0] and group[1]:
        yield group
