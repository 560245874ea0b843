"""The database's own guards of the books: the four bad writes of facts/settlement, and their teeth."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from payments.db import session_scope
from payments.ledger.models import EntryKind, LedgerRole
from payments.ledger.service import Posting, PostingLine, post
from tests.payments.setting import SchoolSetting, make_school

pytestmark = pytest.mark.db

DAY = date(2025, 9, 8)


class Books:
    """A school with one posted entry, and raw access to its books."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        with session_scope(engine) as session:
            self.school: SchoolSetting = make_school(session)
            lines = [
                PostingLine(LedgerRole.BANK, self.school.account, None, 1_000),
                PostingLine(LedgerRole.SUSPENSE, self.school.account, None, -1_000),
            ]
            posting = Posting(EntryKind.SETTLEMENT, "transaction:1", DAY, lines)
            self.entry = post(session, self.school.id, [posting])[0]
            self.debit, self.credit = session.scalars(
                text("SELECT account_id FROM ledger_line ORDER BY amount_vnd DESC")
            ).all()

    def insert_entry(self, session: Session, key: str) -> int:
        entry_id = session.scalar(
            text("""
                INSERT INTO ledger_entry (school_id, kind, source_key, booked_on, posted_at)
                VALUES (:school, 'settlement', :key, '2025-09-08', now()) RETURNING id
            """),
            {"school": self.school.id, "key": key},
        )
        assert isinstance(entry_id, int)
        return entry_id

    def insert_line(self, session: Session, entry: int, account: int, amount_vnd: int) -> None:
        session.execute(
            text("""
                INSERT INTO ledger_line (school_id, entry_id, account_id, amount_vnd)
                VALUES (:school, :entry, :account, :amount)
            """),
            {"school": self.school.id, "entry": entry, "account": account, "amount": amount_vnd},
        )


def unbalanced_lines(books: Books, session: Session) -> None:
    entry = books.insert_entry(session, "bad")
    books.insert_line(session, entry, books.debit, 5)
    books.insert_line(session, entry, books.credit, -4)


def entry_without_lines(books: Books, session: Session) -> None:
    books.insert_entry(session, "bad")


def line_added_later(books: Books, session: Session) -> None:
    books.insert_line(session, books.entry, books.debit, 5)


def balanced_pair_added_later(books: Books, session: Session) -> None:
    books.insert_line(session, books.entry, books.debit, 5)
    books.insert_line(session, books.entry, books.credit, -5)


BAD_WRITES = [unbalanced_lines, entry_without_lines, line_added_later, balanced_pair_added_later]


@pytest.fixture
def books(engine: Engine) -> Books:
    return Books(engine)


@contextmanager
def without(engine: Engine, *triggers: str) -> Iterator[None]:
    tables = {"line_balances": "ledger_line", "entry_balances": "ledger_entry", "append_only": "ledger_line"}
    with session_scope(engine) as session:
        for trigger in triggers:
            session.execute(text(f"DROP TRIGGER {trigger} ON {tables[trigger]}"))
    yield


@pytest.mark.parametrize("bad_write", BAD_WRITES)
def test_a_bad_write_is_refused(books: Books, bad_write: Callable[[Books, Session], None]) -> None:
    with pytest.raises(DBAPIError), session_scope(books.engine) as session:
        bad_write(books, session)


def test_balanced_lines_in_two_statements_are_accepted(books: Books) -> None:
    with session_scope(books.engine) as session:
        entry = books.insert_entry(session, "good")
        books.insert_line(session, entry, books.debit, 5)
        books.insert_line(session, entry, books.credit, -5)


@pytest.mark.parametrize(
    ("triggers", "bad_write"),
    [
        (("line_balances", "entry_balances"), unbalanced_lines),
        (("entry_balances",), entry_without_lines),
        (("line_balances",), line_added_later),
        (("line_balances",), balanced_pair_added_later),
    ],
)
def test_without_its_trigger_the_bad_write_passes(
    books: Books, triggers: tuple[str, ...], bad_write: Callable[[Books, Session], None]
) -> None:
    with without(books.engine, *triggers), session_scope(books.engine) as session:
        bad_write(books, session)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ledger_line SET amount_vnd = amount_vnd + 1",
        "UPDATE ledger_entry SET booked_on = booked_on + 1",
        "DELETE FROM ledger_line",
        "DELETE FROM ledger_entry",
        "TRUNCATE ledger_line",
        "TRUNCATE ledger_entry CASCADE",
    ],
)
def test_posted_rows_cannot_be_changed_or_taken_away(books: Books, change: str) -> None:
    with pytest.raises(DBAPIError, match="append-only"), session_scope(books.engine) as session:
        session.execute(text(change))


def test_without_its_trigger_a_line_can_be_changed(books: Books) -> None:
    with without(books.engine, "append_only"), session_scope(books.engine) as session:
        changed = session.execute(text("UPDATE ledger_line SET amount_vnd = amount_vnd * 2 RETURNING id"))
        assert len(changed.all()) == 2


def test_a_line_cannot_name_an_account_of_another_school(books: Books) -> None:
    with session_scope(books.engine) as session:
        stranger = make_school(session)
        lines = [
            PostingLine(LedgerRole.BANK, stranger.account, None, 7),
            PostingLine(LedgerRole.SUSPENSE, stranger.account, None, -7),
        ]
        post(session, stranger.id, [Posting(EntryKind.SETTLEMENT, "transaction:1", DAY, lines)])
        foreign = session.scalar(
            text("SELECT max(account_id) FROM ledger_line WHERE school_id = :school"), {"school": stranger.id}
        )
        assert isinstance(foreign, int)
    with pytest.raises(DBAPIError, match="fk__"), session_scope(books.engine) as session:
        books.insert_line(session, books.insert_entry(session, "bad"), foreign, 7)
