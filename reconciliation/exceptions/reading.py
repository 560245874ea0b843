"""What a night reads before it follows runs: findings with their facts, and the exceptions that they touch."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy.orm import Session

from payments.schools.rules import search_key
from reconciliation.exceptions import sql
from reconciliation.exceptions.following import Found, Known
from reconciliation.exceptions.rules import Resolution, State

LONGEST_SEARCH_KEY = 2_000


@dataclass(frozen=True, slots=True)
class Case:
    """An exception as it was left, with the proposal that waits and the newest run that spoke of it."""

    known: Known
    proposal_id: int | None
    proposed_by: int | None
    last_run_id: int


@dataclass(slots=True)
class Findings:
    """What the runs of a school found, and by item the text by which it is searched."""

    found: list[Found] = field(default_factory=list)
    texts: dict[int, str] = field(default_factory=dict)


class Moved(NamedTuple):
    """A run that stands anew for its day, and the one that was followed before."""

    school_id: int
    account_id: int
    day: date
    run_id: int
    created_at: datetime
    former_id: int | None


def read_moved(session: Session, accounts: Sequence[tuple[int, int]]) -> list[Moved]:
    """The runs of accounts, given with their schools, that were not followed yet; oldest day first."""
    return [Moved(*row) for row in session.execute(sql.MOVED, sql.columns(accounts, "schools", "accounts"))]


def read_found(session: Session, runs: Sequence[Moved]) -> Mapping[int, Findings]:
    """What runs of one account of each school found, by school.

    A fact that two runs of a school show belongs to the older item; an item that has no fact of its own is no finding.
    """
    values = sql.columns([(run.school_id, run.run_id) for run in runs], "schools", "runs")
    accounts = {run.school_id: run.account_id for run in runs}
    keys: dict[tuple[int, int], list[str]] = {}
    said: dict[tuple[int, int], list[str]] = defaultdict(list)
    taken: set[tuple[int, str]] = set()
    for row in session.execute(sql.FACTS, values):
        # Two doubtful statements may show one line: the second copy keeps a name of its own.
        key = next((name for name in (row.key, row.own_key) if (row.school_id, name) not in taken), None)
        own = (row.school_id, row.item_id)
        keys.setdefault(own, []).extend([] if key is None else [key])
        taken |= set() if key is None else {(row.school_id, key)}
        said[own].append(row.said)
    found: dict[int, Findings] = defaultdict(Findings)
    for item in session.execute(sql.ITEMS, values):
        names = " ".join(item.references)
        alone = f"case:{accounts[item.school_id]}:{item.value_date}:{item.amount_vnd}:{names}"
        own = (item.school_id, item.id)
        facts = keys.get(own, [alone])
        if facts:
            told = f"{item.amount_vnd} {names} {' '.join(dict.fromkeys(said[own]))}"
            found[item.school_id].texts[item.id] = search_key(told)[:LONGEST_SEARCH_KEY]
            about = (item.id, item.run_id, item.primary_class, tuple(item.flags), item.amount_vnd, item.value_date)
            found[item.school_id].found.append(Found(*about, tuple(facts)))
    return found


def read_cases(
    session: Session, former: Sequence[tuple[int, int]], keys: Sequence[tuple[int, str]]
) -> Mapping[int, dict[int, Case]]:
    """Exceptions that stood in the former runs or hold one of the facts, by school and id; ours until the transaction
    ends. Runs and facts are given with their school.
    """
    values = sql.columns(former, "run_schools", "former") | sql.columns(keys, "key_schools", "keys")
    rows = session.execute(sql.TOUCHED, values).all()
    cases: dict[int, dict[int, Case]] = defaultdict(dict)
    if not rows:
        return cases
    current: dict[tuple[int, int], set[str]] = defaultdict(set)
    once: dict[tuple[int, int], set[str]] = defaultdict(set)
    for fact in session.execute(sql.FACTS_OF, sql.columns([row[:2] for row in rows], "schools", "ids")):
        (current if fact.current else once)[fact.school_id, fact.exception_id].add(fact.key)
    waiting = [(row.school_id, row.proposal_id) for row in rows if row.proposal_id is not None]
    proposals = session.execute(sql.PROPOSALS, sql.columns(waiting, "schools", "ids")) if waiting else ()
    authors = {(row.school_id, row.id): row.actor_id for row in proposals}
    for row in rows:
        own = (row.school_id, row.id)
        known = Known(
            row.id,
            State(row.state),
            row.assignee_id,
            Resolution(row.resolution) if row.resolution else None,
            row.primary_class,
            tuple(row.flags),
            row.amount_vnd,
            row.day,
            frozenset(current[own]),
            frozenset(once[own]),
        )
        author = authors.get((row.school_id, row.proposal_id))
        cases[row.school_id][row.id] = Case(known, row.proposal_id, author, row.last_run_id)
    return cases
