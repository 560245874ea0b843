"""The heart of the door as a pure function: whatever arrives, it judges and raises nothing."""

import base64
import json
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bank_adapters import registry
from bank_adapters.contract import INTERFACE, VALID, Answer, BankTransaction, Direction, Outcome, Request, Status
from payments.banking.queries import DoorConnection
from payments.banking.rules import Target, closed_list
from payments.clock import now
from payments.crypto import FieldCipher
from payments.inbox.receiving import KEPT_BODY_BYTES, receive, split_path
from payments.inbox.sealing import unseal
from tests.payments.inbox.callers import SECRET, sepay_body, sepay_request

CIPHER = FieldCipher({1: b"k" * 32})
ACCOUNTS = closed_list([("number", "123", Target(1, 10))])


def connection(adapter: str = "sepay", **secret: str) -> DoorConnection:
    secrets = (secret or {"secret": SECRET},)
    return DoorConnection(7, adapter, sandbox=False, networks=(), secrets=secrets, accounts=ACCOUNTS)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/callbacks/" + "a" * 43, ("a" * 43, "")),
        ("/callbacks/" + "a" * 43 + "/", ("a" * 43, "")),
        ("/callbacks/" + "a" * 43 + "/bank/api/transaction-sync/", ("a" * 43, "bank/api/transaction-sync")),
        ("/callbacks/short", None),
        ("/callbacks/", None),
        ("/callbacks/" + "é" * 43, None),
        ("/callbacks/" + "a" * 129, None),
    ],
)
def test_a_path_names_a_connection_or_nothing(path: str, expected: tuple[str, str] | None) -> None:
    assert split_path(path) == expected


def test_a_request_for_a_token_is_answered_at_once_and_leaves_no_trace_of_the_password() -> None:
    sender = connection("vietqr_vn", jwt_secret="j" * 32, username="bank", password="pass")
    basic = base64.b64encode(b"bank:pass").decode()
    request = Request("POST", "api/token_generate", "", {"authorization": f"Basic {basic}"}, b"{}")
    reception = receive(sender, request, now(), CIPHER)
    assert reception.rows == ()
    answer = reception.answer([], now())
    assert answer.status == 200
    token = json.loads(answer.body)["access_token"]
    body = {
        "transactionid": "1",
        "transactiontime": 1790039730000,
        "referencenumber": "FT1",
        "amount": 1000,
        "content": "nop tien",
        "bankaccount": "123",
        "transType": "C",
        "orderId": "",
    }
    headers = {"authorization": f"Bearer {token}"}
    notice = Request("POST", "bank/api/transaction-sync", "", headers, json.dumps(body).encode())
    assert [row.outcome for row in receive(sender, notice, now(), CIPHER).rows] == ["accepted"]


def test_of_a_request_that_nobody_vouches_for_only_the_beginning_is_kept() -> None:
    body = b"x" * 200_000
    reception = receive(connection(), Request("POST", "", "", {}, body), now(), CIPHER)
    (row,) = reception.rows
    assert (row.outcome, row.body_bytes, reception.may_throttle) == ("bad_signature", 200_000, True)
    assert len(unseal(row.sealed or b"", CIPHER).body) == KEPT_BODY_BYTES


def test_what_is_authentic_is_never_throttled() -> None:
    for body in (sepay_body("123"), sepay_body("999"), b"{broken"):
        assert not receive(connection(), sepay_request(body), now(), CIPHER).may_throttle


class Scripted:
    """An adapter that gives what a test tells it to."""

    INTERFACE = INTERFACE
    NAME = "scripted"
    SECRET_FIELDS = ("secret",)
    SECRET_CHOICES = (("secret",),)
    ROUTES: ClassVar = {"": "notify"}
    BATCH = True

    def __init__(self, *transactions: BankTransaction, fault: Exception | None = None) -> None:
        self.transactions = list(transactions)
        self.fault = fault

    def authenticate(self, *_: Any) -> Any:
        return VALID

    def parse(self, *_: Any) -> list[BankTransaction]:
        if self.fault:
            raise self.fault
        return self.transactions

    def acknowledge(self, request: Request, outcomes: Any, *_: Any) -> Answer:
        return Answer(200, {}, ",".join(outcomes).encode())


def transaction(key: str = "1", **changed: Any) -> BankTransaction:
    return BankTransaction(
        **{
            "provider_txn_id": key,
            "bank_reference": None,
            "amount_vnd": 1000,
            "direction": Direction.credit,
            "occurred_at": now(),
            "description": "",
            "account_number": "123",
            "dedup_key": key,
            **changed,
        }
    )


