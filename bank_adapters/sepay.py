"""SePay: bank account notifications (webhook), and the same from its BankHub (IPN).

Authentication    HMAC-SHA256 hex in `X-SePay-Signature: sha256=…` over `{X-SePay-Timestamp}.{raw body}`,
                  secret as text, five minutes; or `Authorization: Apikey <key>`; or `X-Secret-Key` (BankHub);
                  or Bearer: SePay posts clientId and clientSecret to `token` and gets a JWT (HS512, five
                  minutes). The secrets of a connection are ways in beside each other, not one after the other.
Retries           when switched on: no connection or a status outside 200-299, eight times in 33 minutes.
Idempotency key   `id`, an integer (their API v2 has another id: join on the bank reference); BankHub
                  `transaction_id`, kept apart from it.
Polling           GET https://userapi.sepay.vn/v2/transactions with `Authorization: Bearer <api_token>`, oldest first,
                  100 a page; 3 requests a second and address, then 429 with `Retry-After`.
Amount format     integer đồng; the direction is `transferType` in | out, BankHub `transfer_type` credit | debit.
Time zone         `Y-m-d H:i:s` in Viet Nam, no offset; BankHub also ISO 8601 or Unix time.
Source            developer.sepay.vn, sepayvn/laravel-sepay; text to sign from public integrations.
Certified by the bank: no
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from bank_adapters import fields, polls, signatures, tokens
from bank_adapters.answers import json_answer, success_flag
from bank_adapters.contract import (
    EVERYTHING,
    VALID,
    Answer,
    BankTransaction,
    Direction,
    MalformedCallbackError,
    Now,
    Outcome,
    OutgoingRequest,
    OutgoingResponse,
    Page,
    PollError,
    PollTerms,
    Reason,
    Request,
    Secrets,
    Verdict,
    Window,
)

INTERFACE: Final = 1
NAME: Final = "sepay"
SECRET_FIELDS: Final = (
    "secret",
    "api_key",
    "secret_key",
    "client_id",
    "client_secret",
    "jwt_secret",
    "api_token",
    "api_url",
)
"""The last two are for polling; `api_url` only where it is not SePay's public address (their sandbox)."""
SECRET_CHOICES: Final = (("secret",), ("api_key",), ("secret_key",), ("client_id", "client_secret", "jwt_secret"))
ROUTES: Final = {"": "notify", "token": "token"}
BATCH: Final = False
UNSIGNED: Final = {"api_key": EVERYTHING, "secret_key": EVERYTHING, "jwt_secret": EVERYTHING}
POLL: Final = PollTerms(budget="sepay", calls=3, per_s=1.0, reach=timedelta(days=90), overlap=timedelta(hours=2))
"""The limit is theirs; how late a bank tells SePay of a transfer is not published."""
POLL_FIELDS: Final = ("api_token",)

_API: Final = "https://userapi.sepay.vn/v2"
_PAGE_SIZE: Final = 100
_WEBHOOK: Final = {"in": Direction.credit, "out": Direction.debit}
_BANKHUB: Final = {"credit": Direction.credit, "debit": Direction.debit}
_OWN_HEADERS: Final = ("x-sepay-signature", "authorization", "x-secret-key")


def authenticate(request: Request, secrets: Secrets, now: Now) -> Verdict:
    """Accept whichever of the live secrets the request satisfies; a signature or token must be fresh too."""
    hmac_keys = signatures.secret_values(secrets, "secret")
    jwt_keys = signatures.secret_values(secrets, "jwt_secret")
    words = [("authorization", f"Apikey {key}") for key in signatures.secret_values(secrets, "api_key")]
    words += [("x-secret-key", key) for key in signatures.secret_values(secrets, "secret_key")]
    if not hmac_keys and not jwt_keys and not words:
        return Verdict(valid=False, reason=Reason.unconfigured)
    stamp, signature = request.header("x-sepay-timestamp"), request.header("x-sepay-signature")
    if hmac_keys and signature:
        message = stamp.encode("utf-8", "surrogatepass") + b"." + request.body
        if signatures.any_same(signature, hmac_keys, message, "sha256", prefix="sha256="):
            return signatures.fresh(stamp, now)
    if any(signatures.same(request.header(header), word) for header, word in words):
        return VALID
    if jwt_keys:
        verdict = tokens.verify_bearer(request, jwt_keys, now)
        if verdict.reason is not Reason.no_credentials:
            return verdict
    known = any(request.header(name) for name in _OWN_HEADERS)
    return Verdict(valid=False, reason=Reason.bad_signature if known else Reason.no_credentials)


