"""payOS: payments of one order (payment link), pushed as a webhook.

Authentication    `signature`: HMAC-SHA256 hex with the checksum key over `k=v&…` of `data`, sorted by key;
                  every key received is signed, null, "null" and "undefined" count as empty, lists as JSON of
                  items sorted by key. The envelope (`code`, `desc`, `success`) is not signed: never read it.
                  A memo may hold «&reference=…» and be read as a field of its own: `parse` refuses that.
Retries           not published; there is no timestamp, so idempotency is the only guard against replay.
Idempotency key   `paymentLinkId` and `reference`: several transfers may hit one link.
Amount format     integer đồng; only money in.
Time zone         `Y-m-d H:i:s` in Viet Nam, no offset.
Source            payos.vn/docs (published vector), behaviour of npm @payos/node.
Certified by the bank: no
"""

from collections.abc import Sequence
from typing import Any, Final

from bank_adapters import canonical, fields, signatures
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
    Status,
    Verdict,
)
from bank_adapters.orders import payos as orders

INTERFACE: Final = 1
NAME: Final = "payos"
SECRET_FIELDS: Final = ("checksum_key", "client_id", "api_key", "api_url")
SECRET_CHOICES: Final = (("checksum_key",),)
ROUTES: Final = {"": "notify"}
BATCH: Final = False
ORDERS: Final = orders

_KEY_FIELDS: Final = ("paymentLinkId", "reference")
_EMPTY: Final = ("null", "undefined")


def authenticate(request: Request, secrets: Secrets, now: Now) -> Verdict:
    """Accept when the signature over the fields of `data`, as received, is right."""
    keys = signatures.secret_values(secrets, "checksum_key")
    if not keys:
        return Verdict(valid=False, reason=Reason.unconfigured)
    if len(request.body) > canonical.MAX_BODY_BYTES:
        return Verdict(valid=False, reason=Reason.malformed)
    try:
        data = fields.nested(request.document, "data")
        signature = fields.free_text(request.document, "signature")
    except MalformedCallbackError:
        return Verdict(valid=False, reason=Reason.malformed)
    if not signature:
        return Verdict(valid=False, reason=Reason.no_credentials)
    for numbers in canonical.NUMBER_STYLES:
        if signatures.any_same(signature, keys, orders.signed_text(data, numbers).encode(), "sha256"):
            return VALID
    return Verdict(valid=False, reason=Reason.bad_signature)


def parse(request: Request, secrets: Secrets) -> list[BankTransaction]:
    """Read the one transaction; the call that payOS makes to confirm a URL has status `test`."""
    data = _as_signed(fields.nested(request.document, "data"))
    fields.require_vnd(data)
    _require_one_reading(data)
    reference = fields.identifier(data, "reference")
    return [
        BankTransaction(
            provider_txn_id=reference,
            bank_reference=reference,
            amount_vnd=fields.amount_vnd(data, "amount"),
            direction=Direction.credit,
            status=_status(data),
            occurred_at=fields.moment(data, "transactionDateTime"),
            description=fields.free_text(data, "description"),
            account_number=fields.optional_identifier(data, "accountNumber"),
            virtual_account=fields.optional_identifier(data, "virtualAccountNumber"),
            order_ref=fields.optional_identifier(data, "orderCode"),
            counterparty=fields.counterparty(
                data, "counterAccountName", "counterAccountNumber", "counterAccountBankName"
            ),
            dedup_key=f"{fields.identifier(data, 'paymentLinkId')}:{reference}",
        )
    ]


def acknowledge(request: Request, outcomes: Sequence[Outcome], secrets: Secrets, now: Now) -> Answer:
    """`{"success": true}` also for orders we do not know: the call that confirms a URL names one."""
    return success_flag(outcomes)


def _as_signed(data: dict[str, Any]) -> dict[str, Any]:
    """What counts as empty when it is signed is read as empty: else «null» could be put where nothing stood."""
    return {name: None if value in _EMPTY else value for name, value in data.items()}


def _status(data: dict[str, Any]) -> Status:
    if data.get("orderCode") == "123" and "VQRIO123" in fields.free_text(data, "description"):
        return Status.test
    return Status.settled if fields.identifier(data, "code") == "00" else Status.failed


def _require_one_reading(data: dict[str, Any]) -> None:
    """Refuse text that was perhaps signed for other fields.

    A payer whose memo holds «&paymentLinkId=1&reference=2» could have the same signed text sent again with these as
    its fields, as another payment.
    """
    text = "&" + orders.signed_text(data, canonical.as_received)
    if any(text.count(f"&{name}=") > 1 for name in _KEY_FIELDS):
        raise MalformedCallbackError("ambiguous", "data")
