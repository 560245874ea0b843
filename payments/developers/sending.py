"""What every sender's side needs: a payment as the bank knows it, and the writing of signed requests."""

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from bank_adapters.contract import Direction, Request

VIETNAM: Final = timezone(timedelta(hours=7))
SENDER_KEY: Final = "sender_private_pem"
"""What only the sender's side knows: its private key as PEM, added to the secret mapping of the connection."""
URL: Final = "url"
"""The connection's address, added to the secret mapping for senders that sign it."""
JSON_TYPE: Final = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """A movement on a bank account as the bank knows it; `txn_id` must be digits for SePay, Casso and the wallets."""

    account_number: str
    amount_vnd: int
    memo: str
    bank_reference: str
    txn_id: str
    occurred_at: datetime
    direction: Direction = Direction.credit
    virtual_account: str | None = None
    order_ref: str | None = None
    customer_code: str | None = None


def post(headers: Mapping[str, str], body: bytes, path: str = "") -> Request:
    """A POST of JSON."""
    return Request("POST", path, "", {**JSON_TYPE, **headers}, body)


def needed(secret: Mapping[str, str], name: str, sender: str) -> str:
    """A part of the sender's side; raises LookupError when it is not given."""
    if not secret.get(name):
        raise LookupError(f"{sender} cannot be rehearsed without {name!r} on the sender's side.")
    return secret[name]


def rsa_sign(pem: str, message: bytes) -> bytes:
    """SHA256withRSA, PKCS#1 v1.5."""
    key = load_pem_private_key(pem.encode(), None)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError("The sender's private key is not RSA.")
    return key.sign(message, PKCS1v15(), SHA256())


def json_bytes(document: Mapping[str, Any]) -> bytes:
    """Compact JSON."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def hmac_hex(key: str, message: bytes, algorithm: str) -> str:
    """HMAC in lower-case hex, the key as text."""
    return hmac.digest(key.encode(), message, algorithm).hex()


def local(moment: datetime) -> str:
    """`Y-m-d H:i:s` in Viet Nam."""
    return moment.astimezone(VIETNAM).strftime("%Y-%m-%d %H:%M:%S")


def milliseconds(moment: datetime) -> int:
    """Unix milliseconds."""
    return int(moment.timestamp() * 1000)


def only_money_in(payment: Payment, sender: str) -> None:
    """Raise ValueError for money out, which this sender does not report."""
    if payment.direction is not Direction.credit:
        raise ValueError(f"{sender} reports only money that comes in.")


def local_digits(moment: datetime) -> str:
    """`yyyyMMddHHmmss` in Viet Nam."""
    return moment.astimezone(VIETNAM).strftime("%Y%m%d%H%M%S")
