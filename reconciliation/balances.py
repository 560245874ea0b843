"""The balance proof of an account over days: opening + credits - debits = closing, statement by statement. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from reconciliation.facts import Days

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class StatementFact:
    """An imported statement with its own proof; balances in đồng, None where the file implies none."""

    id: int
    first: date
    last: date
    opening_vnd: int | None
    closing_vnd: int | None
    sequence: int | None
    proved: bool
    break_at: str | None = None
    break_vnd: int | None = None
    format: str = ""


@dataclass(frozen=True, slots=True)
class BooksFact:
    """Books of the school's own that state their balance, in đồng: how they opened first, and what moved since."""

    import_id: int
    first: date
    last: date
    opening_vnd: int
    moved_vnd: int
    """Of all rows that were imported for the account since ``first``."""
    closing_vnd: int

    def against(self, bank_vnd: int | None, bank_moved_vnd: int) -> dict[str, Any]:
        """The bank's balance less what it has and the books have not, plus what the books have and it has not.

        ``bank_vnd`` at the end of ``last``; ``bank_moved_vnd`` since ``first``. What was apart before the first books
        is carried on and shown: nobody can explain it from here.
        """
        expected = self.opening_vnd + self.moved_vnd
        carried = None if bank_vnd is None else bank_vnd - bank_moved_vnd - self.opening_vnd
        return {
            "import": self.import_id,
            "through": self.last.isoformat(),
            "bank_vnd": bank_vnd,
            "unbooked_vnd": bank_moved_vnd - self.moved_vnd,
            "carried_vnd": carried,
            "expected_vnd": expected,
            "closing_vnd": self.closing_vnd,
            "ok": expected == self.closing_vnd,
        }


@dataclass(frozen=True, slots=True)
class Break:
    """A place where the proof of the account breaks; numbers in đồng, or sequence numbers."""

    what: str
    """inside, unstated, gap, sequence, overlap or before."""
    statement_id: int
    day: date
    place: str
    expected: int | None = None
    found: int | None = None

    @property
    def amount_vnd(self) -> int:
        """By how much money the proof is off."""
        known = self.expected is not None and self.found is not None and self.what != "sequence"
        return abs((self.expected or 0) - (self.found or 0)) if known else 0


@dataclass(frozen=True, slots=True)
class BalanceProof:
    """The proof over the days from ``first`` to ``last``."""

    first: date
    last: date
    opening_vnd: int | None
    credits_vnd: int
    debits_vnd: int
    closing_vnd: int | None
    breaks: tuple[Break, ...]

    @property
    def ok(self) -> bool:
        """Whether every balance is known and nothing breaks."""
        return not self.breaks and self.opening_vnd is not None and self.closing_vnd is not None


Sums = Mapping[date, tuple[int, int]]
"""Day -> (credits, debits) of all imported lines, each counted once."""


def standing(statements: Iterable[StatementFact]) -> list[StatementFact]:
    """The statements in order of time; a broken one gives way to a later import that proves over the same days."""
    given = sorted(statements, key=lambda one: (one.first, one.last, one.sequence or 0, one.id))
    proved = [one for one in given if one.proved]
    return [
        one
        for one in given
        if one.proved or not any(two.id > one.id and two.first <= one.first and one.last <= two.last for two in proved)
    ]


def proved_days(statements: Iterable[StatementFact]) -> Days:
    """Days on which a proved statement vouches for every line."""
    merged: list[tuple[date, date]] = []
    for one in sorted((one.first, one.last) for one in statements if one.proved):
        if merged and one[0] <= merged[-1][1] + DAY:
            merged[-1] = (merged[-1][0], max(merged[-1][1], one[1]))
        else:
            merged.append(one)
    return Days(tuple(merged))


