"""docs/webhooks.md is true: its receiver works, its example is valid, its tables are complete."""

import json
import re
import socket
import threading
from contextlib import contextmanager

import pytest
from standardwebhooks import Webhook

from payments import clock
from payments.events import forgetting, tasks
from payments.events.listening import receiver
from payments.events.rules import FAILING_FOR, SCHEDULE, EventKind, Key, Scheme, shown
from payments.events.tasks import deliver_due
from tests.house import ROOT, text_of
from tests.payments.events.receiver import receiving
from tests.payments.events.told import validated

PAGE = text_of("docs/webhooks.md")


def block(language):
    return re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)[1]


def receive():
    space = {}
    exec(compile(block("python"), "docs/webhooks.md", "exec"), space)
    return space["receive"]


@pytest.mark.db
def test_the_receiver_of_the_guide_takes_what_we_send_once(desk, capsys):
    with receiving() as server:
        key = desk.add(server.url).shown
        desk.emit(1)
        deliver_due()
    (got,) = server.got
    seen = set()
    take = receive()
    assert take(got.headers, got.body, key, seen) == 204
    assert take(got.headers, got.body, key, seen) == 204
    assert capsys.readouterr().out.count("invoice.issued") == 1
    assert take(got.headers, got.body + b" ", key, seen) == 401
    assert take(got.headers | {"webhook-timestamp": "1700000000"}, got.body, key, seen) == 401


def test_the_receiver_is_ten_lines():
    code = block("python").partition("def receive")[2].strip().splitlines()
    assert len(code) <= 10


def test_the_example_is_valid():
    validated(json.loads(block("json")))


def test_every_kind_has_its_line_and_its_schema():
    for kind in EventKind:
        assert f"| `{kind}` |" in PAGE
        assert (ROOT / f"payments/events/schemas/{kind}.json").exists()
    assert len(list((ROOT / "payments/events/schemas").iterdir())) == len(EventKind)


def test_the_times_of_the_page_are_those_of_the_code():
    cells = [cell.strip() for cell in re.search(r"\| after \|(.*)\|\n", PAGE)[1].split("|")]
    units = {"s": 1, "min": 60, "h": 3600}
    seconds = [0 if cell == "at once" else int(cell.split()[0]) * units[cell.split()[1]] for cell in cells]
    assert seconds == [wait.total_seconds() for wait in SCHEDULE]
    assert f"silence for {tasks.DEADLINE_S:.0f} seconds" in PAGE
    assert f"more than {tasks.MAX_ANSWER_BYTES // 1024} KiB" in PAGE
    assert f"kept for {forgetting.KEPT_FOR.days} days" in PAGE
    assert FAILING_FOR.days == 5


@contextmanager
def listening(port, key):
    """What ``hocphi webhook listen`` prints."""
    said = []
    with receiver(port, key, said.append) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield said
        server.shutdown()


@pytest.mark.db
@pytest.mark.parametrize("scheme", list(Scheme))
def test_the_receiver_for_trying_out_verifies_and_prints(desk, scheme):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    added = desk.add(f"http://127.0.0.1:{port}/", scheme=scheme)
    desk.emit(1)
    with listening(port, shown(Key(scheme, bytes(range(32))))) as said:
        deliver_due()
    assert desk.problems() == ["http_401"]
    assert said[0].startswith("✗ bad_signature")
    desk.rows("UPDATE webhook_endpoint SET rest_until = NULL RETURNING id")
    desk.rows("UPDATE webhook_delivery SET due_at = '2025-01-01' RETURNING id")
    with listening(port, added.shown) as said:
        deliver_due()
    assert desk.states() == ["delivered"]
    assert said[0].startswith("✓ ")


def test_the_published_package_and_ours_agree_on_keys():
    assert Webhook(shown(Key(Scheme.HMAC, bytes(range(32))))).sign("evt_1", clock.now(), "{}").startswith("v1,")
