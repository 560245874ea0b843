"""VietinBank «thu hộ định danh»: the bank asks for a bill (`inq-bill`) and reports a credit (`notify-bill`).

Authentication    `signature`: SHA256withRSA (PKCS#1 v1.5) base64 over transId, transTime, custCode, amount,
                  bankTransId and remark, joined without separators, empty ones left out: a digit can move from
                  one field to the next, so `custCode` and `recvVirtualAcctId` must agree. Our answers are signed
                  with `private_pem` over transId, errorCode and errorDesc.
Retries           not published; whether a repeated `transId` gets 00 or 05 differs between the bank's texts, so
                  `duplicate_code` of the connection says it.
Idempotency key   `transId`; the bank's own reference is `bankTransId` (absent at the counter).
Amount format     integer đồng, as text; transType D is money out.
Time zone         `yyyyMMddHHmmss` in Viet Nam.
Source            extracts of openapi.vietinbank.vn (THVQR API) and integrations of it.
Certified by the bank: no

What callbacks missed comes with the bank's nightly file (vietinbank_file), which `file_key` protects.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

from bank_adapters import fields, signatures
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
NAME: Final = "vietinbank"
SECRET_FIELDS: Final = ("public_pem", "private_pem", "duplicate_code", "file_key")
SECRET_CHOICES: Final = (("public_pem", "private_pem"),)
KEY_PAIRS: Final = {"private_pem": "rsa"}
ROUTES: Final = {
    "": "notify",
    "notify-bill": "notify",
    "api/v1/notify-bill": "notify",
    "inq-bill": "inquire",
    "api/v1/inq-bill": "inquire",
}
BATCH: Final = False
UNSIGNED: Final = {
    "public_pem": frozenset(
        {
            "customer_code",
            "amount_vnd",
            "bank_reference",
            "description",
            "direction",
            "account_number",
            "virtual_account",
            "order_ref",
            "counterparty",
        }
    )
}
"""The first four only where they meet, in kinds of movement that name no virtual account to compare with."""
REFUSALS: Final[frozenset[Outcome]] = frozenset()
"""None: it reports what has happened, and its table does not say that a refusal takes the credit back."""

_SIGNED: Final = ("transId", "transTime", "custCode", "amount", "bankTransId", "remark")
_VIRTUAL: Final = "3"
"""transType of a fixed virtual account for each customer: its number is the customer's code."""
_QUOTED: Final = re.compile(r"\bCT DEN:([0-9A-Z]{8,32})", re.ASCII)
"""The bank begins its remark with its own reference, so a digit moved between it and the amount shows."""
_CODES: Final = {
    Outcome.accepted: ("00", "Thanh cong"),
    Outcome.already_paid: ("00", "Thanh cong"),
    Outcome.bad_signature: ("01", "Chu ky khong hop le"),
    Outcome.stale: ("01", "Chu ky khong hop le"),
    Outcome.unknown_customer: ("02", "Ma KH khong ton tai"),
    Outcome.malformed: ("99", "Du lieu khong hop le"),
    Outcome.internal: ("99", "Loi he thong"),
    Outcome.duplicate: ("05", "Trung giao dich"),
}


def authenticate(request: Request, secrets: Secrets, now: Now) -> Verdict:
    """Accept when the bank's key signed the joined fields as received."""
    keys = [key for pem in signatures.secret_values(secrets, "public_pem") if (key := signatures.rsa_key(pem))]
    if not keys:
        return Verdict(valid=False, reason=Reason.unconfigured)
    try:
        data = _data(request)
        message = "".join(fields.free_text(data, name) for name in _SIGNED).encode("utf-8", "surrogatepass")
        given = fields.free_text(data, "signature")
    except MalformedCallbackError:
        return Verdict(valid=False, reason=Reason.malformed)
    if not given:
        return Verdict(valid=False, reason=Reason.no_credentials)
    signature = signatures.decode_base64(given)
    if signature and any(signatures.rsa_matches(key, signature, message) for key in keys):
        return VALID
    return Verdict(valid=False, reason=Reason.bad_signature)


