"""Number receipts without gaps, and revoke them."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import clock

SERIES = "XN"
"""«Xác nhận đã thu»: ours. The school's official series (biên lai) has another name."""
VERIFY_BYTES = 15

# Whoever numbers holds the counter's row until the end of the transaction: no gap, no number twice.
NUMBERS = text("""
    INSERT INTO receipt_counter (school_id, year, series, next_number)
    VALUES (:school_id, :year, :series, 1 + :count)
    ON CONFLICT (school_id, year, series)
        DO UPDATE SET next_number = receipt_counter.next_number + :count
    RETURNING next_number - :count
""")

INSERT = text("""
    INSERT INTO receipt (school_id, year, series, number, transaction_id, pupil_id, amount_vnd, received_on,
                         issued_at, verify_code)
    SELECT :school_id, :year, :series, number, transaction_id, pupil_id, amount_vnd, received_on, :moment, code
    FROM unnest(CAST(:numbers AS bigint[]), CAST(:transactions AS bigint[]), CAST(:pupils AS bigint[]),
                CAST(:amounts AS bigint[]), CAST(:days AS date[]), CAST(:codes AS text[]))
        AS wanted (number, transaction_id, pupil_id, amount_vnd, received_on, code)
""")

REVOKE = text("""
    UPDATE receipt SET revoked_at = :moment, revoked_reason = :reason
    WHERE school_id = :school_id AND transaction_id = ANY(CAST(:transactions AS bigint[])) AND revoked_at IS NULL
      AND (CAST(:pupil_id AS bigint) IS NULL OR pupil_id = :pupil_id)
""")


@dataclass(frozen=True, slots=True)
class ReceiptItem:
    """What a receipt says: so much of a transaction was credited to a pupil."""

    transaction_id: int
    pupil_id: int
    amount_vnd: int
    received_on: date


def number_receipts(session: Session, school_id: int, items: Sequence[ReceiptItem]) -> list[int]:
    """Write a receipt for each item and return the numbers, consecutive in the order of the items.

    The series begins anew with every year (of the day of issue). The counter's row stays locked until commit.
    """
    if not items:
        return []
    key = {"school_id": school_id, "year": clock.today().year, "series": SERIES}
    first = session.execute(NUMBERS, key | {"count": len(items)}).scalar_one()
    numbers = list(range(first, first + len(items)))
    session.execute(
        INSERT,
        key
        | {
            "moment": clock.now(),
            "numbers": numbers,
            "transactions": [item.transaction_id for item in items],
            "pupils": [item.pupil_id for item in items],
            "amounts": [item.amount_vnd for item in items],
            "days": [item.received_on for item in items],
            "codes": [secrets.token_urlsafe(VERIFY_BYTES) for _ in items],
        },
    )
    return numbers


def revoke(
    session: Session, school_id: int, transaction_ids: Sequence[int], reason: str, *, pupil_id: int | None = None
) -> None:
    """Revoke the receipts of transactions, all or one pupil's; they stay, with the reason's code, and keep their
    numbers.
    """
    if transaction_ids:
        session.execute(
            REVOKE,
            {
                "school_id": school_id,
                "transactions": list(transaction_ids),
                "moment": clock.now(),
                "reason": reason,
                "pupil_id": pupil_id,
            },
        )
