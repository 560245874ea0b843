"""What a sender answered when we asked it, as evidence: recorded by the same statement as the door's.

It is a piece of its own beside a callback that told the same, so its keys are kept apart from those of callbacks; which
pieces are one movement is decided where all evidence meets (payments/inbox/pairing.py).
"""

import re
from collections.abc import Sequence

from sqlalchemy.orm import Session

from bank_adapters.contract import BankTransaction
from payments import clock, outbox
from payments.banking.queries import DoorConnection
from payments.banking.rules import Target
from payments.inbox.evidence_rows import evidence_row, target_of
from payments.inbox.models import POLLED, DeliveryOutcome
from payments.inbox.storing import STORE_POLLED, arguments, stored_work

# The driver below SQLAlchemy has other names for parameters than the door's.
_STORE = re.sub(r"\$(\d+)", r"%(p\1)s", STORE_POLLED)


def record_polled(
    session: Session,
    connection: DoorConnection,
    transactions: Sequence[BankTransaction],
    *,
    meant: Target | None = None,
) -> list[DeliveryOutcome]:
    """Record transactions that the connection's sender told when it was asked; one outcome each, in their order.

    As at the door: only accounts of the closed list are credited, tests and failures are kept and never credited, other
    content under a known key is kept beside it, and a test connection moves nothing. What is known adds nothing. New
    money puts work for settlement into the same transaction. ``meant``: the account of senders that name none. Raises
    MalformedCallbackError and UnicodeEncodeError for text that cannot be stored.
    """
    if not transactions:
        return []
    rows = [evidence_row(connection, one, _target(connection, one, meant)) for one in transactions]
    now = clock.now()
    kept = [row._replace(dedup_key=f"{POLLED}{row.dedup_key}", received_at=now) for row in rows]
    values = {f"p{number}": value for number, value in enumerate(arguments([kept]), start=1)}
    results = session.connection().exec_driver_sql(_STORE, values).scalars().all()
    if stored_work([results]):
        outbox.wake_after_commit(session, "settlement")
    return [DeliveryOutcome(result) for result in results]


def _target(connection: DoorConnection, one: BankTransaction, meant: Target | None) -> Target | None:
    names_none = one.account_number is None and one.virtual_account is None
    return meant if names_none and meant is not None else target_of(connection, one)
