"""The senders that report payments of one order: SePay PG, VNPAY, MoMo, ZaloPay, MB MMS.

`Payment.account_number` is what each of them names as the receiver; SePay PG names none.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from bank_adapters.contract import Request
from payments.developers.sending import (
    Payment,
    hmac_hex,
    json_bytes,
    local,
    local_digits,
    milliseconds,
    only_money_in,
    post,
)


def sepay_pg(secret: Mapping[str, str], payment: Payment, sent_at: datetime) -> Request:
    """SePay PG: an order was paid; no receiving account is named."""
    return _sepay_pg(secret, payment, sent_at, void=False)


def sepay_pg_void(secret: Mapping[str, str], payment: Payment, sent_at: datetime) -> Request:
    """SePay PG: the payment of an order was taken back."""
    return _sepay_pg(secret, payment, sent_at, void=True)


def _sepay_pg(secret: Mapping[str, str], payment: Payment, sent_at: datetime, *, void: bool) -> Request:
    only_money_in(payment, "SePay PG")
    document: dict[str, Any] = {
        "timestamp": int(sent_at.timestamp()),
        "notification_type": "TRANSACTION_VOID" if void else "ORDER_PAID",
        "order": {
            "id": f"order-{payment.txn_id}",
            "order_id": f"NP{payment.txn_id}",
            "order_status": "CANCELLED" if void else "CAPTURED",
            "order_currency": "VND",
            "order_amount": f"{payment.amount_vnd}.00",
            "order_invoice_number": payment.order_ref or payment.txn_id,
            "custom_data": [],
            "order_description": payment.memo,
        },
        "transaction": {
            "id": f"transaction-{payment.txn_id}",
            "payment_method": "BANK_TRANSFER",
            "transaction_id": payment.txn_id,
            "transaction_type": "PAYMENT",
            "transaction_date": local(payment.occurred_at),
            "transaction_status": "VOIDED" if void else "APPROVED",
            "transaction_amount": str(payment.amount_vnd),
            "transaction_currency": "VND",
        },
        "customer": None,
    }
    return post({"X-Secret-Key": secret["secret_key"]}, json_bytes(document))


def vnpay(secret: Mapping[str, str], payment: Payment, sent_at: datetime) -> Request:
    """VNPAY: everything in the query string; the account is the terminal (`vnp_TmnCode`)."""
    only_money_in(payment, "VNPAY")
    parameters = {
        "vnp_Amount": payment.amount_vnd * 100,
        "vnp_BankCode": "NCB",
        "vnp_BankTranNo": payment.bank_reference,
        "vnp_CardType": "ATM",
        "vnp_OrderInfo": payment.memo,
        "vnp_PayDate": local_digits(payment.occurred_at),
        "vnp_ResponseCode": "00",
        "vnp_TmnCode": payment.account_number,
        "vnp_TransactionNo": payment.txn_id,
        "vnp_TransactionStatus": "00",
        "vnp_TxnRef": payment.order_ref or payment.txn_id,
    }
    query = urlencode(parameters)  # the names stand in order already
    signature = hmac_hex(secret["hash_secret"], query.encode(), "sha512")
    return Request("GET", "", f"{query}&vnp_SecureHash={signature}", {}, b"")


def momo(secret: Mapping[str, str], payment: Payment, sent_at: datetime) -> Request:
    """MoMo: the account is the partner code."""
    only_money_in(payment, "MoMo")
    order = payment.order_ref or payment.txn_id
    document = {
        "partnerCode": payment.account_number,
        "orderId": order,
        "requestId": f"{order}-1",
        "amount": payment.amount_vnd,
        "orderInfo": payment.memo,
        "orderType": "momo_wallet",
        "transId": int(payment.txn_id),
        "resultCode": 0,
        "message": "Successful.",
        "payType": "qr",
        "responseTime": milliseconds(payment.occurred_at),
        "extraData": "",
    }
    named = {"accessKey": secret["access_key"], **dict(sorted(document.items()))}
    signed = "&".join(f"{name}={value}" for name, value in named.items())
    document["signature"] = hmac_hex(secret["secret_key"], signed.encode(), "sha256")
    return post({}, json_bytes(document))


def zalopay(secret: Mapping[str, str], payment: Payment, sent_at: datetime) -> Request:
    """ZaloPay: the account is the application's number."""
    only_money_in(payment, "ZaloPay")
    moment = milliseconds(payment.occurred_at)
    data = json_bytes(
        {
            "app_id": int(payment.account_number),
            "app_trans_id": payment.order_ref or payment.txn_id,
            "app_time": moment,
            "app_user": "hocphi",
            "amount": payment.amount_vnd,
            "embed_data": json_bytes({"memo": payment.memo}).decode(),
            "item": "[]",
            "zp_trans_id": int(payment.txn_id),
            "server_time": moment,
            "channel": 38,
        }
    )
    return post({}, json_bytes({"data": data.decode(), "mac": hmac_hex(secret["key2"], data, "sha256"), "type": 1}))


def mb_mms(secret: Mapping[str, str], payment: Payment, sent_at: datetime) -> Request:
    """MB MMS: the account is the terminal."""
    only_money_in(payment, "MB MMS")
    document = {
        "traceTransfer": payment.txn_id,
        "terminalLabel": payment.account_number,
        "debitAmount": str(payment.amount_vnd),
        "realAmount": str(payment.amount_vnd),
        "payDate": local_digits(payment.occurred_at),
        "respCode": "00",
        "respDesc": "success",
        "billNumber": payment.order_ref or payment.txn_id,
        "referenceLabelCode": payment.memo,
        "ftCode": payment.bank_reference,
    }
    signed = "".join(document[name] for name in ("traceTransfer", "billNumber", "payDate", "debitAmount"))
    document["checkSum"] = hashlib.md5(f"{signed}{secret['access_key']}".encode(), usedforsecurity=False).hexdigest()
    return post({}, json_bytes(document))
