"""Wait until the workers have done what is due; how far they are is read from the database."""

import time
from collections.abc import Callable, Iterator
from datetime import date
from itertools import count

from sqlalchemy import TextClause, text
from sqlalchemy.engine import Engine

from operations.binaries import ServiceError
from operations.demo.progress import Tell
from payments import celery

LOOK_S = 0.2
LOOKS_A_WAKE = 5
STUCK_S = 90.0
NIGHT_S = 300.0

OPEN_WORK = text("SELECT count(*) FROM outbox WHERE queue = :queue AND NOT dead")
DEAD_WORK = text("SELECT count(*) FROM outbox WHERE queue = :queue AND dead")
SUMMARY = text("SELECT count(*) FROM night_summary WHERE day = :day")


def await_queue(engine: Engine, queue: str, tell: Tell, check: Callable[[], None]) -> None:
    """Wait until a queue is empty. ``check`` raises when a process has died.

    Raises ServiceError when nothing moves for a minute and a half, or when work has become a dead letter.
    """
    left = _count(engine, OPEN_WORK, queue=queue)
    moved_at = time.monotonic()
    looks = _looks(queue, check)
    while left:
        next(looks)
        now_left = _count(engine, OPEN_WORK, queue=queue)
        if now_left != left:
            tell(max(0, left - now_left))
            left, moved_at = now_left, time.monotonic()
        if time.monotonic() - moved_at > STUCK_S:
            raise ServiceError(f"the queue {queue} does not move: {left} rows wait")
    dead = _count(engine, DEAD_WORK, queue=queue)
    if dead:
        raise ServiceError(f"{dead} rows of the queue {queue} could not be done: see hocphi doctor")


def await_night(engine: Engine, day: date, check: Callable[[], None]) -> None:
    """Wait until every group of a night is done. Raises ServiceError when it takes longer than five minutes."""
    deadline = time.monotonic() + NIGHT_S
    looks = _looks("nightly", check)
    while not _count(engine, SUMMARY, day=day):
        next(looks)
        if time.monotonic() > deadline:
            raise ServiceError(f"the night of {day} does not end")


def _looks(queue: str, check: Callable[[], None]) -> Iterator[None]:
    """A moment between two looks; every second the workers are woken, which the sweep would do later."""
    for look in count():
        if look % LOOKS_A_WAKE == 0:
            celery.wake(queue)
        time.sleep(LOOK_S)
        check()
        yield


def _count(engine: Engine, statement: TextClause, **values: object) -> int:
    with engine.connect() as connection:
        return int(connection.execute(statement, values).scalar_one())
