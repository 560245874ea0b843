"""The pure part: signatures, schedule, Retry-After, and what counts as received."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from payments.events.rules import (
    LONGEST_REST,
    LONGEST_RETRY_AFTER,
    SCHEDULE,
    Key,
    Scheme,
    body_of,
    headers_of,
    next_wait,
    problem_of,
    rest,
    retry_after,
    shown,
)

NOON = datetime(2025, 10, 1, 5, tzinfo=UTC)


@given(secret=st.binary(min_size=24, max_size=64), seconds=st.integers(1, 2**33), body=st.text())
def test_we_sign_as_the_published_package_does(secret, seconds, body):
    moment = datetime.fromtimestamp(seconds, UTC)
    ours = headers_of([Key(Scheme.HMAC, secret)], "evt_1", moment, body.encode())
    assert ours["webhook-signature"] == Webhook("whsec_" + base64.b64encode(secret).decode()).sign(
        "evt_1", moment, body
    )


def test_nothing_is_sent_without_a_signature():
    with pytest.raises(ValueError, match="signature"):
        headers_of([], "evt_1", NOON, b"{}")


def test_a_private_key_is_never_shown():
    key = Key(Scheme.ED25519, bytes(range(32)))
    assert base64.b64encode(key.secret).decode() not in shown(key)
    assert shown(Key(Scheme.HMAC, key.secret)) == "whsec_" + base64.b64encode(key.secret).decode()


def test_the_body_of_an_event_is_equal_whatever_the_order_of_its_data():
    one = body_of("evt_1", "day.closed", 7, NOON, {"a": 1, "b": "Hoa Phượng"})
    assert one == body_of("evt_1", "day.closed", 7, NOON, {"b": "Hoa Phượng", "a": 1})
    assert b'"timestamp":"2025-10-01T05:00:00.000Z"' in one


def test_waits_grow_to_a_day_and_end():
    waits = [next_wait(attempts, None, 0.0) for attempts in range(11)]
    assert waits == [*SCHEDULE, None]
    assert sum(SCHEDULE, timedelta()) == timedelta(hours=75, minutes=35, seconds=5)


@given(attempts=st.integers(1, 9), luck=st.floats(0, 1), asked=st.integers(0, 10**9))
def test_a_wait_is_never_shorter_than_planned_nor_longer_than_the_bounds(attempts, luck, asked):
    wait = next_wait(attempts, timedelta(seconds=asked), luck)
    assert SCHEDULE[attempts] <= wait <= max(SCHEDULE[attempts] * 1.1, LONGEST_RETRY_AFTER)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("120", timedelta(seconds=120)),
        (" 5 ", timedelta(seconds=5)),
        ("Wed, 01 Oct 2025 05:10:00 GMT", timedelta(minutes=10)),
        ("Wed, 01 Oct 2025 04:00:00 GMT", timedelta(0)),
        ("-5", None),
        ("1e9", None),
        ("٣", None),
        ("9" * 400, None),
        ("soon", None),
        ("", None),
        (None, None),
        ("Wed, 01 Oct 2025 05:10:00", None),
        ("Wed, 99 Oct 2025 05:10:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value, wanted):
    assert retry_after(value, NOON) == wanted


@given(st.text())
def test_no_retry_after_breaks_us(value):
    retry_after(value, NOON)


@pytest.mark.parametrize(
    ("status", "problem"),
    [(200, None), (204, None), (299, None), (301, "redirect"), (400, "http_400"), (410, "gone"), (503, "http_503")],
)
def test_only_success_is_a_receipt(status, problem):
    assert problem_of(status) == problem


def test_an_endpoint_rests_longer_and_longer_up_to_five_minutes():
    rests = [rest(failures) for failures in range(1, 1000)]
    assert rests[:3] == [timedelta(seconds=5), timedelta(seconds=10), timedelta(seconds=20)]
    assert rests == sorted(rests)
    assert rests[-1] == LONGEST_REST
