"""MB MMS: QR payments at a merchant's terminal of MB Bank; the credit may come by transaction-sync (`mb`) too.

Authentication    `checkSum`: MD5 hex of traceTransfer, billNumber, payDate, debitAmount and the access key,
                  joined without separators. All else is unsigned, so add a list of addresses.
Retries           not published; the bank may send one payment twice.
Idempotency key   the text that is signed: one signature is one payment, however its digits are cut into fields
                  and whatever `ftCode`, which is not signed, stands beside it. `ftCode` is the bank reference.
Amount format     integer đồng as text. `realAmount`, after the bank's promotion, is what reaches the account
                  and stands on the statement; it is never more than `debitAmount`, which is signed.
Time zone         `yyyyMMddHHmmss` in Viet Nam.
Source            public integrations, not the bank's own text.
Certified by the bank: no
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from bank_adapters import fields, signatures
from bank_adapters.answers import REFUSAL_STATUS, json_answer, refusal
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
    Status,
    Verdict,
)

INTERFACE: Final = 1
NAME: Final = "mb_mms"
SECRET_FIELDS: Final = ("access_key",)
SECRET_CHOICES: Final = (("access_key",),)
ROUTES: Final = {"": "notify"}
BATCH: Final = False
UNSIGNED: Final = {
    "access_key": frozenset(
        {
            "provider_txn_id",
            "order_ref",
            "amount_vnd",
            "status",
            "bank_reference",
            "description",
            "account_number",
            "counterparty",
        }
    )
}
"""The first two where they meet; the amount only downwards, to no more than `debitAmount`."""

_SIGNED: Final = ("traceTransfer", "billNumber", "payDate", "debitAmount")


def authenticate(request: Request, secrets: Secrets, now: Now) -> Verdict:
    """Accept when the checksum over the four fields is right."""
    keys = signatures.secret_values(secrets, "access_key")
    if not keys:
        return Verdict(valid=False, reason=Reason.unconfigured)
    try:
        text, given = _text_to_sign(request.document), fields.free_text(request.document, "checkSum")
    except MalformedCallbackError:
        return Verdict(valid=False, reason=Reason.malformed)
    if not given:
        return Verdict(valid=False, reason=Reason.no_credentials)
    if any(signatures.same(given, _md5(text + key)) for key in keys):
        return VALID
    return Verdict(valid=False, reason=Reason.bad_signature)


def parse(request: Request, secrets: Secrets) -> list[BankTransaction]:
    """Read the one payment; the terminal names the receiver."""
    document = request.document
    labels = [fields.free_text(document, name) for name in ("referenceLabelCode", "consumerLabelTerm")]
    return [
        BankTransaction(
            provider_txn_id=fields.identifier(document, "traceTransfer"),
            bank_reference=fields.identifier(document, "ftCode"),
            amount_vnd=_amount_vnd(document),
            direction=Direction.credit,
            status=Status.settled if fields.identifier(document, "respCode") == "00" else Status.failed,
            occurred_at=fields.moment_of_14_digits(document, "payDate"),
            description=" ".join(filter(None, labels)),
            account_number=fields.optional_identifier(document, "terminalLabel"),
            order_ref=fields.optional_identifier(document, "billNumber"),
            counterparty=fields.counterparty(document, "userName", "", ""),
            dedup_key=hashlib.sha256(_text_to_sign(document).encode()).hexdigest(),
        )
    ]


def acknowledge(request: Request, outcomes: Sequence[Outcome], secrets: Secrets, now: Now) -> Answer:
    """`resCode` 00, or another with 401, 400 or 503; the bank's table of refusals is not published."""
    refused = refusal(outcomes)
    if refused is None:
        return json_answer(200, {"resCode": "00", "resDesc": "success"})
    return json_answer(REFUSAL_STATUS[refused], {"resCode": "99", "resDesc": "refused"})


def _text_to_sign(document: Mapping[str, Any]) -> str:
    return "".join(fields.free_text(document, name) for name in _SIGNED)


def _md5(text: str) -> str:
    # The bank's choice: MD5 with the secret last.
    return hashlib.md5(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()


def _amount_vnd(document: Mapping[str, Any]) -> int:
    debited_vnd = fields.amount_vnd(document, "debitAmount")
    if not fields.free_text(document, "realAmount"):
        return debited_vnd
    received_vnd = fields.amount_vnd(document, "realAmount")
    if received_vnd > debited_vnd:
        raise MalformedCallbackError("bad_amount", "realAmount")
    return received_vnd
