"""Everything that happened with one pupil's money, in order: the page to open when a parent rings up."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from payments.invoices.asking import STATE_AS_READ

NEWEST = 300
"""Events that are shown at most."""

_PUPIL = text("""
    SELECT p.id, p.full_name, p.sector_id, p.date_of_birth,
        (SELECT c.name FROM enrollment e JOIN class_room c ON c.school_id = e.school_id AND c.id = e.class_id
         WHERE e.school_id = p.school_id AND e.pupil_id = p.id ORDER BY e.valid_from DESC, e.id DESC LIMIT 1)
            AS class_name,
        (SELECT coalesce(sum(greatest(i.mandatory_vnd - b.paid_vnd, 0)), 0)::bigint
         FROM invoice i JOIN invoice_balance b ON b.school_id = i.school_id AND b.invoice_id = i.id
         WHERE i.school_id = p.school_id AND i.pupil_id = p.id AND b.state IN ('open', 'partial')) AS open_vnd,
        (SELECT coalesce(sum(c.amount_vnd), 0)::bigint FROM pupil_credit c
         WHERE c.school_id = p.school_id AND c.pupil_id = p.id) AS credit_vnd
    FROM pupil p WHERE p.school_id = :school_id AND p.id = :pupil_id
""")
_INVOICES = text(f"""
    SELECT i.id, i.reference, i.due_on, r.name AS round_name, b.amount_vnd, b.paid_vnd, {STATE_AS_READ} AS state
    FROM invoice i JOIN invoice_balance b ON b.school_id = i.school_id AND b.invoice_id = i.id
    JOIN collection_round r ON r.school_id = i.school_id AND r.id = i.round_id
    WHERE i.school_id = :school_id AND i.pupil_id = :pupil_id ORDER BY i.due_on DESC, i.id DESC
""")  # noqa: S608 - our own text
# What money did is told once for each moment and decision, not for each line of an invoice.
_EVENTS = text("""
    WITH mine AS (
        SELECT i.id, i.reference, i.issued_at, i.amount_vnd, i.replaces_id, r.name AS round_name
        FROM invoice i JOIN collection_round r ON r.school_id = i.school_id AND r.id = i.round_id
        WHERE i.school_id = :school_id AND i.pupil_id = :pupil_id
    ), events AS (
        SELECT e.valid_from::timestamp AT TIME ZONE 'Asia/Ho_Chi_Minh' AS at, 'enrolled' AS kind,
            NULL::bigint AS amount_vnd, c.name AS what, NULL::text AS reference, NULL::text AS bank_reference,
            NULL::text AS outcome, NULL::text AS by, NULL::bigint AS transaction_id
        FROM enrollment e JOIN class_room c ON c.school_id = e.school_id AND c.id = e.class_id
        WHERE e.school_id = :school_id AND e.pupil_id = :pupil_id
        UNION ALL
        SELECT issued_at, CASE WHEN replaces_id IS NULL THEN 'invoiced' ELSE 'reissued' END, amount_vnd, round_name,
            reference, NULL, NULL, NULL, NULL
        FROM mine
        UNION ALL
        SELECT b.changed_at, b.state, b.amount_vnd, m.round_name, m.reference, NULL, NULL, NULL, NULL
        FROM mine m JOIN invoice_balance b ON b.school_id = :school_id AND b.invoice_id = m.id
        WHERE b.state IN ('replaced', 'cancelled')
        UNION ALL
        SELECT al.created_at, CASE WHEN sum(al.amount_vnd) < 0 THEN 'taken_back' ELSE 'paid' END,
            sum(al.amount_vnd)::bigint, m.round_name, m.reference, t.bank_reference, s.outcome, u.full_name, t.id
        FROM mine m
        JOIN allocation al ON al.school_id = :school_id AND al.invoice_id = m.id
        JOIN bank_transaction t ON t.school_id = al.school_id AND t.id = al.transaction_id
        LEFT JOIN settlement s ON s.school_id = t.school_id AND s.transaction_id = t.id
        LEFT JOIN decision d ON d.school_id = al.school_id AND d.id = al.decision_id
        LEFT JOIN app_user u ON u.id = d.decided_by
        GROUP BY al.created_at, al.decision_id, m.id, m.round_name, m.reference, t.id, t.bank_reference, s.outcome,
            u.full_name
        HAVING sum(al.amount_vnd) <> 0
        UNION ALL
        SELECT c.created_at, CASE WHEN sum(c.amount_vnd) < 0 THEN 'credit_used' ELSE 'credited' END,
            sum(c.amount_vnd)::bigint, a.fund, NULL, t.bank_reference, s.outcome, NULL, t.id
        FROM pupil_credit c
        JOIN bank_transaction t ON t.school_id = c.school_id AND t.id = c.transaction_id
        JOIN receiving_account a ON a.school_id = c.school_id AND a.id = c.receiving_account_id
        LEFT JOIN settlement s ON s.school_id = t.school_id AND s.transaction_id = t.id
        WHERE c.school_id = :school_id AND c.pupil_id = :pupil_id
        GROUP BY c.created_at, c.decision_id, a.fund, t.id, t.bank_reference, s.outcome HAVING sum(c.amount_vnd) <> 0
        UNION ALL
        SELECT rc.issued_at, 'receipt', rc.amount_vnd, rc.year || '/' || rc.series || '/' || rc.number, NULL, NULL,
            NULL, NULL, rc.transaction_id
        FROM receipt rc WHERE rc.school_id = :school_id AND rc.pupil_id = :pupil_id
        UNION ALL
        SELECT rc.revoked_at, 'receipt_revoked', rc.amount_vnd, rc.year || '/' || rc.series || '/' || rc.number, NULL,
            NULL, NULL, NULL, rc.transaction_id
        FROM receipt rc
        WHERE rc.school_id = :school_id AND rc.pupil_id = :pupil_id AND rc.revoked_at IS NOT NULL
    )
    SELECT * FROM events ORDER BY at DESC, kind, what, reference LIMIT :limit
""")


@dataclass(frozen=True, slots=True)
class Timeline:
    """A pupil with what is open, and what happened, newest first; amounts in đồng."""

    pupil: RowMapping
    invoices: Sequence[RowMapping]
    events: Sequence[RowMapping]


def timeline(session: Session, school_id: int, pupil_id: int) -> Timeline | None:
    """The timeline of a pupil of this school; None: there is no such pupil."""
    who = {"school_id": school_id, "pupil_id": pupil_id}
    pupil = session.execute(_PUPIL, who).mappings().one_or_none()
    if pupil is None:
        return None
    invoices = session.execute(_INVOICES, who).mappings().all()
    return Timeline(pupil, invoices, session.execute(_EVENTS, who | {"limit": NEWEST}).mappings().all())
