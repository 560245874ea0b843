"""What a night reads before it follows runs: findings with their facts, and the exceptions that they touch."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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


def read_found(
    session: Session, school_id: int, account_id: int, runs: Sequence[int]
) -> tuple[list[Found], Mapping[int, str]]:
    """What the runs found, and by item the text by which it is searched.

    A fact that two runs show belongs to the older item; an item that has no fact of its own is no finding.
    """
    values = {"school_id": school_id, "runs": list(runs)}
    keys: dict[int, list[str]] = {}
    said: dict[int, list[str]] = defaultdict(list)
    taken: set[str] = set()
    for row in session.execute(sql.FACTS, values):
        # Two doubtful statements may show one line: the second copy keeps a name of its own.
        key = next((name for name in (row.key, row.own_key) if name not in taken), None)
        keys.setdefault(row.item_id, []).extend([] if key is None else [key])
        taken |= set() if key is None else {key}
        said[row.item_id].append(row.said)
    found, texts = [], {}
    for item in session.execute(sql.ITEMS, values):
        names = " ".join(item.references)
        facts = keys.get(item.id, [f"case:{account_id}:{item.value_date}:{item.amount_vnd}:{names}"])
        if facts:
            told = f"{item.amount_vnd} {names} {' '.join(dict.fromkeys(said[item.id]))}"
            texts[item.id] = search_key(told)[:LONGEST_SEARCH_KEY]
            about = (item.id, item.run_id, item.primary_class, tuple(item.flags), item.amount_vnd, item.value_date)
            found.append(Found(*about, tuple(facts)))
    return found, texts


def read_cases(session: Session, school_id: int, former: Sequence[int], keys: Sequence[str]) -> dict[int, Case]:
    """Exceptions that stood in the former runs or hold one of the facts, by id; ours until the transaction ends."""
    rows = session.execute(sql.TOUCHED, {"school_id": school_id, "former": list(former), "keys": list(keys)}).all()
    if not rows:
        return {}
    current: dict[int, set[str]] = defaultdict(set)
    once: dict[int, set[str]] = defaultdict(set)
    for fact in session.execute(sql.FACTS_OF, {"school_id": school_id, "ids": [row.id for row in rows]}):
        (current if fact.current else once)[fact.exception_id].add(fact.key)
    waiting = [row.proposal_id for row in rows if row.proposal_id is not None]
    proposals = session.execute(sql.PROPOSALS, {"school_id": school_id, "ids": waiting}) if waiting else ()
    authors = {row.id: row.actor_id for row in proposals}
    cases = {}
    for row in rows:
        known = Known(
            row.id,
            State(row.state),
            row.assignee_id,
            Resolution(row.resolution) if row.resolution else None,
            row.primary_class,
            tuple(row.flags),
            row.amount_vnd,
            row.day,
            frozenset(current[row.id]),
            frozenset(once[row.id]),
        )
        cases[row.id] = Case(known, row.proposal_id, authors.get(row.proposal_id), row.last_run_id)
    return cases
