"""SePay: bank account notifications (webhook).

Authentication    HMAC-SHA256 hex in `X-SePay-Signature: sha256=…` over `{X-SePay-Timestamp}.{raw body}`,
                  secret as text, five minutes; or `Authorization: Apikey <key>`.
Retries           when switched on: no connection or a status outside 200-299, eight times in 33 minutes.
Idempotency key   `id`, an integer (their API v2 has another id: join on the bank reference).
Amount format     integer đồng; the direction is `transferType` in | out.
Time zone         `Y-m-d H:i:s` in Viet Nam, no offset.
Source            developer.sepay.vn, sepayvn/laravel-sepay; text to sign from public integrations.
Certified by the bank: no
"""

from collections.abc import Sequence
from typing import Final

from bank_adapters import fields, signatures
from bank_adapters.answers import success_flag
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
    Verdict,
)

INTERFACE: Final = 1
NAME: Final = "sepay"
SECRET_FIELDS: Final = ("secret", "api_key")
SECRET_CHOICES: Final = (("secret",), ("api_key",))
ROUTES: Final = {"": "notify"}
BATCH: Final = False

_DIRECTIONS: Final = {"in": Direction.credit, "out": Direction.debit}


def authenticate(request: Request, secrets: Secrets, now: Now) -> Verdict:
    """Accept a right and fresh HMAC, or the right API key, whichever the live secrets provide."""
    hmac_keys = signatures.secret_values(secrets, "secret")
    api_keys = signatures.secret_values(secrets, "api_key")
    if not hmac_keys and not api_keys:
        return Verdict(valid=False, reason=Reason.unconfigured)
    stamp, signature = request.header("x-sepay-timestamp"), request.header("x-sepay-signature")
    authorization = request.header("authorization")
    if hmac_keys and signature:
        message = stamp.encode("utf-8", "surrogatepass") + b"." + request.body
        if signatures.any_same(signature, hmac_keys, message, "sha256", prefix="sha256="):
            return signatures.fresh(stamp, now)
    if any(signatures.same(authorization, f"Apikey {key}") for key in api_keys):
        return VALID
    known = signature or authorization
    return Verdict(valid=False, reason=Reason.bad_signature if known else Reason.no_credentials)


def parse(request: Request, secrets: Secrets) -> list[BankTransaction]:
    """Read the one transaction; `code`, the payment code SePay recognised, becomes `order_ref`."""
    document = request.document
    direction = _DIRECTIONS.get(fields.free_text(document, "transferType"))
    if direction is None:
        raise MalformedCallbackError("bad_field", "transferType")
    txn_id = fields.identifier(document, "id")
    return [
        BankTransaction(
            provider_txn_id=txn_id,
            bank_reference=fields.optional_identifier(document, "referenceCode"),
            amount_vnd=fields.amount_vnd(document, "transferAmount"),
            direction=direction,
            occurred_at=fields.moment(document, "transactionDate"),
            description=fields.free_text(document, "content") or fields.free_text(document, "description"),
            account_number=fields.optional_identifier(document, "accountNumber"),
            virtual_account=fields.optional_identifier(document, "subAccount"),
            order_ref=fields.optional_identifier(document, "code"),
            # SePay sends 0 where it does not know the balance.
            balance_after_vnd=fields.balance_vnd(document, "accumulated") or None,
            dedup_key=txn_id,
        )
    ]


def acknowledge(request: Request, outcomes: Sequence[Outcome], secrets: Secrets, now: Now) -> Answer:
    """`{"success": true}`; any status outside 200-299 makes SePay send again."""
    return success_flag(outcomes)
