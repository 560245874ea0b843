"""How far an import is, and what its states mean to a person: pure."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciliation.imports.models import JobState

Step = Callable[[str, int, int], None]
"""Told by whoever works: phase, rows done, rows in all (0: not known yet)."""

PHASES = ("read", "check", "preview", "write")
WORKING = frozenset({JobState.READING, JobState.WRITING})
"""A worker has it, or will have it soon."""
OPEN = WORKING | {JobState.MAPPING, JobState.READY}
"""Its file is still needed."""


def plain_name(name: str, longest: int) -> str:
    """What a file is called, of one line: no folder, nothing that cannot be seen or turns the writing round.

    It stands in messages, headers and pages. The end of a long name stays, for it says what the file is.
    """
    last = name.replace("\\", "/").rpartition("/")[2]
    seen = "".join(one if one.isprintable() else " " for one in last)
    return " ".join(seen.split())[-longest:].strip() or "tep"


def silent(_phase: str, _done: int, _total: int) -> None:
    """For whoever does not want to know."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a phase is; rate in rows a second, both None while nothing can be said."""

    done: int
    total: int
    rate: float | None
    left: timedelta | None


def progress_of(done: int, total: int, since: datetime, now: datetime) -> Progress:
    """Rate and time left, from what was done since the phase began."""
    seconds = (now - since).total_seconds()
    if done <= 0 or seconds < 1:
        return Progress(done, total, None, None)
    rate = done / seconds
    left = timedelta(seconds=round((total - done) / rate)) if total > done else None
    return Progress(done, total, rate, left)


def phase_states(state: JobState, phase: str) -> list[tuple[str, str]]:
    """Each phase with done, now or next, as the page lists them."""
    here = PHASES.index(phase) if phase in PHASES else 0
    if state is JobState.DONE:
        return [(name, "done") for name in PHASES]
    return [(name, "done" if place < here else "now" if place == here else "next") for place, name in enumerate(PHASES)]
