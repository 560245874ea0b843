"""Reads of the API: every list in the order of its key, a page at a time; and the keys themselves."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import RowMapping, TextClause, text
from sqlalchemy.orm import Session

Row = RowMapping

_KEYS = text("""
    SELECT k.id, k.name, k.hint, k.scopes, k.per_minute, k.created_at, k.expires_at, k.revoked_at, k.used_at,
           u.full_name, u.username
    FROM api_key k JOIN app_user u ON u.id = k.user_id WHERE k.school_id = :school_id ORDER BY k.id DESC
""")
_PUPILS = text("""
    SELECT p.id, p.sector_id, p.full_name, p.date_of_birth, p.sex, p.identity_status,
           e.class_name, e.grade, e.year, e.status, e.valid_from
    FROM pupil p LEFT JOIN LATERAL (
        SELECT c.name AS class_name, c.grade, y.code AS year, e.status, e.valid_from
        FROM enrollment e
        JOIN class_room c ON c.school_id = e.school_id AND c.id = e.class_id
        JOIN school_year y ON y.school_id = c.school_id AND y.id = c.year_id
        WHERE e.school_id = p.school_id AND e.pupil_id = p.id ORDER BY e.valid_from DESC, e.id DESC LIMIT 1
    ) e ON true
    WHERE p.school_id = :school_id AND p.id > :after
      AND (CAST(:sector_id AS text) IS NULL OR p.sector_id = :sector_id)
      AND (CAST(:class_name AS text) IS NULL OR e.class_name = :class_name)
    ORDER BY p.id LIMIT :limit
""")
_REGISTRATIONS = text("""
    SELECT r.id, p.sector_id, f.code AS fee_code, r.valid_from, r.valid_to, r.quantity
    FROM registration r
    JOIN pupil p ON p.school_id = r.school_id AND p.id = r.pupil_id
    JOIN fee_item f ON f.school_id = r.school_id AND f.id = r.fee_item_id
    WHERE r.school_id = :school_id AND r.id > :after
      AND (CAST(:sector_id AS text) IS NULL OR p.sector_id = :sector_id)
      AND (CAST(:fee_code AS text) IS NULL OR f.code = :fee_code)
    ORDER BY r.id LIMIT :limit
""")
_ROUNDS = text("""
    SELECT r.id, r.code, r.name, y.code AS year, r.starts_on, r.due_on, r.state, r.created_at, r.approved_at,
           r.issued_at, r.planned_invoices, r.issued_invoices, t.invoices, t.amount_vnd, t.paid_vnd
    FROM collection_round r
    JOIN school_year y ON y.school_id = r.school_id AND y.id = r.year_id
    CROSS JOIN LATERAL (
        SELECT count(*) AS invoices, coalesce(sum(b.amount_vnd), 0)::bigint AS amount_vnd,
               coalesce(sum(b.paid_vnd), 0)::bigint AS paid_vnd
        FROM invoice i JOIN invoice_balance b ON b.school_id = i.school_id AND b.invoice_id = i.id
        WHERE i.school_id = r.school_id AND i.round_id = r.id AND b.state NOT IN ('replaced', 'cancelled')
    ) t
    WHERE r.school_id = :school_id AND r.id > :after AND (CAST(:code AS text) IS NULL OR r.code = :code)
      AND (CAST(:state AS text) IS NULL OR r.state = :state)
    ORDER BY r.id LIMIT :limit
""")
_FEES_OF_ROUNDS = text("""
    SELECT rf.round_id, f.code AS fee_code, rf.quantity
    FROM round_fee rf JOIN fee_item f ON f.school_id = rf.school_id AND f.id = rf.fee_item_id
    WHERE rf.school_id = :school_id AND rf.round_id = ANY(:ids) ORDER BY rf.id
""")
_INVOICES = text("""
    SELECT i.id, i.reference, i.pupil_id, r.code AS round, p.sector_id, b.amount_vnd, b.paid_vnd, b.state, i.due_on,
           i.issued_at, b.changed_at, old.reference AS replaces, a.bin, a.number, a.holder_name, a.fund, a.memo_prefix,
           greatest(i.mandatory_vnd - b.paid_vnd, 0) AS owed_vnd, r.state = 'closed' AS round_closed
    FROM invoice i
    JOIN invoice_balance b ON b.school_id = i.school_id AND b.invoice_id = i.id
    JOIN collection_round r ON r.school_id = i.school_id AND r.id = i.round_id
    JOIN pupil p ON p.school_id = i.school_id AND p.id = i.pupil_id
    JOIN receiving_account a ON a.school_id = i.school_id AND a.id = i.receiving_account_id
    LEFT JOIN invoice old ON old.school_id = i.school_id AND old.id = i.replaces_id
    WHERE i.school_id = :school_id AND i.id > :after
      AND (CAST(:reference AS text) IS NULL OR i.reference = :reference)
      AND (CAST(:round AS text) IS NULL OR r.code = :round)
      AND (CAST(:sector_id AS text) IS NULL OR p.sector_id = :sector_id)
      AND (CAST(:state AS text) IS NULL OR b.state = :state)
      AND (CAST(:changed_since AS timestamptz) IS NULL OR b.changed_at >= :changed_since)
    ORDER BY i.id LIMIT :limit
