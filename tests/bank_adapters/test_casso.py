"""Casso, both versions."""

import json

import pytest

from bank_adapters import casso_v1, casso_v2
from bank_adapters.contract import Direction, MalformedCallbackError, Reason, Status
from tests.bank_adapters.golden_files import request_of, vector

BATCH = vector("casso-v1-batch")
SINGLE = vector("casso-04-diacritics-slash-amp")


def batch_of(*items: object):
    return request_of(BATCH, body=json.dumps({"error": 0, "data": list(items)}).encode())


@pytest.mark.parametrize("name", ["casso-01-published", "casso-04-diacritics-slash-amp"])
def test_the_order_and_blanks_of_the_body_do_not_matter(name: str) -> None:
    given = vector(name)
    document = json.loads(given["request"]["body"])
    turned = dict(reversed(document.items())) | {"data": dict(reversed(document["data"].items()))}
    request = request_of(given, body=json.dumps(turned, indent=1).encode())
    assert casso_v2.authenticate(request, [given["key"]], 0).valid


def test_the_time_of_the_signature_is_signed_too() -> None:
    header = SINGLE["request"]["headers"]["X-Casso-Signature"].replace("t=1790039730000", "t=1790039730001")
    request = request_of(SINGLE, headers={"X-Casso-Signature": header})
    assert casso_v2.authenticate(request, [SINGLE["key"]], 0).reason is Reason.bad_signature


@pytest.mark.parametrize("header", ["t=1,v1=", "v1=00,t=1", "t=１,v1=" + "0" * 128, "t=1,v1=" + "0" * 128 + ",v1=1"])
def test_a_header_of_another_form_is_malformed(header: str) -> None:
    request = request_of(SINGLE, headers={"X-Casso-Signature": header})
    assert casso_v2.authenticate(request, [SINGLE["key"]], 0).reason is Reason.malformed


def test_the_test_call_is_answered_and_never_money() -> None:
    (found,) = casso_v2.parse(request_of(vector("casso-01-published")), [])
    assert found.status is Status.test
    (found,) = casso_v1.parse(batch_of({**json.loads(BATCH["request"]["body"])["data"][0], "id": 0}), [])
    assert found.status is Status.test


def test_a_minus_is_money_out() -> None:
    (found,) = casso_v2.parse(request_of(vector("casso-08-outgoing")), [])
    assert (found.direction, found.amount_vnd) == (Direction.debit, 850_000)


def test_each_item_of_a_batch_has_its_own_key() -> None:
    found = casso_v1.parse(request_of(BATCH), [])
    assert [one.dedup_key for one in found] == ["11", "12"]
    assert [one.direction for one in found] == [Direction.credit, Direction.debit]


def test_a_batch_is_read_as_a_whole_or_not_at_all() -> None:
    good = json.loads(BATCH["request"]["body"])["data"][0]
    for bad in ({**good, "amount": "1e5"}, {**good, "id": None}, 5, None, []):
        with pytest.raises(MalformedCallbackError):
            casso_v1.parse(batch_of(good, bad), [])


def test_an_empty_batch_is_no_money_and_no_error() -> None:
    assert casso_v1.parse(batch_of(), []) == []


def test_the_account_is_found_under_both_names() -> None:
    item = {**json.loads(BATCH["request"]["body"])["data"][0], "bank_sub_acc_id": None, "subAccId": "777"}
    assert casso_v1.parse(batch_of(item), [])[0].account_number == "777"
