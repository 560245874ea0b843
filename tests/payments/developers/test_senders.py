"""What we send as a bank is what the adapters accept, and what an independent peer accepts."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook

from bank_adapters import adapter_names, get_adapter
from bank_adapters.contract import Adapter, Direction, Request, Status, TokenIssuer
from payments.developers import senders
from payments.developers.keys import rehearsal_secret
from payments.developers.orders import sepay_pg_void
from payments.developers.senders import Payment, casso_v1_batch, granted_token, signed_request, token_request

SENT = datetime(2026, 9, 22, 1, 15, 35, tzinfo=UTC)
PAYMENT = Payment(
    account_number="0123499999",
    amount_vnd=1_250_000,
    memo="HP7K3M9Q2XAT học phí 9/2026 & tiền ăn",
    bank_reference="FT26265123456789",
    txn_id="92704001",
    occurred_at=datetime(2026, 9, 22, 1, 15, 30, tzinfo=UTC),
    virtual_account="VQR0001",
    order_ref="260900017",
)
TOKEN = {"jwt_secret": "k1", "username": "school", "password": "mật khẩu"}
CONNECTIONS = [
    ("sepay", {"secret": "whsec_test"}),
    ("sepay", {"api_key": "test-key"}),
    ("sepay", {"secret_key": "test-key"}),
    ("sepay", {"client_id": "school", "client_secret": "test-client-secret", "jwt_secret": "k1"}),
    ("casso_v2", {"checksum_key": "test-key"}),
    ("casso_v1", {"secure_token": "test-token"}),
    ("payos", {"checksum_key": "test-key"}),
    ("vietqr_vn", {"secret": "test-secret"}),
    ("vietqr_vn", TOKEN),
    ("mb", TOKEN),
    ("mb", TOKEN | {"secret": "test-secret"}),
    ("standard_webhooks", {"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}),
]


def send(adapter: str, secret: Mapping[str, str], payment: Payment = PAYMENT) -> Request:
    """The whole dance of the sender, the token included."""
    bearer = ""
    if "jwt_secret" in secret:
        issuer = get_adapter(adapter)
        assert isinstance(issuer, TokenIssuer)
        bearer = granted_token(issuer.token(token_request(secret), [secret], SENT).body)
    return signed_request(adapter, secret, payment, sent_at=SENT, bearer=bearer)


@pytest.mark.parametrize(("name", "secret"), CONNECTIONS)
def test_the_adapter_believes_its_sender_and_reads_the_same_payment(name: str, secret: dict[str, str]) -> None:
    adapter: Adapter = get_adapter(name)
    request = send(name, secret)
    assert adapter.authenticate(request, [secret], SENT).valid
    (found,) = adapter.parse(request, [secret])
    assert (found.account_number, found.amount_vnd, found.description) == (
        PAYMENT.account_number,
        PAYMENT.amount_vnd,
        PAYMENT.memo,
    )
    assert (found.bank_reference, found.virtual_account) == (PAYMENT.bank_reference, PAYMENT.virtual_account)
    assert (found.direction, found.status, found.occurred_at) == (
        Direction.credit,
        Status.settled,
        PAYMENT.occurred_at,
    )
    assert request.path in adapter.ROUTES


@pytest.mark.parametrize(("name", "secret"), CONNECTIONS)
def test_the_adapter_does_not_believe_a_sender_with_another_secret(name: str, secret: dict[str, str]) -> None:
    others = dict.fromkeys(secret, "whsec_AAAAAAAAAAAAAAAA")
    assert not get_adapter(name).authenticate(send(name, secret), [others], SENT).valid


@pytest.mark.parametrize(("name", "secret"), [one for one in CONNECTIONS if one[0] != "payos"])
def test_money_out_is_reported_as_such(name: str, secret: dict[str, str]) -> None:
    request = send(name, secret, replace(PAYMENT, direction=Direction.debit))
    (found,) = get_adapter(name).parse(request, [secret])
    assert (found.direction, found.amount_vnd) == (Direction.debit, PAYMENT.amount_vnd)


def test_payos_reports_no_money_out() -> None:
    with pytest.raises(ValueError, match="comes in"):
        send("payos", {"checksum_key": "k"}, replace(PAYMENT, direction=Direction.debit))


ORDERS = [
    ("sepay_pg", {"secret_key": "test-key"}),
    ("vnpay", {"hash_secret": "test-key"}),
    ("momo", {"access_key": "test-name", "secret_key": "test-key"}),
    ("zalopay", {"key2": "test-key"}),
    ("mb_mms", {"access_key": "test-key"}),
]
"""Senders that know the order and the receiver's name with them, not the account."""


