"""How a round is paid, day by day, beside the same round of the year before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate

from sqlalchemy import text
from sqlalchemy.orm import Session

YEAR = timedelta(days=365)
ABOUT = timedelta(days=20)
"""A round of the year before is one that was due about a year earlier."""
AFTER_DUE = timedelta(days=30)
LONGEST = 120
"""Days that are drawn at most."""

_ROUNDS = text("""
    SELECT r.id, r.name, r.starts_on, r.due_on, sum(i.mandatory_vnd)::bigint AS asked_vnd
    FROM collection_round r
    JOIN invoice i ON i.school_id = r.school_id AND i.round_id = r.id
    JOIN invoice_balance b ON b.school_id = i.school_id AND b.invoice_id = i.id
        AND b.state NOT IN ('replaced', 'cancelled')
    WHERE r.school_id = :school_id GROUP BY r.id, r.name, r.starts_on, r.due_on ORDER BY r.due_on DESC, r.id DESC
""")
_PAID = text("""
    SELECT t.value_date AS day, sum(al.amount_vnd)::bigint AS paid_vnd
    FROM invoice i
    JOIN invoice_balance b ON b.school_id = i.school_id AND b.invoice_id = i.id
        AND b.state NOT IN ('replaced', 'cancelled')
    JOIN allocation al ON al.school_id = i.school_id AND al.invoice_id = i.id
    JOIN invoice_line l ON l.school_id = al.school_id AND l.id = al.line_id AND l.mandatory
    JOIN bank_transaction t ON t.school_id = al.school_id AND t.id = al.transaction_id
    WHERE i.school_id = :school_id AND i.round_id = :round_id GROUP BY t.value_date HAVING sum(al.amount_vnd) <> 0
    ORDER BY t.value_date
""")


@dataclass(frozen=True, slots=True)
class Round:
    """A round with what it asks everybody for, in đồng: voluntary items are nobody's debt."""

    id: int
    name: str
    starts_on: date
    due_on: date
    asked_vnd: int


@dataclass(frozen=True, slots=True)
class Curve:
    """Đồng paid of that up to each day since the round began (day 0)."""

    round: Round
    paid_vnd: tuple[int, ...]

    @property
    def percents(self) -> list[float]:
        """The same in per cent of what the round asks for."""
        return [round(100 * paid / self.round.asked_vnd, 1) if self.round.asked_vnd else 0.0 for paid in self.paid_vnd]


def rounds(session: Session, school_id: int) -> list[Round]:
    """Rounds with invoices, the newest due date first."""
    return [Round(*row) for row in session.execute(_ROUNDS, {"school_id": school_id}).all()]


def year_before(chosen: Round, known: Sequence[Round]) -> Round | None:
    """The round that was due nearest to a year before, if there is one about then."""
    wanted = chosen.due_on - YEAR
    near = [one for one in known if abs(one.due_on - wanted) <= ABOUT]
    return min(near, key=lambda one: (abs(one.due_on - wanted), one.id), default=None)


def curve(session: Session, school_id: int, chosen: Round, today: date) -> Curve:
    """What was paid by each day since the start, up to today; a month after the due date only payments go on."""
    today = min(today, chosen.due_on + AFTER_DUE)
    rows = session.execute(_PAID, {"school_id": school_id, "round_id": chosen.id}).all()
    return Curve(chosen, running(chosen.starts_on, [(row.day, row.paid_vnd) for row in rows], today))


def running(start: date, paid: Sequence[tuple[date, int]], today: date) -> tuple[int, ...]:
    """Sums by day since ``start``; what came before it stands on day 0, what came after ``LONGEST`` days on the last.

    Ends today, or with the last payment where that is later (a bank's value date may be tomorrow).
    """
    last = max([today, *(day for day, _ in paid)])
    days = min(max((last - start).days, 0), LONGEST)
    by_day = [0] * (days + 1)
    for day, amount_vnd in paid:
        by_day[min(max((day - start).days, 0), days)] += amount_vnd
    return tuple(accumulate(by_day))
