"""BIDV «thu hộ»: the bank asks what a customer owes (`getbill`) and reports that a bill was paid (`paybill`).

Authentication    `checksum`: MD5 hex of the secret joined with service_id and customer_id (getbill), or with
                  trans_id, bill_id and amount (paybill), without separators: customer, service and date are
                  not covered, so the bill itself must say whose it is. Beside it Bearer, where the connection
                  has a `jwt_secret`: the bank gets a token from `token_generate` with Basic authentication.
Retries           not published; the same `trans_id` again gets the same answer.
Idempotency key   `trans_id`.
Amount format     integer đồng, as text.
Time zone         `yyyyMMddHHmmss` in Viet Nam.
Source            the bank's specification as VietQR.vn's published server implements it; result codes likewise.
Certified by the bank: no
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

from bank_adapters import fields, signatures, tokens
from bank_adapters.answers import gravest, json_answer
from bank_adapters.contract import (
    VALID,
    Answer,
    BankTransaction,
    Direction,
    Inquiry,
    MalformedCallbackError,
    Now,
    Outcome,
    Owed,
    Reason,
    Request,
    Secrets,
    Verdict,
)

INTERFACE: Final = 1
NAME: Final = "bidv_biller"
SECRET_FIELDS: Final = ("secret", "jwt_secret", "username", "password")
SECRET_CHOICES: Final = (("secret",),)
ROUTES: Final = {
    "getbill": "inquire",
    "paybill": "notify",
    "token_generate": "token",
    "api/token_generate": "token",
}
BATCH: Final = False
UNSIGNED: Final = {"secret": frozenset({"customer_code", "occurred_at"})}
REFUSALS: Final = frozenset(
    {Outcome.unknown_customer, Outcome.unknown_bill, Outcome.amount_differs, Outcome.foreign_account}
)

_SIGNED: Final = {"getbill": ("service_id", "customer_id"), "paybill": ("trans_id", "bill_id", "amount")}
_CODES: Final = {
    Outcome.accepted: ("000", "success", 200),
    Outcome.duplicate: ("000", "success", 200),
    Outcome.already_paid: ("023", "Hoa don da thanh toan", 200),
    Outcome.unknown_customer: ("011", "Ma khach hang khong dung", 400),
    Outcome.unknown_bill: ("021", "Hoa don khong ton tai", 400),
    Outcome.amount_differs: ("022", "So tien khong dung", 400),
    Outcome.foreign_account: ("006", "Ma dich vu khong dung", 400),
    Outcome.malformed: ("001", "Thieu hoac sai tham so", 400),
    Outcome.bad_signature: ("004", "Checksum khong hop le", 400),
    Outcome.stale: ("003", "Dang nhap khong hop le", 400),
    Outcome.internal: ("031", "Loi he thong", 400),
}
_NOTHING_DUE: Final = ("012", "Khach hang khong co hoa don", 200)


def authenticate(request: Request, secrets: Secrets, now: Now) -> Verdict:
    """Accept what satisfies one whole secret mapping: its checksum, and its token where it has a key for tokens."""
    usable = [mapping for mapping in secrets if mapping.get("secret")]
    if not usable:
        return Verdict(valid=False, reason=Reason.unconfigured)
    try:
        message, given = _text_to_sign(request), fields.free_text(request.document, "checksum")
    except MalformedCallbackError:
        return Verdict(valid=False, reason=Reason.malformed)
    if not given:
        return Verdict(valid=False, reason=Reason.no_credentials)
    for mapping in usable:
        if signatures.same(given, _md5(mapping["secret"] + message)):
            return _token_verdict(request, mapping, now)
    return Verdict(valid=False, reason=Reason.bad_signature)


def parse(request: Request, secrets: Secrets) -> list[BankTransaction]:
    """Read the one payment; whether customer, bill and amount belong together is for the invoices to say."""
    document = request.document
    txn_id = fields.identifier(document, "trans_id")
    return [
        BankTransaction(
            provider_txn_id=txn_id,
            bank_reference=txn_id,
            amount_vnd=fields.amount_vnd(document, "amount"),
            direction=Direction.credit,
            occurred_at=fields.moment(document, "trans_date"),
            description=fields.optional_identifier(document, "bill_id") or "",
            account_number=None,
            customer_code=fields.identifier(document, "customer_id"),
            order_ref=fields.identifier(document, "bill_id"),
            dedup_key=txn_id,
        )
    ]


def acknowledge(request: Request, outcomes: Sequence[Outcome], secrets: Secrets, now: Now) -> Answer:
    """The code table; «already paid» and a repeated delivery are successes to the bank."""
    code, words, status = _CODES.get(gravest(outcomes), _CODES[Outcome.accepted])
    return json_answer(status, {"result_code": code, "result_desc": words})


def token(request: Request, secrets: Secrets, now: Now) -> Answer:
    """Give a five-minute token for the right user name and password (Basic authentication)."""
    access = tokens.for_basic(request, secrets, now)
    if access is None:
        return json_answer(401, {"result_code": "003", "result_desc": "Dang nhap khong hop le"})
    return json_answer(200, {"access_token": access, "token_type": "Bearer", "expires_in": tokens.LIFETIME_S})


def inquire(request: Request, secrets: Secrets) -> Inquiry:
    """Whose bills the bank asks for."""
    document = request.document
    return Inquiry(fields.identifier(document, "customer_id"), fields.optional_identifier(document, "service_id"))


def answer_inquiry(request: Request, owed: Owed, secrets: Secrets, now: Now) -> Answer:
    """The open bills, or why there are none."""
    if owed.outcome is not Outcome.accepted:
        return acknowledge(request, [owed.outcome], secrets, now)
    code, words, status = _CODES[Outcome.accepted] if owed.bills else _NOTHING_DUE
    return json_answer(
        status,
        {
            "result_code": code,
            "result_desc": words,
            "customer_id": fields.quoted(fields.whatever_is_readable(request), "customer_id"),
            "customer_name": owed.customer_name,
            "customer_addr": "",
            "data": [{"type": 1, "amount": bill.amount_vnd, "bill_id": bill.bill_id} for bill in owed.bills],
        },
    )


def _text_to_sign(request: Request) -> str:
    """What the secret stands before: the operation's fields, joined as received."""
    names = _SIGNED.get(request.path)
    if names is None:
        raise MalformedCallbackError("bad_field", "operation")
    return "".join(fields.identifier(request.document, name) for name in names)


def _md5(text: str) -> str:
    # The bank's choice: MD5 with the secret first. It is why the bill is checked too, and why Bearer belongs to it.
    return hashlib.md5(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()


def _token_verdict(request: Request, mapping: Mapping[str, str], now: Now) -> Verdict:
    key = mapping.get("jwt_secret")
    return tokens.verify_bearer(request, [key], now) if key else VALID
