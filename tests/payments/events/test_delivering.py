"""Delivery to real receivers: good, failing, gone, slow, redirecting, huge and broken ones."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from bank_adapters import standard_webhooks
from bank_adapters.contract import Request
from payments import clock
from payments.events import delivering, endpoints, tasks
from payments.events.rules import EventKind, Scheme
from payments.events.tasks import deliver_due
from tests.payments.events.receiver import GOOD, after, answer, raw, receiving

pytestmark = pytest.mark.db
NOON = datetime(2025, 10, 1, 5, tzinfo=UTC)


def test_an_event_arrives_signed_and_once(desk):
    with receiving() as receiver:
        key = desk.add(receiver.url)
        desk.emit(1)
        assert deliver_due() == 1
        assert deliver_due() == 0
    (got,) = receiver.got
    document = got.verified(key.shown)
    assert document["type"] == "invoice.issued"
    assert document["id"] == got.id
    assert document["data"] == {"amount_vnd": 100_001, "school": desk.school.code}
    assert (got.path, got.headers["content-type"]) == ("/su-kien", "application/json")
    assert desk.states() == ["delivered"]
    assert desk.problems() == [None]


def test_only_the_right_key_and_the_bytes_as_sent_are_right(desk):
    with receiving() as receiver:
        key = desk.add(receiver.url)
        desk.emit(1)
        deliver_due()
    (got,) = receiver.got
    with pytest.raises(WebhookVerificationError):
        got.verified("whsec_" + base64.b64encode(bytes(32)).decode())
    with pytest.raises(WebhookVerificationError):
        Webhook(key.shown).verify(got.body + b" ", got.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(key.shown).verify(got.body, got.headers | {"webhook-id": "evt_other"})


def test_an_unsigned_event_would_be_noticed(desk, monkeypatch):
    """Teeth: without the signature the check of the first test fails."""
    signed = tasks.headers_of
    monkeypatch.setattr(tasks, "headers_of", lambda *given: signed(*given) | {"webhook-signature": "v1,"})
    with receiving() as receiver:
        key = desk.add(receiver.url)
        desk.emit(1)
        deliver_due()
    with pytest.raises(WebhookVerificationError):
        receiver.got[0].verified(key.shown)


def test_nothing_is_sent_without_a_readable_key(desk, caplog):
    with receiving() as receiver:
        desk.add(receiver.url)
        desk.emit(1)
        desk.rows("UPDATE webhook_secret SET sealed = '\\x00' RETURNING id")
        deliver_due()
    assert receiver.got == []
    assert desk.problems() == ["no_key"]
    assert desk.states() == ["waiting"]
    assert "cannot be read" in caplog.text


def test_a_receiver_may_check_with_a_public_key_alone(desk):
    with receiving() as receiver:
        key = desk.add(receiver.url, scheme=Scheme.ED25519)
        desk.emit(1)
        deliver_due()
    (got,) = receiver.got
    assert key.shown.startswith("whpk_")
    request = Request("POST", got.path, "", got.headers, got.body)
    assert standard_webhooks.authenticate(request, [{"public": key.shown}], clock.now()).valid
    assert not standard_webhooks.authenticate(
        Request("POST", got.path, "", got.headers, got.body + b" "), [{"public": key.shown}], clock.now()
    ).valid


def test_while_keys_change_the_old_and_the_new_one_are_right(desk):
    with receiving() as receiver:
        old = desk.add(receiver.url)
        with desk.session() as session:
            new = endpoints.rotate_secret(session, desk.cipher, desk.school.id, old.endpoint_id, actor_id=None)
        desk.emit(1)
        deliver_due()
        with clock.turned_to(clock.now() + endpoints.OVERLAP + timedelta(seconds=1)):
            desk.emit(2)
            deliver_due()
    during, later = receiver.got
    assert during.verified(old.shown) == during.verified(new)
    assert len(later.headers["webhook-signature"].split()) == 1
    with pytest.raises(WebhookVerificationError):
        Webhook(old.shown).verify(
            during.body, during.headers | {"webhook-signature": later.headers["webhook-signature"]}
        )


@pytest.mark.parametrize(
    ("behave", "problem"),
    [
        (answer(500, b"oops"), "http_500"),
        (answer(404), "http_404"),
        (answer(302, location="http://127.0.0.1:9/elsewhere"), "redirect"),
        (answer(200, b"x" * (tasks.MAX_ANSWER_BYTES + 1)), "too_large"),
        (raw(b""), "broken"),
        (raw(b"\x00\xff not http\r\n\r\n"), "broken"),
        (raw(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nshort"), "broken"),
    ],
)
def test_a_failure_is_kept_with_its_code_and_tried_again_under_the_same_id(desk, behave, problem):
    with receiving(behave) as receiver:
        desk.add(receiver.url)
        with clock.turned_to(NOON):
            desk.emit(1)
            assert deliver_due() == 1
            assert deliver_due() == 0
        assert desk.problems() == [problem]
        assert desk.states() == ["waiting"]
        receiver.behave = GOOD
        with clock.turned_to(NOON + timedelta(seconds=6)):
            assert deliver_due() == 1
    assert receiver.ids()[0] == receiver.ids()[1]
    assert receiver.got[0].body == receiver.got[1].body
    assert desk.states() == ["delivered"]
    assert desk.problems() == [problem, None]


def test_the_log_keeps_the_first_kilobyte_of_an_answer(desk):
    with receiving(answer(500, b"y" * 5000)) as receiver:
        desk.add(receiver.url)
        desk.emit(1)
        deliver_due()
    assert desk.rows("SELECT status, answer FROM webhook_attempt") == [(500, b"y" * 1024)]


def test_a_receiver_that_does_not_answer_is_left_at_the_deadline(desk, monkeypatch):
    monkeypatch.setattr(tasks, "DEADLINE_S", 0.5)
    with receiving(after(5, GOOD)) as receiver:
        desk.add(receiver.url)
        desk.emit(1)
        assert deliver_due() == 1
    assert desk.problems() == ["timeout"]


def test_a_slow_receiver_does_not_keep_events_from_the_others(desk, monkeypatch):
    monkeypatch.setattr(tasks, "DEADLINE_S", 2.0)
    arrived: list[float] = []
    with receiving(after(30, GOOD)) as slow, receiving() as good:
        desk.add(slow.url)
        desk.add(good.url)
        desk.emit(*range(1, 31))
        deliver_due()
        arrived = [one.id for one in good.got]
        assert len(set(arrived)) == 30
        # At most so many were on the wire to the slow one, then it was left to rest.
        assert len(slow.got) <= delivering.AT_ONCE
    assert desk.rows("SELECT count(*) FROM webhook_delivery WHERE state = 'waiting' AND attempts = 0") == [
        (30 - len(slow.got),)
    ]


def test_an_endpoint_that_fails_is_asked_for_one_event_at_a_time(desk):
    with receiving(answer(503)) as receiver:
        desk.add(receiver.url)
        with clock.turned_to(NOON):
            desk.emit(*range(1, 21))
            deliver_due()
            first = len(receiver.got)
        assert first <= delivering.AT_ONCE
        with clock.turned_to(NOON + timedelta(minutes=6)):
            deliver_due()
        assert len(receiver.got) == first + 1
        receiver.behave = GOOD
        with clock.turned_to(NOON + timedelta(minutes=12)):
            deliver_due()
    assert desk.states() == ["delivered"] * 20


def test_retry_after_is_honoured_within_bounds(desk):
    with receiving(answer(429, Retry_After="3600")) as receiver:
        desk.add(receiver.url)
        with clock.turned_to(NOON):
            desk.emit(1)
            deliver_due()
        assert desk.rows("SELECT due_at FROM webhook_delivery") == [(NOON + timedelta(hours=1),)]
        receiver.behave = answer(503, Retry_After="99999999")
        with clock.turned_to(NOON + timedelta(hours=1)):
            deliver_due()
    assert desk.rows("SELECT due_at FROM webhook_delivery") == [(NOON + timedelta(hours=25),)]


def test_an_endpoint_that_is_gone_is_disabled_and_people_are_told(desk):
    with receiving(answer(410)) as receiver:
        desk.add(receiver.url)
        desk.emit(1, 2)
        deliver_due()
        calls = len(receiver.got)
        desk.emit(3)
        assert deliver_due() == 0
        assert len(receiver.got) == calls
    assert desk.rows("SELECT state, disabled_reason FROM webhook_endpoint") == [("disabled", "gone")]
    told = desk.rows("SELECT recipient_user_id, body FROM message WHERE kind = 'webhook'")
    assert {user for user, _ in told} == {desk.school.accountant, desk.school.principal}
    assert len(told) == 2
    assert "127.0.0.1" in told[0][1]
    # What happened since is kept, and was not queued.
    assert desk.rows("SELECT count(*) FROM webhook_event") == [(3,)]


def test_an_event_is_tried_ten_times_over_three_days_then_kept_for_a_person(desk):
    with receiving(answer(500)) as receiver:
        desk.add(receiver.url)
        moment = NOON
        with clock.turned_to(moment):
            desk.emit(1)
        while desk.states() == ["waiting"]:
            (moment,) = desk.rows("SELECT due_at FROM webhook_delivery")[0]
            with clock.turned_to(moment):
                assert deliver_due() == 1
    assert len(receiver.got) == 10
    assert len(set(receiver.ids())) == 1
    assert len({one.headers["webhook-timestamp"] for one in receiver.got}) == 10
    assert timedelta(hours=75.5) < moment - NOON < timedelta(hours=84)
    assert desk.states() == ["dead"]
    assert desk.rows("SELECT state FROM webhook_endpoint") == [("active",)]
    told = desk.rows("SELECT recipient_user_id FROM message WHERE subject LIKE 'Có sự kiện%'")
    assert {user for (user,) in told} == {desk.school.accountant, desk.school.principal}


def test_an_endpoint_that_takes_nothing_for_five_days_is_disabled(desk):
    with receiving(answer(500)) as receiver:
        desk.add(receiver.url)
        for day in range(6):
            with clock.turned_to(NOON + timedelta(days=day, minutes=day)):
                desk.emit(day + 1)
                deliver_due()
    assert desk.rows("SELECT state, disabled_reason FROM webhook_endpoint") == [("disabled", "failing")]
    told = desk.rows("SELECT subject FROM message WHERE kind = 'webhook'")
    assert told == [("Đã ngừng gửi sự kiện cho phần mềm của trường",)] * 2


def test_one_success_makes_an_endpoint_well_again(desk):
    with receiving(answer(500)) as receiver:
        desk.add(receiver.url)
        with clock.turned_to(NOON):
            desk.emit(1)
            deliver_due()
        receiver.behave = GOOD
        with clock.turned_to(NOON + timedelta(days=6)):
            deliver_due()
    assert desk.rows("SELECT state, failures, failing_since, rest_until FROM webhook_endpoint") == [
        ("active", 0, None, None)
    ]


def test_only_the_kinds_that_are_wanted_come_and_each_endpoint_gets_its_own(desk):
    with receiving() as payments, receiving() as everything:
        key = desk.add(payments.url, (EventKind.PAYMENT_SETTLED,))
        desk.add(everything.url)
        desk.emit(1)
        desk.emit(2, kind=EventKind.PAYMENT_SETTLED)
        deliver_due()
    assert [json.loads(one.body)["type"] for one in payments.got] == ["payment.settled"]
    assert payments.got[0].verified(key.shown)
    assert sorted(json.loads(one.body)["type"] for one in everything.got) == ["invoice.issued", "payment.settled"]


def test_a_paused_endpoint_gets_everything_when_it_is_resumed(desk):
    with receiving() as receiver:
        key = desk.add(receiver.url)
        with desk.session() as session:
            endpoints.pause(session, desk.school.id, key.endpoint_id, actor_id=None)
        desk.emit(1, 2)
        assert deliver_due() == 0
        with desk.session() as session:
            endpoints.resume(session, desk.school.id, key.endpoint_id, actor_id=None)
        assert deliver_due() == 2
    assert len(receiver.got) == 2


def test_a_removed_endpoint_gets_nothing_more(desk):
    with receiving() as receiver:
        key = desk.add(receiver.url)
        desk.emit(1)
        with desk.session() as session:
            endpoints.remove(session, desk.school.id, key.endpoint_id, actor_id=None)
        desk.emit(2)
        assert deliver_due() == 0
    assert receiver.got == []
    assert desk.states() == ["dead"]
    assert desk.rows("SELECT count(*) FROM webhook_event") == [(1,)]


def test_old_events_are_forgotten_with_all_about_them(desk):
    with receiving() as receiver:
        desk.add(receiver.url)
        with clock.turned_to(NOON):
            desk.emit(1, 2)
            deliver_due()
        with clock.turned_to(NOON + timedelta(days=60)):
            desk.emit(3)
            deliver_due()
        with clock.turned_to(NOON + timedelta(days=91)):
            assert tasks.forget_old() == 2
    assert desk.rows("SELECT subject_id FROM webhook_event") == [(3,)]
    assert len(desk.states()) == len(desk.problems()) == 1
