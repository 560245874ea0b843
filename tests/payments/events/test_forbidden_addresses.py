"""Nobody reaches what stands behind our own firewall by naming it as an endpoint (server-side request forgery)."""

import socket

import pytest

from payments import outgoing
from payments.events.tasks import deliver_due
from tests.payments.events.conftest import running
from tests.payments.events.receiver import answer, receiving

pytestmark = pytest.mark.db
NAMES = {
    "inside.example": "127.0.0.1",
    "cloud.example": "169.254.169.254",
    "2130706433": "127.0.0.1",
    "0x7f.1": "127.0.0.1",
    "0.0.0.0": "0.0.0.0",
    "169.254.169.254": "169.254.169.254",
    "::ffff:127.0.0.1": "::ffff:127.0.0.1",
}
"""Hosts as the resolver of the C library answers them; this suite asks it for nothing but loopback."""


@pytest.fixture
def closed_desk(engine, database_url):
    """The operator allows nothing but public addresses."""
    with running(engine, database_url, "192.0.2.0/24") as made:
        yield made


@pytest.fixture(autouse=True)
def resolver(monkeypatch):
    resolve = socket.getaddrinfo

    def told(host, *rest, **more):
        if host in NAMES:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (NAMES[host], rest[0]))]
        return resolve(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", told)


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", *NAMES])
def test_an_address_inside_is_never_called(closed_desk, host, scheme):
    with receiving() as receiver:
        named = f"[{host}]" if host.startswith("::") else host
        closed_desk.add(f"{scheme}://{named}:{receiver.port}/su-kien")
        closed_desk.emit(1)
        assert deliver_due() == 1
    assert receiver.got == []
    assert closed_desk.problems() == ["forbidden_address"]
    assert closed_desk.states() == ["waiting"]


def test_a_redirect_to_an_address_inside_is_not_followed(desk):
    with receiving() as inside, receiving() as outside:
        outside.behave = answer(307, location=inside.url)
        desk.add(outside.url)
        desk.emit(1)
        deliver_due()
    assert (len(outside.got), inside.got) == (1, [])
    assert desk.problems() == ["redirect"]


def test_without_the_guard_an_address_inside_would_be_called(closed_desk, monkeypatch):
    """Teeth: the first test notices when the judgement of addresses is gone."""
    monkeypatch.setattr(outgoing, "may_be_called", lambda *_, **__: True)
    with receiving() as receiver:
        closed_desk.add(f"http://inside.example:{receiver.port}/su-kien")
        closed_desk.emit(1)
        deliver_due()
    assert len(receiver.got) == 1
