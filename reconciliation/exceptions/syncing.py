"""Bring exceptions in line with the runs that stand: set-based, in the runs' transaction, repeatable.

``exception_sync`` remembers which run of each day was followed last. What stands anew is read once for all schools,
laid beside the exceptions that it touches (``course``), and written in a handful of statements whatever the number of
schools and cases. The same runs again change nothing; on a new installation of this table all standing runs are
followed, oldest day first.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import TextClause
from sqlalchemy.orm import Session

from payments import clock
from payments.business_days import BusinessDays
from reconciliation.exceptions import sql
from reconciliation.exceptions.course import Course
from reconciliation.exceptions.reading import Moved, read_cases, read_found, read_moved

Account = tuple[int, int]
"""School and receiving account."""


@dataclass(frozen=True, slots=True)
class Synced:
    """How many exceptions are new, changed, opened again, or closed by a night."""

    new: int = 0
    changed: int = 0
    reopened: int = 0
    closed: int = 0


def sync(session: Session, school_id: int, account_id: int) -> Synced:
    """Follow the runs of one account that stand anew since the last time. The caller holds the school's lock."""
    return sync_all(session, [(school_id, account_id)])


def sync_all(session: Session, accounts: Iterable[Account]) -> Synced:
    """The same for many accounts. The caller holds the locks of their schools."""
    courses = [course for wave in _waves(accounts) for course in _follow(session, wave)]
    return Synced(
        sum(course.new for course in courses),
        sum(course.changed for course in courses),
        sum(course.reopened for course in courses),
        sum(course.closed for course in courses),
    )


def _waves(accounts: Iterable[Account]) -> Iterator[list[Account]]:
    """One account of each school at a time: the accounts of a school share rows of the books, so that the second one
    must find what became of the first.
    """
    by_school: dict[int, list[Account]] = defaultdict(list)
    for account in accounts:
        by_school[account[0]].append(account)
    for place in range(max(map(len, by_school.values()), default=0)):
        yield [some[place] for some in by_school.values() if place < len(some)]


def _follow(session: Session, accounts: Sequence[Account]) -> list[Course]:
    """Follow the runs of accounts of different schools."""
    moved = read_moved(session, accounts)
    if not moved:
        return []
    courses = _courses(session, moved)
    new_ids = _add(session, courses)
    quiet = _quiet(session, moved, courses)
    for course in courses:
        course.tell(new_ids[course.school_id], quiet[course.school_id])
    _write(session, courses, new_ids)
    session.execute(sql.MARK, sql.columns([row[:4] for row in moved], "schools", "accounts", "days", "runs"))
    return courses


def _courses(session: Session, moved: Sequence[Moved]) -> list[Course]:
    """What the runs do, for each school where they do something."""
    by_school: dict[int, list[Moved]] = defaultdict(list)
    for row in moved:
        by_school[row.school_id].append(row)
    findings = read_found(session, moved)
    keys = [(school_id, key) for school_id, some in findings.items() for one in some.found for key in one.keys]
    cases = read_cases(session, [(row.school_id, row.former_id) for row in moved if row.former_id is not None], keys)
    touched = [school_id for school_id in by_school if findings[school_id].found or cases[school_id]]
    if not touched:
        return []
    since = min(clock.day_of(row.created_at) for row in moved)
    calendar = BusinessDays(frozenset(session.scalars(sql.HOLIDAYS, {"since": since})))
    return [Course(by_school[one], findings[one], cases[one], calendar) for one in touched]


def _add(session: Session, courses: Sequence[Course]) -> Mapping[int, Mapping[int, int]]:
    """Write new exceptions; by school, item -> exception."""
    names = ("schools", "items", "search_keys", "owners", "due", "origins")
    new_ids: dict[int, dict[int, int]] = defaultdict(dict)
    for row in _put(session, sql.ADD, names, [course.added() for course in courses]):
        new_ids[row.school_id][row.item_id] = row.id
    return new_ids


def _quiet(session: Session, moved: Sequence[Moved], courses: Sequence[Course]) -> Mapping[int, Mapping[int, set[str]]]:
    """By school, exception -> in which quiet classes its facts stand now."""
    found: dict[int, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    doubted = [row for course in courses for row in course.doubted()]
    if doubted:
        runs = [(row.school_id, row.account_id, row.run_id) for row in moved]
        values = sql.columns(doubted, "gone_schools", "gone") | sql.columns(runs, "schools", "accounts", "runs")
        for row in session.execute(sql.QUIET, values):
            found[row.school_id][row.id].add(row.primary_class)
    return found


def _write(session: Session, courses: Sequence[Course], new_ids: Mapping[int, Mapping[int, int]]) -> None:
    went_on = ("schools", "ids", "items", "search_keys", "owners", "due")
    _put(session, sql.GO_ON, went_on, [course.went_on() for course in courses])
    _put(session, sql.FOLLOWED, ("schools", "ids", "runs", "into"), [course.followed() for course in courses])
    _put(session, sql.LET_GO, ("schools", "ids"), [course.let_go() for course in courses])
    _put(session, sql.HOLD, ("schools", "keys", "ids"), [course.held(new_ids[course.school_id]) for course in courses])
    for told in ([course.first for course in courses], [course.second for course in courses]):
        rows = [row for one in told for row in one.rows]
        if rows:
            session.execute(sql.TELL, {"moment": clock.now(), "rows": json.dumps(rows)})


def _put(
    session: Session, statement: TextClause, names: Sequence[str], found: Iterable[Iterable[Any]]
) -> Iterable[Any]:
    """One statement for the rows of all courses; none where there are none."""
    rows = [row for some in found for row in some]
    return session.execute(statement, sql.columns(rows, *names)) if rows else ()
