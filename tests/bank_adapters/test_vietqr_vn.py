"""VietQR.vn and MB: the token, both forms, the answer."""

import base64
import hmac
import json

import pytest

from bank_adapters import tokens, vietqr_vn
from bank_adapters.contract import MalformedCallbackError, Outcome, Reason, Request, TokenIssuer
from tests.bank_adapters.golden_files import changed, request_of, vector

BEARER = vector("vietqr-bearer-valid")
SIGNED = vector("vietqr-doc-01-published")
SECRET = {"jwt_secret": "k1", "username": "school", "password": "mật khẩu"}
NOW = 1_790_039_760


def token_call(user: str = "school", password: str = "mật khẩu", scheme: str = "Basic") -> Request:
    basic = base64.b64encode(f"{user}:{password}".encode()).decode()
    return Request("POST", "api/token_generate", "", {"Authorization": f"{scheme} {basic}"}, b"")


def with_token(token: str) -> Request:
    return request_of(BEARER, headers={"Authorization": f"Bearer {token}"})


def test_the_token_we_give_is_the_token_we_accept() -> None:
    answer = vietqr_vn.token(token_call(), [SECRET], NOW)
    given = json.loads(answer.body)
    assert (answer.status, given["token_type"], given["expires_in"]) == (200, "Bearer", 300)
    request = with_token(given["access_token"])
    assert vietqr_vn.authenticate(request, [SECRET], NOW + 299).valid
    assert vietqr_vn.authenticate(request, [SECRET], NOW + 300).reason is Reason.stale
    assert isinstance(vietqr_vn, TokenIssuer)
    assert vietqr_vn.ROUTES["api/token_generate"] == "token"


@pytest.mark.parametrize(
    "request_",
    [
        token_call(password="other"),
        token_call(user="other"),
        token_call(scheme="Bearer"),
        Request("POST", "", "", {"Authorization": "Basic é"}, b""),
        Request("POST", "", "", {}, b""),
    ],
)
def test_nobody_else_gets_a_token(request_: Request) -> None:
    answer = vietqr_vn.token(request_, [SECRET], NOW)
    assert answer.status == 401
    assert b"access_token" not in answer.body


def test_a_connection_without_name_and_password_gives_no_token() -> None:
    empty = token_call(user="", password="")
    assert vietqr_vn.token(empty, [{"jwt_secret": "k1"}], NOW).status == 401
    assert vietqr_vn.token(empty, [{"jwt_secret": "k1", "username": "", "password": ""}], NOW).status == 401


def test_while_keys_are_rotated_tokens_of_both_are_good() -> None:
    old = {**SECRET, "jwt_secret": "k0", "password": "old"}
    issued = json.loads(vietqr_vn.token(token_call(password="old"), [SECRET, old], NOW).body)["access_token"]
    assert vietqr_vn.authenticate(with_token(issued), [SECRET, old], NOW).valid
    assert not vietqr_vn.authenticate(with_token(issued), [SECRET], NOW).valid


def test_a_connection_with_both_asks_for_both() -> None:
    both = {**SIGNED["key"], "jwt_secret": "k1"}
    bearer = {"Authorization": f"Bearer {tokens.issue('bank', 'k1', NOW)}"}
    assert vietqr_vn.authenticate(request_of(SIGNED, headers=bearer), [both], NOW).valid
    assert vietqr_vn.authenticate(request_of(SIGNED), [both], NOW).reason is Reason.no_credentials
    assert not vietqr_vn.authenticate(request_of(BEARER, headers=bearer), [both], NOW).valid


def test_keys_are_read_without_regard_to_case() -> None:
    document = json.loads(BEARER["request"]["body"])
    upper = {key.upper(): value for key, value in document.items()}
    assert vietqr_vn.parse(request_of(BEARER, body=json.dumps(upper).encode()), []) == vietqr_vn.parse(
        request_of(BEARER), []
    )


def test_one_field_in_two_spellings_has_no_reading() -> None:
    request = changed(BEARER, Amount=1)
    with pytest.raises(MalformedCallbackError) as caught:
        vietqr_vn.parse(request, [])
    assert caught.value.code == "duplicate_key"
    assert vietqr_vn.authenticate(request, [SIGNED["key"]], 0).reason is Reason.malformed


def test_a_reference_that_nobody_signed_cannot_make_a_second_payment() -> None:
    secrets = [SIGNED["key"]]
    altered = changed(SIGNED, referencenumber="FT-another")
    assert vietqr_vn.authenticate(altered, secrets, 0).valid
    assert vietqr_vn.parse(altered, secrets)[0].dedup_key == vietqr_vn.parse(request_of(SIGNED), secrets)[0].dedup_key


