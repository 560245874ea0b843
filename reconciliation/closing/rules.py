"""What stands in the way of a close: pure.

Every account proves every day of the period; what nobody explained is acknowledged by name; what is signed continues
what was signed before.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from reconciliation.movements import MATCHED, NOT_DUE

PROVED, FAILED, WAITING = "proved", "failed", "waiting_statement"


@dataclass(frozen=True, slots=True)
class RunFact:
    """A run that stands, with the days that it owns."""

    id: int
    first: date
    last: date
    state: str
    inputs_sha256: str = ""
    closing_vnd: int | None = None


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days in a row of one account that are in one state."""

    first: date
    last: date
    state: str
    run_id: int | None = None


@dataclass(frozen=True, slots=True)
class Hindrance:
    """Why a period cannot be signed yet. ``code``: failed, waiting, opening, unsettled, not_over, closed or nothing."""

    code: str
    account: str = ""
    first: date | None = None
    last: date | None = None
    run_id: int | None = None
    expected_vnd: int | None = None
    found_vnd: int | None = None
    count: int = 0


@dataclass(frozen=True, slots=True)
class Odd:
    """An exception of the period as it is signed; amounts in đồng."""

    account: str
    run_id: int
    position: int
    primary_class: str
    flags: tuple[str, ...]
    day: date
    amount_vnd: int
    references: tuple[str, ...]
    note: str | None
    state: str = "open"
    late_close: int | None = None
    """Number of the close that it missed, with the day to which it would have belonged."""
    late_day: date | None = None

    @property
    def is_open(self) -> bool:
        """Whether nobody has resolved it."""
        return self.state != "resolved"

    def as_dict(self) -> dict[str, Any]:
        """As signed."""
        late = {"close": self.late_close, "day": self.late_day} if self.late_close else None
        return {
            "account": self.account,
            "run": self.run_id,
            "position": self.position,
            "class": self.primary_class,
            "flags": self.flags,
            "day": self.day,
            "amount_vnd": self.amount_vnd,
            "references": self.references,
            "note": self.note,
            "state": self.state,
            "late": late,
        }


@dataclass(frozen=True, slots=True)
class Section:
    """One account of a period. A silent account has no statement and no movement: there is nothing to prove."""

    account: str
    fund: str
    first: date
    last: date
    opening_vnd: int | None = None
    credits_vnd: int = 0
    debits_vnd: int = 0
    closing_vnd: int | None = None
    runs: tuple[RunFact, ...] = ()
    classes: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Class -> (count, đồng), of all cases."""
    silent: bool = False
    signed_before_vnd: int | None = None
    """The closing balance that the close before signed."""
    books_through: date | None = None
    """Up to which day of the period imported books of the school speak; None: they do not."""
    books: Mapping[str, Any] | None = None
    """The newest books of the period that state their balance, held against the bank's (``BooksFact.against``)."""

    def stretches(self) -> list[Stretch]:
        """The state of its days, in order."""
        found: list[Stretch] = []
        day = self.first
        while day <= self.last and not self.silent:
            state, run_id = self.state_of(day)
            if found and (found[-1].state, found[-1].run_id) == (state, run_id):
                found[-1] = Stretch(found[-1].first, day, state, run_id)
            else:
                found.append(Stretch(day, day, state, run_id))
            day += timedelta(days=1)
        return found

    def state_of(self, day: date) -> tuple[str, int | None]:
        """Whether a day is proved; a run that fails counts before one that proves."""
        owners = {run.state: run.id for run in self.runs if run.first <= day <= run.last}
        state = next((one for one in (FAILED, PROVED) if one in owners), WAITING)
        return state, owners.get(state)


@dataclass(frozen=True, slots=True)
class Draft:
    """What would be signed now, and what stands in the way."""

    first: date
    through: date
    sections: tuple[Section, ...]
    odd: tuple[Odd, ...]
    hindrances: tuple[Hindrance, ...] = ()

    @property
    def open_odd(self) -> list[Odd]:
        """Exceptions that nobody has resolved."""
        return [one for one in self.odd if one.is_open]

    @property
    def silent(self) -> list[Section]:
        """Accounts without statement and without movement."""
        return [one for one in self.sections if one.silent]

    @property
    def needs_note(self) -> bool:
        """Whether whoever signs must say that they know of what is open."""
        return bool(self.open_odd or self.silent or self.books_apart)

    @property
    def books_apart(self) -> list[Section]:
        """Accounts whose books state another balance than their rows give."""
        return [one for one in self.sections if one.books is not None and not one.books["ok"]]

    def total(self, name: str) -> int:
        """The sum of a figure over all accounts, in đồng."""
        return sum(getattr(section, name) or 0 for section in self.sections)

    def classes(self) -> dict[str, tuple[int, int]]:
        """Class -> (count, đồng) over all accounts."""
        found: dict[str, tuple[int, int]] = {}
        for section in self.sections:
            for key, (count, vnd) in section.classes.items():
                before = found.get(key, (0, 0))
                found[key] = (before[0] + count, before[1] + vnd)
        return found


def hindrances(sections: Sequence[Section], *, unsettled: int = 0) -> list[Hindrance]:
    """All that stands in the way, account by account."""
    found = [Hindrance("unsettled", count=unsettled)] if unsettled else []
    for section in sections:
        for part in section.stretches():
            if part.state == FAILED:
                found.append(Hindrance("failed", section.account, part.first, part.last, part.run_id))
            elif part.state == WAITING:
                found.append(Hindrance("waiting", section.account, part.first, part.last))
        before, now = section.signed_before_vnd, section.opening_vnd
        if before is not None and now is not None and before != now:
            found.append(Hindrance("opening", section.account, section.first, expected_vnd=before, found_vnd=now))
    if sections and all(section.silent for section in sections):
        found.append(Hindrance("nothing"))
    return found


def closing_at(runs: Iterable[RunFact], day: date, later: tuple[int, int]) -> int | None:
    """The balance at the end of a day, from the run that proves it; ``later``: (credits, debits) since, in that run."""
    owner = owner_of(runs, day)
    if owner is None or owner.closing_vnd is None:
        return None
    return owner.closing_vnd - later[0] + later[1]


def owner_of(runs: Iterable[RunFact], day: date) -> RunFact | None:
    """The first proved run that owns a day."""
    owners = [run for run in runs if run.state == PROVED and run.first <= day <= run.last]
    return min(owners, key=lambda run: run.last, default=None)


def is_exception(primary_class: str) -> bool:
    """Whether somebody must look at it."""
    return primary_class not in {MATCHED, NOT_DUE}
