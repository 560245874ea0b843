"""A secret rotates while callbacks arrive: none is refused, and a person sees when the old one is no longer used."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from itertools import count

import pytest
from sqlalchemy import Engine

from payments import clock
from payments.banking.connections import add_secret, revoke_secret
from payments.banking.queries import DoorConnection, SecretRow, secrets_of
from payments.db import session_scope
from payments.errors import ConflictError
from payments.inbox import throttle
from payments.inbox.connections import AsyncConnections, Connections
from payments.settings import Settings
from tests.payments.inbox.callers import SECRET, Sender, Shell, dictionary, rows, sepay_body, sepay_request

pytestmark = pytest.mark.db

NEW = "the-secret-that-follows"
CALLERS = 4
_TXN = count(700_000)


class Bank:
    """Sends callbacks from several threads, each signed with the secret that the bank holds at that moment."""

    def __init__(self, shell: Shell, sender: Sender) -> None:
        self._shell, self._sender = shell, sender
        self.secret = SECRET
        self.statuses: list[int] = []
        self._stopped = threading.Event()

    def send(self, secret: str) -> int:
        body = sepay_body(self._sender.number, next(_TXN))
        return self._shell.call(self._sender.url, sepay_request(body, secret)).status

    @contextmanager
    def sending(self) -> Iterator[None]:
        with ThreadPoolExecutor(CALLERS) as pool:
            callers = [pool.submit(self._until_stopped) for _ in range(CALLERS)]
            try:
                yield
            finally:
                self._stopped.set()
        for caller in callers:
            caller.result()

    def wait_for(self, more: int) -> None:
        """Until so many more have been answered."""
        wanted = len(self.statuses) + more
        while len(self.statuses) < wanted and not self._stopped.is_set():
            self._stopped.wait(0.005)

    def _until_stopped(self) -> None:
        while not self._stopped.is_set():
            self.statuses.append(self.send(self.secret))


def rotate(bank: Bank, engine: Engine, settings: Settings, sender: Sender) -> None:
    """The steps of docs/operations.md while callbacks arrive."""
    with bank.sending():
        bank.wait_for(20)
        with session_scope(engine) as session:
            add_secret(session, dictionary(settings), sender.connection_id, {"secret": NEW}, actor_id=None)
        bank.secret = NEW
        bank.wait_for(40)
        with session_scope(engine) as session:
            revoke_secret(session, sender.connection_id, actor_id=None)
        bank.wait_for(40)


def test_no_callback_is_refused_while_a_secret_rotates_under_load(
    shell: Shell, sender: Sender, door_engine: Engine, door_settings: Settings
) -> None:
    bank = Bank(shell, sender)
    rotate(bank, door_engine, door_settings, sender)
    assert set(bank.statuses) == {200}
    stored = rows(
        door_engine,
        "SELECT outcome, count(*) FROM raw_callback WHERE connection_id = %s GROUP BY outcome",
        sender.connection_id,
    )
    assert stored == [("accepted", len(bank.statuses))]
    with clock.turned_to(clock.now() + timedelta(seconds=6)):
        assert bank.send(SECRET) == 401
        assert bank.send(NEW) == 200


def test_without_the_second_look_callbacks_would_be_refused(
    shell: Shell,
    sender: Sender,
    door_engine: Engine,
    door_settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Teeth: the test above notices when the door trusts what it keeps."""

    async def kept_async(self: AsyncConnections, token: str, now: object) -> DoorConnection | None:
        return self._kept.get(token, now)  # type: ignore[arg-type]

    monkeypatch.setattr(AsyncConnections, "fresh", kept_async)
    load = Connections.fresh
    monkeypatch.setattr(
        Connections, "fresh", lambda self, token, now: self._kept.get(token, now) or load(self, token, now)
    )
    bank = Bank(shell, sender)
    with bank.sending():
        bank.wait_for(20)
        with session_scope(door_engine) as session:
            add_secret(session, dictionary(door_settings), sender.connection_id, {"secret": NEW}, actor_id=None)
        bank.secret = NEW
        bank.wait_for(20)
    assert 401 in bank.statuses


def test_a_forger_is_refused_all_the_same(shell: Shell, sender: Sender) -> None:
    bank = Bank(shell, sender)
    assert [bank.send("guessed") for _ in range(3)] == [401, 401, 401]
    assert bank.send(SECRET) == 200


def known(engine: Engine, settings: Settings, sender: Sender) -> list[SecretRow]:
    with session_scope(engine) as session:
        return secrets_of(session, dictionary(settings), sender.connection_id)


def test_the_last_use_of_each_secret_is_known_to_the_minute(
    shell: Shell, sender: Sender, door_engine: Engine, door_settings: Settings
) -> None:
    bank = Bank(shell, sender)
    bank.send(SECRET)
    with session_scope(door_engine) as session:
        add_secret(session, dictionary(door_settings), sender.connection_id, {"secret": NEW}, actor_id=None)
    used(door_engine, door_settings, sender, [False, True])
    bank.send("guessed")
    used(door_engine, door_settings, sender, [False, True])
    bank.send(NEW)
    used(door_engine, door_settings, sender, [True, True])
    first = known(door_engine, door_settings, sender)[1].last_used_at
    bank.send(SECRET)
    assert known(door_engine, door_settings, sender)[1].last_used_at == first
    with clock.turned_to(clock.now() + throttle.NOTED_EVERY):
        bank.send(SECRET)
        later = eventually(lambda: known(door_engine, door_settings, sender)[1].last_used_at != first)
    assert later


def used(engine: Engine, settings: Settings, sender: Sender, wanted: list[bool]) -> None:
    """Which secrets have been used, newest first; the asynchronous door notes it beside its answer."""
    assert eventually(lambda: [row.last_used_at is not None for row in known(engine, settings, sender)] == wanted)


def eventually(holds: Callable[[], bool]) -> bool:
    pause = threading.Event()
    return any(holds() or pause.wait(0.02) for _ in range(200))


def test_the_old_secret_is_not_revoked_before_the_new_one_was_used(
    shell: Shell, sender: Sender, door_engine: Engine, door_settings: Settings
) -> None:
    with session_scope(door_engine) as session:
        add_secret(session, dictionary(door_settings), sender.connection_id, {"secret": NEW}, actor_id=None)
    with session_scope(door_engine) as session, pytest.raises(ConflictError) as refused:
        revoke_secret(session, sender.connection_id, actor_id=None)
    assert refused.value.code == "new_one_unused"
    Bank(shell, sender).send(NEW)
    used(door_engine, door_settings, sender, [True, False])
    with session_scope(door_engine) as session:
        revoke_secret(session, sender.connection_id, actor_id=None)
