"""payOS."""

import hashlib
import hmac
import json
from typing import Any

import pytest

from bank_adapters import payos
from bank_adapters.contract import MalformedCallbackError, Reason, Request, Status
from tests.bank_adapters.golden_files import request_of, vector

KEY = {"checksum_key": "test-payos-checksum-key-0001"}
GENUINE = vector("payos-05-nulls")
DATA = json.loads(GENUINE["request"]["body"])["data"]


def signed(data: dict[str, Any], text: str) -> Request:
    signature = hmac.new(KEY["checksum_key"].encode(), text.encode(), hashlib.sha256).hexdigest()
    body = json.dumps({"success": True, "data": data, "signature": signature}).encode()
    return Request("POST", "", "", {}, body)


def test_the_unsigned_envelope_says_nothing() -> None:
    document = json.loads(GENUINE["request"]["body"]) | {"code": "99", "success": False}
    (found,) = payos.parse(request_of(GENUINE, body=json.dumps(document).encode()), [])
    assert found.status is Status.settled
    (failed,) = payos.parse(request_of(vector("payos-failed")), [])
    assert failed.status is Status.failed


def test_the_call_that_confirms_a_url_is_never_money() -> None:
    (found,) = payos.parse(request_of(vector("payos-01-published")), [])
    assert found.status is Status.test


def test_a_real_order_with_the_number_123_is_money() -> None:
    document = {"data": {**DATA, "orderCode": 123}}
    (found,) = payos.parse(Request("POST", "", "", {}, json.dumps(document).encode()), [])
    assert found.status is Status.settled


def test_several_transfers_for_one_link_are_several_facts() -> None:
    keys = set()
    for reference in ("FT1", "FT2", "FT1"):
        body = json.dumps({"data": {**DATA, "reference": reference}}).encode()
        (found,) = payos.parse(Request("POST", "", "", {}, body), [])
        keys.add(found.dedup_key)
        assert found.provider_txn_id == found.bank_reference == reference
    assert len(keys) == 2


@pytest.mark.parametrize("word", ["null", "undefined"])
def test_a_word_that_is_signed_as_nothing_is_read_as_nothing(word: str) -> None:
    """The signed text is the same, so whoever forwards a message could put it where nothing stood."""
    body = json.dumps({"data": {**DATA, "virtualAccountNumber": word, "description": word}}).encode()
    (found,) = payos.parse(Request("POST", "", "", {}, body), [])
    assert (found.virtual_account, found.description) == (None, "")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"b": None, "a": "null", "c": "undefined"}, "a=&b=&c="),
        ({"a": [{"z": 1, "b": "é/"}], "b": []}, 'a=[{"b":"é/","z":1}]&b=[]'),
        ({"a": [{"z": {"y": 1, "x": 2}, "b": None}]}, 'a=[{"b":null,"z":{"y":1,"x":2}}]'),
        ({"a": 1.50, "b": True, "c": False}, "a=1.5&b=true&c=false"),
        ({"a": {"unsigned": 1}}, "a=[object Object]"),
        ({"amount": 3000.0}, "amount=3000"),
        ({"amount": 3000.0}, "amount=3000.0"),
    ],
)
def test_values_are_signed_as_javascript_writes_them(data: dict[str, Any], text: str) -> None:
    assert payos.authenticate(signed(data, text), [KEY], 0).valid


def test_signed_text_that_can_be_read_as_another_payment_is_refused() -> None:
    """Both bodies have one signature: the payer's memo, or a second reading of it, chooses the idempotency key."""
    memo = "hoc phi&orderCode=1&paymentLinkId=1&reference=2&u="
    honest = {"description": memo, "orderCode": 7, "paymentLinkId": "8", "reference": "9", "virtualAccountName": ""}
    text = f"description={memo}&orderCode=7&paymentLinkId=8&reference=9&virtualAccountName="
    forged = {
        "description": "hoc phi",
        "orderCode": "1",
        "paymentLinkId": "1",
        "reference": "2",
        "u": "&orderCode=7&paymentLinkId=8&reference=9",
        "virtualAccountName": "",
    }
    for data in (honest, forged):
        request = signed(data, text)
        assert payos.authenticate(request, [KEY], 0).valid
        with pytest.raises(MalformedCallbackError, match="ambiguous"):
            payos.parse(request, [KEY])


def test_more_than_one_transaction_needs_is_not_even_checked() -> None:
    data = {"a": "x" * 33_000}
    assert payos.authenticate(signed(data, f"a={data['a']}"), [KEY], 0).reason is Reason.malformed


def test_every_field_received_is_signed() -> None:
    assert not payos.authenticate(signed({"a": "1", "b": "2"}, "a=1"), [KEY], 0).valid
    assert not payos.authenticate(signed({"a": "1"}, "a=1&b=2"), [KEY], 0).valid


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"data":{"a":1}}', Reason.no_credentials),
        (b'{"data":{"a":1},"signature":""}', Reason.no_credentials),
        (b'{"data":{"a":1},"signature":"00"}', Reason.bad_signature),
        (b'{"data":[],"signature":"00"}', Reason.malformed),
        (b'{"data":{"a":1,"a":1},"signature":"00"}', Reason.malformed),
        (b"", Reason.malformed),
    ],
)
def test_each_refusal_has_its_reason(body: bytes, reason: Reason) -> None:
    assert payos.authenticate(Request("POST", "", "", {}, body), [KEY], 0).reason is reason


@pytest.mark.parametrize("field", ["paymentLinkId", "reference", "amount", "transactionDateTime", "code"])
def test_a_field_that_money_needs_must_be_there(field: str) -> None:
    body = json.dumps({"data": {**DATA, field: None}}).encode()
    with pytest.raises(MalformedCallbackError) as caught:
        payos.parse(Request("POST", "", "", {}, body), [])
    assert caught.value.where == field
