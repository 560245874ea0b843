"""MoMo: payments of one order from the wallet or by QR (IPN).

Authentication    `signature`: HMAC-SHA256 hex with the secret key over thirteen fields as `k=v&…` in a fixed
                  order, accessKey (never sent) first; values as received, not escaped. `parse` refuses a value
                  that holds the beginning of another field, for then one signature fits two messages.
Retries           not published; the answer must come within 15 seconds.
Idempotency key   `transId`; 0 of a payment that was given up, then the order and request.
Amount format     integer đồng; only money in.
Time zone         Unix milliseconds.
Source            developers.momo.vn, github.com/momo-wallet/payment.
Certified by the bank: no
"""

from collections.abc import Sequence
from typing import Any, Final

from bank_adapters import fields, signatures
from bank_adapters.answers import REFUSAL_STATUS, refusal
from bank_adapters.contract import (
    VALID,
    Answer,
    BankTransaction,
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
from bank_adapters.orders import momo as orders

INTERFACE: Final = 1
NAME: Final = "momo"
SECRET_FIELDS: Final = ("access_key", "secret_key", "partner_code", "api_url")
SECRET_CHOICES: Final = (("access_key", "secret_key"),)
ROUTES: Final = {"": "notify"}
BATCH: Final = False
ORDERS: Final = orders
SETTLES: Final = "batch"

_SIGNED: Final = (
    "amount",
    "extraData",
    "message",
    "orderId",
    "orderInfo",
    "orderType",
    "partnerCode",
    "payType",
    "requestId",
    "responseTime",
    "resultCode",
    "transId",
)


def authenticate(request: Request, secrets: Secrets, now: Now) -> Verdict:
    """Accept when the signature over the thirteen fields is right."""
    pairs = [(one.get("access_key"), one.get("secret_key")) for one in secrets]
    keys = [(access, secret) for access, secret in pairs if access and secret]
    if not keys:
        return Verdict(valid=False, reason=Reason.unconfigured)
    try:
        text, given = _text_to_sign(request.document), fields.free_text(request.document, "signature")
    except MalformedCallbackError:
        return Verdict(valid=False, reason=Reason.malformed)
    if not given:
        return Verdict(valid=False, reason=Reason.no_credentials)
    for access, secret in keys:
        message = f"accessKey={access}{text}".encode("utf-8", "surrogatepass")
        if signatures.any_same(given, [secret], message, "sha256"):
            return VALID
    return Verdict(valid=False, reason=Reason.bad_signature)


def parse(request: Request, secrets: Secrets) -> list[BankTransaction]:
    """Read the one payment; only resultCode 0 has moved money (9000 is authorised, not captured)."""
    document = request.document
    _require_one_reading(document)
    txn_id, order = fields.identifier(document, "transId"), fields.identifier(document, "orderId")
    given_up = f"order:{order}:{fields.free_text(document, 'requestId')}"
    return [
        BankTransaction(
            provider_txn_id=txn_id,
            bank_reference=None,
            amount_vnd=fields.amount_vnd(document, "amount"),
            direction=Direction.credit,
            status=Status.settled if fields.identifier(document, "resultCode") == "0" else Status.failed,
            occurred_at=fields.moment(document, "responseTime"),
            description=fields.free_text(document, "orderInfo"),
            account_number=fields.identifier(document, "partnerCode"),
            order_ref=order,
            dedup_key=txn_id if txn_id != "0" else given_up,
        )
    ]


def acknowledge(request: Request, outcomes: Sequence[Outcome], secrets: Secrets, now: Now) -> Answer:
    """204 without a body."""
    refused = refusal(outcomes)
    return Answer(204 if refused is None else REFUSAL_STATUS[refused], {}, b"")


def _require_one_reading(document: dict[str, Any]) -> None:
    """Refuse a value that could begin another field: the same signed text would fit another payment too."""
    text = _text_to_sign(document)
    if any(text.count(f"&{name}=") != 1 for name in _SIGNED):
        raise MalformedCallbackError("bad_field", "signature")


def _text_to_sign(document: dict[str, Any]) -> str:
    """What follows the access key."""
    return "".join(f"&{name}={fields.free_text(document, name)}" for name in _SIGNED)
