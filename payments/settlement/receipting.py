"""Receipts of what transfers bring pupils: one each, and a new one when a bundle's money moves between them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.receipts.service import ReceiptItem, number_receipts, revoke
from payments.settlement.loading import rows_for
from payments.settlement.rules import Book, Reading, Transfer

MOVED = "moved"
"""Reason of a revoked receipt: the money went to another pupil of the bundle, who has a receipt instead."""

STANDING = text("""
    SELECT transaction_id, pupil_id, amount_vnd FROM receipt
    WHERE school_id = :school_id AND transaction_id = ANY(CAST(:ids AS bigint[])) AND revoked_at IS NULL
    ORDER BY transaction_id, pupil_id
""")


def receipt_items(
    readings: Iterable[Reading], book: Book, bundled: Mapping[int, Mapping[int, int]]
) -> list[ReceiptItem]:
    """One receipt for each pupil that a transfer is credited to, over all that it brings them.

    ``bundled``: transfer id -> pupil id -> đồng, of bundles' money.
    """
    amounts: dict[tuple[Transfer, int], int] = defaultdict(int)
    for reading in readings:
        for claim in reading.claims:
            amounts[reading.transfer, book.invoices[claim.invoice_id].pupil_id] += claim.amount_vnd
        for pupil_id, amount_vnd in reading.credits:
            amounts[reading.transfer, pupil_id] += amount_vnd
        if reading.owner_id is not None:
            amounts[reading.transfer, reading.owner_id] += reading.transfer.amount_vnd
        if reading.bundle is not None:
            for pupil_id, amount_vnd in sorted(bundled[reading.transfer.id].items()):
                amounts[reading.transfer, pupil_id] += amount_vnd
    return [_item(transfer, pupil_id, amount_vnd) for (transfer, pupil_id), amount_vnd in amounts.items()]


def follow(
    session: Session, school_id: int, bundled: Mapping[int, Mapping[int, int]], transfers: Mapping[int, Transfer]
) -> None:
    """Revoke receipts of earlier money of bundles that say what is so no more, and write what is so.

    ``bundled``: transfer id -> pupil id -> đồng.
    """
    stands = {(row[0], row[1]): row[2] for row in rows_for(session, STANDING, school_id, bundled)}
    wanted = {(key, pupil_id): vnd for key, sums in bundled.items() for pupil_id, vnd in sums.items()}
    moved = sorted(place for place in stands.keys() | wanted.keys() if stands.get(place) != wanted.get(place))
    for key, pupil_id in moved:
        revoke(session, school_id, [key], MOVED, pupil_id=pupil_id)
    new = [
        _item(transfers[key], pupil_id, wanted[key, pupil_id]) for key, pupil_id in moved if (key, pupil_id) in wanted
    ]
    number_receipts(session, school_id, new)


def _item(transfer: Transfer, pupil_id: int, amount_vnd: int) -> ReceiptItem:
    return ReceiptItem(transfer.id, pupil_id, amount_vnd, transfer.value_date)
