"""Which payment a reversal takes back: by the sender's own id, else by the bank's or the payment's reference.

A void from a callback names the id that it takes back; until that payment is known it is held, since it says nothing
about money that we have seen. A reversal line of a statement has moved the balance, so it is a transaction at once,
and finds its payment whenever that arrives. Of several payments with the same references it takes the latest: they are
interchangeable. Payments that one number of the bank joins (a batch) and that name different invoices are not: then a
person decides (invariant I12).
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, text

from bank_adapters.statements.keys import fold_reference
from payments.inbox.attaching import Book, Told
from payments.inbox.models import POLLED, EvidenceStatus
from payments.inbox.naming import references_named_by
from payments.inbox.pairing import REFERENCE_DAYS, STATEMENT

WITHIN = timedelta(days=40)
"""How long after a payment a bank takes it back."""
BEFORE = timedelta(days=REFERENCE_DAYS)

# What a void takes back: the settled message under the same id of the same connection, with the same amount, whether
# a callback told it or we asked.
_PAID = f"""
    JOIN evidence paid ON paid.connection_id = void.connection_id
        AND paid.dedup_key IN (
            void.dedup_key,
            CASE WHEN void.source = 'poll' THEN substr(void.dedup_key, {len(POLLED) + 1})
            ELSE '{POLLED}' || void.dedup_key END)
        AND paid.direction = void.direction AND paid.status = 'settled' AND NOT paid.conflicting
        AND paid.school_id = void.school_id AND paid.amount_vnd = void.amount_vnd
"""

WITH_ORIGINAL = text(f"""
    SELECT DISTINCT void.id
    FROM evidence void {_PAID} JOIN transaction_evidence link ON link.evidence_id = paid.id
    WHERE void.school_id = :school_id AND void.id = ANY(CAST(:ids AS bigint[]))
""")  # noqa: S608 - a constant of this module

WAITING = text(f"""
    SELECT DISTINCT void.id
    FROM held_evidence held JOIN evidence void ON void.id = held.evidence_id {_PAID}
    JOIN transaction_evidence link ON link.evidence_id = paid.id
    WHERE held.school_id = :school_id AND held.reason = 'no_original'
""")  # noqa: S608 - as above

# Whichever channel told it: the transaction itself keeps only what the first one said. A piece that names nothing
# stands beside one that names an invoice by count alone; later evidence may part them, but nothing parts a reversal.
_BANK_REFERENCES = """
    ARRAY(
        SELECT said.bank_reference FROM transaction_evidence own JOIN evidence said ON said.id = own.evidence_id
        WHERE own.school_id = {0}.school_id AND own.transaction_id = {0}.id AND said.bank_reference IS NOT NULL
          AND (cardinality({0}."references") = 0 OR {1} && {0}."references")
    ) AS bank_references
"""

OPEN_REVERSALS = text(f"""
    SELECT DISTINCT r.id, r.account_id, r.amount_vnd, r.value_date, r."references", r.clearing_id,
        {_BANK_REFERENCES.format("r", references_named_by("said"))}
    FROM unnest(
        CAST(:accounts AS bigint[]), CAST(:amounts AS bigint[]), CAST(:first_days AS date[]), CAST(:last_days AS date[])
    ) AS near(account_id, amount_vnd, first_day, last_day)
    JOIN bank_transaction r ON r.school_id = :school_id AND r.account_id = near.account_id
        AND r.direction = 'debit' AND r.amount_vnd = near.amount_vnd AND r.reverses_id IS NULL
        AND r.value_date BETWEEN near.first_day AND near.last_day
    JOIN transaction_evidence link ON link.school_id = r.school_id AND link.transaction_id = r.id
    JOIN evidence e ON e.id = link.evidence_id AND e.status = 'void'
    ORDER BY r.value_date, r.id
""")  # noqa: S608 - as above

NAMED_BY_ID = text(f"""
    SELECT other.transaction_id AS id
    FROM transaction_evidence link
    JOIN evidence void ON void.id = link.evidence_id AND void.status = 'void' {_PAID}
    JOIN transaction_evidence other ON other.evidence_id = paid.id AND other.school_id = link.school_id
    WHERE link.school_id = :school_id AND link.transaction_id = :id
    ORDER BY other.transaction_id
