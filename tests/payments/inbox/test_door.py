"""The asynchronous door: group commit, slow and broken callers, and a database that goes away."""

import asyncio
import logging
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine

from bank_adapters.contract import Answer
from operations.migrate import upgrade
from operations.services import EmbeddedPostgres
from payments.db import make_engine
from payments.inbox import door as door_module
from payments.inbox import lanes
from payments.inbox.door import Door, read_body
from payments.inbox.lanes import Lanes, NotDurableError, require_durable
from payments.inbox.sealing import MAX_BODY_BYTES
from payments.settings import Settings
from tests.payments.inbox.callers import (
    SECRET,
    AsgiShell,
    Sender,
    call_asgi,
    make_sender,
    rows,
    sepay_body,
    sepay_request,
    settings_for,
)

pytestmark = pytest.mark.db


@pytest.fixture(scope="module")
def asgi(door_settings: Settings) -> Iterator[AsgiShell]:
    with AsgiShell(door_settings) as shell:
        yield shell


def count_of(engine: Engine, sender: Sender, outcome: str = "accepted") -> int:
    statement = "SELECT count(*) FROM raw_callback WHERE connection_id = %s AND outcome = %s"
    return int(rows(engine, statement, sender.connection_id, outcome)[0][0])


def test_callbacks_that_wait_together_share_a_commit(asgi: AsgiShell, sender: Sender, door_engine: Engine) -> None:
    async def many() -> list[Answer]:
        requests = [sepay_request(sepay_body(sender.number, number)) for number in range(1, 101)]
        return list(await asyncio.gather(*(call_asgi(asgi.door, sender.url, one) for one in requests)))

    assert {answer.status for answer in asgi.run(many())} == {200}
    assert count_of(door_engine, sender) == 100
    ((commits,),) = rows(
        door_engine,
        "SELECT count(DISTINCT xmin::text) FROM raw_callback WHERE connection_id = %s",
        sender.connection_id,
    )
    assert commits < 50


