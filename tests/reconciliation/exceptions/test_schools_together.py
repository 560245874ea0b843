"""Exceptions of many schools followed together are those of each school followed alone, account after account."""

from dataclasses import replace
from datetime import date

from reconciliation.exceptions import syncing
from tests.reconciliation.exceptions.setting import DAY, Nights

SAID = """
    SELECT e.account_id, e.primary_class, e.state, e.resolution, e.amount_vnd::bigint, e.search_key, e.owner, e.due_on,
        e.first_run_id, e.last_run_id, e.merged_into_id IS NOT NULL, e.split_from_id IS NOT NULL,
        (SELECT array_agg(f.key || f.current ORDER BY f.key) FROM exception_fact f
            WHERE f.school_id = e.school_id AND f.exception_id = e.id),
        (SELECT array_agg(v.kind || v.state || coalesce(v.resolution, '') || v.run_id ORDER BY v.id)
            FROM exception_event v WHERE v.school_id = e.school_id AND v.exception_id = e.id)
    FROM reconcile_exception e WHERE e.school_id = :school ORDER BY e.id
"""
MARKS = "SELECT account_id, day, run_id FROM exception_sync WHERE school_id = :school ORDER BY 1, 2"


class Unfollowed(Nights):
    """Nights that stand and wait to be followed."""

    def follow(self) -> syncing.Synced:
        return syncing.Synced()


def setting(session) -> list[Unfollowed]:
    """Three schools, one of them with two accounts, all followed once and moved on by a second night.

    A row of the books goes from the first account to the second one; rows of different schools bear one natural key.
    """
    schools = [Unfollowed(session) for _ in range(3)]
    own = schools[0]
    other = Unfollowed(session, replace(own.school, account=own.school.other_account))
    [row, *others], lines = [one.row(key="the same") for one in schools], [one.line() for one in schools]
    own.night(own.item("only_ledger", rows=[row]), own.item("missing_gateway", lines=[lines[0]]))
    other.night()
    for one, line, same in zip(schools[1:], lines[1:], others, strict=True):
        one.night(one.item("missing_gateway", lines=[line]), one.item("missing_bank", said=[one.said()], rows=[same]))
    together([*schools, other])
    own.night(own.item("matched", lines=[lines[0]]))
    other.night(other.item("missing_bank", rows=[row]))
    new = [one.row(key="the same again") for one in schools[1:]]
    schools[1].night(schools[1].item("amount_diff", lines=[lines[1]], rows=new[:1]))
    moved = schools[2].item("missing_gateway", lines=[lines[2]])
    schools[2].night(moved, schools[2].item("only_ledger", rows=new[1:]), day=date(2025, 9, 11))
    schools[2].night(schools[2].item("matched", lines=[lines[2]]), day=DAY)
    return [*schools, other]


def together(some) -> syncing.Synced:
    return syncing.sync_all(some[0].session, [(one.school.id, one.school.account) for one in some])


def alone(some) -> syncing.Synced:
    made = [syncing.sync(one.session, one.school.id, one.school.account) for one in some]
    names = ("new", "changed", "reopened", "closed")
    return syncing.Synced(*(sum(getattr(one, name) for one in made) for name in names))


def followed(some, how) -> list:
    """What ``how`` makes of the nights that wait, undone again."""
    with some[0].session.begin_nested() as undone:
        made = how(some)
        found = [(one.rows(SAID), one.rows(MARKS)) for one in some]
        undone.rollback()
    return [made, found]


def test_schools_followed_together_are_as_each_alone(session):
    some = setting(session)
    expected = followed(some, alone)
    assert expected[0].changed > 0
    assert expected[0].closed > 0
    assert followed(some, together) == expected
    assert followed(some[::-1], together)[0] == followed(some[::-1], alone)[0]


def test_the_same_runs_again_change_nothing_at_any_school(session):
    some = setting(session)
    together(some)
    before = [(one.rows(SAID), one.rows(MARKS)) for one in some]
    assert together(some) == syncing.Synced()
    assert [(one.rows(SAID), one.rows(MARKS)) for one in some] == before


def test_accounts_of_one_school_at_once_would_be_noticed(session, monkeypatch):
    """Teeth of the waves: the second account must find what became of the first."""
    some = setting(session)
    expected = followed(some, alone)
    monkeypatch.setattr(syncing, "_waves", lambda accounts: [list(accounts)])
    assert followed(some, together) != expected
