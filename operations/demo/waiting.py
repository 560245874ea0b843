"""Wait until the workers have done what is due; how far they are is read from the database."""

import time
from collections.abc import Callable

from sqlalchemy import TextClause, text
from sqlalchemy.engine import Engine

from operations.binaries import ServiceError
from operations.demo.progress import Tell

LOOK_S = 0.2
STUCK_S = 90.0

OPEN_WORK = text("SELECT count(*) FROM outbox WHERE queue = :queue AND NOT dead")
DEAD_WORK = text("SELECT count(*) FROM outbox WHERE queue = :queue AND dead")


def await_queue(engine: Engine, queue: str, tell: Tell, check: Callable[[], None]) -> None:
    """Wait until a queue is empty. ``check`` raises when a process has died.

    Raises ServiceError when nothing moves for a minute and a half, or when work has become a dead letter.
    """
    left = _count(engine, OPEN_WORK, queue)
    moved_at = time.monotonic()
    while left:
        time.sleep(LOOK_S)
        check()
        now_left = _count(engine, OPEN_WORK, queue)
        if now_left != left:
            tell(max(0, left - now_left))
            left, moved_at = now_left, time.monotonic()
        if time.monotonic() - moved_at > STUCK_S:
            raise ServiceError(f"the queue {queue} does not move: {left} rows wait")
    dead = _count(engine, DEAD_WORK, queue)
    if dead:
        raise ServiceError(f"{dead} rows of the queue {queue} could not be done: see hocphi doctor")


def _count(engine: Engine, statement: TextClause, queue: str) -> int:
    with engine.connect() as connection:
        return int(connection.execute(statement, {"queue": queue}).scalar_one())
