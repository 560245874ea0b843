"""Which line pays what: computed anew from all facts, the same for every order of them. Pure.

The tiers, the strongest first (a person's payouts stand already and are not among the facts given here): the
intermediary's report; a line that names its payments; all that was due on the line's day; payments of days in a row.
What a tier explains is gone for the next ones. Within a tier an explanation that competes for a line or a payment
with another one is none: then a person decides (invariant I12).
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import accumulate

from payments.banking.rules import Tariff
from payments.clearing.rules import (
    REACH_DAYS,
    RUN_DAYS,
    SHORTEST_NUMBER,
    Announced,
    Explanation,
    Line,
    Owed,
    fee_of,
    in_reach,
)

Content = tuple[int, int, tuple[int, ...], int]
MOST_PROPOSALS = 3


def explain(
    lines: Iterable[Line],
    owed: Iterable[Owed],
    announced: Sequence[Announced] = (),
    tariffs: Sequence[Tariff] = (),
    refused: Collection[Content] = (),
) -> list[Explanation]:
    """The payouts that follow from the facts, by line; ``refused``: contents that a person has dissolved."""
    desk = Desk(
        sorted(lines, key=lambda line: (line.day, line.id)),
        sorted(owed, key=lambda item: (item.day, item.id)),
        tariffs,
        frozenset(refused),
    )
    desk.keep(by_report(desk, announced))
    desk.withhold(item_id for one in announced for item_id in one.item_ids)
    desk.keep(by_name(desk))
    desk.keep(by_due_day(desk))
    desk.keep(by_run(desk))
    return sorted(desk.found, key=lambda one: one.line_id)


def propose(line: Line, owed: Iterable[Owed], tariffs: Sequence[Tariff]) -> list[Explanation]:
    """What a person may look at first for a line that nothing explains, the best first; fees as they come out.

    Everything that adds up by a known fee, also without one payment; else all that was due by the line's day.
    """
    desk = Desk(
        [line], sorted((item for item in owed if in_reach(line, item)), key=lambda item: (item.day, item.id)), tariffs
    )
    fitting = [*by_name(desk), *by_due_day(desk), *by_run(desk), *without_one(desk)]
    distinct = list({one.content: one for one in fitting}.values())
    if distinct:
        return distinct[:MOST_PROPOSALS]
    guesses = []
    for connection_id, items in desk.by_connection().items():
        due = [item for item in unvoided(items) if item.due <= line.day]
        gross_vnd = sum(item.amount_vnd for item in due)
        if due and gross_vnd >= line.amount_vnd:
            guesses.append(_explanation(line, connection_id, due, gross_vnd - line.amount_vnd, "person"))
    return sorted(guesses, key=lambda one: one.fee_vnd)[:MOST_PROPOSALS]


@dataclass(slots=True)
class Desk:
    """What is not explained yet, and what is."""

    lines: list[Line]
    owed: list[Owed]
    tariffs: Sequence[Tariff]
    refused: frozenset[Content] = frozenset()
    found: list[Explanation] = field(default_factory=list)

    def keep(self, hits: Iterable[Explanation]) -> None:
        """Keep the explanations that compete with no other one."""
        distinct = list({hit.content: hit for hit in hits if hit.content not in self.refused}.values())
        lines = Counter(hit.line_id for hit in distinct)
        items = Counter(item_id for hit in distinct for item_id in hit.item_ids)
        sole = [
            hit for hit in distinct if lines[hit.line_id] == 1 and all(items[item_id] == 1 for item_id in hit.item_ids)
        ]
        self.found += sole
        taken = {hit.line_id for hit in sole}
        self.lines = [line for line in self.lines if line.id not in taken]
        self.withhold(item_id for hit in sole for item_id in hit.item_ids)

    def withhold(self, item_ids: Iterable[int]) -> None:
        """Let the next tiers not see these items."""
        gone = set(item_ids)
        self.owed = [item for item in self.owed if item.id not in gone]

    def by_connection(self) -> dict[int, list[Owed]]:
        """What is left, by intermediary, in order of days."""
        found: dict[int, list[Owed]] = defaultdict(list)
        for item in self.owed:
            found[item.connection_id].append(item)
        return dict(sorted(found.items()))

    def nameless(self) -> Iterator[Line]:
        """Lines that name no payment; one that may be a single payment of its very amount is no payout by itself."""
        amounts = {(item.amount_vnd, item.day) for item in self.owed}
        for line in self.lines:
            days = (line.day - timedelta(days=back) for back in range(REACH_DAYS + 1))
            if not line.references and not any((line.amount_vnd, day) in amounts for day in days):
                yield line


def by_report(desk: Desk, announced: Sequence[Announced]) -> Iterator[Explanation]:
    """The line of a payout that a report tells in full: by the payout's reference, by its day, or the only one."""
    known = {item.id: item for item in desk.owed}
    for one in announced:
        if not one.whole or not one.item_ids <= known.keys():
            continue
        items = [known[item_id] for item_id in sorted(one.item_ids)]
        if sum(item.amount_vnd for item in items) - one.fee_vnd != one.net_vnd:
            continue
        line = _line_of(one, [line for line in desk.lines if line.amount_vnd == one.net_vnd and _near(line, one)])
        if line is not None:
            yield _explanation(line, one.connection_id, items, one.fee_vnd, "report")


