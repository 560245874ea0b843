"""The other side of the callbacks: requests signed as each sender signs them.

The demo's bank simulator, the sandbox, tests and benchmarks speak through these functions. They share no code with
the adapters' checks, so a fault in one does not hide in the other. A request's `path` is what is added to the URL of
the connection.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from bank_adapters.contract import Direction, Request
from payments.developers.banks import agribank_text, bank_event, bidv_biller, bidv_openapi_jose, rfc9421, vietinbank
from payments.developers.intermediaries import appotapay, baokim, gpmpay, hdbank, neox, ninepay, pay2s, tingee
from payments.developers.orders import mb_mms, momo, sepay_pg, vnpay, zalopay
from payments.developers.sending import (
    JSON_TYPE,
    URL,
    Payment,
    hmac_hex,
    json_bytes,
    local,
    milliseconds,
    only_money_in,
    post,
)

__all__ = ["SENDERS", "Payment", "casso_v1_batch", "granted_token", "signed_request", "token_request"]


def signed_request(
    adapter: str, secret: Mapping[str, str], payment: Payment, *, sent_at: datetime, bearer: str = "", url: str = ""
) -> Request:
    """One payment as the sender of this adapter reports it at `sent_at`.

    `secret` is the newest secret mapping of the connection, with `sender_private_pem` where the sender signs by a
    private key (`keys.rehearsal_secret` makes such pairs). Connections with a `jwt_secret` need the `bearer` that
    answered `token_request`; `rfc9421` signs the connection's address, so it needs the `url`. Raises LookupError for
    an adapter without a sender and for a part that is missing, ValueError for money out where a sender reports none.
    """
    if adapter not in SENDERS:
        raise LookupError(f"No sender for the adapter {adapter!r}; there are {', '.join(sorted(SENDERS))}.")
    request = SENDERS[adapter]({**secret, URL: url}, payment, sent_at)
    if not bearer:
        return request
    headers = {**request.headers, "authorization": f"Bearer {bearer}"}
    return replace(request, headers=headers)


def token_request(secret: Mapping[str, str]) -> Request:
    """The call by which VietQR.vn, MB or SePay asks for a token before it reports."""
    if "client_id" in secret:
        body = json_bytes({"clientId": secret["client_id"], "clientSecret": secret["client_secret"]})
        return post({}, body, path="token")
    basic = base64.b64encode(f"{secret['username']}:{secret['password']}".encode()).decode()
    return Request("POST", "api/token_generate", "", {**JSON_TYPE, "Authorization": f"Basic {basic}"}, b"{}")


def granted_token(body: bytes) -> str:
    """The token in our answer to `token_request`, in SePay's form or the others'; raises LookupError."""
    answer = json.loads(body)
    return str(answer["data"]["accessToken"] if "data" in answer else answer["access_token"])


def sepay(secret: Mapping[str, str], payment: Payment, sent_at: datetime) -> Request:
    """SePay: HMAC when the connection has a `secret`, else the key or token that it has; BankHub with `secret_key`."""
    if "secret_key" in secret:
        return _sepay_bankhub(secret, payment)
    body = json_bytes(
        {
            "gateway": "MBBank",
            "transactionDate": local(payment.occurred_at),
            "accountNumber": payment.account_number,
            "subAccount": payment.virtual_account,
            "code": payment.order_ref,
            "content": payment.memo,
            "transferType": "in" if payment.direction is Direction.credit else "out",
            "description": f"BankAPINotify {payment.memo}",
            "transferAmount": payment.amount_vnd,
            "referenceCode": payment.bank_reference,
            "accumulated": 0,
            "id": int(payment.txn_id),
        }
    )
    if "secret" not in secret:
        return post({"Authorization": f"Apikey {secret['api_key']}"} if "api_key" in secret else {}, body)
    stamp = str(int(sent_at.timestamp()))
    signature = hmac_hex(secret["secret"], f"{stamp}.".encode() + body, "sha256")
    return post({"X-SePay-Timestamp": stamp, "X-SePay-Signature": f"sha256={signature}"}, body)


def _sepay_bankhub(secret: Mapping[str, str], payment: Payment) -> Request:
    document = {
        "gateway": "MBBank",
        "transaction_date": local(payment.occurred_at),
        "account_number": payment.account_number,
        "bank_account_xid": "0c4f2a6e-7e0b-4d3e-9a53-1f2f4f6f8a10",
        "va": payment.virtual_account,
        "payment_code": payment.order_ref,
        "content": payment.memo,
        "transfer_type": "credit" if payment.direction is Direction.credit else "debit",
        "amount": payment.amount_vnd,
        "reference_code": payment.bank_reference,
        "accumulated": 0,
        "transaction_id": payment.txn_id,
    }
    return post({"X-Secret-Key": secret["secret_key"]}, json_bytes(document))


def casso_v2(secret: Mapping[str, str], payment: Payment, sent_at: datetime) -> Request:
    """Casso version 2: signature over the sorted body, as its JavaScript sample makes it."""
    data = {
        "id": int(payment.txn_id),
        "reference": payment.bank_reference,
        "description": payment.memo,
        "amount": _signed_amount(payment),
        "runningBalance": 0,
        "transactionDateTime": local(payment.occurred_at),
        "accountNumber": payment.account_number,
        "bankName": "VPBank",
        "bankAbbreviation": "VPB",
        "virtualAccountNumber": payment.virtual_account or "",
        "virtualAccountName": "",
    }
    document = {"error": 0, "data": data}
    stamp = int(sent_at.timestamp() * 1000)
    signed = json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    signature = hmac_hex(secret["checksum_key"], f"{stamp}.{signed}".encode(), "sha512")
    return post({"X-Casso-Signature": f"t={stamp},v1={signature}"}, json_bytes(document))


def casso_v1(secret: Mapping[str, str], payment: Payment, sent_at: datetime) -> Request:
    """Casso version 1 with one item."""
    return casso_v1_batch(secret, [payment])


def casso_v1_batch(secret: Mapping[str, str], payments: Sequence[Payment]) -> Request:
    """Casso version 1: several transactions in one request."""
    items = [
        {
            "id": int(payment.txn_id),
            "tid": payment.bank_reference,
            "description": payment.memo,
            "amount": _signed_amount(payment),
            "cusum_balance": 0,
            "when": local(payment.occurred_at),
            "bank_sub_acc_id": payment.account_number,
            "subAccId": payment.account_number,
            "virtualAccount": payment.virtual_account or "",
        }
        for payment in payments
    ]
    return post({"secure-token": secret["secure_token"]}, json_bytes({"error": 0, "data": items}))


def payos(secret: Mapping[str, str], payment: Payment, sent_at: datetime) -> Request:
    """payOS: `order_ref` is the order's number; only money in is reported."""
    only_money_in(payment, "payOS")
    data = {
        "orderCode": int(payment.order_ref or payment.txn_id),
        "amount": payment.amount_vnd,
        "description": payment.memo,
        "accountNumber": payment.account_number,
        "reference": payment.bank_reference,
        "transactionDateTime": local(payment.occurred_at),
        "currency": "VND",
        "paymentLinkId": hashlib.sha256(payment.txn_id.encode()).hexdigest()[:32],
        "code": "00",
        "desc": "Thành công",
        "virtualAccountName": "",
        "virtualAccountNumber": payment.virtual_account or "",
    }
    signed = "&".join(f"{key}={value}" for key, value in sorted(data.items()))
    signature = hmac_hex(secret["checksum_key"], signed.encode(), "sha256")
    document = {"code": "00", "desc": "success", "success": True, "data": data, "signature": signature}
    return post({}, json_bytes(document))


