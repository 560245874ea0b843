"""«Việc hôm nay»: what waits for somebody, each number counted in the database, each with the way to the work.

Rooms above add cards of their own (``register_cards``): the desk does not know them.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import cast

from flask import Flask, current_app
from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from payments.console.desk import Desk
from payments.i18n import Text

QUIET_AFTER, SILENT_AFTER = timedelta(hours=24), timedelta(days=3)
"""A channel that told nothing for so long is shown in amber, then in red."""
CARDS = "hocphi desk cards"

# Voluntary lines are no debt: short and overdue is what is mandatory, which money fills first.
_COUNTS = text("""
    SELECT
        (SELECT count(*) FROM bank_transaction WHERE school_id = :school_id AND state = 'unmatched') AS unmatched,
        (SELECT coalesce(sum(amount_vnd), 0)::bigint FROM bank_transaction
         WHERE school_id = :school_id AND state = 'unmatched') AS unmatched_vnd,
        (SELECT count(*) FROM collection_round WHERE school_id = :school_id AND state = 'draft') AS drafts,
        (SELECT count(*) FROM receiving_account WHERE school_id = :school_id AND state = 'proposed')
            AS proposed_accounts,
        (SELECT count(*) FROM evidence WHERE school_id = :school_id AND conflicting AND NOT sandbox) AS conflicting,
        (SELECT count(*) FROM held_evidence WHERE school_id = :school_id) AS held,
        (SELECT count(*) FROM refund WHERE school_id = :school_id AND state = 'proposed') AS refunds,
        (SELECT coalesce(sum(amount_vnd), 0)::bigint FROM refund
         WHERE school_id = :school_id AND state = 'proposed') AS refunds_vnd,
        (SELECT count(*) FROM message WHERE school_id = :school_id AND recipient_user_id = :user_id
         AND read_at IS NULL) AS messages,
        short.invoices AS short, short.open_vnd AS short_vnd, overdue.invoices AS overdue,
        overdue.open_vnd AS overdue_vnd, over.pupils AS over, over.credit_vnd AS over_vnd, twice.payments AS twice,
        came.payments AS today, came.amount_vnd AS today_vnd
    FROM (
        SELECT count(*) AS invoices, coalesce(sum(i.mandatory_vnd - b.paid_vnd), 0)::bigint AS open_vnd
        FROM invoice_balance b JOIN invoice i ON i.school_id = b.school_id AND i.id = b.invoice_id
        WHERE b.school_id = :school_id AND b.state = 'partial' AND b.paid_vnd < i.mandatory_vnd
    ) short, (
        SELECT count(*) AS invoices, coalesce(sum(i.mandatory_vnd - b.paid_vnd), 0)::bigint AS open_vnd
        FROM invoice_balance b JOIN invoice i ON i.school_id = b.school_id AND i.id = b.invoice_id
        WHERE b.school_id = :school_id AND b.state IN ('open', 'partial') AND b.paid_vnd < i.mandatory_vnd
          AND i.due_on < :today
    ) overdue, (
        SELECT count(DISTINCT pupil_id) AS pupils, coalesce(sum(credit_vnd), 0)::bigint AS credit_vnd FROM (
            SELECT pupil_id, sum(amount_vnd) AS credit_vnd FROM pupil_credit WHERE school_id = :school_id
            GROUP BY pupil_id, receiving_account_id HAVING sum(amount_vnd) > 0
        ) purse
    ) over, (
        SELECT count(*) AS payments FROM settlement s
        WHERE s.school_id = :school_id AND (s.outcome = 'twice' OR 'twice' = ANY(s.flags))
          AND (SELECT sum(c.amount_vnd) FROM pupil_credit c
               WHERE c.school_id = s.school_id AND c.transaction_id = s.transaction_id) > 0
    ) twice, (
        SELECT count(*) AS payments, coalesce(sum(amount_vnd), 0)::bigint AS amount_vnd FROM bank_transaction
        WHERE school_id = :school_id AND direction = 'credit' AND value_date = :today
          AND state IN ('credited', 'unmatched')
    ) came
""")
_CHANNELS = text("""
    SELECT c.name, c.active, last.received_at
    FROM (SELECT DISTINCT connection_id FROM connection_account WHERE school_id = :school_id) mine
    JOIN connection c ON c.id = mine.connection_id
    LEFT JOIN LATERAL (
        SELECT received_at FROM raw_callback r
        WHERE r.connection_id = c.id AND r.outcome IN ('accepted', 'duplicate')
        ORDER BY r.received_at DESC LIMIT 1
    ) last ON true
    WHERE NOT c.sandbox ORDER BY c.name, c.id
""")


@dataclass(frozen=True, slots=True)
class Card:
    """A number with the way to the work that it stands for."""

    count: int
    label: Text
    href: str
    detail: str = ""
    urgent: bool = False
    work: bool = True
    """Something for a person to do; else how things stand."""


@dataclass(frozen=True, slots=True)
class Heard:
    """When a channel was heard last, and whether that is well (``ok``), odd (``warn``) or bad (``danger``)."""

    name: str
    at: datetime | None
    tone: str


CardSource = Callable[[Session, Desk], Iterable[Card]]


def register_cards(app: Flask, source: CardSource) -> None:
    """Let a room above add cards to the desk's first page."""
    app.extensions.setdefault(CARDS, []).append(source)


def further_cards(session: Session, desk: Desk) -> Sequence[Card]:
    """The cards of the rooms above."""
    sources = cast("list[CardSource]", current_app.extensions.get(CARDS, []))
    return [card for source in sources for card in source(session, desk)]


def counts(session: Session, school_id: int, user_id: int, today: date) -> RowMapping:
    """What waits at a school on a day; amounts in đồng."""
    values = {"school_id": school_id, "user_id": user_id, "today": today}
    return session.execute(_COUNTS, values).mappings().one()


def channels(session: Session, school_id: int, now: datetime) -> list[Heard]:
    """The school's connections with the moment of the last message that was believed."""
    rows = session.execute(_CHANNELS, {"school_id": school_id}).all()
    return [Heard(row.name, row.received_at, _tone(row.active, row.received_at, now)) for row in rows]


def _tone(active: bool, at: datetime | None, now: datetime) -> str:  # noqa: FBT001 - a column of the row
    if not active or at is None or now - at > SILENT_AFTER:
        return "danger"
    return "warn" if now - at > QUIET_AFTER else "ok"