def _line_of(one: Announced, candidates: Sequence[Line]) -> Line | None:
    numbered = [line for line in candidates if _bears(line, one.number)]
    same_day = [line for line in candidates if line.day == one.day]
    for group in (numbered, same_day, candidates):
        if group:
            return group[0] if len(group) == 1 else None
    return None


def _near(line: Line, one: Announced) -> bool:
    return one.day is None or -1 <= (line.day - one.day).days <= REACH_DAYS


def _bears(line: Line, number: str) -> bool:
    return len(number) >= SHORTEST_NUMBER and (line.number == number or number in line.words)


def by_name(desk: Desk) -> Iterator[Explanation]:
    """A line that names payments is a parent's transfer, unless it is exactly these payments minus a fee above zero."""
    named = [line for line in desk.lines if line.references]
    for connection_id, items in desk.by_connection().items():
        by_reference: dict[str, list[Owed]] = defaultdict(list)
        for item in items:
            for name in item.references:
                by_reference[name].append(item)
        for line in named:
            if not all(name in by_reference for name in line.references):
                continue
            meant = {item.id: item for name in line.references for item in by_reference[name] if in_reach(line, item)}
            fee_vnd = fee_of(line, list(meant.values()), desk.tariffs) if meant else None
            if fee_vnd:
                yield _explanation(line, connection_id, list(meant.values()), fee_vnd, "named")


def by_due_day(desk: Desk) -> Iterator[Explanation]:
    """All that was due on the day of the line."""
    return _as_paid_out(desk, "due", _due_groups)


def by_run(desk: Desk) -> Iterator[Explanation]:
    """All payments of some days in a row: intermediaries settle a weekend, or a week, at once."""
    return _as_paid_out(desk, "run", _run_groups)


Groups = Callable[[Sequence[Owed], Sequence[Line], Sequence[Tariff]], Iterator[tuple[Line, list[Owed]]]]


def _as_paid_out(desk: Desk, rule: str, groups: Groups) -> Iterator[Explanation]:
    """Groups that a known fee makes the line: without what was taken back before it was paid out, else with it."""
    nameless = list(desk.nameless())
    if not nameless:
        return
    for connection_id, items in desk.by_connection().items():
        lines = nameless
        for universe in (unvoided(items), items):
            hits = []
            for line, group in groups(universe, lines, desk.tariffs):
                fee_vnd = fee_of(line, group, desk.tariffs)
                if fee_vnd is not None:
                    hits.append(_explanation(line, connection_id, group, fee_vnd, rule))
            yield from hits
            hit = {one.line_id for one in hits}
            lines = [line for line in lines if line.id not in hit]


def _due_groups(
    items: Sequence[Owed], lines: Sequence[Line], _tariffs: Sequence[Tariff]
) -> Iterator[tuple[Line, list[Owed]]]:
    due: dict[date, list[Owed]] = defaultdict(list)
    for item in items:
        due[item.due].append(item)
    return ((line, due[line.day]) for line in lines if line.day in due)


def _run_groups(
    items: Sequence[Owed], lines: Sequence[Line], tariffs: Sequence[Tariff]
) -> Iterator[tuple[Line, list[Owed]]]:
    runs = Runs(items, tariffs)
    return ((line, group) for line in lines for group in runs.that_may_be(line))


def without_one(desk: Desk) -> Iterator[Explanation]:
    """Runs of which one payment did not arrive: for a person to look at."""
    for connection_id, items in desk.by_connection().items():
        runs = Runs(unvoided(items), desk.tariffs)
        for line in desk.nameless():
            for group in runs.before(line):
                for rest in _with_one_less(group, line, desk.tariffs):
                    fee_vnd = fee_of(line, rest, desk.tariffs)
                    if fee_vnd is not None:
                        yield _explanation(line, connection_id, rest, fee_vnd, "person")


