"""What explaining needs to know of one account: a few statements whatever the number of payments."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from bank_adapters.statements.keys import fold_reference
from payments.banking.queries import tariffs_of
from payments.banking.rules import Tariff
from payments.business_days import BusinessDays
from payments.clearing.explaining import Content
from payments.clearing.rules import Announced, Line, Owed, stated_fee_vnd

LONGEST_SHIFT = timedelta(days=40)
"""From a payment to the day its payout is due: ten business days over Tết."""

# What was taken back counts as well as what takes it back: both were posted (payments/settlement/payouts.py).
OWED = text("""
    SELECT t.id, t.clearing_id, t.value_date, t."references", t.reverses_id, c.payout_days, held.payout_id,
        CASE WHEN t.direction = 'credit' THEN t.amount_vnd ELSE -t.amount_vnd END AS amount_vnd
    FROM bank_transaction t
    JOIN settlement s ON s.school_id = t.school_id AND s.transaction_id = t.id
    JOIN connection c ON c.id = t.clearing_id
    LEFT JOIN payout_item held ON held.school_id = t.school_id AND held.transaction_id = t.id AND held.live
    WHERE t.school_id = :school_id AND t.account_id = :account_id AND t.clearing_id IS NOT NULL
      AND (t.direction = 'credit' OR s.outcome = 'reversal') AND t.value_date BETWEEN :first AND :last
    ORDER BY t.id
""")

# A credited line is asked about only where an intermediary owes a payment of the same name; what a person
# assigned or sends back stays.
LINES = text("""
    SELECT t.id, t.value_date, t.amount_vnd, t."references", t.bank_reference, t.description, p.id AS payout_id
    FROM bank_transaction t
    JOIN settlement s ON s.school_id = t.school_id AND s.transaction_id = t.id
    LEFT JOIN payout p ON p.school_id = t.school_id AND p.transaction_id = t.id AND p.dissolved_at IS NULL
    WHERE t.school_id = :school_id AND t.account_id = :account_id AND t.clearing_id IS NULL AND t.direction = 'credit'
      AND t.value_date BETWEEN :first AND :last
      AND (t.state IN ('unmatched', 'payout') OR t.state = 'credited' AND s.outcome <> 'assigned' AND EXISTS (
          SELECT FROM unnest(t."references") AS own WHERE own IN (SELECT unnest(CAST(:names AS text[])))))
      AND NOT EXISTS (SELECT FROM refund r WHERE r.school_id = t.school_id AND r.transaction_id = t.id
                      AND r.state IN ('proposed', 'approved', 'confirmed'))
    ORDER BY t.id
""")

PAYOUTS = text("""
    SELECT p.id, p.transaction_id, p.connection_id, p.fee_vnd, p.rule, p.dissolved_at IS NULL AS live,
        ARRAY(SELECT i.transaction_id FROM payout_item i
              WHERE i.school_id = p.school_id AND i.payout_id = p.id ORDER BY i.transaction_id) AS item_ids
    FROM payout p
    WHERE p.school_id = :school_id AND p.transaction_id = ANY(CAST(:ids AS bigint[]))
      AND (p.dissolved_at IS NULL OR p.dissolved_by IS NOT NULL)
    ORDER BY p.id
""")

REPORTED = text("""
    SELECT connection_id, payout_key, payout_reference, payout_on, txn_id, order_reference, is_refund, gross_vnd,
        fee_vnd, net_vnd
    FROM payout_report_row
    WHERE school_id = :school_id AND account_id = :account_id
      AND (payout_on IS NULL OR payout_on BETWEEN :first AND :last)
    ORDER BY connection_id, payout_key, id
""")

NUMBERS = text("""
    SELECT k.transaction_id, e.provider_txn_id, e.dedup_key, e.bank_reference, e.order_reference, e."references"
    FROM transaction_evidence k JOIN evidence e ON e.id = k.evidence_id
    WHERE k.school_id = :school_id AND k.transaction_id = ANY(CAST(:ids AS bigint[]))
    ORDER BY k.transaction_id, e.id
