"""What people may do with exceptions: in turn, in their role, and by two people where money moves or is in doubt."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from payments import clock
from payments.access.models import Grant, Role, User
from payments.errors import ConflictError, DomainError, ForbiddenError, NotFoundError
from reconciliation.exceptions import queries, service
from reconciliation.exceptions.acting import Bulk
from reconciliation.exceptions.filters import Filter
from reconciliation.exceptions.rules import Resolution
from tests.payments.setting import OPENED, make_school
from tests.payments.settlement.setting import issue, state_of
from tests.reconciliation.exceptions.setting import X_VND

R = Resolution


@pytest.fixture
def case(nights):
    """A callback that a proved statement does not show: (session, school, exception)."""
    nights.night(nights.item("missing_bank", said=[nights.said()]))
    return nights.session, nights.school.id, nights.ids()[0]


@pytest.fixture
def people(nights):
    """Accountant, principal, a second principal, an operator of the server."""
    made = []
    for name, role, place in (("pho", Role.PRINCIPAL, nights.school.id), ("may.chu", Role.OPERATOR, None)):
        user = User(
            username=f"{name}.{nights.school.id}", full_name=f"{name} (mẫu)", password_hash="-", created_at=OPENED
        )
        nights.session.add(user)
        nights.session.flush()
        nights.session.add(Grant(user_id=user.id, role=role, organisation_id=place, valid_from=OPENED.date()))
        made.append(user.id)
    nights.session.flush()
    return nights.school.accountant, nights.school.principal, *made


def refused(work, error=DomainError) -> str:
    with pytest.raises(error) as caught:
        work()
    assert caught.value.vi != caught.value.en
    return caught.value.code


def test_assigned_noted_proposed_refused_proposed_again_and_approved(nights, case, people):
    accountant, principal, *_ = people
    service.assign(*case, accountant, accountant)
    service.note(*case, accountant, "  đã gọi Vietcombank  ")
    service.propose(*case, accountant, resolution=R.REVERSED, said="ngân hàng nói không có")
    service.reject(*case, principal, said="thiếu văn bản của ngân hàng")
    assert nights.cases() == [("missing_bank", "assigned", None)]
    service.propose(*case, accountant, resolution=R.REVERSED, said="công văn số 12")
    service.approve(*case, principal, said="đồng ý")
    assert nights.cases() == [("missing_bank", "resolved", "reversed")]
    assert nights.kinds(case[2]) == ["seen", "assigned", "noted", "proposed", "rejected", "proposed", "approved"]
    notes = "SELECT note FROM exception_event WHERE school_id = :school AND note IS NOT NULL ORDER BY id"
    assert nights.rows(notes)[0] == "đã gọi Vietcombank"
    service.reopen(*case, accountant, "sao kê mới")
    assert nights.cases() == [("missing_bank", "assigned", None)]


def test_nobody_ends_a_case_in_doubt_alone(case, people):
    for who in people:
        assert refused(lambda who=who: service.resolve(*case, who, resolution=R.BANK_CONFIRMED)) == "forbidden"


def test_whoever_proposed_does_not_approve_also_as_principal(case, people):
    _, principal, deputy, _ = people
    service.propose(*case, principal, resolution=R.BANK_CONFIRMED)
    assert refused(lambda: service.approve(*case, principal), ForbiddenError) == "forbidden"
    service.approve(*case, deputy)


def test_only_a_principal_approves_or_refuses(nights, case, people):
    accountant, principal, _, operator = people
    service.propose(*case, principal, resolution=R.BANK_CONFIRMED)
    for who in (accountant, operator):
        assert refused(lambda who=who: service.approve(*case, who), ForbiddenError) == "forbidden"
        assert refused(lambda who=who: service.reject(*case, who, said="x"), ForbiddenError) == "forbidden"
    assert nights.cases() == [("missing_bank", "proposed", "bank_confirmed")]


def test_whoever_proposed_takes_it_back(nights, case, people):
    service.propose(*case, people[0], resolution=R.REFUND)
    service.reject(*case, people[0])
    assert nights.kinds(case[2]) == ["seen", "proposed", "withdrawn"]
    assert refused(lambda: service.approve(*case, people[1]), ConflictError) == "decided_already"


def test_one_approves_what_one_has_read(case, people):
    accountant, principal, *_ = people
    read = service.propose(*case, accountant, resolution=R.REFUND)
    service.reject(*case, accountant)
    newer = service.propose(*case, accountant, resolution=R.REVERSED)
    assert refused(lambda: service.approve(*case, principal, proposal_id=read.id), ConflictError) == "decided_already"
    service.approve(*case, principal, proposal_id=newer.id)


def test_a_proposal_lapses_when_a_night_finds_other_facts(nights, people):
    accountant, principal, *_ = people
    said = nights.said()
    nights.night(nights.item("missing_bank", said=[said]))
    case = nights.session, nights.school.id, nights.ids()[0]
    service.propose(*case, accountant, resolution=R.REVERSED)
    nights.night(nights.item("amount_diff", said=[said], lines=[nights.line(99_000)], amount_vnd=99_000))
    assert nights.cases() == [("amount_diff", "open", None)]
    assert refused(lambda: service.approve(*case, principal), ConflictError) == "decided_already"
    service.propose(*case, accountant, resolution=R.REVERSED)
    nights.night(nights.item("matched", said=[said]))
    assert nights.cases() == [("amount_diff", "resolved", "matched_since")]
    assert refused(lambda: service.approve(*case, principal), ConflictError) == "decided_already"


@pytest.mark.parametrize(
    ("primary_class", "how", "code"),
    [
        ("missing_gateway", R.MATCHED_SINCE, "no_such_end"),
        ("missing_gateway", R.MERGED, "no_such_end"),
        ("missing_gateway", R.CASH, "no_such_end"),
        ("missing_gateway", R.REFUND, "forbidden"),
        ("missing_ledger", R.OTHER, "no_note"),
        ("missing_ledger", R.WRITTEN_OFF, "no_note"),
        ("fee_netted", R.ACCEPTED_DIFFERENCE, "no_note"),
    ],
)
def test_ends_that_a_class_does_not_know_or_that_need_more_are_refused(nights, people, primary_class, how, code):
    nights.night(nights.item(primary_class, lines=[nights.line()]))
    case = nights.session, nights.school.id, nights.ids()[0]
    assert refused(lambda: service.resolve(*case, people[0], resolution=how)) == code
    assert nights.cases()[0][1] == "open"


def test_what_needs_no_second_person_is_ended_by_one(nights, people):
    nights.night(nights.item("only_ledger", rows=[nights.row(cash=True)], flags=["cash"]))
    service.resolve(nights.session, nights.school.id, nights.ids()[0], people[0], resolution=R.CASH)
    assert nights.cases() == [("only_ledger", "resolved", "cash")]


def test_an_operator_works_on_silent_connections_and_strangers_on_nothing(nights, people):
    nights.night(nights.item("missing_gateway", lines=[nights.line()]))
    case = nights.session, nights.school.id, nights.ids()[0]
    stranger = make_school(nights.session)
    for who in (stranger.accountant, stranger.principal, 2**60):
        for work in (
            lambda who=who: service.assign(*case, who, who),
            lambda who=who: service.note(*case, who, "x"),
            lambda who=who: service.propose(*case, who, resolution=R.OTHER, said="x"),
            lambda who=who: service.resolve(*case, who, resolution=R.OTHER, said="x"),
        ):
            assert refused(work) == "forbidden"
    assert refused(lambda: service.assign(*case, people[0], stranger.accountant)) == "no_such_assignee"
    service.assign(*case, people[0], people[3])
    service.resolve(*case, people[3], resolution=R.BANK_CONFIRMED)
    other = (nights.session, stranger.id, case[2])
    assert refused(lambda: service.note(*other, stranger.accountant, "x"), NotFoundError) == "not_found"
    assert refused(lambda: service.approve(*other, stranger.principal), NotFoundError) == "not_found"


def test_many_at_once_or_none(nights, people):
    accountant = people[0]
    nights.night(*(nights.item("missing_ledger", lines=[nights.line()], amount_vnd=number) for number in (5, 6, 7)))
    key = nights.session, nights.school.id, nights.ids(), accountant
    service.assign_many(*key, assignee_id=accountant, expected=Bulk(3, 18))
    assert {state for _, state, _ in nights.cases()} == {"assigned"}
    for expected in (Bulk(2, 18), Bulk(3, 17)):
        work = lambda expected=expected: service.resolve_many(*key, resolution=R.BOOKED, said="", expected=expected)  # noqa: E731 - a deed to be refused
        assert refused(work, ConflictError) == "changed_meanwhile"
    assert service.resolve_many(*key, resolution=R.BOOKED, said="", expected=Bulk(3, 18)) == Bulk(3, 18)
    assert {state for _, state, _ in nights.cases()} == {"resolved"}
    work = lambda: service.resolve_many(*key, resolution=R.BOOKED, said="", expected=Bulk(3, 18))  # noqa: E731 - as above
    assert refused(work, ConflictError) == "exception_state"
    assert refused(lambda: service.assign_many(*key[:2], [], accountant, assignee_id=None, expected=Bulk(0, 0))) == (
        "nothing_chosen"
    )


def test_one_case_in_need_of_two_people_stops_all_of_them(nights, people):
    nights.night(
        nights.item("missing_ledger", lines=[nights.line()]),
        nights.item("missing_ledger", lines=[nights.line()], flags=["amount_diff"]),
    )
    key = nights.session, nights.school.id, nights.ids(), people[0]
    work = lambda: service.resolve_many(*key, resolution=R.BOOKED, said="", expected=Bulk(2, 2 * X_VND))  # noqa: E731 - a deed to be refused
    assert refused(work) == "forbidden"
    assert {state for _, state, _ in nights.cases()} == {"open"}


def test_counts_equal_the_database(nights, people):
    accountant, principal, *_ = people
    nights.night(
        nights.item("missing_gateway", lines=[nights.line()]),
        nights.item("missing_bank", said=[nights.said()]),
        nights.item("only_ledger", rows=[nights.row()]),
    )
    session, school = nights.session, nights.school.id
    first, second, _ = nights.ids()
    service.assign(session, school, first, accountant, accountant)
    service.propose(session, school, second, accountant, resolution=R.REVERSED)
    with clock.turned_to(OPENED.replace(month=9, day=16)):
        waits = {"open": 3, "mine": 0, "overdue": 1, "second_person": 1, "to_decide": 1}
        assert queries.counts(session, school, accountant) == waits | {"mine": 1, "to_decide": 0}
        assert queries.counts(session, school, principal) == waits
        assert queries.counts(session, school) == waits
        for name, more in {"open": {}, "overdue": {"due": "overdue"}, "second_person": {"state": "proposed"}}.items():
            shown = queries.overview(session, school, Filter(**more), accountant, limit=10, offset=0)
            assert (shown.total.count, len(shown.rows)) == (waits[name], waits[name])
    with clock.turned_to(OPENED.replace(month=9, day=12)):
        assert queries.counts(session, school)["overdue"] == 0


APPROVED_ALONE = """
    INSERT INTO exception_event (school_id, exception_id, kind, at, actor_id, state, resolution, proposal_id,
        proposed_by, detail)
    SELECT school_id, exception_id, 'approved', at, actor_id, 'resolved', resolution, id, actor_id, '{}'
    FROM exception_event WHERE kind = 'proposed' AND school_id = :school
