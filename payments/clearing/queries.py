"""What people see of intermediaries: what they owe and for how long, payouts, and reports that do not agree."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from payments import clock
from payments.business_days import BusinessDays
from payments.clearing.loading import HOLIDAYS, LONGEST_SHIFT, NUMBERS, NumberBook
from payments.clearing.rules import Owed

OPEN = text("""
    SELECT t.id, t.account_id, t.clearing_id, t.value_date, t.description, t."references", t.reverses_id, c.name,
        c.adapter, c.payout_days, a.bin || ':' || a.number AS account, a.fund,
        CASE WHEN t.direction = 'credit' THEN t.amount_vnd ELSE -t.amount_vnd END AS amount_vnd
    FROM bank_transaction t
    JOIN settlement s ON s.school_id = t.school_id AND s.transaction_id = t.id
    JOIN connection c ON c.id = t.clearing_id
    JOIN receiving_account a ON a.school_id = t.school_id AND a.id = t.account_id
    WHERE t.school_id = :school_id AND t.clearing_id IS NOT NULL AND (t.direction = 'credit' OR s.outcome = 'reversal')
      AND NOT EXISTS (SELECT FROM payout_item i
          WHERE i.school_id = t.school_id AND i.transaction_id = t.id AND i.live)
    ORDER BY t.clearing_id, t.account_id, t.value_date, t.id
""")
INTERMEDIARIES = text("""
    SELECT DISTINCT c.id, c.name, c.adapter, c.payout_days, listed.account_id, a.bin || ':' || a.number AS account,
        a.fund
    FROM connection_account listed
    JOIN connection c ON c.id = listed.connection_id AND c.settles = 'batch' AND NOT c.sandbox
    JOIN receiving_account a ON a.school_id = listed.school_id AND a.id = listed.account_id
    WHERE listed.school_id = :school_id
    ORDER BY c.id, listed.account_id
""")
PAYOUTS = text("""
    SELECT p.id, p.transaction_id, p.connection_id, p.gross_vnd, p.fee_vnd, p.rule, p.note, p.made_at, p.dissolved_at,
        t.value_date, t.amount_vnd, t.bank_reference, t.description, c.name, who.full_name AS decided_by,
        (SELECT count(*) FROM payout_item i WHERE i.school_id = p.school_id AND i.payout_id = p.id) AS item_count
    FROM payout p
    JOIN bank_transaction t ON t.school_id = p.school_id AND t.id = p.transaction_id
    JOIN connection c ON c.id = p.connection_id
    LEFT JOIN app_user who ON who.id = p.decided_by
    WHERE p.school_id = :school_id AND (p.dissolved_at IS NULL OR p.dissolved_by IS NOT NULL)
    ORDER BY t.value_date DESC, p.id DESC LIMIT :limit
""")
WAITING = text("""
    SELECT t.id, t.account_id, t.value_date, t.amount_vnd, t.bank_reference, t.description
    FROM bank_transaction t
    WHERE t.school_id = :school_id AND t.state = 'unmatched' AND t.direction = 'credit' AND t.clearing_id IS NULL
      AND t.account_id IN (
          SELECT listed.account_id FROM connection_account listed
          JOIN connection c ON c.id = listed.connection_id AND c.settles = 'batch'
          WHERE listed.school_id = :school_id)
    ORDER BY t.value_date, t.id LIMIT :limit
""")
LINE = text("""
    SELECT t.id, t.account_id, t.value_date, t.amount_vnd, t.bank_reference, t.description, t.state, a.fund
    FROM bank_transaction t
    JOIN receiving_account a ON a.school_id = t.school_id AND a.id = t.account_id
    WHERE t.school_id = :school_id AND t.id = :id AND t.clearing_id IS NULL AND t.direction = 'credit'
""")
TOLD = text("""
    SELECT row.connection_id, row.account_id, row.payout_key, row.payout_reference, row.payout_on, row.txn_id,
        row.order_reference, row.is_refund, row.gross_vnd, row.fee_vnd, row.net_vnd, report.file_name, c.name
    FROM payout_report_row row
    JOIN payout_report report ON report.school_id = row.school_id AND report.id = row.report_id
    JOIN connection c ON c.id = row.connection_id
    WHERE row.school_id = :school_id AND report.imported_at >= :since
    ORDER BY row.connection_id, row.account_id, row.payout_key, row.id
""")
ITEMS = text("""
    SELECT t.id, t.clearing_id, t.account_id, held.payout_id,
        CASE WHEN t.direction = 'credit' THEN t.amount_vnd ELSE -t.amount_vnd END AS amount_vnd
    FROM bank_transaction t
    JOIN settlement s ON s.school_id = t.school_id AND s.transaction_id = t.id
    LEFT JOIN payout_item held ON held.school_id = t.school_id AND held.transaction_id = t.id AND held.live
    WHERE t.school_id = :school_id AND t.clearing_id IS NOT NULL AND (t.direction = 'credit' OR s.outcome = 'reversal')
      AND t.value_date >= :since
