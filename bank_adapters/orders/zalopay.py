"""ZaloPay: orders of an application.

Opening      POST /v2/create; `app_trans_id` is yymmdd_ and up to 33 characters more, the day being that of Viet Nam.
Signatures   `mac` with key1 over app_id|app_trans_id|app_user|amount|app_time|embed_data|item. Answers bear none: TLS
             and the closed list of hosts stand for it.
Asking       POST /v2/query, `mac` over app_id|app_trans_id|key1: 1 paid, 2 failed, 3 being worked on.
Cancelling   there is no such call: an order expires.
Source       published: docs.zalopay.vn, github.com/zalopay-samples; not certified by the bank.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from bank_adapters import fields, signatures
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

ORDER_FIELDS: Final = ("app_id", "key1")
CHECKOUT_HOSTS: Final = (".zalopay.vn",)
LEAST_VND: Final = 1_000
MOST_VND: Final = 50_000_000
LONGEST_MINUTES: Final = 24 * 60
API: Final = "https://openapi.zalopay.vn"
APP_USER: Final = "hocphi"
"""The same for all: a payer's name or number is none of ZaloPay's business."""

_FAILED: Final = "2"
_NO_SUCH_ORDER: Final = "-54"


def order_ref(drawn: int, created_at: datetime) -> str:
    """The day in Viet Nam, then letters and digits."""
    return f"{created_at.astimezone(fields.VIETNAM):%y%m%d}_{common.letters(drawn)}"


def open_order(order: Order, secret: Mapping[str, str]) -> OutgoingRequest:
    """An order of any of ZaloPay's ways to pay."""
    embed = json.dumps({"memo": order.memo, "redirecturl": order.return_url}, separators=(",", ":"))
    document: dict[str, Any] = {
        "app_id": int(secret["app_id"]),
        "app_trans_id": order.order_ref,
        "app_user": APP_USER,
        "amount": order.amount_vnd,
        "app_time": unix(order.created_at) * 1000,
        "embed_data": embed,
        "item": "[]",
    }
    signed = "|".join(str(value) for value in document.values())
    document |= {
        "description": order.memo,
        "bank_code": "",
        "callback_url": order.notify_url,
        "expire_duration_seconds": max(300, common.lasting_minutes(order) * 60),
        "mac": signatures.hmac_hex(secret["key1"], signed.encode(), "sha256"),
    }
    return common.json_post(f"{_api(secret)}/v2/create", document)


def opened(order: Order, response: OutgoingResponse, secret: Mapping[str, str]) -> Checkout:
    """The page of the order and its QR."""
    document = common.answered(response)
    common.refuse_unless(document, "return_code", "1")
    return Checkout(
        url=common.checkout_url(document.get("order_url"), CHECKOUT_HOSTS, _api(secret)),
        qr=fields.free_text(document, "qr_code"),
        provider_order_id=fields.free_text(document, "zp_trans_token"),
    )


def ask_order(order: Order, secret: Mapping[str, str], now: Now) -> OutgoingRequest:
    """What became of it."""
    signed = f"{secret['app_id']}|{order.order_ref}|{secret['key1']}"
    document = {
        "app_id": int(secret["app_id"]),
        "app_trans_id": order.order_ref,
        "mac": signatures.hmac_hex(secret["key1"], signed.encode(), "sha256"),
    }
    return common.json_post(f"{_api(secret)}/v2/query", document)


def asked(order: Order, response: OutgoingResponse, secret: Mapping[str, str]) -> OrderStatus:
    """Only code 1 with a number of ZaloPay's has moved money; the answer names no order, so it is the one asked for."""
    document = common.answered(response)
    code = fields.identifier(document, "return_code")
    if code != "1":
        unknown = fields.quoted(document, "sub_return_code") == _NO_SUCH_ORDER
        closed = OrderState.closed if code == _FAILED else OrderState.pending
        return OrderStatus(OrderState.unknown if unknown else closed)
    txn_id = fields.identifier(document, "zp_trans_id")
    if txn_id == "0":
        raise MalformedCallbackError("bad_field", "zp_trans_id")
    paid = BankTransaction(
        provider_txn_id=txn_id,
        bank_reference=None,
        amount_vnd=fields.amount_vnd(document, "amount"),
        direction=Direction.credit,
        occurred_at=fields.moment(document, "server_time"),
        description=order.memo,
        account_number=secret["app_id"],
        customer_code=APP_USER,
        order_ref=order.order_ref,
        dedup_key=txn_id,
    )
    return OrderStatus(OrderState.paid, (paid,))


def _api(secret: Mapping[str, str]) -> str:
    return common.address(secret, "api_url", API)
