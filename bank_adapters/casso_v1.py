"""Casso, webhook version 1: a list of transactions in a request.

Authentication    a shared token in the header `secure-token`; the body is not signed.
Retries           not published; a batch may come again with some items more.
Idempotency key   `id` of each item (`tid` is the bank's reference).
Amount format     integer đồng; a minus is money out.
Time zone         `Y-m-d H:i:s` in Viet Nam, no offset.
Source            casso.vn, and public integrations for the names of the fields.
Certified by the bank: no
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from bank_adapters import casso_api, fields, signatures
from bank_adapters.answers import success_flag
from bank_adapters.contract import (
    EVERYTHING,
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
NAME: Final = "casso_v1"
SECRET_FIELDS: Final = ("secure_token", "api_key", "api_url")
SECRET_CHOICES: Final = (("secure_token",),)
ROUTES: Final = {"": "notify"}
BATCH: Final = True
UNSIGNED: Final = {"secure_token": EVERYTHING}
POLL: Final = casso_api.TERMS
POLL_FIELDS: Final = ("api_key",)


def authenticate(request: Request, secrets: Secrets, now: Now) -> Verdict:
    """Accept when the header holds a live token."""
    tokens = signatures.secret_values(secrets, "secure_token")
    if not tokens:
        return Verdict(valid=False, reason=Reason.unconfigured)
    given = request.header("secure-token")
    if not given:
        return Verdict(valid=False, reason=Reason.no_credentials)
    if any(signatures.same(given, token) for token in tokens):
        return VALID
    return Verdict(valid=False, reason=Reason.bad_signature)


def parse(request: Request, secrets: Secrets) -> list[BankTransaction]:
    """Read every item; one that cannot be read makes the whole request malformed: nothing is half taken."""
    items = request.document.get("data")
    if not isinstance(items, list):
        raise MalformedCallbackError("bad_field", "data")
    return [_transaction(item) for item in items]


def acknowledge(request: Request, outcomes: Sequence[Outcome], secrets: Secrets, now: Now) -> Answer:
    """`{"success": true}` once every item is safe with us."""
    return success_flag(outcomes)


def poll_request(window: Window, cursor: str | None, secret: Mapping[str, str]) -> OutgoingRequest:
    """A page of Casso's API; see casso_api."""
    return casso_api.poll_request(window, cursor, secret)


def read_page(response: OutgoingResponse, window: Window, cursor: str | None) -> Page:
    """Read a page of Casso's API; see casso_api."""
    return casso_api.read_page(response, window, cursor)


def _transaction(item: Any) -> BankTransaction:
    if not isinstance(item, dict):
        raise MalformedCallbackError("bad_field", "data[]")
    direction, amount_vnd = fields.signed_amount_vnd(item, "amount")
    txn_id = fields.identifier(item, "id")
    return BankTransaction(
        provider_txn_id=txn_id,
        bank_reference=fields.optional_identifier(item, "tid"),
        amount_vnd=amount_vnd,
        direction=direction,
        status=Status.test if txn_id == "0" else Status.settled,
        occurred_at=fields.moment(item, "when"),
        description=fields.free_text(item, "description"),
        account_number=fields.optional_identifier(item, "bank_sub_acc_id")
        or fields.optional_identifier(item, "subAccId"),
        virtual_account=fields.optional_identifier(item, "virtualAccount"),
        counterparty=fields.counterparty(item, "corresponsiveName", "corresponsiveAccount", "corresponsiveBankName"),
        balance_after_vnd=fields.balance_vnd(item, "cusum_balance"),
        dedup_key=txn_id,
    )
