"""Casso, webhook version 2: one transaction in a request.

Authentication    `X-Casso-Signature: t=<ms>,v1=<hex>`: HMAC-SHA512 with the checksum key, as text, over
                  `t`, a point and the body as compact JSON sorted by key at every level. Casso's samples
                  disagree on escapes: JavaScript's form is tried first, then Python's, PHP's and Go's.
Retries           not published; nor is a tolerance for `t`, so idempotency is the only guard against replay.
Idempotency key   `id`; 0 is the test call of Casso's dashboard, answered and never credited.
Amount format     integer đồng; a minus is money out.
Time zone         `Y-m-d H:i:s` in Viet Nam, no offset.
Source            github.com/CassoHQ/casso-webhook-v2-verify-signature (samples and a published vector).
Certified by the bank: no
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from bank_adapters import canonical, casso_api, fields, signatures
from bank_adapters.answers import success_flag
from bank_adapters.contract import (
    VALID,
    Answer,
    BankTransaction,
    MalformedCallbackError,
    Now,
    Outcome,
    OutgoingRequest,
    OutgoingResponse,
    Page,
    Reason,
    Request,
    Secrets,
    Status,
    Verdict,
    Window,
)

INTERFACE: Final = 1
NAME: Final = "casso_v2"
SECRET_FIELDS: Final = ("checksum_key", "api_key", "api_url")
SECRET_CHOICES: Final = (("checksum_key",),)
ROUTES: Final = {"": "notify"}
BATCH: Final = False
POLL: Final = casso_api.TERMS
POLL_FIELDS: Final = ("api_key",)

_HEADER: Final = re.compile(r"t=([0-9]{1,16}), ?v1=([0-9a-f]{128})", re.ASCII)


def authenticate(request: Request, secrets: Secrets, now: Now) -> Verdict:
    """Accept when the signature fits one of the canonical forms of the body."""
    keys = signatures.secret_values(secrets, "checksum_key")
    if not keys:
        return Verdict(valid=False, reason=Reason.unconfigured)
    header = request.header("x-casso-signature")
    if not header:
        return Verdict(valid=False, reason=Reason.no_credentials)
    given = _HEADER.fullmatch(header)
    if not given or len(request.body) > canonical.MAX_BODY_BYTES:
        return Verdict(valid=False, reason=Reason.malformed)
    try:
        document = request.document
    except MalformedCallbackError:
        return Verdict(valid=False, reason=Reason.malformed)
    for form in canonical.forms(document):
        if signatures.any_same(given[2], keys, f"{given[1]}.{form}".encode(), "sha512"):
            return VALID
    return Verdict(valid=False, reason=Reason.bad_signature)


def parse(request: Request, secrets: Secrets) -> list[BankTransaction]:
    """Read the one transaction."""
    data = fields.nested(request.document, "data")
    direction, amount_vnd = fields.signed_amount_vnd(data, "amount")
    txn_id = fields.identifier(data, "id")
    return [
        BankTransaction(
            provider_txn_id=txn_id,
            bank_reference=fields.optional_identifier(data, "reference"),
            amount_vnd=amount_vnd,
            direction=direction,
            status=Status.test if txn_id == "0" else Status.settled,
            occurred_at=fields.moment(data, "transactionDateTime"),
            description=fields.free_text(data, "description"),
            account_number=fields.optional_identifier(data, "accountNumber"),
            virtual_account=fields.optional_identifier(data, "virtualAccountNumber"),
            counterparty=fields.counterparty(
                data, "counterAccountName", "counterAccountNumber", "counterAccountBankName"
            ),
            balance_after_vnd=fields.balance_vnd(data, "runningBalance"),
            dedup_key=txn_id,
        )
    ]


def acknowledge(request: Request, outcomes: Sequence[Outcome], secrets: Secrets, now: Now) -> Answer:
    """`{"success": true}`."""
    return success_flag(outcomes)


def poll_request(window: Window, cursor: str | None, secret: Mapping[str, str]) -> OutgoingRequest:
    """A page of Casso's API; see casso_api."""
    return casso_api.poll_request(window, cursor, secret)


def read_page(response: OutgoingResponse, window: Window, cursor: str | None) -> Page:
    """Read a page of Casso's API; see casso_api."""
    return casso_api.read_page(response, window, cursor)
