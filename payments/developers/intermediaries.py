"""The senders that the adapters know from a data file: HDBank, Pay2S, Tingee, 9Pay, AppotaPay, Baokim, NeoX, GPM Pay.

9Pay names no receiving account. Baokim, AppotaPay and NeoX report credits of virtual accounts.
"""

import base64
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urlencode

from bank_adapters.contract import Direction, Request
from payments.developers.sending import (
    SENDER_KEY,
    Payment,
    hmac_hex,
    json_bytes,
    local,
    local_digits,
    needed,
    only_money_in,
    post,
    rsa_sign,
)


def hdbank(secret: Mapping[str, str], payment: Payment, sent_at: datetime) -> Request:
    """HDBank: base64 of JSON in the query, by GET."""
    only_money_in(payment, "HDBank")
    document = {
        "transactionId": payment.txn_id,
        "referenceNumber": payment.bank_reference,
        "amount": payment.amount_vnd,
        "currency": "VND",
        "transactionDate": local_digits(payment.occurred_at),
        "description": payment.memo,
        "accountNumber": payment.account_number,
        "virtualAccount": payment.virtual_account,
        "orderId": payment.order_ref,
    }
    data = base64.b64encode(json_bytes(document)).decode()
    sign = hmac_hex(secret["secret"], data.encode(), "sha256")
    return Request("GET", "", urlencode({"data": data, "sign": sign}), {}, b"")


def pay2s(secret: Mapping[str, str], payment: Payment, sent_at: datetime) -> Request:
    """Pay2S with one item."""
    item = {
        "id": payment.txn_id,
        "gateway": "ACB",
        "transactionDate": local(payment.occurred_at),
        "transactionNumber": payment.bank_reference,
        "accountNumber": payment.account_number,
        "content": payment.memo,
        "transferType": "IN" if payment.direction is Direction.credit else "OUT",
        "transferAmount": payment.amount_vnd,
        "checksum": hashlib.md5(payment.txn_id.encode(), usedforsecurity=False).hexdigest(),
    }
    return post({"Authorization": f"Bearer {secret['token']}"}, json_bytes({"transactions": [item]}))


def tingee(secret: Mapping[str, str], payment: Payment, sent_at: datetime) -> Request:
    """Tingee: the time of the request is signed with the body."""
    only_money_in(payment, "Tingee")
    body = json_bytes(
        {
            "transactionCode": payment.txn_id,
            "amount": payment.amount_vnd,
            "content": payment.memo,
            "accountNumber": payment.account_number,
            "vaAccountNumber": payment.virtual_account,
            "transactionDate": local_digits(payment.occurred_at),
            "billId": payment.order_ref,
        }
    )
    stamp = local_digits(sent_at) + "000"
    signature = hmac_hex(secret["secret"], f"{stamp}:".encode() + body, "sha512")
    return post({"x-signature": signature, "x-request-timestamp": stamp}, body)


def ninepay(secret: Mapping[str, str], payment: Payment, sent_at: datetime) -> Request:
    """9Pay: a form whose field `result` is base64 of JSON."""
    only_money_in(payment, "9Pay")
    document = {
        "amount": payment.amount_vnd,
        "invoice_no": payment.order_ref or payment.txn_id,
        "payment_no": int(payment.txn_id),
        "status": 5,
        "currency": "VND",
        "description": payment.memo,
        "created_at": _utc(payment.occurred_at),
    }
    result = base64.b64encode(json_bytes(document)).decode()
    checksum = hashlib.sha256(f"{result}{secret['checksum_key']}".encode()).hexdigest().upper()
    form = urlencode({"result": result, "checksum": checksum, "version": "v1"})
    return Request("POST", "", "", {"Content-Type": "application/x-www-form-urlencoded"}, form.encode())


