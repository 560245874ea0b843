"""Tell school software what a payment pays, and when it no longer does, in the transaction that moves the money."""

from collections.abc import Collection

from sqlalchemy.orm import Session

from payments.events.rules import EventKind
from payments.events.service import emit_many

INVOICE_NOW = """'invoice_id', i.id, 'reference', i.reference, 'pupil_id', i.pupil_id, 'invoice_state', b.state,
        'invoice_paid_vnd', b.paid_vnd, 'invoice_amount_vnd', b.amount_vnd"""

SETTLED = """
    SELECT t.id AS subject_id, jsonb_build_object(
        'transaction_id', t.id, 'amount_vnd', t.amount_vnd, 'value_date', t.value_date, 'occurred_at', t.occurred_at,
        'bank_reference', t.bank_reference, 'account', a.bin || ':' || a.number,
        'outcome', s.outcome, 'flags', s.flags,
        'allocations', coalesce(paid.rows, '[]'), 'credits', coalesce(credit.rows, '[]')
    ) AS data
    FROM bank_transaction t
    JOIN settlement s ON s.school_id = t.school_id AND s.transaction_id = t.id
    JOIN receiving_account a ON a.school_id = t.school_id AND a.id = t.account_id
    LEFT JOIN (
        SELECT kept.transaction_id,
               jsonb_agg(jsonb_build_object(INVOICE_NOW, 'amount_vnd', kept.amount_vnd) ORDER BY i.id) AS rows
        FROM (
            SELECT transaction_id, invoice_id, sum(amount_vnd)::bigint AS amount_vnd
            FROM allocation WHERE school_id = :school_id AND transaction_id = ANY(CAST(:ids AS bigint[]))
            GROUP BY transaction_id, invoice_id HAVING sum(amount_vnd) <> 0
        ) kept
        JOIN invoice i ON i.school_id = :school_id AND i.id = kept.invoice_id
        JOIN invoice_balance b ON b.school_id = :school_id AND b.invoice_id = kept.invoice_id
        GROUP BY kept.transaction_id
    ) paid ON paid.transaction_id = t.id
    LEFT JOIN (
        SELECT kept.transaction_id, jsonb_agg(
            jsonb_build_object('pupil_id', kept.pupil_id, 'amount_vnd', kept.amount_vnd) ORDER BY kept.pupil_id
        ) AS rows
        FROM (
            SELECT transaction_id, pupil_id, sum(amount_vnd)::bigint AS amount_vnd
            FROM pupil_credit WHERE school_id = :school_id AND transaction_id = ANY(CAST(:ids AS bigint[]))
            GROUP BY transaction_id, pupil_id HAVING sum(amount_vnd) <> 0
        ) kept
        GROUP BY kept.transaction_id
    ) credit ON credit.transaction_id = t.id
    WHERE t.school_id = :school_id AND t.id = ANY(CAST(:ids AS bigint[]))
""".replace("INVOICE_NOW", INVOICE_NOW)

REVERSED = """
    SELECT t.id AS subject_id, jsonb_build_object(
        'transaction_id', t.id, 'amount_vnd', t.amount_vnd, 'bank_reference', t.bank_reference,
        'account', a.bin || ':' || a.number,
        'reason', CASE t.state WHEN 'reversed' THEN 'bank' ELSE 'undone' END,
        'invoices', coalesce(paid.rows, '[]')
    ) AS data
    FROM bank_transaction t
    JOIN receiving_account a ON a.school_id = t.school_id AND a.id = t.account_id
    LEFT JOIN (
        SELECT once.transaction_id, jsonb_agg(jsonb_build_object(INVOICE_NOW) ORDER BY i.id) AS rows
        FROM (
            SELECT DISTINCT transaction_id, invoice_id FROM allocation
            WHERE school_id = :school_id AND transaction_id = ANY(CAST(:ids AS bigint[]))
        ) once
        JOIN invoice i ON i.school_id = :school_id AND i.id = once.invoice_id
        JOIN invoice_balance b ON b.school_id = :school_id AND b.invoice_id = once.invoice_id
        GROUP BY once.transaction_id
    ) paid ON paid.transaction_id = t.id
    WHERE t.school_id = :school_id AND t.id = ANY(CAST(:ids AS bigint[]))
""".replace("INVOICE_NOW", INVOICE_NOW)


def tell(session: Session, school_id: int, moved: Collection[int], withdrawn: Collection[int] = ()) -> None:
    """``payment.settled`` for transactions whose money found or changed its place, also a second time;
    ``payment.reversed`` for those of them that pay nothing any more (``withdrawn``).

    Called when states, outcomes and balances are written.
    """
    gone = set(moved) & set(withdrawn)
    emit_many(session, school_id, EventKind.PAYMENT_REVERSED, REVERSED, gone)
    emit_many(session, school_id, EventKind.PAYMENT_SETTLED, SETTLED, set(moved) - gone)
