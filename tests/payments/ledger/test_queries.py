"""The trial balance is the fold of the journal and sums to zero."""

from datetime import date

import pytest
from sqlalchemy.orm import Session

from payments.ledger.models import EntryKind, LedgerRole
from payments.ledger.queries import trial_balance
from payments.ledger.service import Posting, PostingLine, post
from tests.payments.setting import SchoolSetting

pytestmark = pytest.mark.db


@pytest.fixture
def posted(session: Session, school: SchoolSetting) -> SchoolSetting:
    issue = [
        PostingLine(LedgerRole.RECEIVABLE, None, school.meals, 660_000),
        PostingLine(LedgerRole.INCOME, None, school.meals, -660_000),
    ]
    paid = [
        PostingLine(LedgerRole.BANK, school.account, None, 700_000),
        PostingLine(LedgerRole.RECEIVABLE, None, school.meals, -660_000),
        PostingLine(LedgerRole.CREDIT, school.account, None, -40_000),
    ]
    post(
        session,
        school.id,
        [
            Posting(EntryKind.ISSUE, "round:1", date(2025, 9, 8), issue),
            Posting(EntryKind.SETTLEMENT, "transaction:1", date(2025, 9, 20), paid),
        ],
    )
    return school


def test_the_trial_balance_sums_to_zero(session: Session, posted: SchoolSetting) -> None:
    rows = trial_balance(session, posted.id)
    assert sum(row.balance_vnd for row in rows) == 0
    assert {row.role: row.balance_vnd for row in rows} == {
        LedgerRole.BANK: 700_000,
        LedgerRole.RECEIVABLE: 0,
        LedgerRole.INCOME: -660_000,
        LedgerRole.CREDIT: -40_000,
    }


def test_the_trial_balance_of_a_day_leaves_later_entries_out(session: Session, posted: SchoolSetting) -> None:
    rows = trial_balance(session, posted.id, booked_to=date(2025, 9, 19))
    assert {row.role: row.balance_vnd for row in rows} == {
        LedgerRole.RECEIVABLE: 660_000,
        LedgerRole.INCOME: -660_000,
    }
