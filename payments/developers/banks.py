"""Banks that ask for bills and pay them (BIDV, VietinBank, Agribank), and those that sign by RFC 9421 or JOSE.

A bill is paid by `Payment.order_ref`, for `Payment.customer_code`.
"""

import base64
import hashlib
import hmac
import os
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.keywrap import aes_key_wrap
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from bank_adapters.contract import Direction, Request
from payments.developers.sending import (
    SENDER_KEY,
    URL,
    VIETNAM,
    Payment,
    json_bytes,
    local_digits,
    needed,
    only_money_in,
    post,
    rsa_sign,
)


def bidv_biller(secret: Mapping[str, str], payment: Payment, sent_at: datetime) -> Request:
    """BIDV: a bill was paid; a token is added by `signed_request` where the connection gives one."""
    only_money_in(payment, "BIDV")
    document = {
        "trans_id": payment.txn_id,
        "trans_date": local_digits(payment.occurred_at),
        "customer_id": payment.customer_code or "",
        "service_id": "HOCPHI",
        "bill_id": payment.order_ref or "",
        "amount": str(payment.amount_vnd),
    }
    signed = secret["secret"] + "".join(document[name] for name in ("trans_id", "bill_id", "amount"))
    document["checksum"] = hashlib.md5(signed.encode(), usedforsecurity=False).hexdigest()
    return post({}, json_bytes(document), path="paybill")


def vietinbank(secret: Mapping[str, str], payment: Payment, sent_at: datetime) -> Request:
    """VietinBank: a credit, on the virtual account of a customer where there is one."""
    customer = payment.virtual_account or payment.customer_code or ""
    credit = payment.direction is Direction.credit
    document = {
        "providerId": "TEST",
        "transId": payment.txn_id,
        "transTime": local_digits(payment.occurred_at),
        "transType": "D" if not credit else "3" if payment.virtual_account else "C",
        "custCode": customer,
        "recvAcctId": payment.account_number,
        "recvVirtualAcctId": payment.virtual_account or "",
        "billId": payment.order_ref or "",
        "amount": str(payment.amount_vnd),
        "bankTransId": payment.bank_reference,
        "remark": payment.memo,
        "currencyCode": "VND",
    }
    names = ("transId", "transTime", "custCode", "amount", "bankTransId", "remark")
    signed = "".join(document[name] for name in names).encode()
    document["signature"] = base64.b64encode(rsa_sign(needed(secret, SENDER_KEY, "VietinBank"), signed)).decode()
    return post({}, json_bytes(document), path="notify-bill")


def agribank_text(secret: Mapping[str, str], payment: Payment, sent_at: datetime) -> Request:
    """Agribank: one bill was paid, or money came for a customer."""
    only_money_in(payment, "Agribank")
    document = {
        "referenceId": payment.txn_id,
        "account": secret["account"],
        "pass": secret["pass"],
        "Makh": payment.customer_code or "",
        "NoiDungThanhToan": payment.memo,
    }
    if payment.order_ref:
        items = {"strKhoanDanop": f"{payment.order_ref};{payment.amount_vnd}"}
        return post({}, json_bytes({**document, **items}), path="GachNo")
    return post({}, json_bytes({**document, "Sotien": str(payment.amount_vnd)}), path="GachNoVietQR")


def rfc9421(secret: Mapping[str, str], payment: Payment, sent_at: datetime) -> Request:
    """RFC 9421 over the method, the address and the body's digest: HMAC with a shared secret, else ed25519."""
    url = needed(secret, URL, "RFC 9421")
    address = urlsplit(url)
    body = bank_event(payment, sent_at)
    digest = f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"
    values = {
        "@method": "POST",
        "@authority": address.netloc,
        "@path": address.path,
        "content-type": "application/json",
        "content-digest": digest,
    }
    algorithm = "hmac-sha256" if "shared_secret_b64" in secret else "ed25519"
    names = " ".join(f'"{name}"' for name in values)
    keyid = secret.get("keyid", "bank")
    line = f'({names});created={int(sent_at.timestamp())};keyid="{keyid}";alg="{algorithm}"'
    base = "\n".join([*(f'"{name}": {value}' for name, value in values.items()), f'"@signature-params": {line}'])
    signature = base64.b64encode(_rfc9421_signature(secret, base.encode())).decode()
    headers = {
        "Content-Type": "application/json",
        "Content-Digest": digest,
        "Signature-Input": f"sig1={line}",
        "Signature": f"sig1=:{signature}:",
    }
    return Request("POST", "", "", headers, body, url=url)