def test_with_a_token_the_bank_reference_is_the_key() -> None:
    secrets = [BEARER["key"]]
    again = changed(BEARER, transactionid="another delivery")
    assert vietqr_vn.parse(again, secrets)[0].dedup_key == vietqr_vn.parse(request_of(BEARER), secrets)[0].dedup_key
    nameless = changed(BEARER, referencenumber="")
    assert vietqr_vn.parse(nameless, secrets)[0].dedup_key == "c0e43e2c-75b8-4c7f-8826-b72945d89a9f:credit"


def test_a_digit_moved_between_joined_fields_is_not_money() -> None:
    moved = vector("vietqr-signed-digit-moved")
    assert vietqr_vn.authenticate(request_of(moved), [moved["key"]], 0).valid
    with pytest.raises(MalformedCallbackError):
        vietqr_vn.parse(request_of(moved), [moved["key"]])


def resigned_as(*, txn_id: str, amount: str, moment: str, order: str) -> Request:
    """A message in other fields, with the signature of `abc5`, 100000 đồng, at 1791234567000, order 123456."""
    message = b"abc5" + b"0000100000" + b"1791234567000" + b"123456"
    signature = hmac.new(SIGNED["key"]["secret"].encode(), message, "sha256").hexdigest()
    return changed(
        SIGNED, transactionId=txn_id, amount=amount, transactionTime=moment, orderId=order, signature=signature
    )


def test_the_signed_message_itself_is_money() -> None:
    genuine = resigned_as(txn_id="abc5", amount="100000", moment="1791234567000", order="123456")
    assert vietqr_vn.authenticate(genuine, [SIGNED["key"]], 0).valid
    assert vietqr_vn.parse(genuine, [SIGNED["key"]])[0].amount_vnd == 100_000


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"txn_id": "abc", "amount": "50000100000", "moment": "1791234567000", "order": "123456"}, "amount"),
        ({"txn_id": "abc5000", "amount": "100000179", "moment": "1234567000", "order": "123456"}, "transactionTime"),
        ({"txn_id": "abc5000", "amount": "100000179", "moment": "1234567000123", "order": "456"}, "transactionTime"),
    ],
)
def test_one_signed_message_cannot_be_cut_into_another_payment(fields: dict[str, str], where: str) -> None:
    recut = resigned_as(**fields)
    assert vietqr_vn.authenticate(recut, [SIGNED["key"]], 0).valid
    with pytest.raises(MalformedCallbackError) as caught:
        vietqr_vn.parse(recut, [SIGNED["key"]])
    assert caught.value.where == where
    assert vietqr_vn.parse(recut, [BEARER["key"]]), "with a token nothing is joined, so nothing can move"


def test_the_words_bearer_and_basic_may_be_written_in_any_case() -> None:
    assert vietqr_vn.token(token_call(scheme="basic"), [SECRET], NOW).status == 200
    request = request_of(BEARER, headers={"Authorization": f"bearer {tokens.issue('school', 'k1', NOW)}"})
    assert vietqr_vn.authenticate(request, [SECRET], NOW).valid


def test_each_form_gets_its_own_success_answer() -> None:
    signed = json.loads(vietqr_vn.acknowledge(request_of(SIGNED), [Outcome.accepted], [SIGNED["key"]], 0).body)
    bearer = json.loads(vietqr_vn.acknowledge(request_of(BEARER), [Outcome.accepted], [BEARER["key"]], 0).body)
    assert (signed["errorReason"], signed["toastMessage"]) == ("000", "")
    assert (bearer["errorReason"], bearer["toastMessage"]) == (None, None)
    assert signed["object"]["reftransactionid"] != bearer["object"]["reftransactionid"]


def test_refusals_are_in_the_sender_s_form() -> None:
    for outcome, code in ((Outcome.bad_signature, "TOKEN"), (Outcome.malformed, "001"), (Outcome.internal, "005")):
        body = json.loads(vietqr_vn.acknowledge(request_of(BEARER), [outcome], [], 0).body)
        assert (body["error"], body["errorReason"], body["object"]) == (True, code, None)


def test_the_value_date_is_the_day_in_viet_nam() -> None:
    (found,) = vietqr_vn.parse(request_of(vector("mb-transaction-sync")), [])
    assert found.value_date is not None
    assert found.value_date.isoformat() == "2026-09-22"
    assert found.counterparty is not None
    assert found.counterparty.bank == "970422"
