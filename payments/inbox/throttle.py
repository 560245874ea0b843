"""How many refused requests are stored, and how often the use of a secret is written down."""

from datetime import datetime, timedelta
from typing import cast

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
        if self.spent(connection_id, now):
            return False
        self._used[connection_id] = self._used.get(connection_id, 0) + 1
        return True

    def spent(self, connection_id: int | None, now: datetime) -> bool:
        """Whether the connection's refusals of this hour are used up: somebody guesses, perhaps."""
        if self._began is None or not timedelta(0) <= now - self._began < _HOUR:
            self._began = now
            self._used.clear()
        return self._used.get(connection_id, 0) >= self._per_hour


NOTE_USE = """
    UPDATE connection_secret SET last_used_at = $2
    WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)
"""
NOTED_EVERY = timedelta(minutes=1)


class Uses:
    """Decides when the last use of a secret is written down: once a minute, for the door must stay quick."""

    def __init__(self) -> None:
        self._noted: dict[int, datetime] = {}

    def due(self, secret_id: int | None, now: datetime) -> bool:
        """Whether the use is to be written now."""
        noted = self._noted.get(secret_id) if secret_id is not None else now
        if noted is not None and timedelta(0) <= now - noted < NOTED_EVERY:
            return False
        self._noted[cast("int", secret_id)] = now
        return True
