"""VietQR.vn (transaction-sync), and MB Bank, whose contract it passes on: one adapter, also named `mb`.

Authentication    Bearer: the sender gets a JWT (HS512, five minutes) from `api/token_generate` with Basic
                  authentication. Signed: `signature` (or `sign`), HMAC-SHA256 hex with the secret as text
                  over transactionId, amount in ten digits, transactionTime and orderId, without separators:
                  `parse` refuses widths that let digits move from one field to the next. The other fields
                  are unsigned, so prefer Bearer. A secret mapping with both asks for both.
Retries           on time-out, lost connection or an error code of ours: five in a minute, then one a minute,
                  at most ten.
Idempotency key   `referencenumber` and `transType`; in the signed form `transactionid`, because a reference
                  that nobody signed could be altered to be paid twice. The two keys differ: go from one form to
                  the other by a new connection, not by rotating the secret.
Amount format     integer đồng as number or text, also `25000.0`; the direction is `transType` C | D.
Time zone         Unix milliseconds, or local time of Viet Nam, also without a blank (`2024-05-1701:53`).
Source            doc.vietqr.vn (its pages differ in upper and lower case of the keys: case is ignored), their
                  published server source for the codes.
Certified by the bank: no
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from bank_adapters import fields, signatures, tokens
from bank_adapters.answers import REFUSAL_STATUS, json_answer, refusal
from bank_adapters.contract import (
    EVERYTHING,
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
NAME: Final = "vietqr_vn"
SECRET_FIELDS: Final = ("secret", "jwt_secret", "username", "password")
SECRET_CHOICES: Final = (("secret",), ("jwt_secret",))
"""User name and password only where the sender asks us for its token."""
ROUTES: Final = {"": "notify", "bank/api/transaction-sync": "notify", "api/token_generate": "token"}
BATCH: Final = False
UNSIGNED: Final = {
    "jwt_secret": EVERYTHING,
    "secret": frozenset(
        {
            "bank_reference",
            "direction",
            "value_date",
            "description",
            "account_number",
            "virtual_account",
            "counterparty",
        }
    ),
}

_DIRECTIONS: Final = {"C": Direction.credit, "D": Direction.debit}
_SIGNED_AMOUNT_END: Final = 10**10
_MOVABLE_TIME: Final = re.compile(r"[0-9]{10}|1[0-5][0-9]{11}", re.ASCII)
"""Seconds, or milliseconds before 2020: what is left of a time that lent its first digits to the amount."""
_CODES: Final = {
    Outcome.internal: "005",
    Outcome.bad_signature: "TOKEN",
    Outcome.stale: "TOKEN",
    Outcome.malformed: "001",
}
_PREFERENCE: Final = (Reason.ok, Reason.stale, Reason.malformed, Reason.bad_signature, Reason.no_credentials)
"""Which of several verdicts speaks: the nearest to success says most of what went wrong."""


def authenticate(request: Request, secrets: Secrets, now: Now) -> Verdict:
    """Accept what satisfies one whole secret mapping: its token key, its signature secret, or both."""
    verdicts = [
        _one(request, mapping, now) for mapping in secrets if mapping.get("secret") or mapping.get("jwt_secret")
    ]
    if not verdicts:
        return Verdict(valid=False, reason=Reason.unconfigured)
    return min(verdicts, key=lambda verdict: _PREFERENCE.index(verdict.reason))


def parse(request: Request, secrets: Secrets) -> list[BankTransaction]:
    """Read the one transaction."""
    document = _folded(request)
    direction = _DIRECTIONS.get(fields.free_text(document, "transtype"))
    if direction is None:
        raise MalformedCallbackError("bad_field", "transType")
    txn_id = fields.identifier(document, "transactionid")
    reference = fields.optional_identifier(document, "referencenumber")
    signed = _signed_form(secrets)
    if signed:
        _require_signed_widths(document)
    return [
        BankTransaction(
            provider_txn_id=txn_id,
            bank_reference=reference,
            amount_vnd=fields.amount_vnd(document, "amount"),
            direction=direction,
            occurred_at=fields.moment(document, "transactiontime"),
            value_date=fields.optional_date(document, "valuedate"),
            description=fields.free_text(document, "content"),
            account_number=fields.optional_identifier(document, "bankaccount"),
            virtual_account=fields.optional_identifier(document, "va"),
            order_ref=fields.optional_identifier(document, "orderid"),
            counterparty=fields.counterparty(document, "reciprocalname", "reciprocalaccount", "reciprocalbankcode"),
            dedup_key=_dedup_key(txn_id, reference, direction, signed=signed),
        )
    ]


def acknowledge(request: Request, outcomes: Sequence[Outcome], secrets: Secrets, now: Now) -> Answer:
    """The sender's form; our id follows from the transaction: a repeated delivery gets the same bytes."""
    refused = refusal(outcomes)
    if refused is None:
        try:
            return _success(parse(request, secrets)[0], signed=_signed_form(secrets))
        except MalformedCallbackError:
            refused = Outcome.malformed
    return _failure(refused)


