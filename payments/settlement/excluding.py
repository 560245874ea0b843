"""A person says that a transfer is no fee money, or writes a note about it."""

from sqlalchemy.orm import Session

from payments.errors import DomainError, NotFoundError
from payments.inbox.models import TransactionState
from payments.ledger.service import post
from payments.settlement import loading, writing
from payments.settlement.booking import excluded
from payments.settlement.deciding import Deed, begin, record
from payments.settlement.models import DecisionKind, ExcludeReason
from payments.settlement.rules import SettlementOutcome

NOTE_CHARACTERS = 2000


def exclude(
    session: Session,
    school_id: int,
    transaction_id: int,
    reason: ExcludeReason,
    actor_id: int,
    *,
    note: str | None = None,
) -> int:
    """Take an unmatched transfer out of the queue, for it pays no fee of a pupil; returns the decision's id.

    Nobody is credited. In the books it leaves suspense for the account of excluded money. Raises NotFoundError and
    ConflictError ``not_unmatched``.
    """
    deed = begin(session, school_id, transaction_id, kind=DecisionKind.EXCLUDE, actor_id=actor_id, note=note)
    decision_id = record(session, deed, reason=reason, detail={"reason": reason.value})
    writing.set_states(session, school_id, {transaction_id: TransactionState.EXCLUDED})
    writing.rename_outcomes(session, school_id, {transaction_id: (SettlementOutcome.EXCLUDED, ())})
    post(session, school_id, [excluded(f"decision:{decision_id}", deed.transfer)])
    return decision_id


def annotate(session: Session, school_id: int, transaction_id: int, actor_id: int, text: str) -> int:
    """Keep a note about a transfer of any state, for ever; returns its id. It moves nothing.

    Raises NotFoundError and DomainError ``empty_note`` or ``long_note``.
    """
    note = text.strip()
    if not note:
        raise DomainError("empty_note", "Hãy viết ghi chú.", "Write a note.")
    if len(note) > NOTE_CHARACTERS:
        raise DomainError(
            "long_note",
            f"Ghi chú dài quá {NOTE_CHARACTERS} ký tự.",
            f"The note is longer than {NOTE_CHARACTERS} characters.",
        )
    found = loading.transfers(session, school_id, [transaction_id])
    if not found:
        raise NotFoundError
    return record(session, Deed(school_id, actor_id, DecisionKind.NOTE, found[transaction_id], note=note))
