"""Tell school software of issued invoices, in the transaction that issues them."""

from collections.abc import Collection

from sqlalchemy.orm import Session

from payments.events.rules import EventKind
from payments.events.service import emit_many

# Each invoice by its key, whatever the planner believes of tables that have grown since it last looked.
ISSUED = """
    SELECT wanted.id AS subject_id, told.data
    FROM unnest(CAST(:ids AS bigint[])) AS wanted (id)
    CROSS JOIN LATERAL (
        SELECT jsonb_build_object(
            'invoice_id', i.id, 'reference', i.reference, 'round', r.code, 'pupil_id', i.pupil_id,
            'account', a.bin || ':' || a.number, 'fee', nullif(i.group_key, ''), 'amount_vnd', i.amount_vnd,
            'mandatory_vnd', i.mandatory_vnd, 'due_on', i.due_on, 'replaces', old.reference
        ) AS data
        FROM invoice i
        JOIN collection_round r ON r.school_id = i.school_id AND r.id = i.round_id
        JOIN receiving_account a ON a.school_id = i.school_id AND a.id = i.receiving_account_id
        LEFT JOIN invoice old ON old.school_id = i.school_id AND old.id = i.replaces_id
        WHERE i.school_id = :school_id AND i.id = wanted.id
        LIMIT 1
    ) told
"""


def tell_issued(session: Session, school_id: int, invoice_ids: Collection[int]) -> None:
    """``invoice.issued`` for each."""
    emit_many(session, school_id, EventKind.INVOICE_ISSUED, ISSUED, invoice_ids)
