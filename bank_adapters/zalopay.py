"""ZaloPay: payments of one order (callback).

Authentication    `mac`: HMAC-SHA256 hex with key2 over the text `data` as received, which is JSON itself. `type`
                  is not signed and never read.
Retries           after return_code 0: up to three.
Idempotency key   `zp_trans_id`.
Amount format     integer đồng; only money in, and only what is paid is reported.
Time zone         Unix milliseconds.
Source            docs.zalopay.vn, github.com/zalopay-samples; return_code 2 from memory.
Certified by the bank: no
"""

from collections.abc import Sequence
from typing import Any, Final

from bank_adapters import fields, signatures, strict_json
from bank_adapters.answers import gravest, json_answer
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
from bank_adapters.orders import zalopay as orders

INTERFACE: Final = 1
NAME: Final = "zalopay"
SECRET_FIELDS: Final = ("key2", "key1", "app_id", "api_url")
SECRET_CHOICES: Final = (("key2",),)
ROUTES: Final = {"": "notify"}
BATCH: Final = False
ORDERS: Final = orders
SETTLES: Final = "batch"

_CODES: Final = {
    Outcome.already_paid: (2, "already paid"),
    Outcome.bad_signature: (-1, "mac not equal"),
    Outcome.stale: (-1, "mac not equal"),
    Outcome.malformed: (0, "not readable"),
    Outcome.internal: (0, "try again"),
}
_SUCCESS: Final = (1, "success")


def authenticate(request: Request, secrets: Secrets, now: Now) -> Verdict:
    """Accept when the mac over the text `data` is right."""
    keys = signatures.secret_values(secrets, "key2")
    if not keys:
        return Verdict(valid=False, reason=Reason.unconfigured)
    try:
        data, given = (fields.free_text(request.document, name) for name in ("data", "mac"))
    except MalformedCallbackError:
        return Verdict(valid=False, reason=Reason.malformed)
    if not given:
        return Verdict(valid=False, reason=Reason.no_credentials)
    if signatures.any_same(given, keys, data.encode(), "sha256"):
        return VALID
    return Verdict(valid=False, reason=Reason.bad_signature)


def parse(request: Request, secrets: Secrets) -> list[BankTransaction]:
    """Read the one payment; news of a payer's standing agreement are not about money and give none."""
    data = strict_json.load_object(fields.free_text(request.document, "data").encode())
    if "binding_id" in data and "amount" not in data:
        return []
    txn_id = fields.identifier(data, "zp_trans_id")
    return [
        BankTransaction(
            provider_txn_id=txn_id,
            bank_reference=None,
            amount_vnd=fields.amount_vnd(data, "amount"),
            direction=Direction.credit,
            occurred_at=fields.moment(data, "server_time"),
            description=_description(data),
            account_number=fields.identifier(data, "app_id"),
            customer_code=fields.optional_identifier(data, "app_user"),
            order_ref=fields.identifier(data, "app_trans_id"),
            dedup_key=txn_id,
        )
    ]


def acknowledge(request: Request, outcomes: Sequence[Outcome], secrets: Secrets, now: Now) -> Answer:
    """The code table, always with HTTP 200; only 0 is asked again."""
    code, words = _CODES.get(gravest(outcomes), _SUCCESS)
    return json_answer(200, {"return_code": code, "return_message": words})


def _description(data: dict[str, Any]) -> str:
    """What we wrote into the order, as JSON; a payer writes no memo here."""
    texts = (fields.free_text(data, name) for name in ("item", "embed_data"))
    return next((text for text in texts if text not in ("", "[]", "{}")), "")
