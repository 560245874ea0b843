"""Tell school software what a payment pays, and when it no longer does, in the transaction that moves the money."""

from collections.abc import Collection

from sqlalchemy.orm import Session

from payments.events.rules import EventKind
from payments.events.service import emit_many
from payments.invoices.asking import OWED_VND

INVOICE_NOW = """'invoice_id', i.id, 'reference', i.reference, 'pupil_id', i.pupil_id, 'invoice_state', b.state,
        'invoice_paid_vnd', b.paid_vnd, 'invoice_amount_vnd', b.amount_vnd, 'invoice_owed_vnd', OWED_VND""".replace(
    "OWED_VND", OWED_VND
)

# Each transaction by its keys, whatever the planner believes of tables that have grown since it last looked.
SETTLED = """
    SELECT wanted.id AS subject_id, told.data
    FROM unnest(CAST(:ids AS bigint[])) AS wanted (id)
    CROSS JOIN LATERAL (
        SELECT jsonb_build_object(
            'transaction_id', t.id, 'amount_vnd', t.amount_vnd, 'value_date', t.value_date,
            'occurred_at', t.occurred_at, 'bank_reference', t.bank_reference, 'account', a.bin || ':' || a.number,
            'outcome', s.outcome, 'flags', s.flags,
            'bundle_reference', CASE WHEN 'bundle' = ANY(s.flags) THEN (
                SELECT bundle.reference FROM bundle_transfer named
                JOIN bundle ON bundle.school_id = :school_id AND bundle.id = named.bundle_id
                WHERE named.school_id = :school_id AND named.transaction_id = wanted.id
                  AND bundle.reference = ANY(t."references")
                LIMIT 1) END,
            'allocations', coalesce((
                SELECT jsonb_agg(jsonb_build_object(INVOICE_NOW, 'amount_vnd', kept.amount_vnd) ORDER BY i.id)
                FROM (
                    SELECT invoice_id, sum(amount_vnd)::bigint AS amount_vnd
                    FROM allocation WHERE school_id = :school_id AND transaction_id = wanted.id
                    GROUP BY invoice_id HAVING sum(amount_vnd) <> 0
                ) kept
                JOIN invoice i ON i.school_id = :school_id AND i.id = kept.invoice_id
                JOIN invoice_balance b ON b.school_id = :school_id AND b.invoice_id = kept.invoice_id
            ), '[]'),
            'credits', coalesce((
                SELECT jsonb_agg(
                    jsonb_build_object('pupil_id', kept.pupil_id, 'amount_vnd', kept.amount_vnd) ORDER BY kept.pupil_id
                )
                FROM (
                    SELECT pupil_id, sum(amount_vnd)::bigint AS amount_vnd
                    FROM pupil_credit WHERE school_id = :school_id AND transaction_id = wanted.id
                    GROUP BY pupil_id HAVING sum(amount_vnd) <> 0
                ) kept
            ), '[]')
        ) AS data
        FROM bank_transaction t
        JOIN settlement s ON s.school_id = t.school_id AND s.transaction_id = t.id
        JOIN receiving_account a ON a.school_id = t.school_id AND a.id = t.account_id
        WHERE t.school_id = :school_id AND t.id = wanted.id
        LIMIT 1
    ) told
""".replace("INVOICE_NOW", INVOICE_NOW)

REVERSED = """
    SELECT wanted.id AS subject_id, told.data
    FROM unnest(CAST(:ids AS bigint[])) AS wanted (id)
    CROSS JOIN LATERAL (
        SELECT jsonb_build_object(
            'transaction_id', t.id, 'amount_vnd', t.amount_vnd, 'bank_reference', t.bank_reference,
            'account', a.bin || ':' || a.number,
            'reason', CASE t.state WHEN 'reversed' THEN 'bank' ELSE 'undone' END,
            'invoices', coalesce((
                SELECT jsonb_agg(jsonb_build_object(INVOICE_NOW) ORDER BY i.id)
                FROM (
                    SELECT DISTINCT invoice_id FROM allocation
                    WHERE school_id = :school_id AND transaction_id = wanted.id
                ) once
                JOIN invoice i ON i.school_id = :school_id AND i.id = once.invoice_id
                JOIN invoice_balance b ON b.school_id = :school_id AND b.invoice_id = once.invoice_id
            ), '[]')
        ) AS data
        FROM bank_transaction t
        JOIN receiving_account a ON a.school_id = t.school_id AND a.id = t.account_id
        WHERE t.school_id = :school_id AND t.id = wanted.id
        LIMIT 1
    ) told
""".replace("INVOICE_NOW", INVOICE_NOW)


def tell(session: Session, school_id: int, moved: Collection[int], withdrawn: Collection[int] = ()) -> None:
    """``payment.settled`` for transactions whose money found or changed its place, also a second time;
    ``payment.reversed`` for those of them that pay nothing any more (``withdrawn``).

    Called when states, outcomes and balances are written.
    """
    gone = set(moved) & set(withdrawn)
    emit_many(session, school_id, EventKind.PAYMENT_REVERSED, REVERSED, gone)
    emit_many(session, school_id, EventKind.PAYMENT_SETTLED, SETTLED, set(moved) - gone)
