"""MoMo: one-time payments (`captureWallet`).

Opening      POST /v2/gateway/api/create; `orderId` and `requestId` up to 50 letters and digits; 1,000 to 50,000,000 đ.
Signatures   ours over the ten fields as `k=v&…`, accessKey first. The answers of create and query bear none that is
             published: TLS, the echoed order and amount, and the closed list of hosts stand for it.
Asking       POST /v2/gateway/api/query; the answer names no moment of the payment, so `responseTime` is its day.
Cancelling   there is no such call for an order that nobody has authorised: it expires.
Source       published: developers.momo.vn, github.com/momo-wallet/payment; `orderExpireTime` (minutes) from public
             integrations; not certified by the bank.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from bank_adapters import fields, signatures
from bank_adapters.contract import (
    BankTransaction,
    Checkout,
    Direction,
    Now,
    Order,
    OrderState,
    OrderStatus,
    OutgoingRequest,
    OutgoingResponse,
    unix,
)
from bank_adapters.orders import common

ORDER_FIELDS: Final = ("partner_code", "access_key", "secret_key")
CHECKOUT_HOSTS: Final = ("payment.momo.vn", "test-payment.momo.vn")
LEAST_VND: Final = 1_000
MOST_VND: Final = 50_000_000
LONGEST_MINUTES: Final = 100
API: Final = "https://payment.momo.vn"

_PENDING: Final = frozenset({"1000", "7000", "7002", "9000"})
"""Waiting for the payer, being worked on, being worked on, authorised and not captured."""
_UNKNOWN: Final = frozenset({"42"})


def order_ref(drawn: int, created_at: datetime) -> str:
    """Letters and digits."""
    return common.letters(drawn)


def open_order(order: Order, secret: Mapping[str, str]) -> OutgoingRequest:
    """A payment from the wallet, or by its QR."""
    document: dict[str, Any] = {
        "partnerCode": secret["partner_code"],
        "requestType": "captureWallet",
        "requestId": order.order_ref,
        "orderId": order.order_ref,
        "amount": order.amount_vnd,
        "orderInfo": order.memo,
        "redirectUrl": order.return_url,
        "ipnUrl": order.notify_url,
        "extraData": "",
    }
    document["signature"] = _signed(document, secret)
    document |= {"lang": "vi", "orderExpireTime": common.lasting_minutes(order)}
    return common.json_post(f"{_api(secret)}/v2/gateway/api/create", document)


def opened(order: Order, response: OutgoingResponse, secret: Mapping[str, str]) -> Checkout:
    """The page of the payment."""
    document = common.answered(response)
    common.refuse_unless(document, "resultCode", "0")
    common.require_same(document, "orderId", order.order_ref)
    common.require_same(document, "amount", order.amount_vnd)
    return Checkout(url=common.checkout_url(document.get("payUrl"), CHECKOUT_HOSTS, _api(secret)))


def ask_order(order: Order, secret: Mapping[str, str], now: Now) -> OutgoingRequest:
    """Each question has a number of its own."""
    document: dict[str, Any] = {
        "partnerCode": secret["partner_code"],
        "requestId": f"{order.order_ref}-{unix(now)}",
        "orderId": order.order_ref,
    }
    document["signature"] = _signed(document, secret)
    return common.json_post(f"{_api(secret)}/v2/gateway/api/query", {**document, "lang": "vi"})


def asked(order: Order, response: OutgoingResponse, secret: Mapping[str, str]) -> OrderStatus:
    """Only result 0 has moved money."""
    document = common.answered(response)
    common.require_same(document, "orderId", order.order_ref)
    code = fields.identifier(document, "resultCode")
    if code != "0":
        states = {OrderState.pending: _PENDING, OrderState.unknown: _UNKNOWN}
        return OrderStatus(next((state for state, codes in states.items() if code in codes), OrderState.closed))
    txn_id = fields.identifier(document, "transId")
    paid = BankTransaction(
        provider_txn_id=txn_id,
        bank_reference=None,
        amount_vnd=fields.amount_vnd(document, "amount"),
        direction=Direction.credit,
        occurred_at=fields.moment(document, "responseTime"),
        description=order.memo,
        account_number=fields.identifier(document, "partnerCode"),
        order_ref=order.order_ref,
        dedup_key=txn_id,
    )
    return OrderStatus(OrderState.paid, (paid,))


def _api(secret: Mapping[str, str]) -> str:
    return common.address(secret, "api_url", API)


def _signed(document: Mapping[str, Any], secret: Mapping[str, str]) -> str:
    named = sorted({**document, "accessKey": secret["access_key"]}.items())
    text = "&".join(f"{name}={value}" for name, value in named)
    return signatures.hmac_hex(secret["secret_key"], text.encode(), "sha256")
