"""Reads of the books: accounts, entries by cause, balances."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from payments.ledger.models import Entry, EntryLine, LedgerAccount, LedgerRole


class LineRow(NamedTuple):
    """One line of an entry with what its account stands for."""

    role: LedgerRole
    receiving_account_id: int | None
    fee_item_id: int | None
    amount_vnd: int


class AccountRow(NamedTuple):
    """A ledger account of a school."""

    id: int
    role: LedgerRole
    receiving_account_id: int | None
    fee_item_id: int | None


def accounts(session: Session, school_id: int) -> list[AccountRow]:
    """All ledger accounts of a school: some per receiving account and two per fee item, so a few dozen."""
    rows = session.execute(
        select(
            LedgerAccount.id, LedgerAccount.role, LedgerAccount.receiving_account_id, LedgerAccount.fee_item_id
        ).where(LedgerAccount.school_id == school_id)
    )
    return [AccountRow(*row) for row in rows]


def entry_lines(session: Session, school_id: int, entry_id: int) -> list[LineRow]:
    """The lines of one entry in the order they were written; empty when there is no such entry."""
    rows = session.execute(
        select(LedgerAccount.role, LedgerAccount.receiving_account_id, LedgerAccount.fee_item_id, EntryLine.amount_vnd)
        .join(
            LedgerAccount,
            (LedgerAccount.school_id == EntryLine.school_id) & (LedgerAccount.id == EntryLine.account_id),
        )
        .where(EntryLine.school_id == school_id, EntryLine.entry_id == entry_id)
        .order_by(EntryLine.id)
    )
    return [LineRow(*row) for row in rows]


def entries_by_source(
    session: Session, school_id: int, source_keys: Sequence[str]
) -> tuple[dict[str, int], dict[int, dict[int, int]]]:
    """Entry ids by cause, and for each entry what it moved on each account, in đồng."""
    rows = session.execute(
        select(Entry.source_key, Entry.id, EntryLine.account_id, func.sum(EntryLine.amount_vnd))
        .join(EntryLine, (EntryLine.school_id == Entry.school_id) & (EntryLine.entry_id == Entry.id))
        .where(Entry.school_id == school_id, Entry.source_key.in_(source_keys))
        .group_by(Entry.source_key, Entry.id, EntryLine.account_id)
    )
    entries: dict[str, int] = {}
    amounts: dict[int, dict[int, int]] = defaultdict(dict)
    for source_key, entry_id, account_id, amount_vnd in rows:
        entries[source_key] = entry_id
        amounts[entry_id][account_id] = int(amount_vnd)
    return entries, amounts
