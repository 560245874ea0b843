"""Reads for the pages of closes: the month as a calendar, what stands in the way, and the history."""

import calendar
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from payments import clock
from reconciliation.balances import DAY
from reconciliation.closing import chain, gathering
from reconciliation.closing.models import PeriodClose
from reconciliation.closing.rules import Draft, RunFact, Section

RUNS = text("""
    SELECT run.account_id, run.id, run.from_day, run.day, run.state
    FROM standing_run held JOIN reconcile_run run ON run.school_id = held.school_id AND run.id = held.run_id
    WHERE held.school_id = :school_id AND run.day >= :first AND run.from_day <= :last
    ORDER BY run.account_id, run.day
""")
PROVED = text("""
    SELECT run.account_id, max(run.day) AS day
    FROM standing_run held JOIN reconcile_run run ON run.school_id = held.school_id AND run.id = held.run_id
    WHERE held.school_id = :school_id AND run.state = 'proved'
    GROUP BY run.account_id
""")
ACCOUNTS = text("""
    SELECT id, bin || ':' || number AS name, fund FROM receiving_account
    WHERE school_id = :school_id AND id = ANY(CAST(:ids AS bigint[])) ORDER BY id
""")
CERTIFIED = text("SELECT close_id, count(*) AS signatures FROM close_signature WHERE school_id = :school_id GROUP BY 1")
PAGE = 20
"""Links of the history on a page."""
SIGNED, FUTURE, QUIET = "signed", "future", "quiet"


@dataclass(frozen=True, slots=True)
class DayState:
    """A day of an account: signed, quiet before anything was there, or in the state of the run that owns it."""

    day: date
    state: str
    run_id: int | None = None


@dataclass(frozen=True, slots=True)
class AccountMonth:
    """One account over a month."""

    name: str
    fund: str
    days: tuple[DayState, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """A link of the chain for the history."""

    link: PeriodClose
    said: dict[str, Any]
    standing: bool
    signatures: int
    """By certificate."""


def month(session: Session, school_id: int, of: date) -> list[AccountMonth]:
    """Every account that has a statement or a movement, day by day."""
    first, last = of.replace(day=1), of.replace(day=calendar.monthrange(of.year, of.month)[1])
    closes = chain.standing(session, school_id)
    signed = (closes[0].first, closes[-1].through) if closes else None
    begins = gathering.beginnings(session, school_id, min(last, clock.today()))
    runs = session.execute(RUNS, {"school_id": school_id, "first": first, "last": last}).all()
    accounts = session.execute(ACCOUNTS, {"school_id": school_id, "ids": list(begins)}).all()
    return [
        _account(row, [run for run in runs if run.account_id == row.id], (first, last), signed, begins[row.id])
        for row in accounts
    ]


def history(session: Session, school_id: int, before: int | None = None) -> tuple[list[Entry], int | None]:
    """A page of the chain, newest first, and the number before which the next page begins.

    Documents are large: only those of the page are read.
    """
    standing = {one.sequence for one in chain.standing(session, school_id)}
    certified = {row.close_id: row.signatures for row in session.execute(CERTIFIED, {"school_id": school_id})}
    wanted = select(PeriodClose).where(PeriodClose.school_id == school_id).order_by(PeriodClose.sequence.desc())
    if before is not None:
        wanted = wanted.where(PeriodClose.sequence < before)
    links = session.scalars(wanted.limit(PAGE)).all()
    entries = [
        Entry(link, json.loads(link.document), link.sequence in standing, certified.get(link.id, 0)) for link in links
    ]
    return entries, links[-1].sequence if links and links[-1].sequence > 1 else None


def proposals(session: Session, school_id: int, count: int = 3) -> list[date]:
    """Days that can be closed next: the last one that every account has proved, yesterday, and the ends of the months
    that are over, the newest first.

    None before the first statement or movement of the school.
    """
    head = chain.head(session, school_id)
    yesterday = clock.today() - DAY
    proved = proved_through(session, school_id)
    found = [yesterday] if proved is None else [min(proved, yesterday), yesterday]
    if head.through is not None:
        following = gathering.month_of(head.through + DAY)[1]
        found += [following] if following < yesterday else []
    day = clock.today().replace(day=1) - DAY
    while len(found) <= count + 2:
        found.append(day)
        day = day.replace(day=1) - DAY
    begins = min(gathering.beginnings(session, school_id, yesterday).values(), default=yesterday)
    return [day for day in dict.fromkeys(found) if day >= begins and (head.through is None or day > head.through)]


def proved_through(session: Session, school_id: int) -> date | None:
    """The last day that a proved run of every account reaches; None while an account has none.

    A hint where to sign: a day before it may still wait, which the figures then say.
    """
    begins = gathering.beginnings(session, school_id, clock.today() - DAY)
    days = {row.account_id: row.day for row in session.execute(PROVED, {"school_id": school_id})}
    return min((days[one] for one in begins), default=None) if begins.keys() <= days.keys() else None


def draft(session: Session, school_id: int, through: date) -> Draft:
    """What would be signed now. Raises as ``gathering.gather`` does."""
    return gathering.gather(session, school_id, through)


def _account(
    row: Row[Any], runs: Sequence[Row[Any]], days: tuple[date, date], signed: tuple[date, date] | None, begins: date
) -> AccountMonth:
    facts = tuple(RunFact(run.id, run.from_day, run.day, run.state) for run in runs)
    section = Section(row.name, row.fund, *days, runs=facts)
    found = []
    day = days[0]
    while day <= days[1]:
        state, run_id = section.state_of(day)
        if day >= clock.today():
            state = FUTURE
        elif signed is not None and day <= signed[1]:
            state = SIGNED if day >= signed[0] else QUIET
        elif day < begins:
            state = QUIET
        found.append(DayState(day, state, run_id))
        day += timedelta(days=1)
    return AccountMonth(row.name, row.fund, tuple(found))
