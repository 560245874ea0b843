"""A channel that costs money, with a sender as an operator installs it: an entry point of a package beside ours."""

import importlib
import sys
from datetime import timedelta

import pytest
from sqlalchemy import text

from payments import clock
from payments.notices import service
from payments.notices.rules import MOST_ATTEMPTS, CampaignState, Channel
from payments.notifications.channels import paid
from tests.payments.notices.office import NOON

SENDER = """
GOT = []
ANSWERS = []

def send(phone, text, cause):
    GOT.append((phone, text, cause))
    answer = ANSWERS.pop(0) if ANSWERS else None
    if isinstance(answer, Exception):
        raise answer
    return answer
"""
PHONE = "0900000001"


@pytest.fixture
def provider(tmp_path, monkeypatch):
    """The installed module: what it got, and what it shall answer."""
    (tmp_path / "our_zns.py").write_text(SENDER, encoding="utf-8")
    told = tmp_path / "our_zns-1.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: our-zns\nVersion: 1\n", encoding="utf-8")
    (told / "entry_points.txt").write_text("[hocphi.paid_senders]\nzns = our_zns:send\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    paid.sender.cache_clear()
    yield importlib.import_module("our_zns")
    paid.sender.cache_clear()
    del sys.modules["our_zns"]


@pytest.fixture
def started(school_office, provider):
    """A campaign to one telephone."""
    office = school_office
    office.do(service.change_settings, office.school.id, office.school.accountant, zns_price_vnd=300)
    office.pupil("Bảo Châu", None, phone_sealed=office.outside.cipher.seal(PHONE.encode(), "guardian.phone"))
    return office.start(channel=Channel.ZNS)


def test_an_installed_sender_gets_number_text_with_link_and_cost_once(school_office, provider, started):
    assert school_office.work() == 1
    [(phone, words, cause)] = provider.GOT
    assert phone == PHONE
    assert "https://hocphi.example/p/" in words
    assert "300 đ" in words
    assert "Bảo Châu" not in words.replace("B. Châu", ""), "a name that is shortened"
    assert cause.endswith("@hocphi.example")
    assert (school_office.work(), len(provider.GOT), school_office.states()) == (0, 1, {"sent": 1})
    assert school_office.campaign(started).state is CampaignState.DONE


def test_a_message_that_was_not_taken_is_tried_again_under_the_same_cause(school_office, provider, started):
    provider.ANSWERS[:] = ["provider_busy", RuntimeError(f"no route for {PHONE}"), "Số 0900000001 bị chặn"]
    problems = []
    for turn in range(4):
        with clock.turned_to(NOON + timedelta(hours=turn)):
            school_office.work()
            problems += school_office.problems()
    assert problems == ["provider_busy", "sender_failed", "sender_refused", None]
    assert school_office.states() == {"sent": 1}
    assert len({cause for _, _, cause in provider.GOT}) == 1
    kept = school_office.do(lambda session: session.execute(text("SELECT problem FROM notice_attempt")).scalars().all())
    assert not any(PHONE in (problem or "") for problem in kept)


def test_a_sender_that_always_falls_ends_the_notice_and_not_the_worker(school_office, provider, started):
    provider.ANSWERS[:] = [RuntimeError("x")] * 20
    for turn in range(MOST_ATTEMPTS + 2):
        with clock.turned_to(NOON + timedelta(days=turn)):
            school_office.work()
    assert (len(provider.GOT), school_office.states()) == (MOST_ATTEMPTS, {"failed": 1})


def test_a_number_that_does_not_exist_is_asked_once_and_never_again(school_office, provider, started):
    provider.ANSWERS[:] = ["bad_address"]
    school_office.work()
    assert school_office.states() == {"bad_address": 1}
    with clock.turned_to(NOON + timedelta(days=1)), pytest.raises(Exception, match="nobody"):
        school_office.start(channel=Channel.ZNS)
    assert len(provider.GOT) == 1
