"""Addresses that send unknown keys again and again: nobody finds a key so, but it costs look-ups."""

from datetime import datetime, timedelta

TRIES = 50
WINDOW = timedelta(minutes=15)
MOST_ADDRESSES = 10_000


class BadKeys:
    """Counts bad keys per address, in this process; a good key is served whatever its address did."""

    def __init__(self) -> None:
        self._began: datetime | None = None
        self._tries: dict[str | None, int] = {}

    def too_many(self, address: str | None, now: datetime) -> bool:
        """Count one more bad key of an address, and tell whether it has sent too many."""
        if self._began is None or not timedelta(0) <= now - self._began < WINDOW:
            self._began = now
            self._tries.clear()
        if len(self._tries) >= MOST_ADDRESSES and address not in self._tries:
            return False
        self._tries[address] = self._tries.get(address, 0) + 1
        return self._tries[address] > TRIES
