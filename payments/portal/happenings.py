"""What has happened to a pupil's notices: transfers that stand on them, and those that wait for a person."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.portal.queries import Due, Holder
from payments.portal.states import Payment, Seen, singled_out

# Money that stands on a notice, or was kept from it as credit, with what the bank took back later. A transfer without
# any share of a notice (the second payment) belongs to the notice that its memo names.
_PAYMENTS = text("""
    WITH mine AS (SELECT id, reference FROM invoice WHERE school_id = :school_id AND pupil_id = :pupil_id),
    shares AS (
        SELECT a.invoice_id, a.transaction_id, sum(a.amount_vnd)::bigint AS allocated_vnd,
            min(a.created_at) AS confirmed_at, max(a.created_at) FILTER (WHERE a.amount_vnd < 0) AS returned_at
        FROM mine JOIN allocation a ON a.school_id = :school_id AND a.invoice_id = mine.id
        GROUP BY a.invoice_id, a.transaction_id
    ), purses AS (
        SELECT c.transaction_id, sum(c.amount_vnd)::bigint AS excess_vnd, min(c.created_at) AS confirmed_at
        FROM pupil_credit c WHERE c.school_id = :school_id AND c.pupil_id = :pupil_id GROUP BY c.transaction_id
    ), touched AS (
        SELECT invoice_id, transaction_id, allocated_vnd, confirmed_at, returned_at FROM shares
        UNION ALL
        SELECT mine.id, p.transaction_id, 0, p.confirmed_at, NULL FROM purses p
        JOIN bank_transaction t ON t.school_id = :school_id AND t.id = p.transaction_id
        JOIN mine ON mine.reference = ANY(t."references")
        WHERE NOT EXISTS (SELECT FROM shares s WHERE s.transaction_id = p.transaction_id)
    )
    SELECT touched.invoice_id, t.id AS transaction_id, t.occurred_at AS reported_at, t.bank_reference, t.amount_vnd,
        touched.allocated_vnd, coalesce(p.excess_vnd, 0) AS excess_vnd, touched.confirmed_at,
        CASE WHEN t.state = 'reversed' THEN touched.returned_at END AS taken_back_at,
        (SELECT f.state FROM refund f WHERE f.school_id = :school_id AND f.transaction_id = t.id
         AND f.state IN ('proposed', 'approved', 'confirmed') ORDER BY f.id DESC LIMIT 1) AS refund
    FROM touched JOIN bank_transaction t ON t.school_id = :school_id AND t.id = touched.transaction_id
    LEFT JOIN purses p ON p.transaction_id = t.id
    WHERE touched.allocated_vnd > 0 OR p.excess_vnd > 0 OR t.state = 'reversed'
    ORDER BY touched.confirmed_at, t.id
""")
# The index on (school, outcome) finds the few transfers whose memo nearly names a notice.
UNMATCHED = """
    SELECT t.id, t.occurred_at, s.outcome, s.suggestions FROM settlement s
    JOIN bank_transaction t ON t.school_id = s.school_id AND t.id = s.transaction_id AND t.state = 'unmatched'
    WHERE s.outcome IN ('damaged', 'several') AND s.school_id = {school}
      AND EXISTS (SELECT FROM invoice i WHERE i.school_id = s.school_id AND i.pupil_id = {pupil}
          AND s.suggestions @> jsonb_build_array(jsonb_build_object('invoice_ids', jsonb_build_array(i.id))))
"""
_SEEN = text(UNMATCHED.format(school=":school_id", pupil=":pupil_id"))


def payments(session: Session, who: Holder) -> dict[int, list[Payment]]:
    """Transfers by invoice id, in the order in which they were confirmed."""
    found: dict[int, list[Payment]] = {}
    for row in session.execute(_PAYMENTS, _key(who)).mappings():
        values = dict(row)
        found.setdefault(values.pop("invoice_id"), []).append(Payment(**values))
    return found


def nearly_named(session: Session, who: Holder, dues: Sequence[Due]) -> tuple[Seen, ...]:
    """Transfers that wait for a person and whose memo plainly means notices of this pupil; amounts stay untold."""
    mine = {due.invoice_id for due in dues}
    return tuple(
        Seen(invoice_id, f"GD-{row.id:06d}", row.occurred_at)
        for row in session.execute(_SEEN, _key(who))
        for invoice_id in sorted(singled_out(row.outcome, row.suggestions, mine))
    )


def _key(who: Holder) -> dict[str, int]:
    return {"school_id": who.school_id, "pupil_id": who.pupil_id}
