"""The banks' calls: signed as their senders sign, repeated, forged, stale and broken as planned."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from bank_adapters import get_adapter
from bank_adapters.contract import MalformedCallbackError, Reason
from operations.demo.deliveries import plan_calls
from tests.operations.demo import tiny

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def calls():
    return plan_calls(tiny.month(), tiny.doors(), 7)


def verdict(call, now=NOW, bearer=""):
    request = call.request(now, bearer)
    return get_adapter(call.door.adapter).authenticate(request, [dict(call.door.secret)], now)


def of_kind(calls, kind):
    return [call for call in calls if call.kind == kind]


def test_the_same_seed_plans_the_same_calls():
    doors, plan = tiny.doors(), tiny.month()
    told = [[(call.kind, call.payments) for call in plan_calls(plan, doors, 7)] for _ in range(2)]
    assert told[0] == told[1]


def test_every_reported_movement_is_called_about_once(calls):
    reported = Counter(payment.txn_id for call in of_kind(calls, "call") for payment in call.payments)
    wanted = {movement.txn_id for movement in tiny.month().movements if movement.called}
    assert reported == Counter(wanted)


def test_every_kind_of_call_is_made(calls):
    assert {call.kind for call in calls} == {
        "call",
        "repeat",
        "other_amount",
        "forged",
        "stale",
        "malformed",
        "foreign_account",
    }


def test_genuine_calls_pass_their_adapter_and_forgeries_do_not(calls):
    assert all(verdict(call).valid for call in calls if call.kind in {"call", "repeat", "foreign_account"})
    assert {verdict(call).reason for call in of_kind(calls, "forged")} == {Reason.bad_signature}
    assert {verdict(call).reason for call in of_kind(calls, "stale")} == {Reason.stale}


def test_malformed_calls_are_authentic_and_unreadable(calls):
    for call in of_kind(calls, "malformed"):
        assert verdict(call).valid
        with pytest.raises(MalformedCallbackError):
            get_adapter(call.door.adapter).parse(call.request(NOW, ""), [dict(call.door.secret)])


def test_a_repetition_sends_the_very_bytes_of_the_first_call(calls):
    for call in of_kind(calls, "repeat"):
        assert call.request(NOW, "").body == call.repeats.request(NOW, "").body


def test_a_signature_is_renewed_before_it_grows_too_old(calls):
    call = next(call for call in calls if call.kind == "call" and call.door.adapter == "sepay")
    later = NOW + timedelta(minutes=6)
    assert verdict(call).valid
    assert verdict(call, later).valid


def test_second_messages_with_another_amount_come_last(calls):
    kinds = [call.kind for call in calls]
    assert kinds.index("other_amount") == len(kinds) - kinds.count("other_amount")


def test_senders_that_batch_do(calls):
    batched = [call for call in of_kind(calls, "call") if call.door.adapter == "casso_v1"]
    assert max(len(call.payments) for call in batched) > 1
