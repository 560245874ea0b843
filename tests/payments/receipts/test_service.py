"""Receipt numbers have no gaps, and a revoked receipt keeps its number."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import text

from payments import clock
from payments.receipts.service import ReceiptItem, number_receipts, revoke
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
