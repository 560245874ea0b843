"""Days on which banks settle: pure; holidays are data (Tết moves)."""

from dataclasses import dataclass, field
from datetime import date, timedelta

NIGHT_HOUR = 23
"""What arrives from here on may be booked on the next business day; before, its own day must show it."""


@dataclass(frozen=True, slots=True)
class BusinessDays:
    """The calendar of the banks."""

    holidays: frozenset[date] = field(default_factory=frozenset)

    def is_business(self, day: date) -> bool:
        """Monday to Friday, and no holiday."""
        return day.weekday() < 5 and day not in self.holidays

    def on_or_after(self, day: date) -> date:
        """The day itself when banks settle on it, else the next one on which they do."""
        while not self.is_business(day):
            day += timedelta(days=1)
        return day

    def after(self, day: date) -> date:
        """The next business day."""
        return self.on_or_after(day + timedelta(days=1))

    def later(self, day: date, count: int) -> date:
        """The business day that comes ``count`` business days after a day."""
        for _ in range(count):
            day = self.after(day)
        return day

    def due(self, day: date, local_hour: int) -> date:
        """By which day a statement must show money that a sender dated ``day`` and reported at that hour."""
        return self.after(day) if local_hour >= NIGHT_HOUR else day

    def shifted(self, one: date, other: date) -> bool:
        """Whether two dates of one movement fall on different business days or into different months."""
        apart = self.on_or_after(one) != self.on_or_after(other)
        return apart or (one.year, one.month) != (other.year, other.month)
