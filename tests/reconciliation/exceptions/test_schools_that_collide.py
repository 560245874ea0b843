"""No statement about the exceptions of a group mixes schools, though all their ids and keys are the same.

Of every statement each condition that names the school is taken away in turn, and the comparison must notice it.
"""

import re
from collections.abc import Iterator

from sqlalchemy import TextClause, event, text
from sqlalchemy.exc import DBAPIError

from payments.db import Base
from reconciliation.exceptions import sql
from reconciliation.keeping import Finding, Head, keep
from reconciliation.models import ReconcileRun
from reconciliation.proving import waiting
from tests.reconciliation.exceptions.colliding import BASE, Nights, Twin, colliding, count_anew
from tests.reconciliation.exceptions.test_schools_together import MARKS, SAID, alone, together

STATEMENTS = {name: value for name, value in vars(sql).items() if isinstance(value, TextClause)}
EQUAL = re.compile(r"\w+\.school_id = \w+\.school_id")
AMONG = re.compile(r"\(\w+\.school_id, (?P<what>[\w.]+)\) IN \(")
TOLD = re.compile(r"SELECT (?:\w+\.)?school_id,")
TRIED = 31
"""Conditions that name the school, in all statements."""
SOURCE = re.compile(r"(?:FROM|JOIN|UPDATE) (?P<table>\w+) (?P<alias>(?!SET|WHERE|CROSS|ON)\w+)")
GLOBAL = {"evidence"}
"""Of all schools together: its ids are good for the whole database, and an item names only those of its own school."""


def test_schools_whose_ids_and_keys_are_the_same_are_followed_as_each_alone(session):
    some = colliding(session)
    _, by_each = observed(some, alone)
    _, by_all = observed(some, together)
    assert by_all == by_each
    assert [len(cases) for cases, _ in by_all] == [20, 20, 0]


def test_every_school_table_of_a_statement_is_joined_by_its_school():
    tables = {table.name for table in Base.metadata.sorted_tables if "school_id" in table.columns}
    for name, statement in STATEMENTS.items():
        named = {alias for site in sites(statement.text) for alias in re.findall(r"(\w+)\.school_id", site)}
        for found in SOURCE.finditer(statement.text):
            if found["table"] in tables - GLOBAL:
                assert found["alias"] in named, f"{name}: {found[0]}"


def test_without_the_school_in_any_join_the_comparison_fails(session, monkeypatch):
    """Teeth: one condition after the other."""
    some = colliding(session)
    expected = observed(some, together)
    assert expected[1], "not refused"
    assert observed(some, together) == expected, "what is noticed is the change"
    unnoticed, tried = [], 0
    for name, statement in STATEMENTS.items():
        for place, (site, changed) in enumerate(without(statement.text)):
            with monkeypatch.context() as patch:
                patch.setattr(sql, name, text(changed))
                if observed(some, together) == expected:
                    unnoticed.append(f"{name} {place}: {site}")
            tried += 1
    assert unnoticed == []
    assert tried == TRIED


def test_a_run_that_stands_anew_is_known_by_its_school(session):
    one, two = Twin(session, 100_000), Twin(session, 200_000)
    for twin in (one, two):
        count_anew(session, BASE + 100)
        twin.night()
    two.night()
    first = [session.get_one(ReconcileRun, (twin.school.id, BASE + 100)) for twin in (one, two)]
    heads = [Head(run.school_id, run.account_id, run.from_day, run.day, run.inputs_hash, run.state) for run in first]
    found = [Finding(head, waiting(head.day), [], [], None) for head in heads]
    assert [kept.stands_anew for kept in keep(session, found)] == [False, True]


def observed(some: list[Nights], how) -> tuple:
    """What statements answer, in the order of their rows' text, and what is kept of each school; all undone again."""
    session, answers = some[0].session, []

    def hear(state) -> object:
        kept = state.invoke_statement()
        if not kept.returns_rows:
            return kept
        frozen = kept.freeze()
        answers.append(sorted(map(repr, frozen().all())))
        return frozen()

    # New cases get the same ids whenever they are looked at.
    count_anew(session, BASE + 400)
    undone = session.begin_nested()
    event.listen(session, "do_orm_execute", hear)
    try:
        how(some)
        return answers, [(one.rows(SAID), one.rows(MARKS)) for one in some]
    except DBAPIError as refused:
        return refused, []
    finally:
        event.remove(session, "do_orm_execute", hear)
        undone.rollback()


def sites(statement: str) -> list[str]:
    return [site for site, _ in without(statement)]


def without(statement: str) -> Iterator[tuple[str, str]]:
    """Each condition that names the school, and the statement without it."""
    for found in EQUAL.finditer(statement):
        yield found[0], statement[: found.start()] + "true" + statement[found.end() :]
    for found in AMONG.finditer(statement):
        end = closing(statement, found.end())
        inside = TOLD.sub("SELECT 0,", statement[found.end() : end])
        yield found[0], statement[: found.start()] + f"(0, {found['what']}) IN (" + inside + statement[end:]


def closing(statement: str, start: int) -> int:
    """Where the parenthesis closes that was opened before ``start``."""
    depth = 1
    for place in range(start, len(statement)):
        depth += {"(": 1, ")": -1}.get(statement[place], 0)
        if not depth:
            return place
    raise AssertionError(statement)
