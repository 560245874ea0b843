"""VNPAY: a signed address that the payer's browser opens (`pay`), and questions about it (`querydr`).

Opening      GET vpcpay.html?vnp_…; `vnp_TxnRef` up to 100 letters and digits, once a day; đồng times 100; the address
             of the IPN is set at VNPAY, not in the order.
Signatures   HMAC-SHA512 over the sorted, escaped query; of questions over nine values, of answers over fifteen, `|`
             between them.
Asking       POST /merchant_webapi/api/transaction.
Cancelling   there is no such call: an order expires.
Source       published: sandbox.vnpayment.vn/apis/docs; behaviour of npm vnpay 2.5.0; not certified by the bank.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

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

ORDER_FIELDS: Final = ("tmn_code", "hash_secret")
CHECKOUT_HOSTS: Final = ("pay.vnpay.vn", "sandbox.vnpayment.vn")
LEAST_VND: Final = 5_000
MOST_VND: Final = 1_000_000_000
LONGEST_MINUTES: Final = 24 * 60
PAY: Final = "https://pay.vnpay.vn/vpcpay.html"
API: Final = "https://merchant.vnpay.vn"

_VERSION: Final = "2.1.0"
_ASKED: Final = (
    "vnp_RequestId",
    "vnp_Version",
    "vnp_Command",
    "vnp_TmnCode",
    "vnp_TxnRef",
    "vnp_TransactionDate",
    "vnp_CreateDate",
    "vnp_IpAddr",
    "vnp_OrderInfo",
)
_TOLD: Final = (
    "vnp_ResponseId",
    "vnp_Command",
    "vnp_ResponseCode",
    "vnp_Message",
    "vnp_TmnCode",
    "vnp_TxnRef",
    "vnp_Amount",
    "vnp_BankCode",
    "vnp_PayDate",
    "vnp_TransactionNo",
    "vnp_TransactionType",
    "vnp_TransactionStatus",
    "vnp_OrderInfo",
    "vnp_PromotionCode",
    "vnp_PromotionAmount",
)
_NO_SUCH_ORDER: Final = "91"
_PENDING: Final = frozenset({"01", "05", "06"})


def order_ref(drawn: int, created_at: datetime) -> str:
    """Letters and digits."""
    return common.letters(drawn)


def checkout(order: Order, secret: Mapping[str, str]) -> Checkout:
    """The signed address of VNPAY's page."""
    named = {
        "vnp_Amount": order.amount_vnd * 100,
        "vnp_Command": "pay",
        "vnp_CreateDate": _digits(order.created_at),
        "vnp_CurrCode": "VND",
        "vnp_ExpireDate": _digits(order.expires_at),
        "vnp_IpAddr": order.payer_address,
        "vnp_Locale": "vn",
        "vnp_OrderInfo": order.memo,
        "vnp_OrderType": "other",
        "vnp_ReturnUrl": order.return_url,
        "vnp_TmnCode": secret["tmn_code"],
        "vnp_TxnRef": order.order_ref,
        "vnp_Version": _VERSION,
    }
    query = urlencode(sorted(named.items()))
    signature = signatures.hmac_hex(secret["hash_secret"], query.encode(), "sha512")
    return Checkout(url=f"{common.address(secret, 'pay_url', PAY)}?{query}&vnp_SecureHash={signature}")


def ask_order(order: Order, secret: Mapping[str, str], now: Now) -> OutgoingRequest:
    """Each question has a number of its own."""
    moment = datetime.fromtimestamp(unix(now), fields.VIETNAM)
    document = {
        "vnp_RequestId": f"{order.order_ref[:12]}{unix(now)}",
        "vnp_Version": _VERSION,
        "vnp_Command": "querydr",
        "vnp_TmnCode": secret["tmn_code"],
        "vnp_TxnRef": order.order_ref,
        "vnp_OrderInfo": order.memo,
        "vnp_TransactionDate": _digits(order.created_at),
        "vnp_CreateDate": _digits(moment),
        "vnp_IpAddr": order.payer_address,
    }
    signed = "|".join(document[name] for name in _ASKED)
    document["vnp_SecureHash"] = signatures.hmac_hex(secret["hash_secret"], signed.encode(), "sha512")
    return common.json_post(f"{common.address(secret, 'api_url', API)}/merchant_webapi/api/transaction", document)


def asked(order: Order, response: OutgoingResponse, secret: Mapping[str, str]) -> OrderStatus:
    """Only where both codes say so has the money moved, as in callbacks."""
    document = common.answered(response)
    _require_signature(document, secret)
    common.require_same(document, "vnp_TmnCode", secret["tmn_code"])
    code = fields.identifier(document, "vnp_ResponseCode")
    if code == _NO_SUCH_ORDER:
        return OrderStatus(OrderState.unknown)
    if code != "00":
        return OrderStatus(OrderState.pending)
    common.require_same(document, "vnp_TxnRef", order.order_ref)
    status = fields.identifier(document, "vnp_TransactionStatus")
    if status != "00":
        return OrderStatus(OrderState.pending if status in _PENDING else OrderState.closed)
    return OrderStatus(OrderState.paid, (_transaction(order, document, secret),))


def _require_signature(document: Mapping[str, Any], secret: Mapping[str, str]) -> None:
    signed = "|".join(fields.free_text(document, name) for name in _TOLD)
    given = fields.free_text(document, "vnp_SecureHash").lower()
    if not signatures.any_same(given, [secret["hash_secret"]], signed.encode(), "sha512"):
        raise MalformedCallbackError("bad_signature", "vnp_SecureHash")


def _transaction(order: Order, document: Mapping[str, Any], secret: Mapping[str, str]) -> BankTransaction:
    amount_vnd, rest = divmod(fields.amount_vnd(document, "vnp_Amount"), 100)
    txn_id = fields.identifier(document, "vnp_TransactionNo")
    if rest or not amount_vnd or txn_id == "0":
        raise MalformedCallbackError("bad_amount", "vnp_Amount")
    return BankTransaction(
        provider_txn_id=txn_id,
        bank_reference=None,
        amount_vnd=amount_vnd,
        direction=Direction.credit,
        occurred_at=fields.moment(document, "vnp_PayDate"),
        description=order.memo,
        account_number=secret["tmn_code"],
        order_ref=order.order_ref,
        dedup_key=txn_id,
    )


def _digits(moment: datetime) -> str:
    return f"{moment.astimezone(fields.VIETNAM):%Y%m%d%H%M%S}"