def token(request: Request, secrets: Secrets, now: Now) -> Answer:
    """Give a five-minute token for the right user name and password (Basic authentication)."""
    access = tokens.for_basic(request, secrets, now)
    if access is None:
        return _failure(Outcome.bad_signature)
    return json_answer(200, {"access_token": access, "token_type": "Bearer", "expires_in": tokens.LIFETIME_S})


def _one(request: Request, mapping: Mapping[str, str], now: Now) -> Verdict:
    if key := mapping.get("jwt_secret"):
        verdict = tokens.verify_bearer(request, [key], now)
        if not verdict.valid:
            return verdict
    return _signature_verdict(request, mapping["secret"]) if mapping.get("secret") else VALID


def _signature_verdict(request: Request, secret: str) -> Verdict:
    try:
        document = _folded(request)
        amount_vnd = fields.amount_vnd(document, "amount")
        parts = [fields.free_text(document, name) for name in ("transactionid", "transactiontime", "orderid")]
        given = fields.free_text(document, "signature") or fields.free_text(document, "sign")
    except MalformedCallbackError:
        return Verdict(valid=False, reason=Reason.malformed)
    message = f"{parts[0]}{amount_vnd:010d}{parts[1]}{parts[2]}".encode()
    if signatures.any_same(given, [secret], message, "sha256"):
        return VALID
    return Verdict(valid=False, reason=Reason.bad_signature if given else Reason.no_credentials)


def _folded(request: Request) -> dict[str, Any]:
    """The body with lower-case keys; one name in two spellings has no single reading."""
    folded = {key.lower(): value for key, value in request.document.items()}
    if len(folded) != len(request.document):
        raise MalformedCallbackError("duplicate_key")
    return folded


def _require_signed_widths(document: Mapping[str, Any]) -> None:
    """Refuse fields whose joined text another, smaller payment may have signed.

    «5» + 0000100000 is also 50000100000 with a shorter id: whoever saw one signed message could send it again
    as other money under another id.
    """
    if fields.amount_vnd(document, "amount") >= _SIGNED_AMOUNT_END:
        raise MalformedCallbackError("bad_amount", "amount")
    if _MOVABLE_TIME.fullmatch(fields.free_text(document, "transactiontime")):
        raise MalformedCallbackError("bad_time", "transactionTime")


def _signed_form(secrets: Secrets) -> bool:
    return any(mapping.get("secret") for mapping in secrets)


def _dedup_key(txn_id: str, reference: str | None, direction: Direction, *, signed: bool) -> str:
    return f"{txn_id if signed or reference is None else reference}:{direction}"


def _success(transaction: BankTransaction, *, signed: bool) -> Answer:
    our_id = hashlib.sha256(f"{NAME}:{transaction.dedup_key}".encode()).hexdigest()[:24]
    return json_answer(
        200,
        {
            "error": False,
            "errorReason": "000" if signed else None,
            "toastMessage": "" if signed else None,
            "object": {"reftransactionid": our_id},
        },
    )


def _failure(refused: Outcome) -> Answer:
    document = {"error": True, "errorReason": _CODES[refused], "toastMessage": "Refused", "object": None}
    return json_answer(REFUSAL_STATUS[refused], document)
