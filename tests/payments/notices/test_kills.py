"""Workers killed with SIGKILL: nothing is lost; what had not reached the mail server is sent once.

Between the mail server's yes and our commit a letter can be sent a second time (no protocol closes that gap). Then
both carry one Message-ID.
"""

import base64
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta

import pytest

from payments import clock
from payments.notices import rules, sending, tasks
from tests.house import ROOT
from tests.payments.notices.office import NOON

pytestmark = [pytest.mark.db, pytest.mark.timeout(300)]
TURNED = """
from datetime import datetime, timedelta
from payments import clock
import time
began, real = datetime.fromisoformat({noon!r}), time.monotonic()
clock.now = lambda: began + timedelta(seconds=time.monotonic() - real)
"""
CELERY = (
    TURNED
    + """
import wsgi
wsgi.celery.worker_main(["worker", "--queues=waves", "--concurrency=1", "--loglevel=WARNING", "--pool=solo"])
"""
)


def environment(office, box, **more: str) -> dict[str, str]:
    settings = office.outside.settings

    def written(keys):
        return ",".join(f"{number}:{base64.b64encode(key).decode()}" for number, key in keys.items())

    return {
        **os.environ,
        "DATABASE_URL": settings.database_url,
        "HOCPHI_SECRET_KEY": settings.secret_key,
        "HOCPHI_FIELD_KEYS": written(settings.field_keys),
        "HOCPHI_LINK_KEYS": written(settings.link_keys),
        "HOCPHI_SMTP_URL": box.url,
        "HOCPHI_MAIL_FROM": "tb@hocphi.example",
        **more,
    }


def wait_for(met, seconds: float = 200) -> None:
    ends = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < ends
        time.sleep(0.01)


def test_a_real_worker_killed_again_and_again_loses_no_letter(school_office, box, valkey_url):
    for number in range(40):
        school_office.pupil("An", f"a{number}@example.org")
    school_office.start()
    broker = {"BROKER_URL": valkey_url, "RESULT_BACKEND": valkey_url}
    for turn in range(2):
        moment = NOON + timedelta(minutes=10 * turn)
        worker = subprocess.Popen(
            [sys.executable, "-c", CELERY.format(noon=moment.isoformat())],
            env=environment(school_office, box, **broker),
            cwd=ROOT,
            start_new_session=True,
        )
        before = len(box.raw)
        wake(valkey_url)
        wait_for(lambda before=before: len(box.raw) >= before + 3)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    for turn in range(2, 8):  # leases of the dead run out
        with clock.turned_to(NOON + timedelta(minutes=10 * turn)):
            school_office.work()
    assert school_office.states() == {"sent": 40}
    ids = Counter(letter["Message-ID"] for letter in box.letters)
    assert len(ids) == 40
    assert len(box.raw) <= 42, "at most the one letter that each dead worker had in hand comes twice"
    by_id = {letter["Message-ID"]: str(letter["To"]) for letter in box.letters}
    assert len(set(by_id.values())) == 40


def wake(valkey_url: str) -> None:
    """Send the wake-up that a commit sends."""
    from celery import Celery  # noqa: PLC0415 - an application of its own, beside the one of this process

    with Celery("wake", broker=valkey_url, set_as_current=False) as app:
        app.send_task("payments.notices.tasks.send_due", queue="waves", ignore_result=True)


def test_a_worker_that_dies_before_the_dialogue_sends_once(school_office, box, monkeypatch):
    school_office.pupil("An", "a@example.org")
    school_office.start()

    def die(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(sending, "_by_channel", die)
    with pytest.raises(KeyboardInterrupt):
        school_office.work()
    monkeypatch.undo()
    assert school_office.work() == 0
    with clock.turned_to(NOON + rules.LEASE + timedelta(seconds=1)):
        assert school_office.work() == 1
    assert len(box.letters) == 1


def test_a_worker_that_dies_after_the_servers_yes_sends_again_under_the_same_id(school_office, box, monkeypatch):
    school_office.pupil("An", "a@example.org")
    school_office.start()
    honest = sending._record

    def die(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(sending, "_record", die)
    with pytest.raises(KeyboardInterrupt):
        school_office.work()
    monkeypatch.setattr(sending, "_record", honest)
    with clock.turned_to(NOON + rules.LEASE + timedelta(seconds=1)):
        assert school_office.work() == 1
    first, second = box.letters
    assert first["Message-ID"] == second["Message-ID"]
    assert school_office.states() == {"sent": 1}


def test_whoever_comes_back_after_its_lease_sends_nothing(school_office, box):
    school_office.pupil("An", "a@example.org")
    campaign = school_office.start()
    outside, school = school_office.outside, school_office.school
    (late,) = school_office.do(sending.take, outside, school.id, campaign).notices
    with clock.turned_to(NOON + rules.LEASE + timedelta(seconds=1)):
        assert school_office.work() == 1
    with tasks.MailServer(box.url, "tb@hocphi.example") as server:
        school_office.do(sending.deliver, outside, late, server)
    assert len(box.letters) == 1


def test_the_fence_has_teeth(school_office, box, monkeypatch):
    """Without the look at state and lease the same letter would leave twice."""
    school_office.pupil("An", "a@example.org")
    campaign = school_office.start()
    outside, school = school_office.outside, school_office.school
    (late,) = school_office.do(sending.take, outside, school.id, campaign).notices
    with clock.turned_to(NOON + rules.LEASE + timedelta(seconds=1)):
        school_office.work()
    with tasks.MailServer(box.url, "tb@hocphi.example") as server:

        def blind(session):
            notice = session.get(sending.Notice, (late.school_id, late.id))
            campaign_ = session.get(sending.Campaign, (late.school_id, campaign))
            sending._send(session, outside, campaign_, notice, server)

        school_office.do(blind)
    assert len(box.letters) == 2


def test_two_workers_at_once_share_a_wave(school_office):
    for number in range(6):
        school_office.pupil("An", f"a{number}@example.org")
    campaign = school_office.start()
    outside, school = school_office.outside, school_office.school
    one = school_office.do(sending.take, outside, school.id, campaign).notices
    other = school_office.do(sending.take, outside, school.id, campaign)
    assert len(one) == 6
    assert other.notices == ()
    assert other.again_at is not None