""")

HOLIDAYS = text("SELECT day FROM holiday WHERE day BETWEEN :first AND :last ORDER BY day")


@dataclass(frozen=True, slots=True)
class Standing:
    """A live payout of a line, as it stands."""

    id: int
    content: Content
    by_person: bool


@dataclass(frozen=True, slots=True)
class Scene:
    """All that bears on the payouts of an account around some days."""

    lines: dict[int, Line]
    owed: dict[int, Owed]
    held_by: Mapping[int, int]
    """Item -> the live payout that holds it."""
    standing: dict[int, Standing]
    """Line -> its live payout."""
    refused: frozenset[Content]
    announced: list[Announced]
    tariffs: list[Tariff]


def scene_of(session: Session, school_id: int, account_id: int, first: date, last: date) -> Scene:
    """Read what intermediaries owe on an account and the lines that may pay it, dated within the days."""
    owner = {"school_id": school_id, "account_id": account_id}
    days = {"first": first, "last": last}
    rows = session.execute(OWED, owner | days).all()
    calendar = _calendar(session, first, last)
    owed = {row.id: _owed(row, calendar) for row in rows}
    names = sorted({name for item in owed.values() for name in item.references})
    lines = session.execute(LINES, owner | days | {"names": names}).all()
    payouts = session.execute(PAYOUTS, {"school_id": school_id, "ids": [row.id for row in lines]}).all()
    return Scene(
        lines={row.id: _line(row) for row in lines},
        owed=owed,
        held_by={row.id: row.payout_id for row in rows if row.payout_id is not None},
        standing={
            row.transaction_id: Standing(row.id, _content(row), row.rule == "person") for row in payouts if row.live
        },
        refused=frozenset(_content(row) for row in payouts if not row.live),
        announced=_announced(session, owner, days, owed),
        tariffs=tariffs_of(session, school_id, account_id),
    )


def _calendar(session: Session, first: date, last: date) -> BusinessDays:
    days = session.scalars(HOLIDAYS, {"first": first, "last": last + LONGEST_SHIFT})
    return BusinessDays(frozenset(days))


def _owed(row: Row[Any], calendar: BusinessDays) -> Owed:
    due = calendar.later(row.value_date, row.payout_days)
    return Owed(row.id, row.clearing_id, row.value_date, due, row.amount_vnd, tuple(row.references), row.reverses_id)


def _line(row: Row[Any]) -> Line:
    return Line(
        row.id,
        row.value_date,
        row.amount_vnd,
        tuple(row.references),
        fold_reference(row.bank_reference),
        fold_reference(row.description),
        stated_fee_vnd(row.description),
    )


def _content(row: Row[Any]) -> Content:
    return row.transaction_id, row.connection_id, tuple(row.item_ids), row.fee_vnd


def _announced(
    session: Session, owner: dict[str, int], days: dict[str, date], owed: Mapping[int, Owed]
) -> list[Announced]:
    rows = session.execute(REPORTED, owner | days).all()
    if not rows:
        return []
    numbers = session.execute(NUMBERS, {"school_id": owner["school_id"], "ids": sorted(owed)}).all()
    book = NumberBook(owed, numbers)
    groups: dict[tuple[int, str], list[Row[Any]]] = defaultdict(list)
    for row in rows:
        groups[row.connection_id, row.payout_key].append(row)
    return [announced_of(group, book) for group in groups.values()]


class NumberBook:
    """Payments by the numbers under which their intermediary knows them."""

    def __init__(self, owed: Mapping[int, Owed], rows: Iterable[Any]) -> None:
        self._owed = owed
        self._by_number: dict[tuple[int, bool, str], set[int]] = defaultdict(set)
        for row in rows:
            item = owed[row.transaction_id]
            numbers = (row.provider_txn_id, row.dedup_key, row.bank_reference, row.order_reference, *row.references)
            for number in {fold_reference(number) for number in numbers} - {""}:
                self._by_number[item.connection_id, item.amount_vnd < 0, number].add(item.id)

    def find(self, row: Any) -> Owed | None:
        """The payment of a row of a report, by its own number, else by its order; None: none, or several."""
        for number in (row.txn_id, row.order_reference):
            found = self._by_number.get((row.connection_id, row.is_refund, fold_reference(number)), set())
            if found:
                return self._owed[min(found)] if len(found) == 1 else None
        return None


def announced_of(rows: Sequence[Any], book: NumberBook) -> Announced:
    """The rows of one payout as one thing."""
    found = [(row, book.find(row)) for row in rows]
    items = {item.id for _, item in found if item is not None}
    whole = len(items) == len(rows) and all(item and item.amount_vnd == row.gross_vnd for row, item in found)
    return Announced(
        rows[0].connection_id,
        fold_reference(rows[0].payout_reference),
        max((row.payout_on for row in rows if row.payout_on), default=None),
        sum(row.net_vnd for row in rows),
        sum(row.fee_vnd for row in rows),
        frozenset(items),
        whole,
    )
