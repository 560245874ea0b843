"""Several workers post at once: no deadlock, no cause twice, balances are the fold."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from sqlalchemy import Engine, text

from payments.db import session_scope
from payments.ledger.models import EntryKind, LedgerRole
from payments.ledger.service import Posting, PostingLine, post
from tests.payments.setting import SchoolSetting, make_school

pytestmark = pytest.mark.db

WORKERS = 4
ROUNDS = 15


def posting(school: SchoolSetting, key: str, *, mirrored: bool) -> Posting:
    """Workers touch the same accounts in opposite order."""
    lines = [
        PostingLine(LedgerRole.BANK, school.account, None, 10),
        PostingLine(LedgerRole.SUSPENSE, school.account, None, -4),
        PostingLine(LedgerRole.INCOME, None, school.club, -6),
    ]
    return Posting(EntryKind.SETTLEMENT, key, date(2025, 9, 8), lines[::-1] if mirrored else lines)


def test_workers_that_post_the_same_causes_at_once_post_each_once(engine: Engine) -> None:
    with session_scope(engine) as session:
        school = make_school(session)

    def work(worker: int) -> list[list[int]]:
        entries = []
        for number in range(ROUNDS):
            with session_scope(engine) as session:
                own = posting(school, f"worker:{worker}:{number}", mirrored=worker % 2 == 0)
                shared = posting(school, f"shared:{number}", mirrored=worker % 2 == 1)
                entries.append(post(session, school.id, [own, shared]))
        return entries

    with ThreadPoolExecutor(WORKERS) as pool:
        done = list(pool.map(work, range(WORKERS)))
    for number in range(ROUNDS):
        assert len({entries[number][1] for entries in done}) == 1
    with session_scope(engine) as session:
        assert session.scalar(text("SELECT count(*) FROM ledger_entry")) == WORKERS * ROUNDS + ROUNDS
        off = session.execute(
            text("""
                SELECT account_id FROM ledger_balance AS kept
                WHERE balance_vnd <> (SELECT sum(amount_vnd) FROM ledger_line AS line
                                      WHERE (line.school_id, line.account_id) = (kept.school_id, kept.account_id))
            """)
        ).all()
        assert off == []
