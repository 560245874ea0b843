"""What the door keeps of connections is at most five seconds old, and is asked for once at a time."""

import asyncio
from datetime import timedelta

import pytest

from payments.banking.queries import DoorConnection
from payments.banking.rules import closed_list
from payments.clock import now
from payments.inbox.connections import KEPT_FOR, MOST_KEPT, AsyncConnections, Connections, Kept

DATA = DoorConnection(1, "sepay", sandbox=False, networks=(), secrets=(), accounts=closed_list([]))


class Counted:
    """A look-up that counts how often it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, token: str) -> DoorConnection | None:
        self.asked.append(token)
        return None if token == "unknown" else DATA


def test_a_connection_is_asked_for_again_after_five_seconds() -> None:
    load, moment = Counted(), now()
    connections = Connections(load)
    for seconds in (0, 4.9, 5, 9.9, 10):
        assert connections.get("t", moment + timedelta(seconds=seconds)) is DATA
    assert len(load.asked) == 3
    assert timedelta(seconds=5) == KEPT_FOR


def test_a_clock_that_is_turned_back_makes_what_is_kept_too_old() -> None:
    load, moment = Counted(), now()
    connections = Connections(load)
    connections.get("t", moment)
    connections.get("t", moment - timedelta(seconds=1))
    assert len(load.asked) == 2


def test_unknown_tokens_are_never_kept_and_known_ones_do_not_pile_up() -> None:
    kept, moment = Kept(), now()
    kept.put("unknown", None, moment)
    for number in range(MOST_KEPT + 1):
        kept.put(str(number), DATA, moment)
    assert kept.get("unknown", moment) is None
    assert len(kept._entries) <= MOST_KEPT


def test_many_requests_at_once_ask_once() -> None:
    load, moment = Counted(), now()

    async def asked(token: str) -> DoorConnection | None:
        await asyncio.sleep(0)
        return load(token)

    async def many() -> list[DoorConnection | None]:
        connections = AsyncConnections(asked, 1)
        return await asyncio.gather(*(connections.get("t", moment) for _ in range(50)))

    assert asyncio.run(many()) == [DATA] * 50
    assert load.asked == ["t"]


def test_a_look_up_that_hangs_is_given_up() -> None:
    async def hangs(_token: str) -> DoorConnection | None:
        await asyncio.sleep(60)
        return DATA

    with pytest.raises(TimeoutError):
        asyncio.run(AsyncConnections(hangs, 0.05).get("t", now()))