def test_a_row_that_the_database_refuses_fails_alone(
    asgi: AsgiShell, sender: Sender, door_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = door_module.receive

    def poisoned(*given: Any, **more: Any) -> Any:
        reception = honest(*given, **more)
        if b"poison" in reception.request.body:
            spoiled = [row._replace(amount_vnd=-1) for row in reception.rows]
            return replace(reception, rows=spoiled)
        return reception

    monkeypatch.setattr(door_module, "receive", poisoned)

    async def many() -> list[Answer]:
        memos = ["fine"] * 5 + ["poison"] + ["fine"] * 5
        requests = [
            sepay_request(sepay_body(sender.number, number, memo=memo)) for number, memo in enumerate(memos, start=1)
        ]
        return list(await asyncio.gather(*(call_asgi(asgi.door, sender.url, one) for one in requests)))

    assert [answer.status for answer in asgi.run(many())] == [200] * 5 + [503] + [200] * 5
    assert count_of(door_engine, sender) == 10


def test_a_body_in_pieces_is_read_whole(asgi: AsgiShell, sender: Sender, door_engine: Engine) -> None:
    request = sepay_request(sepay_body(sender.number))
    chunks = [request.body[:10], request.body[10:20], b"", request.body[20:]]
    assert asgi.run(call_asgi(asgi.door, sender.url, request, chunks=chunks)).status == 200
    assert count_of(door_engine, sender) == 1


@pytest.mark.parametrize(("length", "asked"), [(b"3", 1), (b"4", 2), (None, 2)])
def test_a_body_that_is_complete_is_not_asked_for_again(length: bytes | None, asked: int) -> None:
    messages = [
        {"type": "http.request", "body": b"", "more_body": False},
        {"type": "http.request", "body": b"abc", "more_body": True},
    ]

    async def receive() -> dict[str, Any]:
        return messages.pop()

    headers = [] if length is None else [(b"content-length", length)]
    assert asyncio.run(read_body(receive, headers)) == b"abc"
    assert len(messages) == 2 - asked


def test_an_endless_body_is_read_no_further_than_the_limit(asgi: AsgiShell, sender: Sender) -> None:
    request = sepay_request(sepay_body(sender.number))
    chunks = [b"x" * 65_536] * 40
    taken = list(chunks)

    async def call() -> bytes | None:
        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": taken.pop(), "more_body": bool(taken)}

        return await read_body(receive, [])

    assert asgi.run(call()) == b"x" * (MAX_BODY_BYTES + 1)
    assert len(chunks) - len(taken) == 5
    assert asgi.run(call_asgi(asgi.door, sender.url, request, chunks=chunks)).status == 413


def test_a_caller_that_is_too_slow_is_let_go(
    asgi: AsgiShell, sender: Sender, door_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door_module, "BODY_S", 0.05)
    sent: list[Any] = []

    async def call() -> None:
        first = [{"type": "http.request", "body": b"{", "more_body": True}]

        async def receive() -> dict[str, Any]:
            if not first:
                await asyncio.sleep(60)
            return first.pop()

        async def send(message: Any) -> None:
            sent.append(message)

        await asgi.door(scope_of(sender), receive, send)

    asgi.run(call())
    assert sent[0]["status"] == 408
    assert count_of(door_engine, sender, "malformed") == 0


def test_a_request_that_breaks_off_is_not_taken_for_a_message(
    asgi: AsgiShell, sender: Sender, door_engine: Engine
) -> None:
    """The caller may still listen: a server tells of broken chunks as of a lost line, and answers silence with 500."""
    sent: list[Any] = []

    async def call() -> None:
        messages = [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]

        async def receive() -> dict[str, Any]:
            return messages.pop(0)

        async def send(message: Any) -> None:
            sent.append(message)

        await asgi.door(scope_of(sender), receive, send)

    asgi.run(call())
    assert sent[0]["status"] == 400
    assert rows(door_engine, "SELECT FROM raw_callback WHERE connection_id = %s", sender.connection_id) == []


def scope_of(sender: Sender) -> dict[str, Any]:
    return {
        "type": "http",
        "method": "POST",
        "path": sender.url,
        "query_string": b"",
        "headers": [],
        "client": ("203.0.113.9", 1),
    }


def test_workers_are_woken_only_when_something_new_was_accepted(
    asgi: AsgiShell, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[str] = []
    monkeypatch.setattr(lanes.celery, "wake", woken.append)
    request = sepay_request(sepay_body(sender.number))
    asgi.call(sender.url, request)
    assert woken == ["settlement"]
    asgi.call(sender.url, request)
    asgi.call(sender.url, sepay_request(sepay_body(sender.number), secret="another"))
    assert woken == ["settlement"]


def test_secrets_tokens_and_bodies_never_reach_the_log(
    asgi: AsgiShell, sender: Sender, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        asgi.call(sender.url, sepay_request(sepay_body(sender.number, memo="NGUYEN THI CANARY")))
        asgi.call(sender.url, sepay_request(b"{CANARY", SECRET))
        asgi.call(sender.url, sepay_request(sepay_body(sender.number), secret="another"))
    for secret in (SECRET, sender.token, "CANARY", sender.number):
        assert secret not in caplog.text


@pytest.mark.parametrize("name", ["fsync", "full_page_writes", "synchronous_commit"])
def test_a_session_that_is_not_durable_is_refused(name: str) -> None:
    settings = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
    require_durable(settings)
    with pytest.raises(NotDurableError, match=name):
        require_durable(settings | {name: "off"})


def test_the_door_does_not_start_on_a_server_that_forgets(database_url: str) -> None:
    sent: list[Any] = []

    async def start() -> None:
        async def receive() -> dict[str, Any]:
            return {"type": "lifespan.startup"}

        async def send(message: Any) -> None:
            sent.append(message)

        await Door(settings_for(database_url))({"type": "lifespan"}, receive, send)

    with pytest.raises(NotDurableError):
        asyncio.run(start())
    assert sent[0]["type"] == "lifespan.startup.failed"


def test_the_door_says_when_it_lives_and_when_it_has_ended(door_settings: Settings) -> None:
    sent: list[str] = []

    async def live() -> None:
        messages = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

        async def receive() -> dict[str, Any]:
            return messages.pop(0)

        async def send(message: Any) -> None:
            sent.append(message["type"])

        await Door(door_settings)({"type": "lifespan"}, receive, send)

    asyncio.run(live())
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_with_the_database_away_the_sender_is_asked_to_try_again_within_two_seconds() -> None:
    with EmbeddedPostgres() as server:
        upgrade(server.url)
        settings = settings_for(server.url)
        engine = make_engine(server.url)
        sender = make_sender(engine, settings)
        with AsgiShell(settings) as shell:
            assert timed_call(shell, sender, 1) == 200
            server.stop("immediate")
            assert timed_call(shell, sender, 2) == 503
            assert timed_call(shell, sender, 3) == 503
            server.start()
            assert timed_call(shell, sender, 2) == 200
        engine.dispose()
        assert count_of(engine, sender) == 2
        engine.dispose()


def timed_call(shell: AsgiShell, sender: Sender, number: int) -> int:
    async def call() -> int:
        async with asyncio.timeout(2):
            request = sepay_request(sepay_body(sender.number, number))
            return (await call_asgi(shell.door, sender.url, request)).status

    return shell.run(call())


def test_what_was_answered_with_success_survives_immediate_stops_under_load() -> None:
    with EmbeddedPostgres() as server:
        upgrade(server.url)
        settings = settings_for(server.url)
        engine = make_engine(server.url)
        sender = make_sender(engine, settings)
        answered: set[int] = set()
        with AsgiShell(settings) as shell:
            done = threading.Event()
            clients = [
                threading.Thread(target=deliver, args=(shell, sender, range(first, 400, 8), answered, done))
                for first in range(8)
            ]
            for client in clients:
                client.start()
            for _ in range(3):
                threading.Event().wait(0.15)
                server.stop("immediate")
                server.start()
            done.set()
            for client in clients:
                client.join()
        engine.dispose()
        kept = {int(key) for (key,) in rows(engine, "SELECT dedup_key FROM evidence")}
        assert answered == set(range(400))
        assert kept == answered
        work = rows(engine, "SELECT count(*), count(DISTINCT subject_id) FROM outbox")
        assert work == [(400, 400)]
        engine.dispose()


def deliver(shell: AsgiShell, sender: Sender, numbers: range, answered: set[int], calm: threading.Event) -> None:
    """A bank that sends each callback until it hears success."""
    for number in numbers:
        while True:
            answer = shell.call(sender.url, sepay_request(sepay_body(sender.number, number)))
            if answer.status == 200:
                answered.add(number)
                break
            calm.wait(0.02)


def test_lanes_never_leave_a_waiter_without_an_answer_when_a_statement_hangs(
    door_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang() -> list[Any]:
        opened = Lanes("postgresql://postgres@/postgres?host=/nonexistent")
        futures = [opened.store([]), opened.count(None, door_module.clock.now())]
        return await asyncio.gather(*futures, return_exceptions=True)

    found = asyncio.run(hang())
    assert [type(error) for error in found] == [lanes.DatabaseAwayError] * 2
