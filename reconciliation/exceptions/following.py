"""Which exception a newer night's finding continues: pure, deterministic, in time linear in the facts that they share.

An exception is known by its facts: natural keys of bank lines and rows of the books, ids of evidence, the place where a
statement breaks. A finding continues the exception with which it shares facts; live work comes before finished work,
more shared facts before fewer, the older before the newer. Where two exceptions end in one case, the other one is
merged; where one falls apart, its rest becomes an exception of its own that names where it came from.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from reconciliation.exceptions.rules import BY_SYSTEM, Resolution, State

_RANK = {State.PROPOSED: 0, State.ASSIGNED: 1, State.OPEN: 2}
BY_PERSON, BY_NIGHT = 3, 4
"""Finished work ranks after all live work, what a person decided before what a night closed."""


@dataclass(frozen=True, slots=True)
class Found:
    """An item of a standing run that is an exception; ``keys`` name its facts."""

    item_id: int
    run_id: int
    primary_class: str
    flags: tuple[str, ...]
    amount_vnd: int
    day: date
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """An exception as it was left: its facts now, and those that it once had."""

    id: int
    state: State
    assignee_id: int | None
    resolution: Resolution | None
    primary_class: str
    flags: tuple[str, ...]
    amount_vnd: int
    day: date
    current: frozenset[str]
    former: frozenset[str] = frozenset()

    @property
    def rank(self) -> int:
        """Which of several goes on: the one furthest in its work."""
        if self.state in _RANK:
            return _RANK[self.state]
        return BY_NIGHT if self.resolution in BY_SYSTEM else BY_PERSON


@dataclass(frozen=True, slots=True)
class Step:
    """A finding that continues an exception, with those that are merged into it."""

    found: Found
    known: Known
    merged: tuple[Known, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What a newer night does to the exceptions that it touches."""

    steps: list[Step] = field(default_factory=list)
    new: list[tuple[Found, Known | None]] = field(default_factory=list)
    """Findings without an exception, and the one that they fell off."""
    gone: list[Known] = field(default_factory=list)
    """Exceptions that no finding continues."""


def follow(found: Sequence[Found], known: Sequence[Known]) -> Plan:
    """Lay findings and exceptions side by side; the order of either changes nothing."""
    findings = sorted(found, key=lambda one: (one.day, one.run_id, one.item_id))
    pairs = _pairs(findings, known)
    taken: dict[int, Known] = {}
    used: set[int] = set()
    for _, known_id, place, one in sorted(pairs, key=lambda pair: (pair[0], pair[1], pair[2])):
        if place not in taken and known_id not in used:
            taken[place] = one
            used.add(known_id)
    plan = Plan()
    merged = _merged(pairs, taken, used)
    for place, finding in enumerate(findings):
        if place in taken:
            plan.steps.append(Step(finding, taken[place], tuple(merged[place])))
        else:
            plan.new.append((finding, _origin(pairs, place)))
    swallowed = {one.id for group in merged.values() for one in group}
    plan.gone.extend(one for one in sorted(known, key=lambda one: one.id) if one.id not in used | swallowed)
    return plan


_Pair = tuple[tuple[int, int], int, int, Known]
"""(rank and how much is shared), id of the exception, place of the finding, the exception."""


def _pairs(findings: Sequence[Found], known: Iterable[Known]) -> list[_Pair]:
    """Every finding with every exception that shares a fact with it; a fact of today counts twice."""
    holders: dict[str, list[tuple[Known, int]]] = defaultdict(list)
    for one in known:
        for key in one.current:
            holders[key].append((one, 2))
        for key in one.former - one.current:
            holders[key].append((one, 1))
    pairs: list[_Pair] = []
    for place, finding in enumerate(findings):
        shared: dict[int, int] = defaultdict(int)
        by_id: dict[int, Known] = {}
        for key in finding.keys:
            for one, weight in holders.get(key, ()):
                shared[one.id] += weight
                by_id[one.id] = one
        pairs += [((one.rank, -shared[number]), number, place, one) for number, one in by_id.items()]
    return pairs


def _merged(pairs: Iterable[_Pair], taken: dict[int, Known], used: set[int]) -> dict[int, list[Known]]:
    """Exceptions that continue nothing, by the finding that has most of their facts of today."""
    best: dict[int, _Pair] = {}
    for pair in pairs:
        order, number, place, one = pair
        mine = place in taken and any(key for key in one.current)
        if number in used or not mine:
            continue
        if number not in best or (order, place) < (best[number][0], best[number][2]):
            best[number] = pair
    result: dict[int, list[Known]] = defaultdict(list)
    for number in sorted(best):
        result[best[number][2]].append(best[number][3])
    return result


def _origin(pairs: Iterable[_Pair], place: int) -> Known | None:
    """The exception that a new finding fell off."""
    mine = [(order, number, one) for order, number, where, one in pairs if where == place]
    return min(mine, key=lambda pair: pair[:2])[2] if mine else None


def changes(found: Found, known: Known) -> dict[str, Any]:
    """What a finding says otherwise than its exception so far: {} when nothing does."""
    said: dict[str, Any] = {}
    for name in ("primary_class", "amount_vnd", "day"):
        before, now = getattr(known, name), getattr(found, name)
        if before != now:
            said[name] = [str(before) if isinstance(before, date) else before, str(now) if name == "day" else now]
    groups = {
        "flags_added": set(found.flags) - set(known.flags),
        "flags_removed": set(known.flags) - set(found.flags),
        "facts_added": set(found.keys) - known.current,
        "facts_removed": known.current - set(found.keys),
    }
    return said | {name: sorted(group) for name, group in groups.items() if group}


def is_material(said: dict[str, Any]) -> bool:
    """Whether what was decided before was decided about something else; a day or a lost flag alone is not."""
    return any(name in said for name in ("primary_class", "amount_vnd", "flags_added", "facts_added", "facts_removed"))
