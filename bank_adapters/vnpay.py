"""VNPAY: payments of one order, reported by GET with everything in the query string (IPN).

Authentication    `vnp_SecureHash`: HMAC-SHA512 hex, case ignored, with the hash secret as text over the raw
                  query string sorted by name, without vnp_SecureHash and vnp_SecureHashType. Nothing is
                  decoded and encoded again: peers differ on `*` and `~`. A name given twice has no reading.
Retries           after any RspCode but 00 and 02: up to ten, five minutes apart (from memory).
Idempotency key   `vnp_TransactionNo`; 0 of a payment that was given up, then the order.
Amount format     đồng times 100, divisible; only money in.
Time zone         `yyyyMMddHHmmss` in Viet Nam.
Source            npm vnpay 2.5.0 (answers, signature), PyPI django-vnpay 0.0.19 (signature).
Certified by the bank: no
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import unquote_plus

from bank_adapters import fields, signatures
from bank_adapters.answers import gravest, json_answer
from bank_adapters.contract import (
    VALID,
    Answer,
    BankTransaction,
    Counterparty,
    Direction,
    MalformedCallbackError,
    Now,
    Outcome,
    Reason,
    Request,
    Secrets,
    Status,
    Verdict,
)
from bank_adapters.orders import vnpay as orders

INTERFACE: Final = 1
NAME: Final = "vnpay"
SECRET_FIELDS: Final = ("hash_secret", "tmn_code", "pay_url", "api_url")
SECRET_CHOICES: Final = (("hash_secret",),)
ROUTES: Final = {"": "notify"}
BATCH: Final = False
ORDERS: Final = orders
SETTLES: Final = "batch"

MAX_QUERY_BYTES: Final = 8 * 1024
_UNSIGNED: Final = ("vnp_SecureHash", "vnp_SecureHashType")
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)
_CODES: Final = {
    Outcome.unknown_bill: ("01", "Order not found"),
    Outcome.already_paid: ("02", "Order already confirmed"),
    Outcome.amount_differs: ("04", "Invalid amount"),
    Outcome.bad_signature: ("97", "Fail checksum"),
    Outcome.stale: ("97", "Fail checksum"),
    Outcome.malformed: ("99", "Unknown error"),
    Outcome.internal: ("99", "Unknown error"),
}
_CONFIRMED: Final = ("00", "Confirm Success")


def authenticate(request: Request, secrets: Secrets, now: Now) -> Verdict:
    """Accept when the hash over the raw, sorted query string is right."""
    keys = signatures.secret_values(secrets, "hash_secret")
    if not keys:
        return Verdict(valid=False, reason=Reason.unconfigured)
    try:
        parts = _raw_parts(request.query)
    except MalformedCallbackError:
        return Verdict(valid=False, reason=Reason.malformed)
    given = parts.get("vnp_SecureHash", "")
    if not given:
        return Verdict(valid=False, reason=Reason.no_credentials)
    text = "&".join(f"{name}={parts[name]}" for name in sorted(parts) if name not in _UNSIGNED)
    if signatures.any_same(given.lower(), keys, text.encode("utf-8", "surrogatepass"), "sha512"):
        return VALID
    return Verdict(valid=False, reason=Reason.bad_signature)


def parse(request: Request, secrets: Secrets) -> list[BankTransaction]:
    """Read the one payment; only where both codes say so has the money moved."""
    document = {name: _decoded(value, name) for name, value in _raw_parts(request.query).items()}
    txn_id, order = (fields.identifier(document, name) for name in ("vnp_TransactionNo", "vnp_TxnRef"))
    codes = [fields.identifier(document, name) for name in ("vnp_ResponseCode", "vnp_TransactionStatus")]
    bank = fields.optional_identifier(document, "vnp_BankCode")
    return [
        BankTransaction(
            provider_txn_id=txn_id,
            bank_reference=fields.optional_identifier(document, "vnp_BankTranNo"),
            amount_vnd=_amount_vnd(document),
            direction=Direction.credit,
            status=Status.settled if codes == ["00", "00"] else Status.failed,
            occurred_at=fields.moment(document, "vnp_PayDate"),
            description=fields.free_text(document, "vnp_OrderInfo"),
            account_number=fields.identifier(document, "vnp_TmnCode"),
            order_ref=order,
            counterparty=Counterparty(bank=bank) if bank else None,
            dedup_key=txn_id if txn_id != "0" else f"order:{order}",
        )
    ]


def acknowledge(request: Request, outcomes: Sequence[Outcome], secrets: Secrets, now: Now) -> Answer:
    """The code table, always with HTTP 200. No code stops or returns the payer's money."""
    code, words = _CODES.get(gravest(outcomes), _CONFIRMED)
    return json_answer(200, {"RspCode": code, "Message": words})


def _raw_parts(query: str) -> dict[str, str]:
    """Name -> value, both as received; a name given twice or written in escapes is refused."""
    if len(query) > MAX_QUERY_BYTES or not query.isascii():
        raise MalformedCallbackError("bad_field", "query")
    parts: dict[str, str] = {}
    for part in query.split("&") if query else []:
        name, _, value = part.partition("=")
        if not _NAME.fullmatch(name):
            raise MalformedCallbackError("bad_field", "query")
        if name in parts:
            raise MalformedCallbackError("duplicate_key", name)
        parts[name] = value
    return parts


def _decoded(value: str, name: str) -> str:
    try:
        text = unquote_plus(value, errors="strict")
        text.encode()
    except UnicodeError:
        raise MalformedCallbackError("not_utf8", name) from None
    if "\0" in text:
        raise MalformedCallbackError("nul_character", name)
    return text


def _amount_vnd(document: Mapping[str, str]) -> int:
    amount_vnd, rest = divmod(fields.amount_vnd(document, "vnp_Amount"), 100)
    if rest or not amount_vnd:
        raise MalformedCallbackError("bad_amount", "vnp_Amount")
    return amount_vnd