""")
LINES_SHOWN = 50
PAYOUTS_SHOWN = 50


class OpenItem(NamedTuple):
    """A payment that is owed, or (negative) one that a later payout will deduct."""

    transaction_id: int
    account_id: int
    connection_id: int
    day: date
    due: date
    age_days: int
    amount_vnd: int
    references: tuple[str, ...]
    description: str
    takes_back: int | None

    @property
    def late(self) -> bool:
        """Whether it should have been paid out by now."""
        return self.due < clock.today()


@dataclass(frozen=True, slots=True)
class Intermediary:
    """What one intermediary owes on one account; amounts in đồng."""

    connection_id: int
    name: str
    adapter: str
    payout_days: int
    account_id: int
    account: str
    fund: str
    items: tuple[OpenItem, ...]

    @property
    def open_vnd(self) -> int:
        """What it owes."""
        return sum(item.amount_vnd for item in self.items)

    @property
    def late_vnd(self) -> int:
        """What it should have paid by now."""
        return sum(item.amount_vnd for item in self.items if item.late)


@dataclass(frozen=True, slots=True)
class Difference:
    """A payout of a report that does not agree with what we know."""

    name: str
    file_name: str
    payout: str
    payout_on: date | None
    net_vnd: int
    missing: tuple[str, ...]
    """Numbers of payments that nobody reported to us."""
    other_amounts: tuple[str, ...]
    """Numbers of payments of which we know another amount."""
    paid: bool
    """Whether all its payments are in a payout; False: its line has not come, or does not agree."""


def intermediaries(session: Session, school_id: int) -> list[Intermediary]:
    """Every intermediary of a school, by account, with what is open: cancelled pairs are left out."""
    rows = session.execute(OPEN, {"school_id": school_id}).all()
    open_items: dict[tuple[int, int], list[OpenItem]] = defaultdict(list)
    heads: dict[tuple[int, int], Any] = {
        (row.id, row.account_id): row for row in session.execute(INTERMEDIARIES, {"school_id": school_id})
    }
    calendar = _calendar(session, rows)
    gone = _cancelled(rows)
    for row in rows:
        heads.setdefault((row.clearing_id, row.account_id), row)
        if row.id not in gone:
            open_items[row.clearing_id, row.account_id].append(_open_item(row, calendar))
    return [
        Intermediary(
            key[0], head.name, head.adapter, head.payout_days, key[1], head.account, head.fund, tuple(open_items[key])
        )
        for key, head in sorted(heads.items(), key=lambda item: item[0])
    ]


def payouts(session: Session, school_id: int, limit: int = PAYOUTS_SHOWN) -> Sequence[Row[Any]]:
    """The newest payouts, with those that a person has dissolved."""
    return session.execute(PAYOUTS, {"school_id": school_id, "limit": limit}).all()


def waiting_lines(session: Session, school_id: int, limit: int = LINES_SHOWN) -> Sequence[Row[Any]]:
    """Unmatched lines of accounts into which an intermediary pays, oldest first."""
    return session.execute(WAITING, {"school_id": school_id, "limit": limit}).all()


def line(session: Session, school_id: int, line_id: int) -> Row[Any] | None:
    """One line of the bank."""
    return session.execute(LINE, {"school_id": school_id, "id": line_id}).first()


def differences(session: Session, school_id: int, since: datetime) -> list[Difference]:
    """Payouts of reports imported since, that are not paid as they say."""
    rows = session.execute(TOLD, {"school_id": school_id, "since": since}).all()
    if not rows:
        return []
    first = since.date() - 2 * LONGEST_SHIFT
    items = session.execute(ITEMS, {"school_id": school_id, "since": first}).all()
    owed = {row.id: Owed(row.id, row.clearing_id, first, first, row.amount_vnd) for row in items}
    held = {row.id for row in items if row.payout_id is not None}
    book = NumberBook(owed, session.execute(NUMBERS, {"school_id": school_id, "ids": sorted(owed)}).all())
    groups: dict[tuple[int, int, str], list[Row[Any]]] = defaultdict(list)
    for row in rows:
        groups[row.connection_id, row.account_id, row.payout_key].append(row)
    found = [_difference(group, book, held) for group in groups.values()]
    return [one for one in found if one.missing or one.other_amounts or not one.paid]


def _difference(rows: Sequence[Row[Any]], book: NumberBook, held: set[int]) -> Difference:
    told = [(row, book.find(row)) for row in rows]
    return Difference(
        rows[0].name,
        rows[0].file_name,
        rows[0].payout_reference or "",
        rows[0].payout_on,
        sum(row.net_vnd for row in rows),
        tuple(row.txn_id for row, item in told if item is None),
        tuple(row.txn_id for row, item in told if item is not None and item.amount_vnd != row.gross_vnd),
        all(item is not None and item.id in held for _, item in told),
    )


def _calendar(session: Session, rows: Sequence[Row[Any]]) -> BusinessDays:
    days = [row.value_date for row in rows]
    if not days:
        return BusinessDays()
    span = {"first": min(days), "last": max(days) + LONGEST_SHIFT}
    return BusinessDays(frozenset(session.scalars(HOLIDAYS, span)))


def _cancelled(rows: Iterable[Row[Any]]) -> set[int]:
    """Payments that were taken back before they were paid out, and what took them back."""
    known = {row.id: row for row in rows}
    pairs = [(row.id, row.reverses_id) for row in known.values() if row.reverses_id in known]
    return {key for pair in pairs for key in pair}


def _open_item(row: Row[Any], calendar: BusinessDays) -> OpenItem:
    return OpenItem(
        row.id,
        row.account_id,
        row.clearing_id,
        row.value_date,
        calendar.later(row.value_date, row.payout_days),
        max(0, (clock.today() - row.value_date).days),
        row.amount_vnd,
        tuple(row.references),
        row.description,
        row.reverses_id,
    )
