"""Tell the room of payouts what it must look at: what intermediaries owe, and lines that may pay it.

One statement for a batch of any size; schools without an intermediary stop at its first look.
"""

from collections.abc import Iterable

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import outbox

QUEUE = "clearing"
KIND = "transaction"

# A line that names payment references is looked at only where an intermediary owes a payment of the same name.
TOUCHED = text("""
    WITH intermediated AS MATERIALIZED (
        SELECT DISTINCT listed.account_id FROM connection_account listed
        JOIN connection c ON c.id = listed.connection_id AND c.settles = 'batch'
        WHERE listed.school_id = :school_id
    ), here AS MATERIALIZED (
        SELECT t.id, t.clearing_id, t.state, t.direction, t."references", t.account_id FROM bank_transaction t
        WHERE t.school_id = :school_id AND t.id = ANY(CAST(:ids AS bigint[]))
          AND (t.clearing_id IS NOT NULL OR t.account_id IN (SELECT account_id FROM intermediated))
    ), named AS MATERIALIZED (
        SELECT DISTINCT owed.account_id, name FROM bank_transaction owed, unnest(owed."references") AS name
        WHERE owed.school_id = :school_id AND owed.clearing_id IS NOT NULL
          AND EXISTS (SELECT FROM here WHERE here.clearing_id IS NULL AND cardinality(here."references") > 0)
    )
    SELECT here.id FROM here
    WHERE here.clearing_id IS NOT NULL
       OR here.direction = 'credit' AND (here.state <> 'credited' OR EXISTS (
           SELECT FROM unnest(here."references") AS own
           JOIN named ON named.name = own AND named.account_id = here.account_id))
    ORDER BY here.id
""")


def announce(session: Session, school_id: int, transaction_ids: Iterable[int]) -> None:
    """Put work for whoever explains payouts about these transactions, where an intermediary is involved."""
    ids = sorted(set(transaction_ids))
    if ids:
        touched = session.scalars(TOUCHED, {"school_id": school_id, "ids": ids}).all()
        outbox.put_many(session, QUEUE, KIND, school_id=school_id, subject_ids=touched)
