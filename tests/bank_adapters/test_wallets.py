"""MoMo, ZaloPay, MB MMS and SePay PG: what is signed, what is money, what is answered."""

import hashlib
import hmac
import json
from typing import Any

import pytest

from bank_adapters import mb_mms, momo, sepay_pg, zalopay
from bank_adapters.contract import MalformedCallbackError, Outcome, Reason, Request, Status
from tests.bank_adapters.golden_files import changed, request_of, vector

MOMO, ZALO, MMS, PG = (
    vector(name) for name in ("momo-01-valid", "zalopay-01-valid", "mb-mms-01-valid", "sepay-pg-ipn-01-valid")
)


@pytest.mark.parametrize("field", momo._SIGNED)
def test_momo_signs_each_of_its_fields(field: str) -> None:
    for other in ("9", None):
        assert momo.authenticate(changed(MOMO, **{field: other}), [MOMO["key"]], 0).valid == (
            field == "extraData" and other is None  # empty and absent are one text
        )


def test_momo_needs_both_halves_of_the_key() -> None:
    for half in ("access_key", "secret_key"):
        only = {half: MOMO["key"][half]}
        assert momo.authenticate(request_of(MOMO), [only], 0).reason is Reason.unconfigured
        assert not momo.authenticate(request_of(MOMO), [{**MOMO["key"], half: "another"}], 0).valid


def test_momo_s_two_halves_must_be_of_one_secret() -> None:
    mixed = [{**MOMO["key"], "access_key": "newer"}, {**MOMO["key"], "secret_key": "newer"}]
    assert not momo.authenticate(request_of(MOMO), mixed, 0).valid


@pytest.mark.parametrize(("code", "status"), [(0, Status.settled), (9000, Status.failed), (1006, Status.failed)])
def test_momo_moves_money_with_result_zero_alone(code: int, status: Status) -> None:
    assert momo.parse(changed(MOMO, resultCode=code), [])[0].status is status


def test_momo_answers_with_a_status_alone() -> None:
    for outcome, status in (
        (Outcome.accepted, 204),
        (Outcome.duplicate, 204),
        (Outcome.bad_signature, 401),
        (Outcome.internal, 503),
    ):
        answer = momo.acknowledge(request_of(MOMO), [outcome], [], 0)
        assert (answer.status, answer.body) == (status, b"")


def test_one_momo_signature_cannot_be_cut_into_another_message() -> None:
    document = json.loads(MOMO["request"]["body"])
    recut = {**document, "orderInfo": "a&orderType=b", "orderType": document["orderType"]}
    with pytest.raises(MalformedCallbackError):
        momo.parse(changed(MOMO, **recut), [])


def test_momo_payments_that_were_given_up_do_not_share_one_key() -> None:
    keys = {momo.parse(changed(MOMO, transId=0, orderId=order), [])[0].dedup_key for order in ("A", "B")}
    assert len(keys) == 2


def resigned(data: str) -> Request:
    mac = hmac.new(ZALO["key"]["key2"].encode(), data.encode(), hashlib.sha256).hexdigest()
    return Request("POST", "", "", {}, json.dumps({"data": data, "mac": mac, "type": 1}).encode())


def test_zalopay_signs_the_text_and_not_what_it_says() -> None:
    data = json.loads(ZALO["request"]["body"])["data"]
    assert zalopay.authenticate(resigned(data), [ZALO["key"]], 0).valid
    assert not zalopay.authenticate(changed(ZALO, data=json.dumps(json.loads(data))), [ZALO["key"]], 0).valid
    assert not zalopay.authenticate(changed(ZALO, data=json.loads(data)), [ZALO["key"]], 0).valid


def test_the_unsigned_type_says_nothing() -> None:
    assert zalopay.parse(changed(ZALO, type=2), []) == zalopay.parse(request_of(ZALO), [])


@pytest.mark.parametrize("data", ["", "[]", "null", "{}", '{"amount":1,"amount":2}', '{"binding_id":"1","amount":5}'])
def test_zalopay_text_that_is_no_payment_is_refused(data: str) -> None:
    assert zalopay.authenticate(resigned(data), [ZALO["key"]], 0).valid
    with pytest.raises(MalformedCallbackError):
        zalopay.parse(resigned(data), [])


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (Outcome.accepted, 1),
        (Outcome.duplicate, 1),
        (Outcome.amount_differs, 1),
        (Outcome.already_paid, 2),
        (Outcome.bad_signature, -1),
        (Outcome.malformed, 0),
        (Outcome.internal, 0),
    ],
)
def test_zalopay_is_answered_in_its_codes(outcome: Outcome, code: int) -> None:
    answer = zalopay.acknowledge(request_of(ZALO), [outcome], [], 0)
    assert (answer.status, json.loads(answer.body)["return_code"]) == (200, code)


def shifted(**fields: Any) -> Request:
    """The same signed text with other borders between its fields."""
    request = changed(MMS, **fields)
    assert mb_mms.authenticate(request, [MMS["key"]], 0).valid
    return request


def test_one_mb_mms_signature_is_one_payment_however_it_is_cut() -> None:
    genuine = mb_mms.parse(request_of(MMS), [])[0]
    for other in (
        shifted(ftCode="FT-another"),
        shifted(traceTransfer="MB26092200000", billNumber="1HP26090001"),
        shifted(traceTransfer="MB260922000001HP2", billNumber="6090001", ftCode="FT-another"),
    ):
        assert mb_mms.parse(other, [])[0].dedup_key == genuine.dedup_key


def test_another_mb_mms_payment_has_another_key() -> None:
    other = changed(MMS, traceTransfer="MB260922000009")
    assert mb_mms.parse(other, [])[0].dedup_key != mb_mms.parse(request_of(MMS), [])[0].dedup_key


@pytest.mark.parametrize(
    ("real", "amount_vnd"), [("1250000", 1_250_000), ("1200000", 1_200_000), ("", 1_250_000), (None, 1_250_000)]
)
def test_mb_mms_counts_what_reaches_the_account(real: str | None, amount_vnd: int) -> None:
    assert mb_mms.parse(changed(MMS, realAmount=real), [])[0].amount_vnd == amount_vnd


@pytest.mark.parametrize("real", ["1250001", "0", "-1", "1e6"])
def test_mb_mms_never_counts_more_than_was_debited(real: str) -> None:
    with pytest.raises(MalformedCallbackError) as caught:
        mb_mms.parse(changed(MMS, realAmount=real), [])
    assert caught.value.where == "realAmount"


def test_a_sepay_pg_void_names_the_payment_that_it_takes_back() -> None:
    (paid,) = sepay_pg.parse(request_of(PG), [])
    (void,) = sepay_pg.parse(request_of(vector("sepay-pg-void")), [])
    assert (paid.status, void.status) == (Status.settled, Status.void)
    assert (void.dedup_key, void.direction, void.amount_vnd) == (paid.dedup_key, paid.direction, paid.amount_vnd)


def test_a_renewal_is_a_payment_too() -> None:
    assert sepay_pg.parse(changed(PG, notification_type="RENEWAL_ORDER_PAID"), [])[0].status is Status.settled


def test_sepay_pg_without_a_key_is_not_believed() -> None:
    bare = request_of(PG, headers={})
    assert sepay_pg.authenticate(bare, [PG["key"]], 0).reason is Reason.no_credentials
    assert sepay_pg.authenticate(bare, [{"secret_key": ""}], 0).reason is Reason.unconfigured