def _rfc9421_signature(secret: Mapping[str, str], base: bytes) -> bytes:
    if "shared_secret_b64" in secret:
        return hmac.digest(base64.b64decode(secret["shared_secret_b64"]), base, "sha256")
    key = load_pem_private_key(needed(secret, SENDER_KEY, "RFC 9421").encode(), None)
    if not isinstance(key, Ed25519PrivateKey):
        raise TypeError("The sender's private key is not ed25519.")
    return key.sign(base)


def bank_event(payment: Payment, sent_at: datetime) -> bytes:
    """The body of Standard Webhooks and RFC 9421."""
    credit = payment.direction is Direction.credit
    return json_bytes(
        {
            "type": f"bank.transaction.{'credited' if credit else 'debited'}",
            "timestamp": sent_at.astimezone(VIETNAM).isoformat(timespec="seconds"),
            "data": {
                "txn_id": payment.txn_id,
                "amount": payment.amount_vnd,
                "currency": "VND",
                "content": payment.memo,
                "account_number": payment.account_number,
                "virtual_account": payment.virtual_account,
                "bank_reference": payment.bank_reference,
                "occurred_at": payment.occurred_at.astimezone(VIETNAM).isoformat(timespec="seconds"),
            },
        }
    )


def bidv_openapi_jose(secret: Mapping[str, str], payment: Payment, sent_at: datetime) -> Request:
    """BIDV Open API: encrypted by A256KW and A128CBC-HS256, signed by RS256."""
    only_money_in(payment, "BIDV")
    plain = json_bytes(
        {
            "trans_id": payment.txn_id,
            "trans_date": local_digits(payment.occurred_at),
            "customer_id": payment.customer_code or "",
            "bill_id": payment.order_ref or "",
            "account_no": payment.account_number,
            "virtual_account": payment.virtual_account or "",
            "amount": str(payment.amount_vnd),
            "remark": payment.memo,
        }
    )
    body = json_bytes(_encrypted(bytes.fromhex(secret["kek_hex"]), plain))
    signed = f"{_url64(json_bytes({'alg': 'RS256'}))}.{_url64(body)}"
    signature = rsa_sign(needed(secret, SENDER_KEY, "BIDV Open API"), signed.encode())
    return post({"X-JWS-Signature": f"{signed}.{_url64(signature)}"}, body)


def _encrypted(kek: bytes, plain: bytes) -> dict[str, object]:
    """JWE in JSON with one recipient."""
    header = {"alg": "A256KW", "enc": "A128CBC-HS256"}
    key, iv, protected = os.urandom(32), os.urandom(16), _url64(json_bytes(header))
    padder, encryptor = PKCS7(128).padder(), Cipher(algorithms.AES(key[16:]), modes.CBC(iv)).encryptor()
    text = encryptor.update(padder.update(plain) + padder.finalize()) + encryptor.finalize()
    associated = protected.encode()
    tag = hmac.digest(key[:16], associated + iv + text + (8 * len(associated)).to_bytes(8), "sha256")[:16]
    return {
        "recipients": [{"header": header, "encrypted_key": _url64(aes_key_wrap(kek, key))}],
        "protected": protected,
        "ciphertext": _url64(text),
        "iv": _url64(iv),
        "tag": _url64(tag),
    }


def _url64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
