"""The body that `standard_webhooks` and `rfc9421` share, for banks that have no message of their own.

`{"type": "bank.transaction.credited" | "bank.transaction.debited", "timestamp", "data": {"txn_id", "amount" (whole
đồng), "currency", "content", "account_number", "virtual_account"?, "bank_reference"?, "occurred_at"?}}`
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from bank_adapters import fields
from bank_adapters.contract import BankTransaction, Direction

_DIRECTIONS: Final = {
    "bank.transaction.credited": Direction.credit,
    "bank.transaction.debited": Direction.debit,
}


def read(document: Mapping[str, Any], sent_at: str) -> list[BankTransaction]:
    """The one transaction; events of another type are not about money and give none.

    `sent_at` is when the message was signed. Raises MalformedCallbackError.
    """
    direction = _DIRECTIONS.get(fields.free_text(document, "type"))
    if direction is None:
        return []
    data = fields.nested(document, "data")
    fields.require_vnd(data)
    txn_id = fields.identifier(data, "txn_id")
    return [
        BankTransaction(
            provider_txn_id=txn_id,
            bank_reference=fields.optional_identifier(data, "bank_reference"),
            amount_vnd=fields.amount_vnd(data, "amount"),
            direction=direction,
            occurred_at=_occurred_at(document, data, sent_at),
            description=fields.free_text(data, "content"),
            account_number=fields.optional_identifier(data, "account_number"),
            virtual_account=fields.optional_identifier(data, "virtual_account"),
            dedup_key=txn_id,
        )
    ]


def _occurred_at(document: Mapping[str, Any], data: Mapping[str, Any], sent_at: str) -> datetime:
    """The bank's moment; where it gives none, when the message was made, at last when it was sent."""
    if data.get("occurred_at") is not None:
        return fields.moment(data, "occurred_at")
    if document.get("timestamp") is not None:
        return fields.moment(document, "timestamp")
    return fields.moment({"sent_at": sent_at}, "sent_at")
