"""Judge the mass of many runs by one statement, and keep what it found."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from payments.business_days import BusinessDays
from reconciliation.bulk import statements
from reconciliation.bulk.rules import BLOCK, LEAST, Mass, Rest
from reconciliation.proving import Money, Part

EPOCH = date(1, 1, 1)
MEMORY = text("SELECT set_config('work_mem', '128MB', true), set_config('jit', 'off', true)")
"""Of one transaction: what a group of schools sorts and hashes stays in memory, and nothing is compiled for it."""
BY_INDEX = text("""
    SELECT set_config('enable_hashjoin', :on, true), set_config('enable_mergejoin', :on, true)
""")
"""Also of one transaction: a night is a few thousand look-ups, whatever the statistics of a growing table say."""
SIZES = text("""
    SELECT u.no,
        (SELECT count(*) FROM bank_line l WHERE l.school_id = u.school_id AND l.account_id = u.account_id
            AND l.booked_on BETWEEN u.first AND u.last) AS lines,
        EXISTS (SELECT FROM bank_line l WHERE l.school_id = u.school_id AND l.account_id = u.account_id
            AND l.booked_on < u.first) AS is_later,
        EXISTS (SELECT FROM ledger_row r WHERE r.school_id = u.school_id
            AND r.booked_on BETWEEN u.first - 62 AND u.last + 62) AS booked
    FROM unnest(CAST(:numbers AS int[]), CAST(:schools AS bigint[]), CAST(:accounts AS bigint[]),
        CAST(:firsts AS date[]), CAST(:lasts AS date[])) AS u(no, school_id, account_id, first, last)
""")


@dataclass(frozen=True, slots=True)
class Unit:
    """A run to be: an account and the days that the run owns."""

    school_id: int
    account_id: int
    first: date
    last: date
    early: date
    """The first day on which a message may name money that is due on the days."""
    last_due: date
    """From this day on, money that comes late at night is due after the last day."""
    closed: date = EPOCH
    """The last day that the school has signed."""
    booked: bool = True
    """Whether imported books vouch for some of the days."""
    is_first: bool = False
    """Whether cash that names no account is shown with this one."""
    doubtful: tuple[int, ...] = ()
    """Standing statements that contradict themselves."""


def last_due(calendar: BusinessDays, last: date) -> date:
    """The earliest day after whose night nothing is due any more up to ``last``."""
    day = last
    while calendar.after(day - timedelta(days=1)) > last:
        day -= timedelta(days=1)
    return day


def judge(session: Session, units: Sequence[Unit]) -> dict[Unit, Mass]:
    """Judge the mass of runs; a run that is missing in the answer has none to speak of.

    What is found waits in a table of the transaction for ``keep``.
    """
    if not units:
        return {}
    session.execute(MEMORY)
    all_at_once: dict[int, Unit] = {}
    looked_up: dict[int, Unit] = {}
    for row in session.execute(SIZES, _columns(dict(enumerate(units)))).all():
        if row.lines >= LEAST:
            group = looked_up if row.is_later else all_at_once
            group[row.no] = replace(units[row.no], booked=units[row.no].booked or row.booked)
    if not all_at_once and not looked_up:
        return {}
    session.execute(statements.MAKE_ROOM)
    session.execute(statements.AS_IT_IS)
    session.execute(statements.CLEAR)
    rows = _judge(session, statements.JUDGE_ALL, all_at_once)
    if looked_up:
        session.execute(BY_INDEX, {"on": "off"})
        rows += _judge(session, statements.JUDGE_NEW, looked_up)
        session.execute(BY_INDEX, {"on": "on"})
    found = _found(session)
    return {units[row.no]: _mass(row, found[row.no]) for row in rows}


def _judge(session: Session, statement: Any, units: Mapping[int, Unit]) -> list[Row[Any]]:
    if not units:
        return []
    more = {
        "block": BLOCK,
        "doubtful": [number for unit in units.values() for number in unit.doubtful],
    }
    return list(session.execute(statement, _columns(units) | more).all())


def _columns(units: Mapping[int, Unit]) -> dict[str, list[Any]]:
    some = list(units.values())
    return {
        "numbers": list(units),
        "schools": [unit.school_id for unit in some],
        "accounts": [unit.account_id for unit in some],
        "firsts": [unit.first for unit in some],
        "lasts": [unit.last for unit in some],
        "earlies": [unit.early for unit in some],
        "closes": [unit.closed for unit in some],
        "booked": [unit.booked for unit in some],
        "first_accounts": [unit.is_first for unit in some],
        "last_dues": [unit.last_due for unit in some],
    }


@dataclass(slots=True)
class _Blocks:
    digest: Any
    days: list[int]
    amounts: list[int]
    keys: list[int]


def _found(session: Session) -> dict[int, _Blocks]:
    """Order and digest of what was found, by number of the unit."""
    found: dict[int, _Blocks] = defaultdict(lambda: _Blocks(sha256(), [], [], []))
    for row in session.execute(statements.READ):
        blocks = found[row.no]
        blocks.digest.update(row.digest)
        blocks.days += row.days
        blocks.amounts += row.amounts
        blocks.keys += row.keys
    return found


def _mass(row: Row[Any], blocks: _Blocks) -> Mass:
    return Mass(
        rest=Rest(tuple(row.lines or ()), tuple(row.evidence or ()), tuple(row.rows or ())),
        banks=Part(row.size, row.vnd),
        gateways=Part(row.told, row.told_vnd),
        ledgers=Part(row.booked, row.booked_vnd),
        money=Money(
            receipts_vnd=row.vnd, allocated_vnd=row.allocated, credit_vnd=row.credit, unmatched_vnd=row.unmatched
        ),
        number=row.no,
        digest=blocks.digest.digest(),
        days=blocks.days,
        amounts=blocks.amounts,
        keys=blocks.keys,
    )


def keep(session: Session, runs: Mapping[int, tuple[int, int]]) -> None:
    """Keep the blocks of new runs: number of the unit -> (school, run)."""
    if runs:
        session.execute(
            statements.KEEP,
            {
                "numbers": list(runs),
                "schools": [school_id for school_id, _ in runs.values()],
                "runs": [run_id for _, run_id in runs.values()],
            },
        )
