"""Agribank's tuition gateway, and those that speak like it: plain text answers, payment by fee item.

Authentication    `account` and `pass` in the body; a password on its way in every message is the weakest scheme
                  of all, so such a connection wants a list of addresses as well.
Retries           not published; the same `referenceId` again gets the same answer.
Idempotency key   `referenceId`.
Amount format     integer đồng, as text or number; by fee item `Khoan01;500000|Khoan02;150000`, where the names
                  are those that our answer to `GetKhoanThu` gave: our bill ids.
Time zone         no moment is sent: that of receipt counts.
Source            public API page of a tuition gateway that takes Agribank's calls.
Certified by the bank: no
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from bank_adapters import fields, forms, signatures
from bank_adapters.answers import gravest
from bank_adapters.contract import (
    EVERYTHING,
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
NAME: Final = "agribank_text"
SECRET_FIELDS: Final = ("account", "pass")
SECRET_CHOICES: Final = (("account", "pass"),)
ROUTES: Final = {
    "CheckTonTaiGiaoDichAGR": "inquire",
    "GetKhoanThu": "inquire",
    "GachNo": "notify",
    "GachNoAGR": "notify",
    "GachNoVietQR": "notify",
}
BATCH: Final = False
UNSIGNED: Final = {"pass": EVERYTHING}
REFUSALS: Final[frozenset[Outcome]] = frozenset()
"""None: nothing published says that a refusal takes the payer's debit back."""

_TEXT: Final = {"Content-Type": "text/plain; charset=utf-8"}
_ITEM: Final = re.compile(r"([0-9A-Za-z_-]{1,40});([0-9]{1,13})", re.ASCII)
_WORDS: Final = {
    Outcome.bad_signature: (401, "ERROR:Sai tài khoản hoặc mật khẩu"),
    Outcome.stale: (401, "ERROR:Sai tài khoản hoặc mật khẩu"),
    Outcome.malformed: (400, "ERROR:Sai tham số"),
    Outcome.internal: (503, "ERROR:Lỗi hệ thống, hãy gửi lại"),
}
_UNKNOWN: Final = "ERROR:Mã khách hàng không tồn tại"


def authenticate(request: Request, secrets: Secrets, now: Now) -> Verdict:
    """Accept the account and password of one live secret mapping."""
    usable = [mapping for mapping in secrets if mapping.get("account") and mapping.get("pass")]
    if not usable:
        return Verdict(valid=False, reason=Reason.unconfigured)
    try:
        document = _document(request)
        given = [fields.free_text(document, name) for name in ("account", "pass")]
    except MalformedCallbackError:
        return Verdict(valid=False, reason=Reason.malformed)
    if not all(given):
        return Verdict(valid=False, reason=Reason.no_credentials)
    for mapping in usable:
        # Both are always compared: how long it takes tells nothing about which one is wrong.
        known = [signatures.same(one, mapping[name]) for one, name in zip(given, ("account", "pass"), strict=True)]
        if all(known):
            return VALID
    return Verdict(valid=False, reason=Reason.bad_signature)


def parse(request: Request, secrets: Secrets) -> list[BankTransaction]:
    """Read the one payment; of a payment by fee item the sum, with the items as its description."""
    document = _document(request)
    txn_id = fields.identifier(document, "referenceId")
    items = fields.free_text(document, "strKhoanDanop")
    amount_vnd = _sum_vnd(items) if items else fields.amount_vnd(document, "Sotien")
    return [
        BankTransaction(
            provider_txn_id=txn_id,
            bank_reference=txn_id,
            amount_vnd=amount_vnd,
            direction=Direction.credit,
            occurred_at=fields.moment_of_receipt(request),
            description=items or fields.free_text(document, "NoiDungThanhToan"),
            account_number=None,
            customer_code=fields.optional_identifier(document, "Makh"),
            order_ref=_only_item(items),
            dedup_key=txn_id,
        )
    ]


def acknowledge(request: Request, outcomes: Sequence[Outcome], secrets: Secrets, now: Now) -> Answer:
    """`OK:` with the sender's own reference as voucher number, or `ERROR:` with words."""
    status, words = _WORDS.get(gravest(outcomes), (200, ""))
    if not words:
        try:
            words = f"OK:{fields.identifier(_document(request), 'referenceId')}"
        except MalformedCallbackError:
            status, words = _WORDS[Outcome.malformed]
    return Answer(status, _TEXT, words.encode())


def inquire(request: Request, secrets: Secrets) -> Inquiry:
    """Whose fees the bank asks for."""
    document = _document(request)
    return Inquiry(fields.identifier(document, "masv" if "masv" in document else "Makh"))


def answer_inquiry(request: Request, owed: Owed, secrets: Secrets, now: Now) -> Answer:
    """`OK|name|sum` to the question whether the customer exists, else one `item;amount` after the other."""
    if owed.outcome is not Outcome.accepted:
        return Answer(200, _TEXT, _UNKNOWN.encode())
    if request.path == "CheckTonTaiGiaoDichAGR":
        words = f"OK|{owed.customer_name}|{sum(bill.amount_vnd for bill in owed.bills)}"
    else:
        words = "OK|" + "|".join(f"{bill.bill_id};{bill.amount_vnd}" for bill in owed.bills)
    return Answer(200, _TEXT, words.encode())


def _document(request: Request) -> Mapping[str, Any]:
    """The fields of a JSON object or of a form; a name given twice has no single reading."""
    return request.document if request.body[:1] == b"{" else forms.load(request.body)


def _items(text: str) -> list[tuple[str, int]]:
    found = [_ITEM.fullmatch(part) for part in text.split("|")] if text else []
    if not all(found):
        raise MalformedCallbackError("bad_field", "strKhoanDanop")
    return [(one[1], int(one[2])) for one in found if one]


def _sum_vnd(text: str) -> int:
    items = _items(text)
    if len({name for name, _ in items}) != len(items) or not all(amount_vnd for _, amount_vnd in items):
        raise MalformedCallbackError("bad_field", "strKhoanDanop")
    return sum(amount_vnd for _, amount_vnd in items)


def _only_item(text: str) -> str | None:
    items = _items(text)
    return items[0][0] if len(items) == 1 else None
