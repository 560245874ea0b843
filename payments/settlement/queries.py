"""Reads of settlement for screens."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.inbox.models import TransactionState
from payments.settlement.models import DecisionKind, ExcludeReason, RefundState
from payments.settlement.rules import SettlementOutcome


class ProposedTransfer(NamedTuple):
    """Money that paid an invoice of another account of the school than the one where it arrived (wrong_fund)."""

    transaction_id: int
    value_date: date
    reference: str
    from_fund: str
    to_fund: str
    amount_vnd: int


_PROPOSED = text("""
    SELECT t.id, t.value_date, i.reference, here.fund, there.fund, sum(a.amount_vnd)::bigint
    FROM settlement s
    JOIN bank_transaction t ON t.school_id = s.school_id AND t.id = s.transaction_id
    JOIN allocation a ON a.school_id = t.school_id AND a.transaction_id = t.id
    JOIN invoice i ON i.school_id = a.school_id AND i.id = a.invoice_id
    JOIN receiving_account here ON here.school_id = t.school_id AND here.id = t.account_id
    JOIN receiving_account there ON there.school_id = i.school_id AND there.id = i.receiving_account_id
    WHERE s.school_id = :school_id AND (s.outcome = 'wrong_fund' OR 'wrong_fund' = ANY(s.flags))
      AND i.receiving_account_id <> t.account_id
    GROUP BY t.id, t.value_date, i.reference, here.fund, there.fund
    HAVING sum(a.amount_vnd) <> 0
    ORDER BY t.value_date DESC, t.id DESC
    LIMIT :limit
""")


def proposed_transfers(session: Session, school_id: int, limit: int = 100) -> list[ProposedTransfer]:
    """Transfers between the school's own accounts that would bring money to where it belongs, newest first."""
    rows = session.execute(_PROPOSED, {"school_id": school_id, "limit": limit})
    return [ProposedTransfer(*row) for row in rows]


class TransferRow(NamedTuple):
    """A transfer and why it is where it is; suggestions as settlement keeps them."""

    id: int
    value_date: date
    amount_vnd: int
    bank_reference: str | None
    description: str
    fund: str
    outcome: SettlementOutcome
    flags: list[str]
    suggestions: list[Any]


_IN_STATE = text("""
    SELECT t.id, t.value_date, t.amount_vnd, t.bank_reference, t.description, a.fund, s.outcome, s.flags, s.suggestions
    FROM bank_transaction t
    JOIN receiving_account a ON a.school_id = t.school_id AND a.id = t.account_id
    JOIN settlement s ON s.school_id = t.school_id AND s.transaction_id = t.id
    WHERE t.school_id = :school_id AND t.state = :state ORDER BY t.value_date, t.id LIMIT :limit
""")


def transfers_in(session: Session, school_id: int, state: TransactionState, limit: int = 1000) -> list[TransferRow]:
    """The transfers of a school in one state, oldest first."""
    rows = session.execute(_IN_STATE, {"school_id": school_id, "state": state.value, "limit": limit})
    return [TransferRow(*row) for row in rows]


EXCLUDE_REASONS: Mapping[ExcludeReason, tuple[str, str]] = {
    ExcludeReason.BANK_INTEREST: ("lãi tiền gửi", "interest of the bank"),
    ExcludeReason.INTERNAL_TRANSFER: (
        "chuyển nội bộ giữa các tài khoản của trường",
        "transfer between the school's own accounts",
    ),
    ExcludeReason.OTHER_INCOME: (
        "thu khác, không phải khoản thu của học sinh",
        "other income, no fee of a pupil",
    ),
    ExcludeReason.STATE_BUDGET: ("ngân sách cấp", "money of the state budget"),
    ExcludeReason.RETURNED_PAYMENT: ("khoản chi bị trả lại", "a payment of the school that came back"),
    ExcludeReason.MISTAKEN: ("chuyển nhầm, chờ hoàn", "sent by mistake, to be returned"),
}
"""Words of the reasons for excluding, in Vietnamese and English (docs/decisions.md)."""

