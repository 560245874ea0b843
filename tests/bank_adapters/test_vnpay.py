"""VNPAY: the raw query string, the two codes, the code table."""

import hashlib
import hmac
import json
import random
from urllib.parse import parse_qsl, urlencode

import pytest

from bank_adapters import vnpay
from bank_adapters.contract import Counterparty, MalformedCallbackError, Outcome, Reason, Request, Status
from tests.bank_adapters.golden_files import request_of, vector

GENUINE = vector("vnpay-01-valid")
KEY = GENUINE["key"]
QUERY = GENUINE["request"]["query"]
UNSIGNED = QUERY.rpartition("&vnp_SecureHash=")[0]


def asked(query: str) -> Request:
    return Request("GET", "", query, {}, b"")


def signed(text: str, *, more: str = "") -> Request:
    signature = hmac.new(KEY["hash_secret"].encode(), text.encode(), hashlib.sha512).hexdigest()
    return asked(f"{text}{more}&vnp_SecureHash={signature}")


def changed(**values: str) -> Request:
    return signed(urlencode(sorted({**dict(parse_qsl(UNSIGNED)), **values}.items())))


def test_the_order_in_which_the_names_come_does_not_matter() -> None:
    parts = QUERY.split("&")
    random.Random(1).shuffle(parts)
    assert vnpay.authenticate(asked("&".join(parts)), [KEY], 0).valid
    assert vnpay.parse(asked("&".join(parts)), []) == vnpay.parse(asked(QUERY), [])


def test_every_name_but_the_two_of_the_hash_is_signed() -> None:
    assert vnpay.authenticate(asked(f"{QUERY}&vnp_SecureHashType=SHA256"), [KEY], 0).valid
    for added in ("vnp_Extra=1", "utm=1", "vnp_secureHash=1"):
        assert vnpay.authenticate(asked(f"{QUERY}&{added}"), [KEY], 0).reason is Reason.bad_signature


@pytest.mark.parametrize(
    "query",
    [
        f"{QUERY}&vnp_Amount=1",
        f"vnp_Amount=1&{QUERY}",
        f"{QUERY}&vnp_SecureHash=00",
        f"{QUERY}&vnp%5FAmount=1",
        f"{QUERY}&",
        f"{QUERY}&=1",
        QUERY + "&a=é",
        QUERY + "&a=" + "x" * vnpay.MAX_QUERY_BYTES,
    ],
)
def test_a_query_with_two_readings_has_none(query: str) -> None:
    assert vnpay.authenticate(asked(query), [KEY], 0).reason is Reason.malformed
    with pytest.raises(MalformedCallbackError):
        vnpay.parse(asked(query), [KEY])


def test_no_changed_letter_is_believed() -> None:
    dice = random.Random("vnpay")
    for _ in range(2_000):
        place = dice.randrange(len(UNSIGNED))
        letter = dice.choice("0123456789abcdefXYZ%+&=")
        query = QUERY[:place] + letter + QUERY[place + 1 :]
        assert vnpay.authenticate(asked(query), [KEY], 0).valid == (query == QUERY)


def test_a_request_without_a_hash_is_told_apart() -> None:
    assert vnpay.authenticate(asked(UNSIGNED), [KEY], 0).reason is Reason.no_credentials
    assert vnpay.authenticate(asked(""), [KEY], 0).reason is Reason.no_credentials


def test_the_body_is_never_read() -> None:
    request = Request("POST", "", "", {}, QUERY.encode())
    assert not vnpay.authenticate(request, [KEY], 0).valid


@pytest.mark.parametrize("code", ["24", "07", "0", "000", "OK"])
def test_both_codes_must_say_that_the_money_moved(code: str) -> None:
    assert vnpay.parse(changed(), [])[0].status is Status.settled
    assert vnpay.parse(changed(vnp_ResponseCode=code), [])[0].status is Status.failed
    assert vnpay.parse(changed(vnp_TransactionStatus=code), [])[0].status is Status.failed


@pytest.mark.parametrize(
    "name", ["vnp_ResponseCode", "vnp_TransactionStatus", "vnp_TransactionNo", "vnp_TmnCode", "vnp_PayDate"]
)
def test_a_field_that_money_needs_must_be_there(name: str) -> None:
    with pytest.raises(MalformedCallbackError) as caught:
        vnpay.parse(changed(**{name: ""}), [])
    assert caught.value.where == name


@pytest.mark.parametrize("amount", ["125000050", "50", "0", "-125000000", "1e9", "", "１２５００"])
def test_an_amount_that_is_no_whole_dong_is_refused(amount: str) -> None:
    request = changed(vnp_Amount=amount)
    assert vnpay.authenticate(request, [KEY], 0).valid
    with pytest.raises(MalformedCallbackError) as caught:
        vnpay.parse(request, [])
    assert caught.value.where == "vnp_Amount"


@pytest.mark.parametrize("text", ["vnp_OrderInfo=%00", "vnp_OrderInfo=%ff", "vnp_OrderInfo=%ED%A0%80"])
def test_text_that_cannot_be_stored_is_refused(text: str) -> None:
    request = signed(UNSIGNED.replace("vnp_OrderInfo=HP+T9+2026+HS0101234567", text))
    assert vnpay.authenticate(request, [KEY], 0).valid
    with pytest.raises(MalformedCallbackError):
        vnpay.parse(request, [])


def test_payments_that_were_given_up_do_not_share_one_key() -> None:
    given_up = [changed(vnp_TransactionNo="0", vnp_TxnRef=order) for order in ("A", "B")]
    first, second = (vnpay.parse(request, [])[0].dedup_key for request in given_up)
    assert first != second
    assert vnpay.parse(request_of(GENUINE), [])[0].dedup_key == "14226112"


def test_the_bank_of_the_payer_is_all_that_is_kept_of_the_payer() -> None:
    assert vnpay.parse(changed(), [])[0].counterparty == Counterparty(bank="NCB")


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (Outcome.accepted, "00"),
        (Outcome.duplicate, "00"),
        (Outcome.foreign_account, "00"),
        (Outcome.not_a_payment, "00"),
        (Outcome.unknown_bill, "01"),
        (Outcome.already_paid, "02"),
        (Outcome.amount_differs, "04"),
        (Outcome.bad_signature, "97"),
        (Outcome.stale, "97"),
        (Outcome.malformed, "99"),
        (Outcome.internal, "99"),
    ],
)
def test_every_outcome_has_its_code_with_status_200(outcome: Outcome, code: str) -> None:
    answer = vnpay.acknowledge(asked(QUERY), [outcome], [], 0)
    assert (answer.status, json.loads(answer.body)["RspCode"]) == (200, code)