""")
_LINES = text("""
    SELECT l.invoice_id, f.code AS fee_code, l.description, l.legal_group, l.mandatory, l.quantity, l.unit_price_vnd,
           l.relief_vnd, l.amount_vnd, l.legal_basis
    FROM invoice_line l JOIN fee_item f ON f.school_id = l.school_id AND f.id = l.fee_item_id
    WHERE l.school_id = :school_id AND l.invoice_id = ANY(:ids) ORDER BY l.invoice_id, l.line_no
""")
_PAYMENTS = text("""
    SELECT t.id, t.direction, t.amount_vnd, t.value_date, t.occurred_at, t.bank_reference, t.description, t.state,
           t.reverses_id, a.bin, a.number, s.outcome, s.flags, s.settled_at
    FROM bank_transaction t
    JOIN receiving_account a ON a.school_id = t.school_id AND a.id = t.account_id
    LEFT JOIN settlement s ON s.school_id = t.school_id AND s.transaction_id = t.id
    WHERE t.school_id = :school_id AND t.id > :after AND (CAST(:id AS bigint) IS NULL OR t.id = :id)
      AND (CAST(:value_from AS date) IS NULL OR t.value_date >= :value_from)
      AND (CAST(:value_to AS date) IS NULL OR t.value_date <= :value_to)
      AND (CAST(:settled_since AS timestamptz) IS NULL OR s.settled_at >= :settled_since)
      AND (CAST(:state AS text) IS NULL OR t.state = :state)
    ORDER BY t.id LIMIT :limit
""")
_ALLOCATIONS = text("""
    SELECT al.transaction_id, i.reference, sum(al.amount_vnd)::bigint AS amount_vnd
    FROM allocation al JOIN invoice i ON i.school_id = al.school_id AND i.id = al.invoice_id
    WHERE al.school_id = :school_id AND al.transaction_id = ANY(:ids)
    GROUP BY al.transaction_id, i.id, i.reference HAVING sum(al.amount_vnd) <> 0 ORDER BY al.transaction_id, i.id
""")
_CREDITED = text("""
    SELECT c.transaction_id, p.sector_id, sum(c.amount_vnd)::bigint AS amount_vnd
    FROM pupil_credit c JOIN pupil p ON p.school_id = c.school_id AND p.id = c.pupil_id
    WHERE c.school_id = :school_id AND c.transaction_id = ANY(:ids)
    GROUP BY c.transaction_id, p.id, p.sector_id HAVING sum(c.amount_vnd) <> 0 ORDER BY c.transaction_id, p.id
""")
_CREDITS = text("""
    SELECT c.pupil_id, c.receiving_account_id, p.sector_id, a.bin, a.number, a.fund,
           sum(c.amount_vnd)::bigint AS amount_vnd
    FROM pupil_credit c
    JOIN pupil p ON p.school_id = c.school_id AND p.id = c.pupil_id
    JOIN receiving_account a ON a.school_id = c.school_id AND a.id = c.receiving_account_id
    WHERE c.school_id = :school_id AND (c.pupil_id, c.receiving_account_id) > (:after, :after_account)
    GROUP BY c.pupil_id, c.receiving_account_id, p.sector_id, a.bin, a.number, a.fund
    HAVING sum(c.amount_vnd) > 0
    ORDER BY c.pupil_id, c.receiving_account_id LIMIT :limit
""")
_RECEIPTS = text("""
    SELECT r.id, r.year, r.series, r.number, p.sector_id, r.transaction_id, r.amount_vnd, r.received_on, r.issued_at,
           r.revoked_at, r.revoked_reason
    FROM receipt r JOIN pupil p ON p.school_id = r.school_id AND p.id = r.pupil_id
    WHERE r.school_id = :school_id AND r.id > :after
      AND (CAST(:sector_id AS text) IS NULL OR p.sector_id = :sector_id)
      AND (CAST(:payment_id AS bigint) IS NULL OR r.transaction_id = :payment_id)
    ORDER BY r.id LIMIT :limit
""")

LISTS: Mapping[str, TextClause] = {
    "pupils": _PUPILS,
    "registrations": _REGISTRATIONS,
    "rounds": _ROUNDS,
    "invoices": _INVOICES,
    "payments": _PAYMENTS,
    "credits": _CREDITS,
    "receipts": _RECEIPTS,
}
PARTS: Mapping[str, TextClause] = {
    "fees": _FEES_OF_ROUNDS,
    "lines": _LINES,
    "allocations": _ALLOCATIONS,
    "credited": _CREDITED,
}


def keys_of(session: Session, school_id: int) -> Sequence[Row]:
    """The keys of a school with whose name they act in, newest first."""
    return session.execute(_KEYS, {"school_id": school_id}).mappings().all()


def listed(session: Session, name: str, school_id: int, **values: Any) -> list[Row]:
    """Rows of one of ``LISTS`` after a place in it, at most ``limit``."""
    return list(session.execute(LISTS[name], {"school_id": school_id, **values}).mappings())


def parts(session: Session, name: str, school_id: int, ids: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    """Rows of one of ``PARTS`` by the id of what they belong to, which is their first column."""
    found: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in session.execute(PARTS[name], {"school_id": school_id, "ids": list(ids)}).mappings():
        fields: dict[str, Any] = {str(name): value for name, value in row.items()}
        owner = fields.pop(next(iter(fields)))
        found[owner].append(fields)
    return found
