"""Which exception a newer night's finding continues: pure, deterministic, in time linear in the facts that they share.

An exception is known by its facts: natural keys of bank lines and rows of the books, ids of evidence, the place where a
statement breaks. A finding continues the exception with which it shares facts; live work comes before finished work,
more shared facts before fewer, the older before the newer. Where two exceptions end in one case, the other one is
merged; where one falls apart, its rest becomes an exception of its own that names where it came from.
"""

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
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
    pairs = sorted(_pairs(findings, known), key=lambda pair: pair.order)
    taken: dict[int, Known] = {}
    used: set[int] = set()
    nearest: dict[int, Known] = {}
    for pair in pairs:
        nearest.setdefault(pair.place, pair.known)
        if pair.place not in taken and pair.known.id not in used:
            taken[pair.place] = pair.known
            used.add(pair.known.id)
    merged = _merged(pairs, taken, used)
    plan = Plan()
    for place, finding in enumerate(findings):
        if place in taken:
            plan.steps.append(Step(finding, taken[place], tuple(merged[place])))
        else:
            plan.new.append((finding, nearest.get(place)))
    swallowed = {one.id for group in merged.values() for one in group}
    plan.gone.extend(one for one in sorted(known, key=lambda one: one.id) if one.id not in used | swallowed)
    return plan


@dataclass(frozen=True, slots=True)
class _Pair:
    """A finding and an exception that share facts."""

    place: int
    """Of the finding."""
    known: Known
    now: int
    """So many facts that the exception has today."""
    once: int
    """So many facts that it once had."""

    @property
    def order(self) -> tuple[int, ...]:
        return (self.known.rank, -self.now, -self.once, self.known.id, self.place)


def _pairs(findings: Sequence[Found], known: Iterable[Known]) -> Iterator[_Pair]:
    """Every finding with every exception that shares a fact with it."""
    holders: dict[str, list[tuple[Known, bool]]] = defaultdict(list)
    for one in known:
        for key in one.current | one.former:
            holders[key].append((one, key in one.current))
    for place, finding in enumerate(findings):
        shared: dict[int, list[int]] = defaultdict(lambda: [0, 0])
        by_id: dict[int, Known] = {}
        for key in finding.keys:
            for one, is_current in holders.get(key, ()):
                shared[one.id][not is_current] += 1
                by_id[one.id] = one
        for number, one in by_id.items():
            yield _Pair(place, one, *shared[number])


def _merged(pairs: Iterable[_Pair], taken: Mapping[int, Known], used: Container[int]) -> Mapping[int, list[Known]]:
    """Exceptions that continue nothing, by the finding that has most of their facts of today.

    What a night closed is not merged: nobody looks for it.
    """
    result: dict[int, list[Known]] = defaultdict(list)
    seen: set[int] = set()
    for pair in pairs:
        one = pair.known
        if one.id in used or one.id in seen or pair.place not in taken or not pair.now or one.rank == BY_NIGHT:
            continue
        seen.add(one.id)
        result[pair.place].append(one)
    return result


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
