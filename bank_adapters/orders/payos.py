"""payOS: payment links.

Opening      POST /v2/payment-requests; `orderCode` a number up to 2^53-1, once for all time; `description` up to 25
             characters (9 where the bank account is not linked through payOS: ours does not fit there).
Signatures   ours over amount, cancelUrl, description, orderCode, returnUrl; theirs over `data`, as in callbacks.
Asking       GET /v2/payment-requests/{orderCode}: every transfer with the reference that its callback names.
Cancelling   POST /v2/payment-requests/{orderCode}/cancel.
Source       published: payos.vn/docs, npm @payos/node 2.0.5 (fields, signatures); not certified by the bank.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from bank_adapters import canonical, fields, signatures
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
    unix,
)
from bank_adapters.orders import common
from bank_adapters.strict_json import Number

ORDER_FIELDS: Final = ("client_id", "api_key", "checksum_key")
CHECKOUT_HOSTS: Final = ("pay.payos.vn",)
LEAST_VND: Final = 2_000
MOST_VND: Final = 10_000_000_000
LONGEST_MINUTES: Final = 24 * 60
API: Final = "https://api-merchant.payos.vn"

_LARGEST: Final = 2**53 - 1
_SMALLEST: Final = 10**15
_STATES: Final = {
    "PAID": OrderState.paid,
    "CANCELLED": OrderState.closed,
    "EXPIRED": OrderState.closed,
    "FAILED": OrderState.closed,
}


def order_ref(drawn: int, created_at: datetime) -> str:
    """Sixteen digits."""
    return str(_SMALLEST + drawn % (_LARGEST - _SMALLEST))


def open_order(order: Order, secret: Mapping[str, str]) -> OutgoingRequest:
    """A payment link; the amount cannot be changed by the payer."""
    document: dict[str, Any] = {
        "orderCode": int(order.order_ref),
        "amount": order.amount_vnd,
        "description": order.memo,
        "cancelUrl": order.return_url,
        "returnUrl": order.return_url,
        "expiredAt": unix(order.expires_at),
    }
    signed = "&".join(f"{name}={document[name]}" for name in sorted(document) if name != "expiredAt")
    document["signature"] = signatures.hmac_hex(secret["checksum_key"], signed.encode(), "sha256")
    return common.json_post(_url(secret), document, _headers(secret))


def opened(order: Order, response: OutgoingResponse, secret: Mapping[str, str]) -> Checkout:
    """The link and its QR, once the signature over the answer is right."""
    data = _data(response, secret)
    common.require_same(data, "orderCode", order.order_ref)
    common.require_same(data, "amount", order.amount_vnd)
    return Checkout(
        url=common.checkout_url(data.get("checkoutUrl"), CHECKOUT_HOSTS, common.address(secret, "api_url", API)),
        qr=fields.free_text(data, "qrCode"),
        provider_order_id=fields.identifier(data, "paymentLinkId"),
    )


def ask_order(order: Order, secret: Mapping[str, str], now: Now) -> OutgoingRequest:
    """The link with all its transfers."""
    return OutgoingRequest(method="GET", url=f"{_url(secret)}/{order.order_ref}", headers=_headers(secret))


def asked(order: Order, response: OutgoingResponse, secret: Mapping[str, str]) -> OrderStatus:
    """Every transfer is money, also of a link that was closed since."""
    if response.status == 404:
        return OrderStatus(OrderState.unknown)
    data = _data(response, secret)
    common.require_same(data, "orderCode", order.order_ref)
    found = data.get("transactions") or []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise MalformedCallbackError("bad_field", "transactions")
    link = fields.identifier(data, "id")
    state = _STATES.get(fields.free_text(data, "status"), OrderState.pending)
    return OrderStatus(state, tuple(_transaction(order, link, one) for one in found))


def cancel_order(order: Order, secret: Mapping[str, str], now: Now) -> OutgoingRequest:
    """Take the link back."""
    return common.json_post(f"{_url(secret)}/{order.order_ref}/cancel", {}, _headers(secret))


cancelled = asked


def signed_text(data: Mapping[str, Any], numbers: canonical.NumberStyle) -> str:
    """What payOS signs of an object: `k=v&…`, sorted by key."""
    return "&".join(f"{key}={_value(data[key], numbers)}" for key in sorted(data))


def _value(value: Any, numbers: canonical.NumberStyle) -> str:
    if value is None or value in ("null", "undefined"):
        return ""
    if isinstance(value, list):
        # Only the outermost keys of each item are sorted, as the sender's own library does.
        items = [dict(sorted(item.items())) if isinstance(item, dict) else item for item in value]
        return canonical.dumps(items, numbers)
    if isinstance(value, dict):
        return "[object Object]"  # what JavaScript makes of it; payOS sends no nested object
    if isinstance(value, bool):
        return "true" if value else "false"
    return numbers(value) if isinstance(value, Number) else str(value)


def _url(secret: Mapping[str, str]) -> str:
    return f"{common.address(secret, 'api_url', API)}/v2/payment-requests"


def _headers(secret: Mapping[str, str]) -> dict[str, str]:
    return {"x-client-id": secret["client_id"], "x-api-key": secret["api_key"]}


def _data(response: OutgoingResponse, secret: Mapping[str, str]) -> dict[str, Any]:
    """The signed part of an answer. Raises OrderRefusedError and MalformedCallbackError."""
    document = common.answered(response)
    common.refuse_unless(document, "code", "00")
    data, given = fields.nested(document, "data"), fields.free_text(document, "signature")
    keys = [secret["checksum_key"]]
    for numbers in canonical.NUMBER_STYLES:
        if signatures.any_same(given, keys, signed_text(data, numbers).encode(), "sha256"):
            return data
    raise MalformedCallbackError("bad_signature", "signature")


def _transaction(order: Order, link: str, one: Mapping[str, Any]) -> BankTransaction:
    reference = fields.identifier(one, "reference")
    return BankTransaction(
        provider_txn_id=reference,
        bank_reference=reference,
        amount_vnd=fields.amount_vnd(one, "amount"),
        direction=Direction.credit,
        occurred_at=fields.moment(one, "transactionDateTime"),
        description=fields.free_text(one, "description"),
        account_number=fields.optional_identifier(one, "accountNumber"),
        virtual_account=fields.optional_identifier(one, "virtualAccountNumber"),
        order_ref=order.order_ref,
        dedup_key=f"{link}:{reference}",
    )
