"""Workers that die in the middle: every event arrives at least once under one id, and none is lost."""

import base64
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta

import pytest

from payments import clock
from payments.events import delivering, tasks
from payments.events.tasks import deliver_due
from tests.house import ROOT
from tests.payments.events.receiver import after, answer, receiving

pytestmark = pytest.mark.db
WORKER = """
import os
from payments.celery import make_celery
from payments import tables
from payments.settings import Settings
from payments.events.tasks import deliver_due
make_celery(Settings.from_env(), {})
print("up", flush=True)
deliver_due()
"""


def test_a_worker_that_dies_between_sending_and_recording_sends_again_under_the_same_id(desk, monkeypatch):
    def die(*_):
        raise KeyboardInterrupt

    with receiving() as receiver:
        desk.add(receiver.url)
        desk.emit(1)
        monkeypatch.setattr(tasks, "record", die)
        with pytest.raises(KeyboardInterrupt):
            deliver_due()
        monkeypatch.setattr(tasks, "record", delivering.record)
        assert deliver_due() == 0
        with clock.turned_to(clock.now() + delivering.LEASE + timedelta(seconds=1)):
            assert deliver_due() == 1
    assert len(receiver.got) == 2
    assert receiver.ids()[0] == receiver.ids()[1]
    assert desk.states() == ["delivered"]


def test_whoever_comes_back_after_its_lease_changes_nothing(desk):
    with receiving(answer(500)) as receiver:
        desk.add(receiver.url)
        desk.emit(1)
        with desk.session() as session:
            (late,) = delivering.claim(session, most=1)
        with clock.turned_to(clock.now() + delivering.LEASE + timedelta(seconds=1)):
            deliver_due()
        with desk.session() as session:
            assert not delivering.record(session, late, delivering.Heard(1, None, 200))
    assert desk.states() == ["waiting"]
    assert desk.problems() == ["http_500", None]


def test_two_claims_never_share_a_delivery_and_keep_the_bound_of_an_endpoint(desk):
    desk.add("https://software.example/")
    desk.emit(*range(1, 11))
    with desk.session() as one, desk.session() as other:
        first = delivering.claim(one, most=3)
        second = delivering.claim(other, most=10)
    assert len(first) == 3
    assert not {row.id for row in first} & {row.id for row in second}
    with desk.session() as session:
        assert delivering.claim(session, most=10) == []


def test_workers_killed_again_and_again_lose_nothing(desk, database_url, monkeypatch):
    """SIGKILL in the middle of many sendings, ten times; then one worker does the rest."""
    environment = {
        **os.environ,
        "DATABASE_URL": database_url,
        "HOCPHI_OUTGOING_ALLOW": "127.0.0.0/8",
        "HOCPHI_SECRET_KEY": desk.settings.secret_key,
        "HOCPHI_FIELD_KEYS": written(desk.settings.field_keys),
        "HOCPHI_LINK_KEYS": written(desk.settings.link_keys),
    }
    with receiving(after(0.02, answer(204))) as receiver:
        key = desk.add(receiver.url)
        desk.emit(*range(1, 401))
        for turn in range(10):
            worker = subprocess.Popen(
                [sys.executable, "-c", WORKER], env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True
            )
            assert worker.stdout.readline() == "up\n"
            wait_until_more(receiver.got, 3 + turn)
            worker.send_signal(signal.SIGKILL)
            worker.wait()
            worker.stdout.close()
            # The next one would have to wait for the leases of the dead.
            desk.rows("UPDATE webhook_delivery SET leased_until = NULL WHERE state = 'waiting' RETURNING id")
        while deliver_due():
            pass
    assert set(desk.states()) == {"delivered"}
    assert len(receiver.got) >= 400
    told = {got.id: got.verified(key.shown)["data"]["amount_vnd"] - 100_000 for got in receiver.got}
    assert sorted(told.values()) == list(range(1, 401))
    bodies = {}
    for got in receiver.got:
        assert bodies.setdefault(got.id, got.body) == got.body


def wait_until_more(got, count):
    ends, before = time.monotonic() + 60, len(got)
    while len(got) < before + count:
        assert time.monotonic() < ends
        time.sleep(0.005)


def written(keys):
    return ",".join(f"{number}:{base64.b64encode(key).decode()}" for number, key in keys.items())
