"""Payouts of intermediaries in the books: a line clears what was owed, and stops doing so. The caller holds the lease.

Which line pays what is decided above (payments/clearing); here it is checked once more against the rows, and written:
a line in at most one live payout, a payment in at most one (unique keys), the sum minus the fee is the line.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import clock
from payments.errors import ConflictError
from payments.inbox.models import TransactionState
from payments.ledger.service import post
from payments.receipts.service import revoke
from payments.settlement import loading, writing
from payments.settlement.applying import apply
from payments.settlement.booking import moves, not_paid_out, paid_out
from payments.settlement.loading import Shelf
from payments.settlement.models import PayoutRule
from payments.settlement.rules import SettlementOutcome
from payments.settlement.signed import require_unsigned
from payments.settlement.writing import Stamp

REVOKED_AS = "payout"
"""Why a receipt is gone: the line that it was for was an intermediary's payout."""

LINES = text("""
    SELECT t.id, t.account_id, t.amount_vnd, t.state, s.outcome FROM bank_transaction t
    JOIN settlement s ON s.school_id = t.school_id AND s.transaction_id = t.id
    WHERE t.school_id = :school_id AND t.id = ANY(CAST(:ids AS bigint[])) AND t.clearing_id IS NULL
      AND t.direction = 'credit' AND t.state IN ('credited', 'unmatched') AND s.outcome <> 'assigned'
      AND NOT EXISTS (SELECT FROM refund r WHERE r.school_id = t.school_id AND r.transaction_id = t.id
                      AND r.state IN ('proposed', 'approved', 'confirmed'))
""")

# What was taken back counts as well as what takes it back: both were posted.
ITEMS = """
    SELECT t.id, t.account_id, t.clearing_id,
           CASE WHEN t.direction = 'credit' THEN t.amount_vnd ELSE -t.amount_vnd END AS amount_vnd
    FROM bank_transaction t
    JOIN settlement s ON s.school_id = t.school_id AND s.transaction_id = t.id
    WHERE t.school_id = :school_id AND t.clearing_id IS NOT NULL
      AND (t.direction = 'credit' OR s.outcome = 'reversal') AND {0}
"""
"""Payments that an intermediary owes (positive) and those that it took back (negative)."""
ITEMS_BY_ID = text(ITEMS.format("t.id = ANY(CAST(:ids AS bigint[]))"))

ADD = text("""
    INSERT INTO payout (
        school_id, transaction_id, connection_id, gross_vnd, fee_vnd, rule, former_outcome, decided_by, note, made_at
    )
    VALUES (:school_id, :line_id, :connection_id, :gross_vnd, :fee_vnd, :rule, :former, :decided_by, :note, :moment)
    RETURNING id
""")
ADD_ITEMS = text("""
    INSERT INTO payout_item (school_id, payout_id, transaction_id, amount_vnd)
    SELECT :school_id, :payout_id, wanted.id, wanted.amount_vnd
    FROM unnest(CAST(:ids AS bigint[]), CAST(:amounts AS bigint[])) AS wanted (id, amount_vnd)
    ORDER BY wanted.id
""")
LIVE = text("""
    SELECT id, transaction_id, fee_vnd, former_outcome FROM payout
    WHERE school_id = :school_id AND id = ANY(CAST(:ids AS bigint[])) AND dissolved_at IS NULL
    ORDER BY id
""")
LIVE_OF_LINES = text("""
    SELECT id FROM payout
    WHERE school_id = :school_id AND transaction_id = ANY(CAST(:ids AS bigint[])) AND dissolved_at IS NULL
    ORDER BY id
""")
END = text("""
    UPDATE payout SET dissolved_at = :moment, dissolved_by = :actor_id
    WHERE school_id = :school_id AND id = ANY(CAST(:ids AS bigint[]))
""")
END_ITEMS = text("""
    UPDATE payout_item SET live = false
    WHERE school_id = :school_id AND payout_id = ANY(CAST(:ids AS bigint[])) AND live
""")


@dataclass(frozen=True, slots=True)
class NewPayout:
    """A line, the items that it pays (ids of transactions), and what the intermediary kept, in đồng."""

    line_id: int
    connection_id: int
    item_ids: tuple[int, ...]
    fee_vnd: int
    rule: PayoutRule
    decided_by: int | None = None
    note: str | None = None


