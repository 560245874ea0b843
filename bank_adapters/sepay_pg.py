"""SePay PG: payments of one order through SePay's payment gateway (IPN).

Authentication    `X-Secret-Key` equals the merchant's secret. SePay sends it only where the IPN is set to
                  SECRET_KEY; without it nobody is believed. The body is not signed.
Retries           not published; anything but status 200 counts as not received.
Idempotency key   `transaction.id`. TRANSACTION_VOID names the payment that it takes back by the same id.
Amount format     đồng as text, `100000` or `100000.00`; only money in.
Time zone         `Y-m-d H:i:s` in Viet Nam, no offset.
Source            developer.sepay.vn, page IPN (no receiving account is named: the order says whose it is).
Certified by the bank: no
"""

from collections.abc import Sequence
from typing import Any, Final

from bank_adapters import fields, signatures
from bank_adapters.answers import success_flag
from bank_adapters.contract import (
    EVERYTHING,
    VALID,
    Answer,
    BankTransaction,
    Direction,
    Now,
    Outcome,
    Reason,
    Request,
    Secrets,
    Status,
    Verdict,
)
from bank_adapters.orders import sepay_pg as orders

INTERFACE: Final = 1
NAME: Final = "sepay_pg"
SECRET_FIELDS: Final = ("secret_key", "merchant_id", "pay_url", "api_url")
SECRET_CHOICES: Final = (("secret_key",),)
ROUTES: Final = {"": "notify"}
BATCH: Final = False
UNSIGNED: Final = {"secret_key": EVERYTHING}
ORDERS: Final = orders
SETTLES: Final = "batch"

_PAID: Final = ("ORDER_PAID", "RENEWAL_ORDER_PAID")
_VOID: Final = "TRANSACTION_VOID"


def authenticate(request: Request, secrets: Secrets, now: Now) -> Verdict:
    """Accept the holder of a live secret."""
    keys = signatures.secret_values(secrets, "secret_key")
    if not keys:
        return Verdict(valid=False, reason=Reason.unconfigured)
    given = request.header("x-secret-key")
    if not given:
        return Verdict(valid=False, reason=Reason.no_credentials)
    if any(signatures.same(given, key) for key in keys):
        return VALID
    return Verdict(valid=False, reason=Reason.bad_signature)


def parse(request: Request, secrets: Secrets) -> list[BankTransaction]:
    """Read the one payment, or the payment that is taken back; other kinds of news give none."""
    document = request.document
    kind = fields.identifier(document, "notification_type")
    if kind not in (*_PAID, _VOID):
        return []
    order, transaction = fields.nested(document, "order"), fields.nested(document, "transaction")
    fields.require_vnd({"currency": transaction.get("transaction_currency")})
    return [
        BankTransaction(
            provider_txn_id=fields.identifier(transaction, "transaction_id"),
            bank_reference=None,
            amount_vnd=fields.amount_vnd(transaction, "transaction_amount"),
            direction=Direction.credit,
            status=Status.void if kind == _VOID else _paid_status(transaction),
            occurred_at=fields.moment(transaction, "transaction_date"),
            description=fields.free_text(order, "order_description"),
            account_number=None,
            order_ref=fields.optional_identifier(order, "order_invoice_number"),
            dedup_key=fields.identifier(transaction, "id"),
        )
    ]


def acknowledge(request: Request, outcomes: Sequence[Outcome], secrets: Secrets, now: Now) -> Answer:
    """Status 200; the body is what SePay's other channels expect."""
    return success_flag(outcomes)


def _paid_status(transaction: dict[str, Any]) -> Status:
    approved = fields.free_text(transaction, "transaction_status") == "APPROVED"
    return Status.settled if approved else Status.failed
