"""Standard Webhooks 1.0.0: for any bank that has no scheme of its own.

Authentication    `webhook-signature`, one or more of `v1,<base64>` (HMAC-SHA256, secret `whsec_` + base64)
                  and `v1a,<base64>` (ed25519, public key `whpk_` + base64 or PEM), over
                  `{webhook-id}.{webhook-timestamp}.{raw body}`; five minutes; one match is enough.
Retries           any status outside 200-299 is sent again, as the sender has configured.
Idempotency key   `data.txn_id` for the money (`webhook-id` only names the delivery).
Amount format     integer đồng in `data.amount`; the direction is in `type`.
Time zone         ISO 8601 with offset; without one Viet Nam is meant.
Source            github.com/standard-webhooks/standard-webhooks, specification and reference vectors.
Certified by the bank: no
"""

import base64
import hmac
from collections.abc import Sequence
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from bank_adapters import bank_events, signatures
from bank_adapters.answers import success_flag
from bank_adapters.contract import (
    Answer,
    BankTransaction,
    Now,
    Outcome,
    Reason,
    Request,
    Secrets,
    Verdict,
)

INTERFACE: Final = 1
NAME: Final = "standard_webhooks"
SECRET_FIELDS: Final = ("secret", "public", "public_pem")
SECRET_CHOICES: Final = (("secret",), ("public",), ("public_pem",))
ROUTES: Final = {"": "notify"}
BATCH: Final = False

MAX_SIGNATURES: Final = 16
"""More than rotation ever needs; a longer list would only make us calculate."""


def authenticate(request: Request, secrets: Secrets, now: Now) -> Verdict:
    """Accept when one of the signatures is right under one of the live keys, and fresh."""
    shared, public = _shared_keys(secrets), _public_keys(secrets)
    if not shared and not public:
        return Verdict(valid=False, reason=Reason.unconfigured)
    message_id, stamp = request.header("webhook-id"), request.header("webhook-timestamp")
    given = request.header("webhook-signature").split(" ")
    if not message_id or given == [""]:
        return Verdict(valid=False, reason=Reason.no_credentials)
    if len(given) > MAX_SIGNATURES:
        return Verdict(valid=False, reason=Reason.malformed)
    message = f"{message_id}.{stamp}.".encode("utf-8", "surrogatepass") + request.body
    if _symmetric(given, shared, message) or _asymmetric(given, public, message):
        return signatures.fresh(stamp, now)
    return Verdict(valid=False, reason=Reason.bad_signature)


def parse(request: Request, secrets: Secrets) -> list[BankTransaction]:
    """Read the one transaction; events of another type are not about money and give none."""
    return bank_events.read(request.document, request.header("webhook-timestamp"))


def acknowledge(request: Request, outcomes: Sequence[Outcome], secrets: Secrets, now: Now) -> Answer:
    """200 once it is safe with us; the specification reads only the status."""
    return success_flag(outcomes)


def _shared_keys(secrets: Secrets) -> list[bytes]:
    texts = signatures.secret_values(secrets, "secret")
    return [key for text in texts if (key := signatures.decode_base64(text.removeprefix("whsec_")))]


def _public_keys(secrets: Secrets) -> list[Ed25519PublicKey]:
    texts = signatures.secret_values(secrets, "public") + signatures.secret_values(secrets, "public_pem")
    return [key for text in texts if (key := signatures.ed25519_key(text))]


def _symmetric(given: list[str], keys: list[bytes], message: bytes) -> bool:
    expected = ["v1," + base64.b64encode(hmac.digest(key, message, "sha256")).decode() for key in keys]
    return any(signatures.same(signature, one) for one in expected for signature in given)


def _asymmetric(given: list[str], keys: list[Ed25519PublicKey], message: bytes) -> bool:
    raw = [signatures.decode_base64(item[4:]) for item in given if item.startswith("v1a,")]
    return any(signatures.ed25519_matches(key, one, message) for key in keys for one in raw if one)
