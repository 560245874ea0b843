"""What all decisions of a person about a transfer share: lock and look again, keep the event, and restore exactly.

A decision takes the lease of the school first, so nobody decides and nothing settles at the same moment; then it looks
at the transfer's state again, for the screen that it was made on may be old.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import clock
from payments.audit import service as audit
from payments.errors import ConflictError, NotFoundError
from payments.inbox.models import TransactionState
from payments.settlement import loading, writing
from payments.settlement.models import DecisionKind, ExcludeReason
from payments.settlement.rules import SettlementOutcome, Shares, Transfer

DECIDED = text("""
    SELECT t.state, s.outcome, s.flags FROM bank_transaction t
    LEFT JOIN settlement s ON s.school_id = t.school_id AND s.transaction_id = t.id
    WHERE t.school_id = :school_id AND t.id = :id
""")

INSERT = text("""
    INSERT INTO decision (
        school_id, transaction_id, kind, undoes_id, answers_id, invoice_ids, amounts_vnd, pupil_ids, credits_vnd,
        reason, former_outcome, former_flags, decided_by, decided_at, note
    )
    VALUES (
        :school_id, :transaction_id, :kind, :undoes_id, :answers_id, CAST(:invoice_ids AS bigint[]),
        CAST(:amounts_vnd AS bigint[]), CAST(:pupil_ids AS bigint[]), CAST(:credits_vnd AS bigint[]), :reason,
        :former_outcome, CAST(:former_flags AS text[]), :actor_id, :moment, :note
    )
    RETURNING id
""")


@dataclass(frozen=True, slots=True)
class Former:
    """What a transfer was taken for before a decision; it is that again when the decision is undone."""

    outcome: str
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Deed:
    """Who decides what about which transfer of a school."""

    school_id: int
    actor_id: int
    kind: DecisionKind
    transfer: Transfer
    former: Former | None = None
    note: str | None = None


def begin(
    session: Session,
    school_id: int,
    transaction_id: int,
    *,
    kind: DecisionKind,
    actor_id: int,
    note: str | None,
) -> Deed:
    """A deed about a transfer that waits unmatched, once the lease is ours.

    Raises NotFoundError, and ConflictError ``not_unmatched`` when it has been decided otherwise meanwhile.
    """
    former = locked(session, school_id, transaction_id, TransactionState.UNMATCHED)
    return Deed(school_id, actor_id, kind, transfer_of(session, school_id, transaction_id), former, note)


def locked(session: Session, school_id: int, transaction_id: int, wanted: TransactionState) -> Former:
    """The outcome so far of a transaction, once the lease is ours and its state is the wanted one.

    Raises NotFoundError, and ConflictError ``not_<state>``.
    """
    loading.take_lease(session, school_id, wait=True)
    found = session.execute(DECIDED, {"school_id": school_id, "id": transaction_id}).first()
    if found is None:
        raise NotFoundError
    if found.state != wanted:
        raise ConflictError(
            f"not_{wanted}",
            "Giao dịch này vừa được xử lý; hãy tải lại trang.",
            "This transfer has been dealt with meanwhile; load the page again.",
        )
    return Former(str(found.outcome), tuple(found.flags))


def transfer_of(session: Session, school_id: int, transaction_id: int) -> Transfer:
    """One transfer that exists."""
    return loading.transfers(session, school_id, [transaction_id])[transaction_id]


def restore(session: Session, school_id: int, transaction_id: int, former: Former) -> None:
    """It waits for a person again, for the reason that it had; its suggestions are still there."""
    writing.set_states(session, school_id, {transaction_id: TransactionState.UNMATCHED})
    outcome = SettlementOutcome(former.outcome)
    writing.rename_outcomes(session, school_id, {transaction_id: (outcome, former.flags)})


def record(
    session: Session,
    deed: Deed,
    shares: Shares | None = None,
    *,
    reason: ExcludeReason | None = None,
    undoes_id: int | None = None,
    answers_id: int | None = None,
    detail: Mapping[str, object] | None = None,
) -> int:
    """Keep the decision as an event, and in the audit log; returns its id."""
    shares = shares or Shares()
    values: dict[str, Any] = {
        "school_id": deed.school_id,
        "transaction_id": deed.transfer.id,
        "kind": deed.kind.value,
        "undoes_id": undoes_id,
        "answers_id": answers_id,
        "invoice_ids": [invoice_id for invoice_id, _ in shares.invoices],
        "amounts_vnd": [amount_vnd for _, amount_vnd in shares.invoices],
        "pupil_ids": [pupil_id for pupil_id, _ in shares.credits],
        "credits_vnd": [amount_vnd for _, amount_vnd in shares.credits],
        "reason": reason and reason.value,
        "former_outcome": deed.former and deed.former.outcome,
        "former_flags": deed.former and list(deed.former.flags),
        "actor_id": deed.actor_id,
        "moment": clock.now(),
        "note": deed.note,
    }
    decision_id = int(session.execute(INSERT, values).scalar_one())
    audit.record(
        session,
        deed.actor_id,
        f"settlement.{deed.kind}",
        subject_kind="bank_transaction",
        subject_id=deed.transfer.id,
        school_id=deed.school_id,
        detail={"decision_id": decision_id, "amount_vnd": deed.transfer.amount_vnd, **(detail or {})},
    )
    return decision_id
