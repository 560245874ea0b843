"""Waves over a real SMTP server: each notice once, in its time, and what became of each is true."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from payments import clock
from payments.errors import ConflictError, DomainError
from payments.notices import rules, service
from payments.notices.rules import CampaignState, Kind
from tests.payments.notices.mailbox import mail_server, text_of
from tests.payments.notices.office import LATE, NOON, guardian, office

pytestmark = pytest.mark.db


def later(seconds: int):
    return clock.turned_to(NOON + timedelta(seconds=seconds))


def test_each_parent_gets_one_letter_with_the_own_link(school_office, box):
    for name in ("An", "Bình", "Chi"):
        school_office.pupil(name, f"{name.lower()[0]}@example.org", club_vnd=15_000)
    campaign = school_office.start()
    assert school_office.work() == 3
    assert box.recipients == ["a@example.org", "b@example.org", "c@example.org"]
    links = {line for letter in box.letters for line in text_of(letter).splitlines() if "/p/" in line}
    assert len(links) == 3
    assert school_office.states() == {"sent": 3}
    assert school_office.campaign(campaign).state is CampaignState.DONE
    assert school_office.work() == 0


def test_a_letter_is_right_mime_and_says_nothing_of_the_child_where_strangers_look(school_office, box):
    school_office.pupil("Bảo Châu", "me@example.org")
    school_office.start(language="both")
    school_office.work()
    (letter,) = box.letters
    raw = box.raw[0]
    assert raw.isascii()
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert letter["List-Unsubscribe"].strip().startswith("<https://hocphi.example/notices/stop/")
    assert letter["Message-ID"].endswith("@hocphi.example>")
    assert "Hoa Phượng" in letter["From"]
    assert "thong-bao@hocphi.example" in letter["From"]
    assert [part.get_content_type() for part in letter.iter_parts()] == ["text/plain", "text/html"]
    body = text_of(letter)
    assert "Nguyễn M. B. Châu" in body
    for part in (letter["Subject"], body[:140], letter.get_body(("html",)).get_content()[:200]):
        assert "Châu" not in part
        assert "Nguyễn" not in part
    assert "100.000" not in body
    assert "Chi phí gửi tin này: 0 đ" in body
    assert f"https://hocphi.example/s/{school_office.school.code}" in body
    assert box.senders == ["thong-bao@hocphi.example"]


def test_who_pays_between_start_and_sending_is_not_asked(school_office, box):
    paid = school_office.pupil("An", "a@example.org")
    half = school_office.pupil("Bình", "b@example.org", club_vnd=15_000)
    school_office.pupil("Chi", "c@example.org")
    school_office.start(Kind.REMINDER)
    school_office.pay(100_000, paid)
    school_office.pay(100_000, half)  # the mandatory part; what is open is voluntary
    school_office.work()
    assert box.recipients == ["c@example.org"]
    assert school_office.states() == {"paid": 2, "sent": 1}


def test_nobody_is_reminded_of_a_voluntary_item(school_office, box):
    school_office.pupil("An", "a@example.org", meals_vnd=0, club_vnd=15_000)
    with pytest.raises(DomainError, match="nobody"):
        school_office.start(Kind.REMINDER)
    with clock.turned_to(LATE), pytest.raises(DomainError, match="nobody"):
        school_office.start(Kind.OVERDUE)
    school_office.start(Kind.NEW_ROUND)
    school_office.work()
    assert box.recipients == ["a@example.org"]


def test_a_due_date_parts_reminders_from_overdue_ones(school_office):
    school_office.pupil("An", "a@example.org")
    with pytest.raises(DomainError, match="nobody"):
        school_office.start(Kind.OVERDUE)
    school_office.start(Kind.REMINDER)
    with clock.turned_to(LATE):
        with pytest.raises(DomainError, match="nobody"):
            school_office.start(Kind.REMINDER)
        school_office.start(Kind.OVERDUE)


def test_a_wave_keeps_the_pace_of_the_campaign(school_office, box):
    school_office.do(service.change_settings, school_office.school.id, None, per_minute=2)
    for number in range(5):
        school_office.pupil("An", f"a{number}@example.org")
    school_office.start()
    assert school_office.work() == 2
    with later(20):
        assert school_office.work() == 0
    with later(61):
        assert school_office.work() == 2
    with later(122):
        assert school_office.work() == 1
    assert len(set(box.recipients)) == 5


def test_all_schools_together_keep_the_pace_of_the_installation(engine, database_url, box):
    with clock.turned_to(NOON), office(engine, database_url, box.url, HOCPHI_MAIL_PER_MINUTE="3") as one:
        for number in range(5):
            one.pupil("An", f"a{number}@example.org")
        one.start()
        assert one.work() == 3


def test_a_wave_at_night_waits_for_the_morning(school_office, box):
    school_office.pupil("An", "a@example.org")
    with clock.turned_to(NOON + timedelta(hours=9)):  # 21:00
        school_office.start()
        assert school_office.work() == 0
    with clock.turned_to(NOON + timedelta(hours=18, minutes=59)):  # 06:59
        assert school_office.work() == 0
    with clock.turned_to(NOON + timedelta(hours=19)):  # 07:00
        assert school_office.work() == 1
    assert len(box.letters) == 1


def test_a_wave_that_runs_into_the_night_stops(school_office, box):
    school_office.do(service.change_settings, school_office.school.id, None, per_minute=1)
    for number in range(2):
        school_office.pupil("An", f"a{number}@example.org")
    with clock.turned_to(NOON + timedelta(hours=8, minutes=59, seconds=30)):
        school_office.start()
        assert school_office.work() == 1
    with clock.turned_to(NOON + timedelta(hours=9, minutes=1)):
        assert school_office.work() == 0
    assert len(box.letters) == 1


def test_a_campaign_is_paused_gone_on_with_and_cancelled(school_office, box):
    school_office.do(service.change_settings, school_office.school.id, None, per_minute=1)
    for number in range(3):
        school_office.pupil("An", f"a{number}@example.org")
    campaign, school = school_office.start(), school_office.school
    school_office.work()
    school_office.do(service.pause, school.id, campaign, school.accountant)
    with later(61):
        assert school_office.work() == 0
        school_office.do(service.resume, school.id, campaign, school.accountant)
        assert school_office.work() == 1
    school_office.do(service.cancel, school.id, campaign, school.accountant)
    with later(200):
        assert school_office.work() == 0
    assert school_office.states() == {"sent": 2, "skipped": 1}
    with pytest.raises(ConflictError):
        school_office.do(service.resume, school.id, campaign, school.accountant)
    assert len(box.letters) == 2


def test_pausing_and_going_on_many_times_leaves_one_row_of_work(school_office):
    school_office.pupil("An", "a@example.org")
    campaign, school = school_office.start(), school_office.school
    for _ in range(3):
        school_office.do(service.pause, school.id, campaign, None)
        school_office.do(service.resume, school.id, campaign, None)
    assert school_office.do(lambda s: s.scalar(text("SELECT count(*) FROM outbox WHERE queue = 'waves'"))) == 1


def test_two_people_who_start_the_same_start_one_campaign(school_office):
    school_office.pupil("An", "a@example.org")
    school_office.start()
    with pytest.raises((ConflictError, DomainError)):
        school_office.start()
    assert sum(school_office.states().values()) == 1


def test_nobody_is_told_twice_of_a_round_nor_reminded_within_three_days(school_office, box):
    school_office.pupil("An", "a@example.org")
    school_office.start()
    school_office.start(Kind.REMINDER)
    school_office.work()
    school_office.pupil("Bình", "b@example.org")
    school_office.start()
    school_office.start(Kind.REMINDER)
    school_office.work()
    assert box.recipients == ["a@example.org"] * 2 + ["b@example.org"] * 2
    with clock.turned_to(NOON + rules.TELL_AGAIN_AFTER + timedelta(minutes=1)):
        with pytest.raises(DomainError, match="nobody"):
            school_office.start()
        school_office.start(Kind.REMINDER)


def test_a_second_guardian_is_written_to_when_the_first_address_is_bad(school_office, box):
    invoice = school_office.pupil("An", "cu@example.org")
    guardian(school_office, invoice, "mother", "me@example.org")
    box.rcpt["cu@example.org"] = "550 5.1.1 no such user"
    campaign = school_office.start()
    school_office.work()
    assert school_office.states() == {"bad_address": 1}
    with later(60):
        school_office.do(service.retry, school_office.school.id, campaign, None)
        school_office.work()
    assert box.recipients == ["me@example.org"]
    assert school_office.states() == {"sent": 1}


def test_an_address_that_bounced_is_not_tried_again(school_office, box):
    school_office.pupil("An", "khong@example.org")
    box.rcpt["khong@example.org"] = "550 no such user"
    school_office.start()
    school_office.work()
    assert school_office.states() == {"bad_address": 1}
    box.rcpt.clear()
    with pytest.raises(DomainError, match="nobody"):
        school_office.start(Kind.REMINDER)


@pytest.mark.parametrize("answer", ["550 5.7.1 blocked by policy", "552 5.2.2 mailbox full"])
def test_a_refusal_that_is_not_about_the_address_leaves_the_address_good(school_office, box, answer):
    school_office.pupil("An", "a@example.org")
    box.rcpt["a@example.org"] = answer
    school_office.start()
    school_office.work()
    assert school_office.states() == {"failed": 1}
    box.rcpt.clear()
    school_office.start(Kind.REMINDER)
    school_office.work()
    assert box.recipients == ["a@example.org"]


def test_a_letter_that_is_put_off_comes_later(school_office, box):
    school_office.pupil("An", "a@example.org")
    box.rcpt["a@example.org"] = "450 4.2.0 greylisted"
    school_office.start()
    assert school_office.work() == 1
    assert school_office.states() == {"waiting": 1}
    assert school_office.problems() == ["smtp_450"]
    box.rcpt.clear()
    with later(60):
        assert school_office.work() == 0
    with later(121):
        assert school_office.work() == 1
    assert box.recipients == ["a@example.org"]


def test_a_letter_that_is_put_off_for_ever_fails_where_people_see_it(school_office, box):
    school_office.pupil("An", "a@example.org")
    box.rcpt["a@example.org"] = "450 not now"
    school_office.start()
    for turn in range(rules.MOST_ATTEMPTS + 2):
        with later(turn * 3601):
            school_office.work()
    with clock.turned_to(NOON + timedelta(days=1)):
        school_office.work()
    assert school_office.states() == {"failed": 1}


def test_a_mail_server_that_is_away_costs_time_and_no_attempts(engine, database_url):
    with mail_server() as box:
        url = box.url
    with clock.turned_to(NOON), office(engine, database_url, url) as one:
        for number in range(3):
            one.pupil("An", f"a{number}@example.org")
        campaign = one.start()
        for turn in range(20):
            with later(turn * 121):
                one.work()
        assert one.states() == {"waiting": 3}
        assert one.campaign(campaign).problem == "ConnectionRefusedError"
        with mail_server(port=int(url.rpartition(":")[2])) as back, later(20 * 121 + 61):
            one.work()
        assert len(back.letters) == 3
        assert one.campaign(campaign).problem is None


def test_without_a_mail_server_a_campaign_says_so(engine, database_url):
    with clock.turned_to(NOON), office(engine, database_url, None) as one:
        one.pupil("An", "a@example.org")
        campaign = one.start()
        one.work()
        assert one.campaign(campaign).problem == "no_mail_server"
        assert one.states() == {"waiting": 1}
