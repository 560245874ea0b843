"""SePay PG: a signed form that the payer's browser posts, and questions about its order.

Opening      POST pay.sepay.vn/v1/checkout/init with our fields and `signature`; the address of the IPN is set at SePay.
Signatures   base64 HMAC-SHA256 over `name=value` joined by commas, in the order of the form's fields; calls of ours
             bear the merchant's name and secret (Basic). Answers bear none: TLS stands for it.
Asking       GET pgapi.sepay.vn/v1/order/detail/{order_invoice_number}; the answer's fields are read as those of the
             IPN (`order_status`, `transactions`): from public integrations, an answer of another form gives nothing.
Cancelling   POST pgapi.sepay.vn/v1/order/cancel.
Source       developer.sepay.vn, npm sepay-pg-node 1.0.0 (addresses, signature); not certified by the bank.
"""

import base64
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from bank_adapters import fields
from bank_adapters.contract import (
    BankTransaction,
    Checkout,
    Direction,
    MalformedCallbackError,
    Now,
    Order,
    OrderState,
    OrderStatus,
    OutgoingRequest,
    OutgoingResponse,
)
from bank_adapters.orders import common

ORDER_FIELDS: Final = ("merchant_id", "secret_key")
CHECKOUT_HOSTS: Final = ("pay.sepay.vn", "pay-sandbox.sepay.vn")
LEAST_VND: Final = 2_000
MOST_VND: Final = 10_000_000_000
LONGEST_MINUTES: Final = 24 * 60
PAY: Final = "https://pay.sepay.vn/v1/checkout/init"
API: Final = "https://pgapi.sepay.vn"

_CLOSED: Final = frozenset({"CANCELLED", "EXPIRED", "VOIDED"})


def order_ref(drawn: int, created_at: datetime) -> str:
    """Letters and digits."""
    return common.letters(drawn)


def checkout(order: Order, secret: Mapping[str, str]) -> Checkout:
    """The signed form: payment by bank transfer."""
    form = {
        "merchant": secret["merchant_id"],
        "operation": "PURCHASE",
        "payment_method": "BANK_TRANSFER",
        "order_amount": str(order.amount_vnd),
        "currency": "VND",
        "order_invoice_number": order.order_ref,
        "order_description": order.memo,
        "success_url": order.return_url,
        "error_url": order.return_url,
        "cancel_url": order.return_url,
    }
    signed = ",".join(f"{name}={value}" for name, value in form.items())
    digest = hmac.digest(secret["secret_key"].encode(), signed.encode(), "sha256")
    form["signature"] = base64.b64encode(digest).decode()
    return Checkout(url=common.address(secret, "pay_url", PAY), fields=form)


def ask_order(order: Order, secret: Mapping[str, str], now: Now) -> OutgoingRequest:
    """The order with its transactions."""
    url = f"{_api(secret)}/v1/order/detail/{order.order_ref}"
    return OutgoingRequest(method="GET", url=url, headers=_headers(secret))


def asked(order: Order, response: OutgoingResponse, secret: Mapping[str, str]) -> OrderStatus:
    """Approved transactions are money."""
    if response.status == 404:
        return OrderStatus(OrderState.unknown)
    document = common.answered(response)
    data = document["data"] if isinstance(document.get("data"), dict) else document
    common.require_same(data, "order_invoice_number", order.order_ref)
    listed = data.get("transactions") or []
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise MalformedCallbackError("bad_field", "transactions")
    approved = [one for one in listed if fields.free_text(one, "transaction_status") == "APPROVED"]
    paid = tuple(_transaction(order, one) for one in approved)
    if paid:
        return OrderStatus(OrderState.paid, paid)
    closed = fields.free_text(data, "order_status") in _CLOSED
    return OrderStatus(OrderState.closed if closed else OrderState.pending)


def cancel_order(order: Order, secret: Mapping[str, str], now: Now) -> OutgoingRequest:
    """Only an order that nobody has paid can be cancelled."""
    document = {"order_invoice_number": order.order_ref}
    return common.json_post(f"{_api(secret)}/v1/order/cancel", document, _headers(secret))


def cancelled(order: Order, response: OutgoingResponse, secret: Mapping[str, str]) -> OrderStatus:
    """Whatever stands in the body of a success; SePay publishes none."""
    done = 200 <= response.status < 300
    return OrderStatus(OrderState.closed if done else OrderState.unknown)


def _api(secret: Mapping[str, str]) -> str:
    return common.address(secret, "api_url", API)


def _headers(secret: Mapping[str, str]) -> dict[str, str]:
    pair = f"{secret['merchant_id']}:{secret['secret_key']}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}", "Accept": "application/json"}


def _transaction(order: Order, one: Mapping[str, Any]) -> BankTransaction:
    fields.require_vnd({"currency": one.get("transaction_currency")})
    return BankTransaction(
        provider_txn_id=fields.identifier(one, "transaction_id"),
        bank_reference=None,
        amount_vnd=fields.amount_vnd(one, "transaction_amount"),
        direction=Direction.credit,
        occurred_at=fields.moment(one, "transaction_date"),
        description=order.memo,
        account_number=None,
        order_ref=order.order_ref,
        dedup_key=fields.identifier(one, "id"),
    )