def prove(
    first: date, last: date, statements: Sequence[StatementFact], sums: Sums, previous_closing_vnd: int | None = None
) -> BalanceProof:
    """Prove the days; ``statements`` are those that touch them, ``previous_closing_vnd`` was proved the day before."""
    ordered = standing(one for one in statements if one.last >= first and one.first <= last)
    breaks = [found for one in ordered if (found := _own_break(one)) is not None]
    breaks += _chain_breaks(ordered, sums)
    opening_vnd = _at_start(ordered[0], first, sums) if ordered else previous_closing_vnd
    if previous_closing_vnd is not None and opening_vnd is not None and opening_vnd != previous_closing_vnd:
        breaks.append(Break("before", ordered[0].id, first, "", previous_closing_vnd, opening_vnd))
    credits_vnd, debits_vnd = _sum(sums, first, last)
    closing_vnd = None if opening_vnd is None else opening_vnd + credits_vnd - debits_vnd
    if ordered and not breaks:
        breaks += _end_breaks(ordered, last, closing_vnd, sums)
    return BalanceProof(first, last, opening_vnd, credits_vnd, debits_vnd, closing_vnd, tuple(breaks))


def _own_break(one: StatementFact) -> Break | None:
    """A statement that contradicts itself, or that states too little to prove."""
    if one.proved:
        return None
    what = "inside" if one.break_at else "unstated"
    expected = None if one.break_vnd is None else one.break_vnd
    return Break(what, one.id, one.last, one.break_at or "", expected, None if expected is None else 0)


def _chain_breaks(ordered: Sequence[StatementFact], sums: Sums) -> list[Break]:
    """closing(n) = opening(n+1), or, where statements overlap, the balance that the lines before give.

    A statement that is a break itself says nothing about its neighbours.
    """
    breaks: list[Break] = []
    before: StatementFact | None = None
    for one in ordered:
        if before is not None and before.proved and one.proved:
            breaks += _link_breaks(ordered[0], before, one, sums)
        if before is None or one.last >= before.last:
            before = one
    return breaks


def _link_breaks(anchor: StatementFact, before: StatementFact, one: StatementFact, sums: Sums) -> list[Break]:
    if one.first > before.last and _skips(before, one):
        return [Break("sequence", one.id, one.first, "", (before.sequence or 0) + 1, one.sequence)]
    if before.closing_vnd is None or one.opening_vnd is None or one.opening_vnd == before.closing_vnd:
        return []
    if one.first > before.last:
        return [Break("gap", one.id, one.first, "", before.closing_vnd, one.opening_vnd)]
    expected = _at_start(anchor, one.first, sums)
    if expected is None or expected == one.opening_vnd:
        return []
    return [Break("overlap", one.id, one.first, "", expected, one.opening_vnd)]


def _skips(before: StatementFact, one: StatementFact) -> bool:
    """Whether the bank numbered a statement in between (a lower number is a new year or another numbering)."""
    numbered = before.sequence is not None and one.sequence is not None and before.format == one.format
    same_year = before.first.year == one.first.year
    return numbered and same_year and (one.sequence or 0) > (before.sequence or 0) + 1


def _end_breaks(ordered: Sequence[StatementFact], last: date, closing_vnd: int | None, sums: Sums) -> list[Break]:
    """The balance that all lines give must be what the newest statement states at its end."""
    newest = max(ordered, key=lambda one: (one.last, one.sequence or 0, one.id))
    if closing_vnd is None or newest.closing_vnd is None:
        return []
    credits_vnd, debits_vnd = _sum(sums, last + DAY, newest.last)
    expected = closing_vnd + credits_vnd - debits_vnd
    if expected == newest.closing_vnd:
        return []
    return [Break("overlap", newest.id, newest.last, "", expected, newest.closing_vnd)]


def _at_start(statement: StatementFact, day: date, sums: Sums) -> int | None:
    """The balance before a day, by the statement's opening and the lines since."""
    if statement.opening_vnd is None:
        return None
    credits_vnd, debits_vnd = _sum(sums, statement.first, day - DAY)
    return statement.opening_vnd + credits_vnd - debits_vnd


def _sum(sums: Sums, first: date, last: date) -> tuple[int, int]:
    found = [pair for day, pair in sums.items() if first <= day <= last]
    return sum(pair[0] for pair in found), sum(pair[1] for pair in found)