def parse(request: Request, secrets: Secrets) -> list[BankTransaction]:
    """Read the one transaction; the payment code SePay recognised becomes `order_ref`."""
    if "transferType" not in request.document and "transfer_type" in request.document:
        return [_from_bankhub(request)]
    document = request.document
    txn_id = fields.identifier(document, "id")
    return [
        BankTransaction(
            provider_txn_id=txn_id,
            bank_reference=fields.optional_identifier(document, "referenceCode"),
            amount_vnd=fields.amount_vnd(document, "transferAmount"),
            direction=_direction(request, "transferType", _WEBHOOK),
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


def token(request: Request, secrets: Secrets, now: Now) -> Answer:
    """Give a five-minute token for the right clientId and clientSecret.

    SePay requires a refresh token and names no use for it: ours is the same token, worth no more.
    """
    try:
        name, password = (fields.identifier(request.document, field) for field in ("clientId", "clientSecret"))
    except MalformedCallbackError:
        return success_flag([Outcome.bad_signature])
    for mapping in secrets:
        client, secret, key = (mapping.get(field) for field in ("client_id", "client_secret", "jwt_secret"))
        if client and secret and key and signatures.same(name, client) and signatures.same(password, secret):
            access = tokens.issue(client, key, now)
            data = {"accessToken": access, "refreshToken": access, "expiredIn": tokens.LIFETIME_S}
            return json_answer(200, {"data": data})
    return success_flag([Outcome.bad_signature])


def poll_request(window: Window, cursor: str | None, secret: Mapping[str, str]) -> OutgoingRequest:
    """A page of transactions by moment; it holds those of every account of the token's company."""
    begin, number = polls.place(cursor, polls.second(window.since))
    parameters: dict[str, str | int] = {
        "transaction_date_from": begin,
        "transaction_date_to": polls.second(polls.up_to(window.until)),
        "transaction_date_sort": "asc",
        "per_page": _PAGE_SIZE,
        "page": number,
    }
    headers = {"Authorization": f"Bearer {secret['api_token']}", "Accept": "application/json"}
    return OutgoingRequest(
        method="GET", url=polls.url(f"{secret.get('api_url') or _API}/transactions", parameters), headers=headers
    )


def read_page(response: OutgoingResponse, window: Window, cursor: str | None) -> Page:
    """Read a page; rows without any amount (a notice of the bank) are not about money."""
    document = polls.document_of(response)
    rows = polls.rows_of(document.get("data"))
    meta = document.get("meta")
    pagination = meta.get("pagination") if isinstance(meta, dict) else None
    more = pagination.get("has_more") if isinstance(pagination, dict) else None
    moments = polls.in_order([str(row.get("transaction_date", "")) for row in rows])
    if not isinstance(more, bool) or (more and not moments):
        raise PollError("garbage")
    begin = polls.second(window.since)
    return polls.page(*polls.read_rows(rows, _polled), polls.following(cursor, begin, moments[-1]) if more else None)


def _polled(row: dict[str, Any]) -> BankTransaction | None:
    """One row of API v2: amounts in and out stand apart, and its id is not the one that callbacks have."""
    direction = _WEBHOOK.get(fields.free_text(row, "transfer_type"))
    if direction is None:
        raise MalformedCallbackError("bad_field", "transfer_type")
    field = "amount_in" if direction is Direction.credit else "amount_out"
    if fields.balance_vnd(row, field) == 0:
        return None
    txn_id = fields.identifier(row, "id")
    return BankTransaction(
        provider_txn_id=txn_id,
        bank_reference=fields.optional_identifier(row, "reference_number"),
        amount_vnd=fields.amount_vnd(row, field),
        direction=direction,
        occurred_at=fields.moment(row, "transaction_date"),
        description=fields.free_text(row, "transaction_content"),
        account_number=fields.optional_identifier(row, "account_number"),
        virtual_account=fields.optional_identifier(row, "va"),
        order_ref=fields.optional_identifier(row, "code"),
        balance_after_vnd=fields.balance_vnd(row, "accumulated") or None,
        dedup_key=f"v2:{txn_id}",
    )


def _from_bankhub(request: Request) -> BankTransaction:
    document = request.document
    txn_id = fields.identifier(document, "transaction_id")
    return BankTransaction(
        provider_txn_id=txn_id,
        bank_reference=fields.optional_identifier(document, "reference_code"),
        amount_vnd=fields.amount_vnd(document, "amount"),
        direction=_direction(request, "transfer_type", _BANKHUB),
        occurred_at=fields.moment(document, "transaction_date"),
        description=fields.free_text(document, "content"),
        account_number=fields.optional_identifier(document, "account_number"),
        virtual_account=fields.optional_identifier(document, "va"),
        order_ref=fields.optional_identifier(document, "payment_code"),
        balance_after_vnd=fields.balance_vnd(document, "accumulated") or None,
        dedup_key=f"bankhub:{txn_id}",
    )


def _direction(request: Request, name: str, words: dict[str, Direction]) -> Direction:
    direction = words.get(fields.free_text(request.document, name))
    if direction is None:
        raise MalformedCallbackError("bad_field", name)
    return direction
