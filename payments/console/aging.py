"""What is owed, by how long it has been due; and by what channel money came: reads for the report page."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

BUCKETS = ("not_due", "d1_7", "d8_30", "d31_60", "over_60")
"""Days after the due date, as accountants of schools count them."""

# Voluntary lines are no debt, and money fills mandatory lines first.
_AGES = text("""
    SELECT bucket, count(*) AS invoices, sum(open_vnd)::bigint AS open_vnd FROM (
        SELECT i.mandatory_vnd - b.paid_vnd AS open_vnd,
            CASE WHEN i.due_on >= :today THEN 'not_due' WHEN :today - i.due_on <= 7 THEN 'd1_7'
                 WHEN :today - i.due_on <= 30 THEN 'd8_30' WHEN :today - i.due_on <= 60 THEN 'd31_60'
                 ELSE 'over_60' END AS bucket
        FROM invoice_balance b JOIN invoice i ON i.school_id = b.school_id AND i.id = b.invoice_id
        WHERE b.school_id = :school_id AND b.state IN ('open', 'partial') AND b.paid_vnd < i.mandatory_vnd
          AND (CAST(:round_id AS bigint) IS NULL OR i.round_id = :round_id)
    ) owed GROUP BY bucket
""")
_SHARES = text("""
    SELECT coalesce(way.kind, 'statement') AS kind, coalesce(way.free, true) AS free, count(*) AS payments,
        sum(t.amount_vnd)::bigint AS amount_vnd
    FROM bank_transaction t
    LEFT JOIN LATERAL (
        SELECT c.kind, c.borne_by <> 'payer' OR (c.cost_vnd = 0 AND c.cost_per_10000 = 0) AS free
        FROM transaction_evidence link JOIN evidence e ON e.id = link.evidence_id
        JOIN channel c ON c.school_id = t.school_id AND c.receiving_account_id = t.account_id
            AND c.connection_id = e.connection_id
        WHERE link.school_id = t.school_id AND link.transaction_id = t.id
        ORDER BY e.id, c.id LIMIT 1
    ) way ON true
    WHERE t.school_id = :school_id AND t.direction = 'credit' AND t.state = 'credited'
      AND t.value_date BETWEEN :first AND :last
    GROUP BY 1, 2 ORDER BY 4 DESC, 1, 2
""")
_CREDITS = text("""
    SELECT p.id, p.full_name, a.fund, purse.credit_vnd,
        (SELECT c.name FROM enrollment e JOIN class_room c ON c.school_id = e.school_id AND c.id = e.class_id
         WHERE e.school_id = p.school_id AND e.pupil_id = p.id ORDER BY e.valid_from DESC, e.id DESC LIMIT 1)
            AS class_name
    FROM (
        SELECT pupil_id, receiving_account_id, sum(amount_vnd)::bigint AS credit_vnd FROM pupil_credit
        WHERE school_id = :school_id GROUP BY pupil_id, receiving_account_id HAVING sum(amount_vnd) > 0
    ) purse
    JOIN pupil p ON p.school_id = :school_id AND p.id = purse.pupil_id
    JOIN receiving_account a ON a.school_id = :school_id AND a.id = purse.receiving_account_id
    ORDER BY p.sort_key COLLATE "C", p.id, a.id LIMIT :limit
""")


def ages(session: Session, school_id: int, today: date, round_id: int | None = None) -> list[tuple[str, int, int]]:
    """(bucket, invoices, đồng still open) in the order of ``BUCKETS``, of all rounds or one."""
    rows = session.execute(_AGES, {"school_id": school_id, "today": today, "round_id": round_id}).all()
    found = {row.bucket: (row.invoices, row.open_vnd) for row in rows}
    return [(bucket, *found.get(bucket, (0, 0))) for bucket in BUCKETS]


def shares(session: Session, school_id: int, first: date, last: date) -> Sequence[RowMapping]:
    """Credited money by kind of channel and whether the payer paid nothing for it.

    ``statement``: no channel told of it, so it was a plain transfer.
    """
    values = {"school_id": school_id, "first": first, "last": last}
    return session.execute(_SHARES, values).mappings().all()


def credits_of_pupils(session: Session, school_id: int, limit: int) -> Sequence[RowMapping]:
    """Pupils with money to their credit, by account, in Vietnamese name order («HS nộp thừa»)."""
    return session.execute(_CREDITS, {"school_id": school_id, "limit": limit}).mappings().all()
