"""What the system itself has found, read from the database alone: one statement for each key of the vocabulary.

This module knows nothing of what was planted. Rows are named as an outsider would: school, account and the bank's
reference; the SHA-256 of a call's body; the number of a document in the books.
"""

from collections import Counter
from collections.abc import Mapping

from sqlalchemy import Connection, text

SETTLED = """
    SELECT s.code || '/' || a.bin || ':' || a.number || '/' || coalesce(t.bank_reference, '')
    FROM settlement d
    JOIN bank_transaction t ON t.school_id = d.school_id AND t.id = d.transaction_id
    JOIN receiving_account a ON a.school_id = t.school_id AND a.id = t.account_id
    JOIN school s ON s.id = t.school_id
    WHERE {where}
"""
HAS_KEY = SETTLED.format(where="d.outcome = :key OR :key = ANY(d.flags)")
TAKEN_BACK = SETTLED.format(
    where="""d.outcome = :key AND EXISTS (
        SELECT FROM bank_transaction paid
        JOIN settlement p ON p.school_id = paid.school_id AND p.transaction_id = paid.id
        WHERE paid.school_id = t.school_id AND paid.id = t.reverses_id AND paid.state = 'reversed'
          AND :key = ANY(p.flags))"""
)

DELIVERED = "SELECT encode(body_sha256, 'hex') FROM raw_callback WHERE outcome = :key"

RECONCILED = """
    SELECT DISTINCT s.code || '/' || coalesce(
        a.bin || ':' || a.number || '/' || (
            SELECT string_agg(DISTINCT told.bank_reference, '+' ORDER BY told.bank_reference)
            FROM (
                SELECT line.bank_reference FROM bank_line line
                WHERE line.school_id = i.school_id AND line.id = ANY(i.bank_line_ids)
                UNION ALL
                SELECT t.bank_reference FROM bank_transaction t
                WHERE t.school_id = i.school_id AND t.id = ANY(i.transaction_ids)
            ) AS told
        ),
        'books/' || (
            SELECT string_agg(DISTINCT row.document_no, '+' ORDER BY row.document_no) FROM ledger_row row
            WHERE row.school_id = i.school_id AND row.id = ANY(i.ledger_row_ids)
        ),
        a.bin || ':' || a.number)
    FROM reconcile_item i
    JOIN standing_run r ON r.school_id = i.school_id AND r.run_id = i.run_id
    JOIN receiving_account a ON a.school_id = r.school_id AND a.id = r.account_id
    JOIN school s ON s.id = i.school_id
    WHERE i.primary_class = :key
"""

STATEMENTS: Mapping[str, tuple[str, str]] = {
    **{
        key: (HAS_KEY, key)
        for key in (
            "exact",
            "short",
            "over",
            "twice",
            "several",
            "replaced",
            "late",
            "wrong_fund",
            "damaged",
            "unknown",
            "lump",
            "payout",
        )
    },
    "reversal": (TAKEN_BACK, "reversal"),
    "redelivered": (DELIVERED, "duplicate"),
    "forged": (DELIVERED, "bad_signature"),
    "stale": (DELIVERED, "stale"),
    "malformed": (DELIVERED, "malformed"),
    "foreign_account": (DELIVERED, "foreign_account"),
    **{
        key: (RECONCILED, key)
        for key in (
            "balance_break",
            "closed_period",
            "duplicate",
            "ambiguous",
            "amount_diff",
            "missing_bank",
            "missing_gateway",
            "missing_ledger",
            "only_ledger",
            "fee_netted",
            "date_cutoff",
        )
    },
}
"""Key of the vocabulary -> its statement, and the word by which the tables know it."""


def found(connection: Connection) -> dict[str, Counter[str]]:
    """Every row that the system reports, by key."""
    return {
        key: Counter(connection.scalars(text(statement), {"key": word}))
        for key, (statement, word) in STATEMENTS.items()
    }
