"""What only the WSGI route does: read from a server's stream, stand before the application, find its database again."""

from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import Engine

from bank_adapters.contract import Request
from operations.migrate import upgrade
from operations.services import EmbeddedPostgres
from payments.db import make_engine
from payments.inbox.sealing import MAX_BODY_BYTES
from payments.inbox.views import WsgiDoor
from payments.settings import Settings
from tests.payments.inbox.callers import (
    Sender,
    WsgiShell,
    call_wsgi,
    make_sender,
    rows,
    sepay_body,
    sepay_request,
    settings_for,
)

pytestmark = pytest.mark.db


class Counting(BytesIO):
    """A stream that remembers how much was taken from it."""

    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        found = super().read(size)
        self.taken += len(found)
        return found


@pytest.mark.parametrize("length", [str(4 * MAX_BODY_BYTES), ""])
def test_a_large_body_is_read_no_further_than_the_limit(
    door_settings: Settings, sender: Sender, door_engine: Engine, length: str
) -> None:
    shell = WsgiShell(door_settings)
    stream = Counting(b"x" * (4 * MAX_BODY_BYTES))
    given = {"wsgi.input": stream, "CONTENT_LENGTH": length, "wsgi.input_terminated": True}
    answer = call_wsgi(shell.door, sender.url, Request("POST", "", "", {}, b""), **given)
    shell.close()
    assert answer.status == 413
    assert stream.taken == MAX_BODY_BYTES + 1


def test_half_a_body_is_not_taken_for_a_message(door_settings: Settings, sender: Sender, door_engine: Engine) -> None:
    shell = WsgiShell(door_settings)
    request = sepay_request(sepay_body(sender.number))
    answer = call_wsgi(shell.door, sender.url, request, CONTENT_LENGTH=str(len(request.body) + 1))
    shell.close()
    assert answer.status == 400
    assert rows(door_engine, "SELECT FROM raw_callback WHERE connection_id = %s", sender.connection_id) == []


def test_other_paths_reach_the_application_behind(door_settings: Settings) -> None:
    seen: list[Any] = []
    app = WsgiDoor(lambda environ, start_response: [environ["PATH_INFO"].encode()], door_settings)
    for path in ("/healthz", "/callbacks", "/p/token"):
        body = app({"PATH_INFO": path, "REQUEST_METHOD": "GET"}, lambda *given: seen.append(given))
        assert (b"".join(body), seen) == (path.encode(), [])


def test_the_route_asks_to_try_again_while_the_database_is_away_and_finds_it_again() -> None:
    with EmbeddedPostgres() as server:
        upgrade(server.url)
        settings = settings_for(server.url)
        engine = make_engine(server.url)
        sender = make_sender(engine, settings)
        engine.dispose()
        shell = WsgiShell(settings)
        assert shell.call(sender.url, sepay_request(sepay_body(sender.number, 1))).status == 200
        server.stop("immediate")
        assert shell.call(sender.url, sepay_request(sepay_body(sender.number, 2))).status == 503
        server.start()
        statuses = [shell.call(sender.url, sepay_request(sepay_body(sender.number, 2))).status for _ in range(20)]
        assert statuses[-1] == 200
        shell.close()
        assert rows(engine, "SELECT count(*) FROM evidence") == [(2,)]
        engine.dispose()