def appotapay(secret: Mapping[str, str], payment: Payment, sent_at: datetime) -> Request:
    """AppotaPay: thirteen signed fields."""
    only_money_in(payment, "AppotaPay")
    document = {
        "apiKey": "test-api-key",
        "partnerCode": "TEST",
        "billCode": payment.order_ref or payment.txn_id,
        "amount": payment.amount_vnd,
        "bankAccountNumber": payment.virtual_account or payment.account_number,
        "bankAccountName": "TRUONG THU",
        "bankCode": "WOORIBANK",
        "requestTime": int(sent_at.timestamp()),
        "transactionTime": int(payment.occurred_at.timestamp()),
        "transactionId": payment.txn_id,
        "extraData": "",
        "version": "1.0",
        "memo": payment.memo,
    }
    signed = "&".join(f"{name}={value}" for name, value in sorted(document.items()))
    return post({}, json_bytes({**document, "signature": hmac_hex(secret["secret_key"], signed.encode(), "sha256")}))


def baokim(secret: Mapping[str, str], payment: Payment, sent_at: datetime) -> Request:
    """Baokim: its private key is on the sender's side alone."""
    only_money_in(payment, "Baokim")
    body = json_bytes(
        {
            "operation": "PAYMENT_TRANS",
            "transaction": {
                "trans_id": payment.txn_id,
                "bank_ref_no": payment.bank_reference,
                "mrc_order_id": payment.order_ref or payment.txn_id,
                "amount": payment.amount_vnd,
                "status": 1,
                "description": payment.memo,
                "completed_at": local(payment.occurred_at),
            },
            "va_info": {"acc_no": payment.virtual_account or payment.account_number},
        }
    )
    signature = rsa_sign(needed(secret, SENDER_KEY, "Baokim"), body)
    return post({"Signature": base64.b64encode(signature).decode()}, body)


def neox(secret: Mapping[str, str], payment: Payment, sent_at: datetime) -> Request:
    """NeoX: a collection, or a disbursement for money out; values in the order of their keys, nothing between them."""
    credit = payment.direction is Direction.credit
    document = _neox_collection(payment) if credit else _neox_disbursement(payment)
    digest = hashlib.sha256((_in_order(document) + secret["secret"]).encode()).digest()
    return post({}, json_bytes({**document, "secureHash": base64.b64encode(digest).decode()}))


def _neox_collection(payment: Payment) -> dict[str, object]:
    return {
        "transId": payment.txn_id,
        "type": "TRANSACTION",
        "merchantCode": "TEST",
        "transDate": _utc(payment.occurred_at),
        "virtualAccountId": payment.virtual_account or payment.account_number,
        "accountName": "TRUONG THU",
        "amount": payment.amount_vnd,
        "note": "",
        "debitorInformation": {"bankName": "VCB", "bankAccountNumber": "9", "bankRemark": payment.memo},
    }


def _neox_disbursement(payment: Payment) -> dict[str, object]:
    data = {"transId": payment.txn_id, "amount": payment.amount_vnd, "status": "SUCCESS", "srcCurrency": "VND"}
    return {"service": "DISBURSEMENT", "type": "TRANSACTION", "data": data, "time": _utc(payment.occurred_at)}


def _in_order(value: object) -> str:
    return "".join(_in_order(value[key]) for key in sorted(value)) if isinstance(value, dict) else str(value)


def gpmpay(secret: Mapping[str, str], payment: Payment, sent_at: datetime) -> Request:
    """GPM Pay: `t=…,v1=…` over the body, or the API key where the connection has one."""
    body = json_bytes(
        {
            "id": payment.txn_id,
            "gateway": "MB",
            "transactionDate": _utc(payment.occurred_at),
            "accountNumber": payment.account_number,
            "subAccount": payment.virtual_account,
            "content": payment.memo,
            "transferType": "in" if payment.direction is Direction.credit else "out",
            "transferAmount": payment.amount_vnd,
            "accumulated": None,
            "referenceCode": payment.bank_reference,
            "source": "REAL",
        }
    )
    if "secret" not in secret:
        return post({"Authorization": secret["api_key"]}, body)
    stamp = str(int(sent_at.timestamp()))
    signature = hmac_hex(secret["secret"], f"{stamp}.".encode() + body, "sha256")
    return post({"X-GPMPay-Signature": f"t={stamp},v1={signature}"}, body)


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