def pay_out(session: Session, school_id: int, payout: NewPayout) -> int:
    """Clear what the items of a payout owe and return its id; whoever the line was credited to before has it no more.

    Raises ConflictError ``no_such_payout`` when line and items are not free for each other, or do not add up.
    """
    amounts, former = _checked(session, school_id, payout)
    stamp = Stamp(school_id, clock.now())
    payout_id = _write(session, stamp, payout, amounts, former)
    line = loading.transfers(session, school_id, [payout.line_id])[payout.line_id]
    applied = apply(session, Shelf(session, school_id), stamp, [], [line])
    revoke(session, school_id, [line.id], REVOKED_AS)
    writing.set_states(session, school_id, {line.id: TransactionState.PAYOUT})
    writing.rename_outcomes(session, school_id, {line.id: (SettlementOutcome.PAYOUT, ())})
    cause = f"payout:{payout_id}"
    entry = paid_out(cause, line, applied.sides.get(line.id), payout.fee_vnd)
    post(session, school_id, [entry, *moves(applied, [line.id], cause)])
    return payout_id


def dissolve(session: Session, school_id: int, payout_ids: Sequence[int], actor_id: int | None = None) -> list[int]:
    """End live payouts: what they paid is owed again, their lines wait unmatched. Returns the ids of the lines.

    Raises DomainError ``closed_period`` where a person wants to end one that was signed.
    """
    for payout_id in payout_ids if actor_id is not None else ():
        require_unsigned(session, school_id, payout_id=payout_id)
    live = loading.rows_for(session, LIVE, school_id, payout_ids)
    if not live:
        return []
    values = {"school_id": school_id, "ids": [row[0] for row in live]}
    session.execute(END, values | {"moment": clock.now(), "actor_id": actor_id})
    session.execute(END_ITEMS, values)
    lines = loading.transfers(session, school_id, [row[1] for row in live])
    writing.set_states(session, school_id, dict.fromkeys(lines, TransactionState.UNMATCHED))
    writing.rename_outcomes(session, school_id, {row[1]: (SettlementOutcome(row[3]), ()) for row in live})
    entries = [
        not_paid_out(f"payout:{payout_id}:dissolved", lines[line_id], fee_vnd)
        for payout_id, line_id, fee_vnd, _ in live
    ]
    post(session, school_id, entries)
    return list(lines)


def dissolve_of(session: Session, school_id: int, line_ids: Sequence[int]) -> None:
    """End the payouts of lines that are no longer there: the bank took them back."""
    dissolve(session, school_id, [row[0] for row in loading.rows_for(session, LIVE_OF_LINES, school_id, line_ids)])


def _checked(session: Session, school_id: int, payout: NewPayout) -> tuple[dict[int, int], str]:
    """The signed amount of each item, and the outcome of the line so far."""
    lines = session.execute(LINES, {"school_id": school_id, "ids": [payout.line_id]}).all()
    items = session.execute(ITEMS_BY_ID, {"school_id": school_id, "ids": sorted(payout.item_ids)}).all()
    amounts: dict[int, int] = {row.id: row.amount_vnd for row in items}
    gross_vnd = sum(amounts.values())
    fits = (
        len(lines) == 1
        and len(amounts) == len(payout.item_ids)
        and all(_belongs(row, lines[0].account_id, payout.connection_id) for row in items)
        and payout.fee_vnd >= 0
        and gross_vnd - payout.fee_vnd == lines[0].amount_vnd
    )
    if not amounts or not fits:
        raise ConflictError(
            "no_such_payout",
            "Dòng sao kê hoặc các khoản đã chọn vừa thay đổi, hoặc tổng không khớp; hãy tải lại trang.",
            "The line or the chosen payments have changed meanwhile, or do not add up; load the page again.",
        )
    return amounts, lines[0].outcome


def _belongs(item: Any, account_id: int, connection_id: int) -> bool:
    return bool(item.account_id == account_id and item.clearing_id == connection_id)


def _write(session: Session, stamp: Stamp, payout: NewPayout, amounts: dict[int, int], former: str) -> int:
    values = {
        "school_id": stamp.school_id,
        "line_id": payout.line_id,
        "connection_id": payout.connection_id,
        "gross_vnd": sum(amounts.values()),
        "fee_vnd": payout.fee_vnd,
        "rule": payout.rule.value,
        "former": former,
        "decided_by": payout.decided_by,
        "note": payout.note,
        "moment": stamp.moment,
    }
    payout_id = int(session.execute(ADD, values).scalar_one())
    session.execute(
        ADD_ITEMS,
        {
            "school_id": stamp.school_id,
            "payout_id": payout_id,
            "ids": list(amounts),
            "amounts": list(amounts.values()),
        },
    )
    return payout_id