def _with_one_less(group: Sequence[Owed], line: Line, tariffs: Sequence[Tariff]) -> Iterator[list[Owed]]:
    for tariff in (*tariffs, Tariff(0, 0)):
        nets = {item.id: item.amount_vnd - tariff.fee_vnd(item.amount_vnd) for item in group if item.amount_vnd > 0}
        too_much_vnd = sum(nets.values()) - line.amount_vnd
        for absent_id, net_vnd in nets.items():
            if net_vnd == too_much_vnd and len(group) > 1:
                yield [item for item in group if item.id != absent_id]


def unvoided(items: Sequence[Owed]) -> list[Owed]:
    """Without the payments that were taken back by the day they were due, and without what took them back."""
    payments = {item.id: item for item in items}
    gone: set[int] = set()
    for item in items:
        paid = payments.get(item.takes_back or 0)
        if paid is not None and item.day <= paid.due:
            gone |= {item.id, paid.id}
    return [item for item in items if item.id not in gone]


class Runs:
    """All items of days in a row, found by what their payout would be: sums over days, not over items."""

    def __init__(self, items: Sequence[Owed], tariffs: Sequence[Tariff]) -> None:
        self._by_day: dict[date, list[Owed]] = defaultdict(list)
        for item in items:
            self._by_day[item.day].append(item)
        self._days = sorted(self._by_day)
        self._gross = self._sums(lambda item: item.amount_vnd)
        self._kept = [self._sums(_kept_by(tariff)) for tariff in tariffs]
        self._given_back = [self._sums(_given_back_by(tariff)) for tariff in tariffs]
        self._tariffs = tariffs
        self._by_net: dict[int, list[tuple[int, int]]] = defaultdict(list)
        self._by_gross: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for first, last in self._spans():
            gross_vnd = self._gross[last] - self._gross[first]
            self._by_gross[gross_vnd].append((first, last))
            for net_vnd in self._nets(first, last, gross_vnd):
                self._by_net[net_vnd].append((first, last))

    def that_may_be(self, line: Line) -> Iterator[list[Owed]]:
        """Runs that the line may pay, by its amount or by the fee that it states."""
        spans = [*self._by_net.get(line.amount_vnd, ())]
        if line.stated_fee_vnd:
            spans += self._by_gross.get(line.amount_vnd + line.stated_fee_vnd, ())
        for first, last in dict.fromkeys(spans):
            if self._may_precede(line, first, last):
                yield self._items(first, last)

    def before(self, line: Line) -> Iterator[list[Owed]]:
        """Every run before the line."""
        for first, last in self._spans():
            if self._may_precede(line, first, last):
                yield self._items(first, last)

    def _may_precede(self, line: Line, first: int, last: int) -> bool:
        days = self._days
        return days[last - 1] <= line.day and (line.day - days[first]).days <= REACH_DAYS

    def _items(self, first: int, last: int) -> list[Owed]:
        return [item for day in self._days[first:last] for item in self._by_day[day]]

    def _spans(self) -> Iterator[tuple[int, int]]:
        """Places of days: from the first on, up to but not including the last."""
        for first, day in enumerate(self._days):
            for last in range(first + 1, len(self._days) + 1):
                if (self._days[last - 1] - day).days > RUN_DAYS:
                    break
                yield first, last

    def _sums(self, value: Callable[[Owed], int]) -> list[int]:
        """Sums of the days before each place."""
        return [0, *accumulate(sum(map(value, self._by_day[day])) for day in self._days)]

    def _nets(self, first: int, last: int, gross_vnd: int) -> set[int]:
        nets = {gross_vnd}
        for tariff, kept, given_back in zip(self._tariffs, self._kept, self._given_back, strict=True):
            fee_vnd = kept[last] - kept[first]
            nets |= {gross_vnd - fee_vnd, gross_vnd - fee_vnd + given_back[last] - given_back[first]}
            nets.add(gross_vnd - tariff.fee_vnd(gross_vnd))
        return nets


def _kept_by(tariff: Tariff) -> Callable[[Owed], int]:
    return lambda item: tariff.fee_vnd(item.amount_vnd) if item.amount_vnd > 0 else 0


def _given_back_by(tariff: Tariff) -> Callable[[Owed], int]:
    return lambda item: tariff.fee_vnd(-item.amount_vnd) if item.amount_vnd < 0 else 0


def _explanation(line: Line, connection_id: int, items: Iterable[Owed], fee_vnd: int, rule: str) -> Explanation:
    return Explanation(line.id, connection_id, tuple(sorted(item.id for item in items)), fee_vnd, rule)