"""
RESOLVED_ALONE = """
    INSERT INTO exception_event (school_id, exception_id, kind, at, actor_id, state, resolution, detail)
    SELECT school_id, exception_id, 'resolved', at, :actor, 'resolved', 'reversed', '{}'
    FROM exception_event WHERE kind = 'seen' AND school_id = :school
"""
ANOTHER_AUTHOR = """
    INSERT INTO exception_event (school_id, exception_id, kind, at, actor_id, state, resolution, proposal_id,
        proposed_by, detail)
    SELECT school_id, exception_id, 'approved', at, actor_id, 'resolved', resolution, id, :other, '{}'
    FROM exception_event WHERE kind = 'proposed' AND school_id = :school
"""
ANOTHER_END = """
    INSERT INTO exception_event (school_id, exception_id, kind, at, actor_id, state, resolution, proposal_id,
        proposed_by, detail)
    SELECT school_id, exception_id, 'approved', at, :other, 'resolved', 'refund', id, actor_id, '{}'
    FROM exception_event WHERE kind = 'proposed' AND school_id = :school
"""


@pytest.mark.parametrize(
    ("statement", "guard", "teeth"),
    [
        (APPROVED_ALONE, "two_people", "ALTER TABLE exception_event DROP CONSTRAINT ck__exception_event__two_people"),
        (
            RESOLVED_ALONE,
            "one proposes and another one approves",
            "ALTER TABLE exception_event DISABLE TRIGGER guard_exception_event",
        ),
        (
            ANOTHER_AUTHOR,
            "fk__exception_event__proposal",
            "ALTER TABLE exception_event DROP CONSTRAINT fk__exception_event__proposal",
        ),
        (
            ANOTHER_END,
            "fk__exception_event__proposal",
            "ALTER TABLE exception_event DROP CONSTRAINT fk__exception_event__proposal",
        ),
    ],
)
def test_nothing_already_paid_is_reversed_without_two_people(nights, people, statement, guard, teeth):
    """The database refuses whoever goes past the service; with the guard away the same statement passes (teeth)."""
    paid = issue(nights.session, nights.school, X_VND)
    nights.night(nights.item("missing_bank", said=[nights.said(X_VND, paid.reference)]))
    case = nights.session, nights.school.id, nights.ids()[0]
    before = state_of(nights.session, nights.school, paid)
    if statement != RESOLVED_ALONE:
        service.propose(*case, people[0], resolution=R.REVERSED)
    values = {"school": nights.school.id, "actor": people[0], "other": people[1]}
    with pytest.raises(IntegrityError, match=guard), nights.session.begin_nested():
        nights.session.execute(text(statement), values)
    assert nights.cases()[0][1] != "resolved"
    nights.session.execute(text(teeth))
    nights.session.execute(text(statement), values)
    assert nights.cases()[0][1] == "resolved"
    # An exception is a record: even then no invoice was touched.
    assert state_of(nights.session, nights.school, paid) == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE exception_event SET note = 'x'",
        "DELETE FROM exception_event",
        "TRUNCATE exception_event",
        "DELETE FROM reconcile_exception",
        "UPDATE reconcile_exception SET first_seen_at = first_seen_at - interval '1 day'",
        (
            "INSERT INTO exception_event (school_id, exception_id, kind, at, actor_id, state, detail)"
            " SELECT school_id, exception_id, 'noted', at, :actor, 'resolved', '{}' FROM exception_event"
        ),
        (
            "INSERT INTO exception_event (school_id, exception_id, kind, at, actor_id, state, resolution, detail)"
            " SELECT school_id, exception_id, 'matched_since', at, :actor, 'resolved', 'matched_since', '{}'"
            " FROM exception_event"
        ),
        (
            "INSERT INTO exception_event (school_id, exception_id, kind, at, actor_id, state, detail)"
            " SELECT school_id, exception_id, 'reopened', at, :actor, 'open', '{}' FROM exception_event"
        ),
    ],
)
def test_the_database_refuses_what_must_never_happen_to_events(nights, case, people, statement):
    with pytest.raises(IntegrityError), nights.session.begin_nested():
        nights.session.execute(text(statement), {"actor": people[0]})
    assert nights.kinds(case[2]) == ["seen"]


def test_without_its_trigger_history_could_be_rewritten(nights, case):
    """The teeth of the append-only trigger."""
    nights.session.execute(text("ALTER TABLE exception_event DISABLE TRIGGER append_only"))
    nights.session.execute(text("DELETE FROM exception_event WHERE school_id = :school"), {"school": nights.school.id})
    assert nights.kinds(case[2]) == []


def test_classes_are_counted_in_the_order_of_their_precedence(nights):
    nights.night(
        nights.item("ambiguous", lines=[nights.line()]),
        nights.item("missing_gateway", lines=[nights.line()]),
        nights.item("duplicate", lines=[nights.line()]),
        nights.item("balance_break", note="balance_inside; statement=1"),
    )
    expected = ["balance_break", "duplicate", "ambiguous", "missing_gateway"]
    school = nights.school
    found = queries.overview(nights.session, school.id, Filter(), school.accountant, limit=9, offset=0)
    assert [bucket.key for bucket in found.classes] == expected
    cases = queries.chosen_rows(nights.session, school.id, nights.ids())
    assert [bucket.key for bucket in queries.by_class(cases)] == expected
