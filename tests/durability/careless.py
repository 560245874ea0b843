"""The door with its main safeguard taken away: it says yes first and stores a moment later. For the test of tests."""

import asyncio

from payments.inbox.door import Door, _Shell
from payments.inbox.receiving import Reception
from payments.settings import Settings

A_MOMENT_S = 1.0
_background: set[asyncio.Task[list[str]]] = set()


async def _store_later(self: _Shell, reception: Reception) -> list[str]:
    async def later() -> list[str]:
        await asyncio.sleep(A_MOMENT_S)
        return await self.lanes.store(reception.rows)

    task = asyncio.create_task(later())
    _background.add(task)
    task.add_done_callback(_background.discard)
    return ["accepted" for _ in reception.rows]


def application() -> Door:
    """What granian serves in place of ``hocphi serve``."""
    _Shell._stored = _store_later  # type: ignore[method-assign]  # the safeguard is taken away on purpose
    return Door(Settings.from_env())