def parse(request: Request, secrets: Secrets) -> list[BankTransaction]:
    """Read the one movement; a customer who is not the virtual account's is a digit that was moved."""
    data = _data(request)
    if data.get("currencyCode") not in (None, "", "VND"):
        raise MalformedCallbackError("bad_currency", "currencyCode")
    customer = fields.optional_identifier(data, "custCode")
    virtual = fields.optional_identifier(data, "recvVirtualAcctId")
    if fields.free_text(data, "transType") == _VIRTUAL and customer != virtual:
        raise MalformedCallbackError("customer_contradicts_account", "custCode", outcome="unknown_customer")
    reference = fields.optional_identifier(data, "bankTransId")
    quoted = _QUOTED.search(fields.free_text(data, "remark"))
    if quoted and quoted[1] != reference:
        raise MalformedCallbackError("reference_contradicts_remark", "bankTransId")
    txn_id = fields.identifier(data, "transId")
    return [
        BankTransaction(
            provider_txn_id=txn_id,
            bank_reference=reference,
            amount_vnd=fields.amount_vnd(data, "amount"),
            direction=Direction.debit if fields.free_text(data, "transType") == "D" else Direction.credit,
            occurred_at=fields.moment_of_14_digits(data, "transTime"),
            description=fields.free_text(data, "remark"),
            account_number=fields.optional_identifier(data, "recvAcctId"),
            virtual_account=virtual,
            customer_code=customer,
            order_ref=fields.optional_identifier(data, "billId"),
            counterparty=fields.counterparty(data, "sendAcctName", "sendAcctId", "sendBankId"),
            dedup_key=txn_id,
        )
    ]


def acknowledge(request: Request, outcomes: Sequence[Outcome], secrets: Secrets, now: Now) -> Answer:
    """The code table, with our signature; everything is HTTP 200, the code alone speaks."""
    outcome = gravest(outcomes)
    if outcome is Outcome.duplicate and "05" not in signatures.secret_values(secrets, "duplicate_code"):
        outcome = Outcome.accepted
    code, words = _CODES.get(outcome, _CODES[Outcome.accepted])
    data = _flat(fields.whatever_is_readable(request))
    trans_id = fields.quoted(data, "transId")
    document = {
        "transId": trans_id,
        "providerId": fields.quoted(data, "providerId"),
        "errorCode": code,
        "errorDesc": words,
        "signature": _signed(trans_id + code + words, secrets),
    }
    return json_answer(200, document)


def inquire(request: Request, secrets: Secrets) -> Inquiry:
    """Whose bill the bank asks for."""
    return Inquiry(fields.identifier(_data(request), "custCode"))


def answer_inquiry(request: Request, owed: Owed, secrets: Secrets, now: Now) -> Answer:
    """The first open bill (the bank shows one), or why there is none; signed."""
    data = _flat(fields.whatever_is_readable(request))
    bill = owed.bills[0] if owed.bills else None
    outcome = Outcome.unknown_customer if owed.outcome is Outcome.accepted and bill is None else owed.outcome
    code, words = _CODES.get(outcome, _CODES[Outcome.internal])
    details = {
        name: fields.quoted(data, name) for name in ("transId", "channelId", "transTime", "transType", "custCode")
    } | {
        "custName": f"{owed.customer_name}_{fields.quoted(data, 'custCode')}_{bill.amount_vnd}VND" if bill else "",
        "billId": bill.bill_id if bill else "",
        "billTerm": bill.term if bill else "",
        "amount": str(bill.amount_vnd) if bill else "",
    }
    signature = _signed("".join(details.values()) + code, secrets)
    errors = {"errorCode": code, "errorDesc": words}
    return json_answer(200, {"data": {"errors": errors, "details": details}, "signature": signature})


def _data(request: Request) -> dict[str, Any]:
    return _flat(request.document)


def _flat(document: dict[str, Any]) -> dict[str, Any]:
    """The fields; an inquiry has them in `header` and `data`, a notice stands flat."""
    header, data = document.get("header"), document.get("data")
    if isinstance(header, dict) and isinstance(data, dict):
        return {**header, **data}
    return document


def _signed(text: str, secrets: Secrets) -> str:
    """Our signature in base64; empty without a key of ours, which a live connection always has."""
    keys = signatures.secret_values(secrets, "private_pem")
    return signatures.rsa_sign(keys[0], text.encode()) if keys else ""