""")  # noqa: S608 - as above

REVERSIBLE = text(f"""
    SELECT t.id, t."references", {_BANK_REFERENCES.format("t", references_named_by("said"))}
    FROM bank_transaction t
    WHERE t.school_id = :school_id AND t.account_id = :account_id AND t.direction = 'credit'
      AND t.amount_vnd = :amount_vnd AND t.value_date BETWEEN :first_day AND :last_day
      AND t.clearing_id IS NOT DISTINCT FROM CAST(:clearing_id AS bigint)
      AND NOT EXISTS (
          SELECT FROM bank_transaction r
          WHERE r.school_id = t.school_id AND r.account_id = t.account_id AND r.direction = 'debit'
            AND r.amount_vnd = t.amount_vnd AND r.reverses_id = t.id)
    ORDER BY t.value_date DESC, t.id
""")  # noqa: S608 - as above

REVERSE = text("UPDATE bank_transaction SET reverses_id = :reversed_id WHERE school_id = :school_id AND id = :id")


def waiting(book: Book, known: Collection[Told]) -> list[Told]:
    """Held voids, besides the ones known already, whose payment stands behind a transaction by now."""
    ids = {row.id for row in book.rows(WAITING)} - {one.piece.evidence_id for one in known}
    return book.new(ids)


def split_by_original(book: Book, voids: Sequence[Told]) -> tuple[list[Told], list[Told]]:
    """Voids whose payment is known, and those whose payment is not."""
    ids = [one.piece.evidence_id for one in voids]
    known = {row.id for row in book.rows(WITH_ORIGINAL, ids=ids)} if ids else set()
    return (
        [one for one in voids if one.piece.evidence_id in known],
        [one for one in voids if one.piece.evidence_id not in known],
    )


def is_callback_void(one: Told) -> bool:
    """Whether a piece takes back what a callback said before."""
    return one.status is EvidenceStatus.VOID and one.piece.source != STATEMENT


def link(book: Book, fresh: Iterable[Told]) -> None:
    """Name the payment behind every reversal near the fresh pieces that has none yet."""
    pieces = list(fresh)
    found = book.rows(
        OPEN_REVERSALS,
        accounts=[one.bucket.account_id for one in pieces],
        amounts=[one.bucket.amount_vnd for one in pieces],
        first_days=[one.piece.day - BEFORE for one in pieces],
        last_days=[one.piece.day + WITHIN for one in pieces],
    )
    for reversal in found:
        payment_id = _payment(book, reversal)
        if payment_id is not None:
            book.run(REVERSE, id=reversal.id, reversed_id=payment_id)
            book.learned.add(reversal.id)


def _payment(book: Book, reversal: Row[Any]) -> int | None:
    candidates = book.rows(
        REVERSIBLE,
        account_id=reversal.account_id,
        amount_vnd=reversal.amount_vnd,
        clearing_id=reversal.clearing_id,
        first_day=reversal.value_date - WITHIN,
        last_day=reversal.value_date + BEFORE,
    )
    named = {row.id for row in book.rows(NAMED_BY_ID, id=reversal.id)}
    by_id = [row for row in candidates if row.id in named]
    by_bank = [row for row in candidates if _same_number(row, reversal) and not _contradict(row, reversal)]
    if len({frozenset(row.references) for row in by_bank}) > 1:
        by_bank = []
    # All of them, not some: of payments that have one in common the right one may still be on its way.
    by_payment = [row for row in candidates if row.references and set(row.references) == set(reversal.references)]
    return next((int(row.id) for row in (*by_id, *by_bank, *by_payment)), None)


def _same_number(payment: Row[Any], reversal: Row[Any]) -> bool:
    mine, theirs = ({fold_reference(number) for number in one.bank_references} for one in (payment, reversal))
    return bool(mine & theirs - {""})


def _contradict(payment: Row[Any], reversal: Row[Any]) -> bool:
    return bool(payment.references and reversal.references) and not set(payment.references) & set(reversal.references)
