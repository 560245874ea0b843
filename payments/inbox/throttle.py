"""How many refused requests are stored: so many per connection and hour, the rest is counted."""

from datetime import datetime, timedelta

STORED_PER_HOUR = 500
"""Of one connection in one process; requests without a connection share one budget."""
_HOUR = timedelta(hours=1)


class RefusalBudget:
    """Decides which refusals are stored in full; the others are counted in ``throttle_count`` (invariant I5)."""

    def __init__(self, per_hour: int = STORED_PER_HOUR) -> None:
        self._per_hour = per_hour
        self._began: datetime | None = None
        self._used: dict[int | None, int] = {}

    def allows(self, connection_id: int | None, now: datetime) -> bool:
        """Whether one more refusal of the connection may be stored; uses up one if so."""
        if self._began is None or not timedelta(0) <= now - self._began < _HOUR:
            self._began = now
            self._used.clear()
        used = self._used.get(connection_id, 0)
        if used >= self._per_hour:
            return False
        self._used[connection_id] = used + 1
        return True