DECISION_WORDS: Mapping[DecisionKind, tuple[str, str]] = {
    DecisionKind.ASSIGN: ("gán", "assigned"),
    DecisionKind.SPLIT: ("tách", "split"),
    DecisionKind.EXCLUDE: ("loại khỏi khoản thu", "excluded"),
    DecisionKind.REFUND: ("đề nghị hoàn trả", "refund proposed"),
    DecisionKind.REFUND_APPROVED: ("duyệt hoàn trả", "refund approved"),
    DecisionKind.REFUND_REJECTED: ("từ chối hoàn trả", "refund rejected"),
    DecisionKind.REFUND_CONFIRMED: ("ngân hàng đã chi hoàn trả", "sent back by the bank"),
    DecisionKind.NOTE: ("ghi chú", "note"),
    DecisionKind.UNDO: ("hoàn tác", "undone"),
}
"""Words of the kinds of decisions, in Vietnamese and English."""

REFUND_WORDS: Mapping[RefundState, tuple[str, str]] = {
    RefundState.PROPOSED: ("chờ hiệu trưởng duyệt", "waits for the principal"),
    RefundState.APPROVED: ("đã duyệt, chờ ngân hàng chi", "approved, waits for the bank"),
    RefundState.CONFIRMED: ("đã hoàn trả", "sent back"),
    RefundState.REJECTED: ("bị từ chối", "rejected"),
    RefundState.WITHDRAWN: ("đã rút lại", "withdrawn"),
    RefundState.TAKEN_BACK: ("ngân hàng tự thu hồi", "taken back by the bank"),
}
"""Words of the states of refunds, in Vietnamese and English."""


class HistoryRow(NamedTuple):
    """A decision or note about a transfer."""

    decision_id: int
    kind: DecisionKind
    decided_at: datetime
    decided_by: int
    decided_by_name: str
    note: str | None
    reason: ExcludeReason | None
    invoices: list[tuple[int, int]]
    """(invoice id, đồng), in the decided order."""
    credits: list[tuple[int, int]]
    """(pupil id, đồng)."""
    undoes_id: int | None
    answers_id: int | None
    undone_by: int | None
    """The decision that took it back."""
    undoable: bool
    """Whether ``undo`` takes it back now."""


# A decision can be undone while the transfer, or its refund, is still where the decision brought it.
_HISTORY = text("""
    SELECT d.id, d.kind, d.decided_at, d.decided_by, u.full_name, d.note, d.reason, d.invoice_ids, d.amounts_vnd,
           d.pupil_ids, d.credits_vnd, d.undoes_id, d.answers_id, back.id AS undone_by,
           back.id IS NULL AND CASE d.kind
               WHEN 'assign' THEN t.state = 'credited' AND own.live = 0
               WHEN 'split' THEN t.state = 'credited' AND own.live = 0
               WHEN 'exclude' THEN t.state = 'excluded'
               WHEN 'refund' THEN r.state = 'proposed' OR r.state = 'approved' AND NOT later.placed
               WHEN 'refund_approved' THEN r.state = 'approved' AND NOT later.placed
               WHEN 'refund_confirmed' THEN r.state = 'confirmed' AND NOT later.confirmed
               ELSE false END AS undoable
    FROM decision d
    JOIN bank_transaction t ON t.school_id = d.school_id AND t.id = d.transaction_id
    JOIN app_user u ON u.id = d.decided_by
    LEFT JOIN decision back ON back.school_id = d.school_id AND back.undoes_id = d.id
    LEFT JOIN refund r ON r.school_id = d.school_id AND r.decision_id = coalesce(d.answers_id, d.id)
    LEFT JOIN decision approval ON approval.school_id = r.school_id AND approval.transaction_id = r.transaction_id
        AND approval.answers_id = r.decision_id AND approval.kind = 'refund_approved'
    CROSS JOIN LATERAL (
        SELECT count(*) AS live FROM refund own
        WHERE own.school_id = d.school_id AND own.transaction_id = d.transaction_id
          AND own.state IN ('proposed', 'approved', 'confirmed')
    ) own
    CROSS JOIN LATERAL (
        SELECT coalesce(bool_or(next.kind = 'refund_approved' AND next.answers_id <> r.decision_id
                   AND NOT EXISTS (SELECT FROM decision x WHERE x.school_id = next.school_id AND x.undoes_id = next.id)
               ), false) AS placed,
               coalesce(bool_or(next.kind = 'refund_confirmed' AND next.answers_id = d.answers_id), false) AS confirmed
        FROM decision next
        WHERE next.school_id = d.school_id AND next.transaction_id = d.transaction_id
          AND next.id > greatest(d.id, approval.id)
    ) later
    WHERE d.school_id = :school_id AND d.transaction_id = :transaction_id
    ORDER BY d.id
""")


