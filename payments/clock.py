"""The only reader of the time: UTC inside, Asia/Ho_Chi_Minh for days; tests turn it.

Viet Nam has had UTC+7 without daylight saving since 1975, so a fixed offset is exact and needs no zone database.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, timedelta, timezone

VIETNAM = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")

_turned: ContextVar[datetime | None] = ContextVar("turned", default=None)


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return _turned.get() or datetime.now(UTC)


def today() -> date:
    """The calendar day in Viet Nam: the day that people, banks and due dates speak of."""
    return day_of(now())


def day_of(moment: datetime) -> date:
    """The Vietnamese calendar day of an aware moment."""
    return moment.astimezone(VIETNAM).date()


def day_starts(day: date) -> datetime:
    """The first moment of a Vietnamese day, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=VIETNAM).astimezone(UTC)


@contextmanager
def turned_to(moment: datetime) -> Iterator[None]:
    """Let the code inside the block live at another moment (aware); for tests, drills and the demo."""
    if moment.tzinfo is None:
        raise ValueError("the clock is turned to aware moments only")
    token = _turned.set(moment.astimezone(UTC))
    try:
        yield
    finally:
        _turned.reset(token)
