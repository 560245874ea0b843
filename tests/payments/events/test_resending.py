"""Sending again: one event, or all that was missed; the id stays."""

from datetime import UTC, datetime, timedelta

import pytest

from payments import clock
from payments.errors import NotFoundError
from payments.events import delivering, endpoints, queries, resending
from payments.events.tasks import deliver_due
from tests.payments.events.receiver import GOOD, answer, receiving
from tests.payments.setting import make_school

pytestmark = pytest.mark.db
NOON = datetime(2025, 10, 1, 5, tzinfo=UTC)


def resend(desk, event_key, **more):
    with desk.session() as session:
        return resending.resend(session, desk.school.id, event_key, actor_id=None, **more)


def resend_since(desk, since, **more):
    with desk.session() as session:
        return resending.resend_since(session, desk.school.id, since, actor_id=None, **more)


def test_a_received_event_is_sent_again_under_its_id_when_a_person_asks(desk):
    with receiving() as receiver:
        desk.add(receiver.url)
        desk.emit(1, 2)
        deliver_due()
        key = receiver.ids()[0]
        assert resend(desk, key) == 1
        assert deliver_due() == 1
    assert receiver.ids().count(key) == 2
    assert desk.rows("SELECT count(*) FROM audit_event WHERE action = 'webhook.resent'") == [(1,)]


def test_all_that_was_missed_while_disabled_comes_after_resuming(desk):
    with receiving(answer(410)) as receiver:
        key = desk.add(receiver.url)
        with clock.turned_to(NOON):
            desk.emit(1)
            deliver_due()
        with clock.turned_to(NOON + timedelta(days=2)):
            desk.emit(2, 3)
            receiver.behave = GOOD
            receiver.got.clear()
            with desk.session() as session:
                endpoints.resume(session, desk.school.id, key.endpoint_id, actor_id=None)
            assert deliver_due() == 0
            assert resend_since(desk, NOON + timedelta(days=1)) == 2
            assert resend_since(desk, NOON) == 3
            assert deliver_due() == 3
    assert len(set(receiver.ids())) == 3
    assert set(desk.states()) == {"delivered"}


def test_what_was_received_comes_again_only_when_asked_for(desk):
    with receiving() as receiver:
        desk.add(receiver.url)
        with clock.turned_to(NOON):
            desk.emit(1)
            deliver_due()
        assert resend_since(desk, NOON) == 0
        assert resend_since(desk, NOON, again=True) == 1
        assert deliver_due() == 1
    assert len(receiver.got) == 2


def test_a_new_endpoint_may_have_what_happened_before_it_was_there(desk):
    with receiving() as first, receiving() as second:
        desk.add(first.url)
        desk.emit(1)
        deliver_due()
        late = desk.add(second.url)
        assert resend_since(desk, clock.now() - timedelta(hours=1), endpoint_id=late.endpoint_id) == 1
        deliver_due()
    assert first.ids() == second.ids()


def test_an_event_that_is_on_the_wire_is_left_alone(desk):
    desk.add("https://software.example/")
    desk.emit(1)
    with desk.session() as session:
        (claimed,) = delivering.claim(session, most=1)
    assert resend(desk, claimed.event_key) == 0


def test_an_event_of_another_school_cannot_be_sent(desk):
    desk.add("https://software.example/")
    desk.emit(1)
    ((key,),) = desk.rows("SELECT event_key FROM webhook_event")
    with desk.session() as session:
        other = make_school(session)
        with pytest.raises(NotFoundError):
            resending.resend(session, other.id, key, actor_id=None)
        with pytest.raises(NotFoundError):
            endpoints.pause(session, other.id, 1, actor_id=None)


def test_the_log_shows_pages_and_attempts_and_health(desk):
    with receiving(answer(500, b"oops")) as receiver:
        key = desk.add(receiver.url)
        desk.emit(1, 2, 3)
        deliver_due()
        with desk.session() as session:
            first = queries.deliveries(session, [desk.school.id], most=2)
            rest = queries.deliveries(session, [desk.school.id], before_id=first[-1].id)
            (health,) = queries.endpoints(session, clock.now())
            tries = queries.attempts(session, desk.school.id, rest[0].id)
            assert queries.deliveries(session, [desk.school.id + 1]) == []
            assert queries.endpoints(session, clock.now(), []) == []
            assert queries.deliveries(session, state="dead") == []
    assert len(first) + len(rest) == 3
    assert (health.id, health.waiting, health.dead, health.last_problem) == (key.endpoint_id, 3, 0, "http_500")
    assert (health.last_delivered_at, health.live_secrets) == (None, 1)
    assert (tries[0].status, tries[0].answer) == (500, b"oops")
    assert "whsec" not in repr(health)