def vietqr_vn(secret: Mapping[str, str], payment: Payment, sent_at: datetime) -> Request:
    """VietQR.vn and MB: signed when the connection has a `secret`; a token is added by `signed_request`."""
    moment = str(milliseconds(payment.occurred_at))
    order = payment.order_ref or ""
    document: dict[str, Any] = {
        "bankaccount": payment.account_number,
        "amount": payment.amount_vnd,
        "transType": "C" if payment.direction is Direction.credit else "D",
        "content": payment.memo,
        "transactionid": payment.txn_id,
        "transactiontime": int(moment),
        "referencenumber": payment.bank_reference,
        "orderId": order,
        "va": payment.virtual_account or "",
        "sign": "",
    }
    if "secret" in secret:
        signed = f"{payment.txn_id}{payment.amount_vnd:010d}{moment}{order}"
        document["sign"] = hmac_hex(secret["secret"], signed.encode(), "sha256")
    return post({}, json_bytes(document), path="bank/api/transaction-sync")


def standard_webhooks(secret: Mapping[str, str], payment: Payment, sent_at: datetime) -> Request:
    """Standard Webhooks with a `whsec_` secret; the message id follows from the transaction."""
    body = bank_event(payment, sent_at)
    message_id, stamp = f"msg_{payment.txn_id}", str(int(sent_at.timestamp()))
    key = base64.b64decode(secret["secret"].removeprefix("whsec_"))
    digest = hmac.digest(key, f"{message_id}.{stamp}.".encode() + body, "sha256")
    return post(
        {
            "webhook-id": message_id,
            "webhook-timestamp": stamp,
            "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
        },
        body,
    )


SENDERS: Final[Mapping[str, Callable[[Mapping[str, str], Payment, datetime], Request]]] = {
    "agribank_text": agribank_text,
    "appotapay": appotapay,
    "baokim": baokim,
    "bidv_biller": bidv_biller,
    "bidv_openapi_jose": bidv_openapi_jose,
    "casso_v1": casso_v1,
    "casso_v2": casso_v2,
    "gpmpay": gpmpay,
    "hdbank": hdbank,
    "mb": vietqr_vn,
    "mb_mms": mb_mms,
    "momo": momo,
    "neox": neox,
    "ninepay": ninepay,
    "pay2s": pay2s,
    "payos": payos,
    "rfc9421": rfc9421,
    "sepay": sepay,
    "sepay_pg": sepay_pg,
    "standard_webhooks": standard_webhooks,
    "tingee": tingee,
    "vietinbank": vietinbank,
    "vietqr_vn": vietqr_vn,
    "vnpay": vnpay,
    "zalopay": zalopay,
}


def _signed_amount(payment: Payment) -> int:
    return payment.amount_vnd if payment.direction is Direction.credit else -payment.amount_vnd
