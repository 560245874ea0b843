"""Banks that ask for bills and pay them: what is asked, what is judged, how the answer is signed."""

import base64
import json

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from bank_adapters import agribank_text, bidv_biller, signatures, tokens, vietinbank
from bank_adapters.billing import SAMPLE, judge
from bank_adapters.contract import BankTransaction, Bill, Inquiry, MalformedCallbackError, Outcome, Owed, Request
from tests.bank_adapters.golden_files import request_of, vector

OURS = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OUR_PEM = OURS.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()


def paid() -> BankTransaction:
    return bidv_biller.parse(request_of(vector("bidv-paybill-valid")), [])[0]


def verified(signature: str, text: str) -> None:
    OURS.public_key().verify(base64.b64decode(signature), text.encode(), padding.PKCS1v15(), hashes.SHA256())


@pytest.mark.parametrize(
    ("owed", "outcome"),
    [
        (SAMPLE, Outcome.accepted),
        (Owed(Outcome.unknown_customer), Outcome.unknown_customer),
        (Owed(Outcome.accepted, "A"), Outcome.unknown_bill),
        (Owed(Outcome.accepted, "A", (Bill("HP26090001", 0),)), Outcome.already_paid),
        (Owed(Outcome.accepted, "A", (Bill("HP26090001", 1_249_999),)), Outcome.amount_differs),
    ],
)
def test_a_paid_bill_is_judged_by_what_its_customer_owes(owed: Owed, outcome: Outcome) -> None:
    assert judge(paid(), owed) is outcome


def test_bidv_lists_open_bills_and_says_when_nothing_is_due() -> None:
    request = request_of(vector("bidv-getbill-01-valid"))
    assert bidv_biller.inquire(request, []) == Inquiry("HS0101234567", "SCH001")
    listed = json.loads(bidv_biller.answer_inquiry(request, SAMPLE, [], 0).body)
    assert listed["data"] == [{"type": 1, "amount": 1_250_000, "bill_id": "HP26090001"}]
    nothing = bidv_biller.answer_inquiry(request, Owed(Outcome.accepted, "NGUYEN V. A"), [], 0)
    assert (nothing.status, json.loads(nothing.body)["result_code"]) == (200, "012")


def test_a_token_belongs_to_the_checksum_where_the_connection_has_a_key_for_tokens() -> None:
    request = request_of(vector("bidv-paybill-bearer"))
    key = vector("bidv-paybill-bearer")["key"]
    now = 1_790_039_740
    assert bidv_biller.authenticate(request, [key], now).valid
    assert not bidv_biller.authenticate(request, [key], now + tokens.LIFETIME_S).valid
    assert not bidv_biller.authenticate(request, [{**key, "jwt_secret": "another"}], now).valid


def test_vietinbank_gets_its_answers_signed_with_our_key() -> None:
    request = request_of(vector("vietinbank-01-valid"))
    answer = json.loads(vietinbank.acknowledge(request, [Outcome.accepted], [{"private_pem": OUR_PEM}], 0).body)
    verified(answer["signature"], "501690869" + "00" + "Thanh cong")


def test_vietinbank_gets_a_signed_bill() -> None:
    request = request_of(vector("vietinbank-inq-bill"))
    answer = json.loads(vietinbank.answer_inquiry(request, SAMPLE, [{"private_pem": OUR_PEM}], 0).body)
    details = answer["data"]["details"]
    assert details["custName"] == "NGUYEN V. A_HS0101234567_1250000VND"
    verified(
        answer["signature"],
        "70000000221170120260922081530" + "2HS0101234567" + details["custName"] + "HP26090001" + "092026125000000",
    )


def test_a_connection_says_what_vietinbank_hears_about_a_repeated_notice() -> None:
    request = request_of(vector("vietinbank-01-valid"))

    def code(secret: dict[str, str]) -> str:
        return json.loads(vietinbank.acknowledge(request, [Outcome.duplicate], [secret], 0).body)["errorCode"]

    assert [code({}), code({"duplicate_code": "00"}), code({"duplicate_code": "05"})] == ["00", "00", "05"]


@pytest.mark.parametrize("pem", ["", "no key", OUR_PEM[:200], "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----"])
def test_what_is_no_private_key_signs_nothing(pem: str) -> None:
    assert signatures.rsa_sign(pem, b"x") == ""


def test_a_short_rsa_key_is_no_key() -> None:
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key()
    pem = short.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    assert signatures.rsa_key(pem) is None


def test_an_agribank_payment_by_item_is_one_payment_of_their_sum() -> None:
    body = {"referenceId": "A1", "account": "a", "pass": "p", "strKhoanDanop": "HP7K3M9Q2XAT;500000"}
    request = Request("POST", "GachNo", "", {}, json.dumps(body).encode())
    [one] = agribank_text.parse(request, [])
    assert (one.amount_vnd, one.order_ref) == (500_000, "HP7K3M9Q2XAT")
    for items in ("", "A", "A;", "A;0", ";5", "A;1|A;2", "A;1,B;2", "A;1|" + "B;2" * 2):
        broken = Request("POST", "GachNo", "", {}, json.dumps({**body, "strKhoanDanop": items}).encode())
        with pytest.raises(MalformedCallbackError):
            agribank_text.parse(broken, [])