@pytest.mark.parametrize(("name", "secret"), ORDERS)
def test_a_paid_order_is_believed_and_read_as_the_same_payment(name: str, secret: dict[str, str]) -> None:
    adapter: Adapter = get_adapter(name)
    request = send(name, secret)
    assert adapter.authenticate(request, [secret], SENT).valid
    (found,) = adapter.parse(request, [secret])
    assert (found.provider_txn_id, found.amount_vnd, found.order_ref) == ("92704001", 1_250_000, "260900017")
    assert (found.direction, found.status, found.occurred_at) == (
        Direction.credit,
        Status.settled,
        PAYMENT.occurred_at,
    )
    assert found.account_number == (
        None if name == "sepay_pg" else PAYMENT.account_number.lstrip("0" * (name == "zalopay"))
    )
    assert PAYMENT.memo in found.description
    assert request.path in adapter.ROUTES


@pytest.mark.parametrize(("name", "secret"), ORDERS)
def test_a_paid_order_is_not_believed_with_another_secret(name: str, secret: dict[str, str]) -> None:
    others = dict.fromkeys(secret, "another")
    assert not get_adapter(name).authenticate(send(name, secret), [others], SENT).valid


@pytest.mark.parametrize(("name", "secret"), ORDERS)
def test_orders_are_never_paid_out(name: str, secret: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="comes in"):
        send(name, secret, replace(PAYMENT, direction=Direction.debit))


def test_a_void_takes_back_the_payment_of_the_same_id() -> None:
    name, secret = ORDERS[0]
    adapter, request = get_adapter(name), sepay_pg_void(secret, PAYMENT, SENT)
    assert adapter.authenticate(request, [secret], SENT).valid
    (void,), (paid,) = adapter.parse(request, [secret]), adapter.parse(send(name, secret), [secret])
    assert void == replace(paid, status=Status.void)


def test_the_reference_library_verifies_what_standard_webhooks_sends() -> None:
    secret = dict(CONNECTIONS)["standard_webhooks"]
    request = send("standard_webhooks", secret)
    peer = Webhook(secret["secret"])
    stamp = datetime.fromtimestamp(int(request.header("webhook-timestamp")), UTC)
    assert request.header("webhook-signature") == peer.sign("msg_92704001", stamp, request.body.decode())


def test_a_batch_carries_every_payment() -> None:
    secret = {"secure_token": "t"}
    payments = [replace(PAYMENT, txn_id=str(number)) for number in (1, 2, 3)]
    found = get_adapter("casso_v1").parse(casso_v1_batch(secret, payments), [secret])
    assert [one.dedup_key for one in found] == ["1", "2", "3"]


def test_every_adapter_has_a_sender() -> None:
    assert sorted(senders.SENDERS) == adapter_names()
    with pytest.raises(LookupError, match="payos"):
        signed_request("nobody", {}, PAYMENT, sent_at=SENT)


ADDRESS = "https://hocphi.example/callbacks/x"


@pytest.mark.parametrize("name", adapter_names())
def test_a_rehearsal_makes_both_sides_of_a_secret_and_the_adapter_believes_the_sender(name: str) -> None:
    adapter = get_adapter(name)
    ours, theirs = rehearsal_secret(name)
    assert set(ours) <= set(adapter.SECRET_FIELDS)
    payment = replace(PAYMENT, customer_code="VQR0001")
    request = signed_request(name, theirs, payment, sent_at=SENT, url=ADDRESS)
    assert request.path in adapter.ROUTES
    assert adapter.authenticate(request, [ours], SENT).valid
    (found,) = adapter.parse(request, [ours])
    assert (found.amount_vnd, found.direction, found.status) == (1_250_000, Direction.credit, Status.settled)
    others, _ = rehearsal_secret(name)
    assert not adapter.authenticate(request, [others], SENT).valid


DATA_FILES = ["hdbank", "pay2s", "tingee", "ninepay", "appotapay", "baokim", "neox", "gpmpay"]


@pytest.mark.parametrize("name", DATA_FILES)
def test_senders_of_data_files_carry_memo_moment_and_account(name: str) -> None:
    ours, theirs = rehearsal_secret(name)
    (found,) = get_adapter(name).parse(signed_request(name, theirs, PAYMENT, sent_at=SENT), [ours])
    assert (found.description, found.occurred_at) == (PAYMENT.memo, PAYMENT.occurred_at)
    assert (found.account_number or found.virtual_account) in {"0123499999", "VQR0001", None}


def test_neox_and_gpm_pay_report_money_out_too() -> None:
    for name in ("neox", "gpmpay", "pay2s"):
        ours, theirs = rehearsal_secret(name)
        request = signed_request(name, theirs, replace(PAYMENT, direction=Direction.debit), sent_at=SENT)
        assert get_adapter(name).parse(request, [ours])[0].direction is Direction.debit


def test_what_the_sender_needs_is_named_when_it_is_missing() -> None:
    with pytest.raises(LookupError, match="sender_private_pem"):
        signed_request("baokim", {"public_pem": ""}, PAYMENT, sent_at=SENT)
    with pytest.raises(LookupError, match="url"):
        signed_request("rfc9421", {"shared_secret_b64": "eA=="}, PAYMENT, sent_at=SENT)