def history(session: Session, school_id: int, transaction_id: int) -> list[HistoryRow]:
    """All decisions and notes about a transfer, oldest first."""
    rows = session.execute(_HISTORY, {"school_id": school_id, "transaction_id": transaction_id})
    return [
        HistoryRow(
            row.id,
            DecisionKind(row.kind),
            row.decided_at,
            row.decided_by,
            row.full_name,
            row.note,
            None if row.reason is None else ExcludeReason(row.reason),
            list(zip(row.invoice_ids, row.amounts_vnd, strict=True)),
            list(zip(row.pupil_ids, row.credits_vnd, strict=True)),
            row.undoes_id,
            row.answers_id,
            row.undone_by,
            row.undoable,
        )
        for row in rows
    ]


class RefundView(NamedTuple):
    """A refund with its transfer, its people and, once the bank has sent it, its debit; money in đồng."""

    refund_id: int
    """Its proposal's id."""
    transaction_id: int
    pupil_id: int | None
    amount_vnd: int
    state: RefundState
    value_date: date
    bank_reference: str | None
    description: str
    account_id: int
    fund: str
    proposed_by: int
    proposed_by_name: str
    proposed_at: datetime
    note: str | None
    decided_by_name: str | None
    debit_id: int | None
    debit_on: date | None
    changed_at: datetime


_REFUNDS = text("""
    SELECT r.decision_id, r.transaction_id, r.pupil_id, r.amount_vnd, r.state, t.value_date, t.bank_reference,
           t.description, t.account_id, a.fund, r.proposed_by, who.full_name, d.decided_at, d.note, second.full_name,
           r.debit_id, debit.value_date, r.changed_at
    FROM refund r
    JOIN decision d ON d.school_id = r.school_id AND d.id = r.decision_id
    JOIN bank_transaction t ON t.school_id = r.school_id AND t.id = r.transaction_id
    JOIN receiving_account a ON a.school_id = t.school_id AND a.id = t.account_id
    JOIN app_user who ON who.id = r.proposed_by
    LEFT JOIN app_user second ON second.id = r.decided_by
    LEFT JOIN bank_transaction debit ON debit.school_id = r.school_id AND debit.id = r.debit_id
    WHERE r.school_id = :school_id AND (CAST(:state AS text) IS NULL OR r.state = :state)
      AND (CAST(:transaction_id AS bigint) IS NULL OR r.transaction_id = :transaction_id)
    ORDER BY r.id DESC LIMIT :limit
""")


def refunds(
    session: Session,
    school_id: int,
    state: RefundState | None = None,
    *,
    transaction_id: int | None = None,
    limit: int = 200,
) -> list[RefundView]:
    """Refunds of a school, newest first; those in one state, or of one transfer."""
    wanted = {
        "school_id": school_id,
        "state": state and state.value,
        "transaction_id": transaction_id,
        "limit": limit,
    }
    return [RefundView._make((*row[:4], RefundState(row[4]), *row[5:])) for row in session.execute(_REFUNDS, wanted)]


class DebitRow(NamedTuple):
    """A debit of the bank that nothing explains yet."""

    id: int
    value_date: date
    bank_reference: str | None
    description: str
    amount_vnd: int


_FITTING = text("""
    SELECT debit.id, debit.value_date, debit.bank_reference, debit.description, debit.amount_vnd
    FROM refund r
    JOIN bank_transaction t ON t.school_id = r.school_id AND t.id = r.transaction_id
    JOIN bank_transaction debit ON debit.school_id = r.school_id AND debit.account_id = t.account_id
        AND debit.direction = 'debit' AND debit.amount_vnd = r.amount_vnd AND debit.value_date >= t.value_date
        AND debit.reverses_id IS NULL AND debit.clearing_id IS NULL
    JOIN settlement s ON s.school_id = debit.school_id AND s.transaction_id = debit.id AND s.outcome = 'debit'
    WHERE r.school_id = :school_id AND r.decision_id = :refund_id AND r.state = 'approved'
    ORDER BY debit.value_date, debit.id LIMIT 20
""")


def debits_for(session: Session, school_id: int, refund_id: int) -> list[DebitRow]:
    """The bank's debits that may have sent an approved refund back, oldest first: for a person to choose."""
    rows = session.execute(_FITTING, {"school_id": school_id, "refund_id": refund_id})
    return [DebitRow(*row) for row in rows]
