"""Posting: once for each cause, balanced, with balances that are the fold of the lines."""

from datetime import date

import pytest
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from payments.errors import ConflictError, DomainError, NotFoundError
from payments.ledger.models import EntryKind, LedgerRole
from payments.ledger.service import Posting, PostingLine, post, reverse
from tests.payments.setting import SchoolSetting, make_school

pytestmark = pytest.mark.db

DAY = date(2025, 9, 8)


def paid(school: SchoolSetting, key: str, amount_vnd: int = 660_000) -> Posting:
    return Posting(
        EntryKind.SETTLEMENT,
        key,
        DAY,
        [
            PostingLine(LedgerRole.BANK, school.account, None, amount_vnd),
            PostingLine(LedgerRole.RECEIVABLE, None, school.meals, -amount_vnd),
        ],
    )


def balances(session: Session, school: SchoolSetting) -> dict[str, int]:
    rows = session.execute(
        text("""
            SELECT account.role, balance.balance_vnd FROM ledger_balance AS balance
            JOIN ledger_account AS account ON (account.school_id, account.id) = (balance.school_id, balance.account_id)
            WHERE balance.school_id = :school
        """),
        {"school": school.id},
    )
    return {row.role: row.balance_vnd for row in rows}


def fold(session: Session, school: SchoolSetting) -> dict[str, int]:
    rows = session.execute(
        text("""
            SELECT account.role, sum(line.amount_vnd) AS total FROM ledger_line AS line
            JOIN ledger_account AS account ON (account.school_id, account.id) = (line.school_id, line.account_id)
            WHERE line.school_id = :school GROUP BY account.role
        """),
        {"school": school.id},
    )
    return {row.role: int(row.total) for row in rows}


def test_a_posting_moves_both_accounts(session: Session, school: SchoolSetting) -> None:
    post(session, school.id, [paid(school, "transaction:1")])
    assert balances(session, school) == {"bank": 660_000, "receivable": -660_000}
    session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))


def test_balances_are_the_fold_of_all_lines(session: Session, school: SchoolSetting) -> None:
    post(session, school.id, [paid(school, f"transaction:{number}", 1_000 + number) for number in range(50)])
    post(session, school.id, [paid(school, "transaction:50", 7)])
    assert balances(session, school) == fold(session, school) != {}


def test_the_same_cause_posts_once(session: Session, school: SchoolSetting) -> None:
    first = post(session, school.id, [paid(school, "transaction:1")])
    again = post(session, school.id, [paid(school, "transaction:2"), paid(school, "transaction:1")])
    assert again[1] == first[0]
    assert balances(session, school)["bank"] == 2 * 660_000


def test_the_same_cause_twice_in_one_call_posts_once(session: Session, school: SchoolSetting) -> None:
    entries = post(session, school.id, [paid(school, "transaction:1"), paid(school, "transaction:1")])
    assert entries[0] == entries[1]
    assert balances(session, school)["bank"] == 660_000


def test_a_known_cause_with_another_amount_is_refused(session: Session, school: SchoolSetting) -> None:
    post(session, school.id, [paid(school, "transaction:1")])
    with pytest.raises(ConflictError, match="posted_otherwise"):
        post(session, school.id, [paid(school, "transaction:1", 1)])
    with pytest.raises(ConflictError, match="posted_otherwise"):
        post(session, school.id, [paid(school, "transaction:2", 1), paid(school, "transaction:2", 2)])


@pytest.mark.parametrize("amounts", [(), (5,), (5, -4), (0, 0)])
def test_a_posting_that_is_not_balanced_is_refused(
    session: Session, school: SchoolSetting, amounts: tuple[int, ...]
) -> None:
    lines = [PostingLine(LedgerRole.BANK, school.account, None, amount) for amount in amounts]
    with pytest.raises(DomainError, match="unbalanced"):
        post(session, school.id, [Posting(EntryKind.SETTLEMENT, "transaction:1", DAY, lines)])


def test_the_number_of_statements_does_not_grow_with_the_postings(session: Session, school: SchoolSetting) -> None:
    statements: list[str] = []
    connection = session.connection()
    event.listen(connection, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    post(session, school.id, [paid(school, f"transaction:{number}") for number in range(1_000)])
    assert len(statements) <= 6


def test_a_reversal_is_the_mirror_image_and_happens_once(session: Session, school: SchoolSetting) -> None:
    entry = post(session, school.id, [paid(school, "transaction:1")])[0]
    undone = reverse(session, school.id, entry, "undo:1", DAY)
    assert reverse(session, school.id, entry, "undo:1", DAY) == undone
    assert balances(session, school) == {"bank": 0, "receivable": 0}
    with pytest.raises(ConflictError, match="reversed_already"):
        reverse(session, school.id, entry, "undo:2", DAY)


def test_an_entry_of_another_school_cannot_be_reversed(session: Session, school: SchoolSetting) -> None:
    entry = post(session, school.id, [paid(school, "transaction:1")])[0]
    stranger = make_school(session)
    with pytest.raises(NotFoundError):
        reverse(session, stranger.id, entry, "undo:1", DAY)