def received(adapter: Scripted) -> tuple[list[str], bytes]:
    """Outcomes as stored when all is new, and what the sender hears."""
    registry.register("scripted", adapter)
    try:
        reception = receive(connection("scripted"), Request("POST", "", "", {}, b""), now(), CIPHER)
        outcomes = [row.outcome for row in reception.rows]
        return outcomes, reception.answer(outcomes, now()).body
    finally:
        registry.unregister("scripted")


@pytest.mark.parametrize(
    ("given_status", "outcome"),
    [
        (Status.settled, Outcome.accepted),
        (Status.void, Outcome.accepted),
        (Status.failed, Outcome.not_a_payment),
        (Status.test, Outcome.not_a_payment),
    ],
)
def test_failed_payments_and_test_calls_are_recorded_as_no_payment(given_status: Status, outcome: Outcome) -> None:
    assert received(Scripted(transaction(status=given_status))) == ([outcome], outcome.encode())


def test_a_message_without_transactions_is_recorded_as_no_payment() -> None:
    assert received(Scripted()) == (["not_a_payment"], b"not_a_payment")


def test_a_message_that_names_no_account_credits_nobody() -> None:
    assert received(Scripted(transaction(account_number=None)))[0] == ["foreign_account"]


@pytest.mark.parametrize("text", ["a\0b", "a\ud800b"])
def test_text_that_no_database_takes_is_malformed(text: str) -> None:
    assert received(Scripted(transaction(description=text)))[0] == ["malformed"]


def test_a_fault_in_an_adapter_asks_the_sender_to_try_again() -> None:
    registry.register("scripted", Scripted(fault=ZeroDivisionError("with data")))
    try:
        reception = receive(connection("scripted"), Request("POST", "", "", {}, b""), now(), CIPHER)
    finally:
        registry.unregister("scripted")
    assert [row.outcome for row in reception.rows] == ["internal"]
    assert reception.answer(["internal"], now()).status == 503


SECRETS: dict[str, dict[str, str]] = {
    "sepay": {"secret": SECRET, "api_key": "key"},
    "casso_v1": {"secure_token": "key"},
    "casso_v2": {"checksum_key": "key"},
    "payos": {"checksum_key": "key"},
    "vietqr_vn": {"secret": "key", "jwt_secret": "key", "username": "u", "password": "p"},
    "standard_webhooks": {"secret": "whsec_a2V5"},
}
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            "authorization",
            "secure-token",
            "x-sepay-timestamp",
            "x-sepay-signature",
            "x-casso-signature",
            "webhook-id",
            "webhook-timestamp",
            "webhook-signature",
        ]
    ),
    st.sampled_from(["key", "Apikey key", "Bearer a.b.c", "Basic dTpw"]) | st.text(max_size=40),
)


@settings(max_examples=600, deadline=None)
@given(
    adapter=st.sampled_from(sorted(SECRETS)),
    method=st.sampled_from(["POST", "GET", "PUT", ""]),
    rest=st.sampled_from(["", "api/token_generate", "bank/api/transaction-sync", "../.."]),
    headers=HEADERS,
    body=st.binary(max_size=200) | st.sampled_from([b"{}", b'{"data":[{}]}', b'{"data":{},"signature":""}', b"[[[["]),
)
def test_any_bytes_are_judged_and_answered_without_an_exception(
    adapter: str, method: str, rest: str, headers: dict[str, str], body: bytes
) -> None:
    request = Request(method, rest, "a=b", headers, body, "203.0.113.9")
    reception = receive(connection(adapter, **SECRETS[adapter]), request, now(), CIPHER)
    answer = reception.answer([row.outcome for row in reception.rows], now())
    assert 200 <= answer.status < 500
    assert all(row.sealed is not None for row in reception.rows[:1])


@pytest.mark.parametrize("fault", [ZeroDivisionError("with data"), None])
def test_a_fault_in_the_answer_after_the_commit_asks_the_sender_to_try_again(
    fault: Exception | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def acknowledge(*_: Any) -> Any:
        if fault:
            raise fault

    adapter = Scripted(transaction())
    monkeypatch.setattr(adapter, "acknowledge", acknowledge, raising=False)
    assert received(adapter) == (["accepted"], b'{"error":"try_again"}')
