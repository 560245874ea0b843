"""What a delivery was answered, told again from what was recorded of it. Pure.

Answers are not stored: the door would pay for each of them, and an answer follows from the request, its outcome and
the connection's secrets. So this is the same answer unless secrets or adapter have changed since.
"""

from datetime import datetime
from typing import Final, cast

from bank_adapters import get_adapter
from bank_adapters.contract import Adapter, AdapterError, Answer, Biller, Outcome, Owed, Request, TokenIssuer
from payments.banking.queries import DoorConnection
from payments.inbox.models import DeliveryOutcome
from payments.inbox.receiving import NOT_ALLOWED, NOT_FOUND, TOO_LARGE, UNAVAILABLE, WRONG_METHOD

_BY_OUTCOME: Final = {
    DeliveryOutcome.UNKNOWN_CONNECTION: NOT_FOUND,
    DeliveryOutcome.BAD_ADDRESS: NOT_ALLOWED,
    DeliveryOutcome.INTERNAL: UNAVAILABLE,
}
_BY_REASON: Final = {"wrong_method": WRONG_METHOD, "too_large": TOO_LARGE, "unknown_path": NOT_FOUND}


def answer_to(
    connection: DoorConnection | None, request: Request, outcome: str, reason: str, received_at: datetime
) -> Answer | None:
    """The answer; None where it cannot be told any more (the connection is closed, its adapter gone)."""
    fixed = _BY_OUTCOME.get(DeliveryOutcome(outcome)) or _BY_REASON.get(reason)
    if fixed is not None or connection is None or not connection.secrets:
        return fixed
    try:
        adapter = get_adapter(connection.adapter)
    except AdapterError:
        return None
    return _in_the_senders_words(adapter, connection, request, outcome, received_at)


def _in_the_senders_words(
    adapter: Adapter, connection: DoorConnection, request: Request, outcome: str, received_at: datetime
) -> Answer:
    route = adapter.ROUTES.get(request.path)
    if route == "token":
        return cast("TokenIssuer", adapter).token(request, connection.secrets, received_at)
    told = Outcome.amount_differs if outcome == DeliveryOutcome.AMOUNT_DIFF else Outcome(outcome)
    if route == "inquire" and told is Outcome.unknown_customer:
        return cast("Biller", adapter).answer_inquiry(request, Owed(told), connection.secrets, received_at)
    return adapter.acknowledge(request, [told], connection.secrets, received_at)
