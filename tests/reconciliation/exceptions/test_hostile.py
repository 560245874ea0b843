"""One hand alone at the database: what it tries to end money in doubt, and which guard stops it."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from reconciliation.exceptions import service
from reconciliation.exceptions.rules import Resolution

EVENT = """
    INSERT INTO exception_event (school_id, exception_id, kind, at, actor_id, run_id, state, resolution, detail)
    SELECT school_id, id, '{kind}', now(), {actor}, {run}, '{state}', {resolution}, '{{}}' FROM reconcile_exception
    WHERE id = {case}
"""
END = {"kind": "resolved", "state": "resolved", "resolution": "'booked'", "run": "NULL"}
ALONE = {
    "an end alone": END | {"resolution": "'other'"},
    "an approval without a proposal": END | {"kind": "approved"},
    "a remark that ends it": END | {"kind": "noted"},
    "a night that says what only people say": END | {"kind": "matched_since", "run": "last_run_id"},
    "a merger that says what only people say": END | {"kind": "merged", "run": "last_run_id"},
    "a match that no night found": END | {"kind": "matched_since", "resolution": "'matched_since'"},
    "a proposal of what only nights say": END
    | {"kind": "proposed", "state": "proposed", "resolution": "'matched_since'"},
}


@pytest.fixture
def doubtful(nights):
    """A callback that the statement does not show: two people must end it."""
    nights.night(nights.item("missing_bank", said=[nights.said()]))
    return nights


def refused(nights, statement: str, match: str | None = None) -> None:
    with pytest.raises(IntegrityError, match=match), nights.session.begin_nested():
        nights.session.execute(text(statement))


@pytest.mark.parametrize("name", ALONE)
def test_nobody_ends_money_in_doubt_alone(doubtful, name):
    refused(doubtful, EVENT.format(actor=doubtful.school.accountant, case=doubtful.ids()[0], **ALONE[name]))


def test_a_case_is_not_made_harmless_first(doubtful):
    case = doubtful.ids()[0]
    for change in ("primary_class = 'only_ledger'", "flags = '{cash}'", "amount_vnd = 1"):
        refused(doubtful, f"UPDATE reconcile_exception SET {change} WHERE id = {case}", "that a night found")


def test_a_remark_changes_nothing_about_how_it_is_to_end_or_has_ended(doubtful):
    case = doubtful.session, doubtful.school.id, doubtful.ids()[0]
    service.propose(*case, doubtful.school.accountant, resolution=Resolution.BANK_CONFIRMED)
    remark = {"kind": "noted", "actor": doubtful.school.accountant, "case": case[2], "run": "NULL"}
    refused(doubtful, EVENT.format(state="proposed", resolution="'reversed'", **remark), "how it ends")
    service.approve(*case, doubtful.school.principal)
    refused(doubtful, EVENT.format(state="resolved", resolution="'reversed'", **remark), "how it ends")
    refused(doubtful, EVENT.format(state="resolved", resolution="NULL", **remark), "how it ends")
    service.note(*case, doubtful.school.accountant, "đã gọi ngân hàng")
    assert doubtful.cases() == [("missing_bank", "resolved", "bank_confirmed")]


@pytest.mark.parametrize(
    ("trigger", "table"),
    [("guard_exception_class", "reconcile_exception"), ("guard_exception_end", "exception_event")],
)
def test_without_these_guards_one_hand_would_do(doubtful, trigger, table):
    """Teeth: made harmless, it is ended alone; a night's word is written by hand."""
    doubtful.session.execute(text(f"DROP TRIGGER {trigger} ON {table}"))
    case, who = doubtful.ids()[0], doubtful.school.accountant
    if table == "reconcile_exception":
        doubtful.session.execute(text("UPDATE reconcile_exception SET primary_class = 'only_ledger'"))
        doubtful.session.execute(text(EVENT.format(actor=who, case=case, **END)))
    else:
        name = "a night that says what only people say"
        doubtful.session.execute(text(EVENT.format(actor=who, case=case, **ALONE[name])))
    assert doubtful.cases()[0][1:] == ("resolved", "booked")
