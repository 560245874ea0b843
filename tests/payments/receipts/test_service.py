"""Receipt numbers have no gaps, and a revoked receipt keeps its number."""

import threading
import time
from contextlib import suppress
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import text

from payments import clock
from payments.db import session_scope
from payments.receipts.service import ReceiptItem, number_receipts, revoke
from tests.payments.setting import make_school
from tests.payments.settlement.setting import arrive

pytestmark = pytest.mark.db


@pytest.fixture
def item(session, school):
    return ReceiptItem(arrive(session, school, 5_000, "x"), school.pupil, 5_000, date(2025, 9, 10))


def test_numbers_follow_each_other_within_a_year(session, school, item):
    with clock.turned_to(datetime(2025, 12, 31, tzinfo=UTC)):
        assert number_receipts(session, school.id, [item, item]) == [1, 2]
        assert number_receipts(session, school.id, [item]) == [3]
    with clock.turned_to(datetime(2026, 1, 2, tzinfo=UTC)):
        assert number_receipts(session, school.id, [item]) == [1]


def test_nothing_to_number_takes_no_number(session, school, item):
    assert number_receipts(session, school.id, []) == []
    assert number_receipts(session, school.id, [item]) == [1]


def test_a_revoked_receipt_keeps_its_number_and_says_why(session, school, item):
    number_receipts(session, school.id, [item])
    revoke(session, school.id, [item.transaction_id], "reversal")
    assert session.execute(text("SELECT number, revoked_reason FROM receipt")).all() == [(1, "reversal")]
    assert number_receipts(session, school.id, [item]) == [2]


def test_codes_for_the_public_check_are_all_different(session, school, item):
    number_receipts(session, school.id, [item] * 50)
    assert session.scalar(text("SELECT count(DISTINCT verify_code) FROM receipt")) == 50


class CrashError(Exception):
    """A transaction that numbered receipts and then fell over."""


def number_at_once(engine, school_id: int, item: ReceiptItem, workers: int, rounds: int) -> None:
    """Many transactions number receipts of one school at the same moment; every third one fails after numbering."""

    def once(size: int, *, fails: bool) -> None:
        with session_scope(engine) as session:
            number_receipts(session, school_id, [item] * size)
            time.sleep(0.002)
            if fails:
                raise CrashError

    def work(worker: int) -> None:
        for turn in range(rounds):
            with suppress(CrashError):
                once(1 + worker % 3, fails=(worker + turn) % 3 == 0)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_transactions_at_the_same_moment_leave_no_gap_and_no_number_twice(engine):
    with session_scope(engine) as session:
        schools = [make_school(session) for _ in range(2)]
        items = [
            ReceiptItem(arrive(session, school, 5_000, "x"), school.pupil, 5_000, date(2025, 9, 10))
            for school in schools
        ]
    number_at_once(engine, schools[0].id, items[0], workers=8, rounds=6)
    number_at_once(engine, schools[1].id, items[1], workers=2, rounds=2)
    with session_scope(engine) as session:
        for school in schools:
            numbers = session.scalars(
                text("SELECT number FROM receipt WHERE school_id = :id ORDER BY number"), {"id": school.id}
            ).all()
            assert numbers == list(range(1, len(numbers) + 1))
            assert numbers


def test_a_sequence_instead_of_the_counter_would_leave_gaps(engine, monkeypatch):
    """What the test above notices: numbers that a failed transaction takes away with it."""
    with session_scope(engine) as session:
        school = make_school(session)
        item = ReceiptItem(arrive(session, school, 5_000, "x"), school.pupil, 5_000, date(2025, 9, 10))
        session.execute(text("CREATE SEQUENCE easy"))
    monkeypatch.setattr(
        "payments.receipts.service.NUMBERS",
        text("SELECT nextval('easy') FROM (SELECT :school_id, :year, :series, :count) AS unused"),
    )
    number_at_once(engine, school.id, item, workers=1, rounds=5)
    with session_scope(engine) as session:
        numbers = session.scalars(text("SELECT number FROM receipt ORDER BY number")).all()
    assert numbers != list(range(1, len(numbers) + 1))
