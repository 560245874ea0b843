"""Standard Webhooks, also against the reference library."""

import json
from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook

from bank_adapters import standard_webhooks
from bank_adapters.contract import MalformedCallbackError, Reason, Request
from tests.bank_adapters.golden_files import request_of, vector

SECRET = {"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
ROTATED = vector("stdwebhooks-03-rotation")
ED25519 = vector("stdwebhooks-ed25519")
NOW = 1_790_039_735
DATA = {"txn_id": "T1", "amount": 5000, "account_number": "1", "content": "x"}


def signed(document: object, message_id: str = "msg_1", at: int = NOW) -> Request:
    body = json.dumps(document)
    headers = {
        "webhook-id": message_id,
        "webhook-timestamp": str(at),
        "webhook-signature": Webhook(SECRET["secret"]).sign(message_id, datetime.fromtimestamp(at, UTC), body),
    }
    return Request("POST", "", "", headers, body.encode())


def event(**data: object) -> Request:
    return signed({"type": "bank.transaction.credited", "timestamp": "2026-09-22T01:15:35Z", "data": DATA | data})


def test_what_the_reference_library_signs_is_accepted() -> None:
    assert standard_webhooks.authenticate(event(), [SECRET], NOW).valid
    bare = {"secret": SECRET["secret"].removeprefix("whsec_")}
    assert standard_webhooks.authenticate(event(), [bare], NOW).valid


def test_the_id_of_the_message_is_signed_too() -> None:
    request = event()
    other = Request("POST", "", "", {**request.headers, "webhook-id": "msg_2"}, request.body)
    assert standard_webhooks.authenticate(other, [SECRET], NOW).reason is Reason.bad_signature


def test_a_secret_that_is_no_base64_believes_nobody_and_spares_the_other() -> None:
    odd = {"secret": "whsec_not base64!"}
    assert standard_webhooks.authenticate(event(), [odd], NOW).reason is Reason.unconfigured
    assert standard_webhooks.authenticate(event(), [odd, SECRET], NOW).valid


def test_a_public_key_checks_only_its_own_kind_of_signature() -> None:
    assert not standard_webhooks.authenticate(request_of(ROTATED), [ED25519["key"]], NOW).valid
    as_secret = {"secret": ED25519["key"]["public"].replace("whpk_", "whsec_")}
    assert not standard_webhooks.authenticate(request_of(ED25519), [as_secret], NOW).valid


def test_a_list_of_hundreds_of_signatures_is_not_even_tried() -> None:
    headers = {**ROTATED["request"]["headers"]}
    headers["webhook-signature"] = " ".join(["v1a,AAAA"] * 17)
    verdict = standard_webhooks.authenticate(request_of(ROTATED, headers=headers), [ED25519["key"]], NOW)
    assert verdict.reason is Reason.malformed


def test_events_that_are_not_about_money_give_none() -> None:
    for document in ({}, {"type": None}, {"type": "bank.account.closed", "data": None}):
        assert standard_webhooks.parse(signed(document), []) == []


def test_the_transaction_is_the_key_and_not_the_message() -> None:
    document = {"type": "bank.transaction.credited", "timestamp": "2026-09-22T01:15:35Z", "data": DATA}
    first, again = signed(document, "msg_1"), signed(document, "msg_2")
    assert standard_webhooks.parse(first, []) == standard_webhooks.parse(again, [])


def test_the_moment_is_the_bank_s_or_the_message_s_or_the_header_s() -> None:
    moments = [
        standard_webhooks.parse(event(occurred_at="2026-09-22T01:15:30Z"), []),
        standard_webhooks.parse(event(), []),
        standard_webhooks.parse(signed({"type": "bank.transaction.credited", "data": DATA}), []),
    ]
    found = [transactions[0].occurred_at.isoformat() for transactions in moments]
    assert found == ["2026-09-22T08:15:30+07:00", "2026-09-22T08:15:35+07:00", "2026-09-22T08:15:35+07:00"]


@pytest.mark.parametrize(
    "data", [{"amount": "x"}, {"amount": 0}, {"amount": -5}, {"txn_id": ""}, {"currency": "USD"}, {"occurred_at": "x"}]
)
def test_money_that_cannot_be_read_is_told(data: dict[str, object]) -> None:
    with pytest.raises(MalformedCallbackError):
        standard_webhooks.parse(event(**data), [])


def test_a_sender_that_names_no_account_is_heard_all_the_same() -> None:
    (found,) = standard_webhooks.parse(request_of(ROTATED), [])
    assert found.account_number is None
