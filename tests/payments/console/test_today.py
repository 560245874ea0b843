"""«Việc hôm nay» counts what is in the database, and nothing of another school."""

from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import clock
from payments.banking.models import ConnectionAccount
from payments.console import today
from payments.settlement.settling import settle_transactions
from tests.payments.inbox.evidence import make_connection
from tests.payments.setting import SchoolSetting, make_school
from tests.payments.settlement.setting import arrive, issue

pytestmark = pytest.mark.db
DAY = date(2025, 9, 8)
TELL = """
    INSERT INTO raw_callback (connection_id, received_at, sealed, body_sha256, body_bytes, outcome, reason)
    VALUES (:connection, :at, '', '', 0, :outcome, 'ok')
"""


def connect(session: Session, school: SchoolSetting) -> int:
    """A connection that reports on the school's account."""
    connection = make_connection(session)
    session.add(
        ConnectionAccount(
            connection_id=connection, school_id=school.id, account_id=school.account, kind="number", identifier="1"
        )
    )
    session.flush()
    return connection


def counts(session: Session, school_id: int, user_id: int, day: date = DAY) -> dict[str, int]:
    return dict(today.counts(session, school_id, user_id, day))


def test_each_kind_of_payment_is_counted_where_it_belongs(session: Session) -> None:
    school, other = make_school(session), make_school(session)
    short, over, exact = (issue(session, school, 100_000) for _ in range(3))
    paid = [
        arrive(session, school, 40_000, short.reference),
        arrive(session, school, 130_000, over.reference),
        arrive(session, school, 100_000, exact.reference),
        arrive(session, school, 100_000, exact.reference),
        arrive(session, school, 70_000, "khong ghi ma"),
    ]
    settle_transactions(session, school.id, paid)
    found = counts(session, school.id, school.accountant)
    assert (found["short"], found["short_vnd"]) == (1, 60_000)
    assert (found["over"], found["over_vnd"]) == (1, 130_000)
    assert found["twice"] == 1
    assert (found["unmatched"], found["unmatched_vnd"]) == (1, 70_000)
    assert not any(counts(session, other.id, other.accountant).values())


def test_money_of_the_day_is_counted_on_its_day_only(session: Session) -> None:
    school = make_school(session)
    transaction = arrive(session, school, 100_000, issue(session, school, 100_000).reference)
    settle_transactions(session, school.id, [transaction])
    day = session.scalar(text("SELECT value_date FROM bank_transaction WHERE id = :id"), {"id": transaction})
    assert isinstance(day, date)
    found = [counts(session, school.id, school.accountant, day + timedelta(days=n)) for n in (-1, 0, 1)]
    assert [(one["today"], one["today_vnd"]) for one in found] == [(0, 0), (1, 100_000), (0, 0)]


def test_an_invoice_is_overdue_from_the_day_after(session: Session) -> None:
    school = make_school(session)
    due = session.scalar(text("SELECT due_on FROM invoice WHERE id = :id"), {"id": issue(session, school, 90_000).id})
    assert isinstance(due, date)
    assert counts(session, school.id, school.accountant, due)["overdue"] == 0
    late = counts(session, school.id, school.accountant, due + timedelta(days=1))
    assert (late["overdue"], late["overdue_vnd"]) == (1, 90_000)


def test_a_channel_that_told_nothing_is_shown_as_silent(session: Session) -> None:
    school = make_school(session)
    connect(session, school)
    (heard,) = today.channels(session, school.id, clock.now())
    assert (heard.at, heard.tone) == (None, "danger")


@pytest.mark.parametrize(
    ("age", "tone"), [(timedelta(hours=1), "ok"), (timedelta(hours=30), "warn"), (timedelta(days=4), "danger")]
)
def test_a_channel_is_judged_by_its_last_believed_message(session: Session, age: timedelta, tone: str) -> None:
    school = make_school(session)
    connection = connect(session, school)
    now = clock.now()
    for outcome, at in (("accepted", now - age), ("bad_signature", now)):
        session.execute(text(TELL), {"connection": connection, "at": at, "outcome": outcome})
    (heard,) = today.channels(session, school.id, now)
    assert (heard.at, heard.tone) == (now - age, tone)


def test_rooms_above_add_their_cards_in_turn() -> None:
    app = Flask("cards")
    today.register_cards(app, lambda _session, _desk: [])
    today.register_cards(app, lambda _session, _desk: [])
    assert len(app.extensions[today.CARDS]) == 2
