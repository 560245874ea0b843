"""Reads of the books: accounts, entries by cause, the trial balance, and the school's own account codes."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from payments.errors import DomainError
from payments.ledger.models import ChartMapping, Entry, EntryLine, LedgerAccount, LedgerRole


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


class TrialRow(NamedTuple):
    """What one account moved, in đồng: debits, credits (both as positive numbers) and the balance between them."""

    role: LedgerRole
    receiving_account_id: int | None
    fee_item_id: int | None
    debit_vnd: int
    credit_vnd: int

    @property
    def balance_vnd(self) -> int:
        """Positive: debit balance."""
        return self.debit_vnd - self.credit_vnd


def trial_balance(session: Session, school_id: int, *, booked_to: date | None = None) -> list[TrialRow]:
    """The fold of the journal by account, up to a day or in all; its balances sum to zero (invariant I1)."""
    amount = EntryLine.amount_vnd
    account_key = (LedgerAccount.role, LedgerAccount.receiving_account_id, LedgerAccount.fee_item_id)
    folded = (
        select(
            *account_key,
            func.coalesce(func.sum(amount).filter(amount > 0), 0),
            func.coalesce(func.sum(-amount).filter(amount < 0), 0),
        )
        .join(
            EntryLine,
            (EntryLine.school_id == LedgerAccount.school_id) & (EntryLine.account_id == LedgerAccount.id),
        )
        .where(LedgerAccount.school_id == school_id)
        .group_by(LedgerAccount.id, *account_key)
        .order_by(*account_key)
    )
    if booked_to is not None:
        folded = folded.join(Entry, (Entry.school_id == EntryLine.school_id) & (Entry.id == EntryLine.entry_id)).where(
            Entry.booked_on <= booked_to
        )
    return [
        TrialRow(role, receiving, fee, int(debit_vnd), int(credit_vnd))
        for role, receiving, fee, debit_vnd, credit_vnd in session.execute(folded)
    ]


@dataclass(frozen=True)
class ChartCodes:
    """A school's mapping to its chart: the row of a fee item first, then that of its legal group, then the role's."""

    chart: str
    codes: Mapping[tuple[LedgerRole, str | None, int | None], str]
    unconfirmed: frozenset[str]
    """Codes that the accountant has not confirmed yet."""

    def code(self, role: LedgerRole, *, legal_group: str | None = None, fee_item_id: int | None = None) -> str:
        """The account code to post to. Raises DomainError ``no_account_code`` when the mapping has a gap."""
        of_the_item = [(role, None, fee_item_id)] if fee_item_id is not None else []
        for key in (*of_the_item, (role, legal_group, None), (role, None, None)):
            if key in self.codes:
                return self.codes[key]
        raise DomainError(
            "no_account_code",
            f"Hệ thống tài khoản {self.chart} chưa có tài khoản cho mục «{role.value}»; hãy bổ sung trong phần ánh xạ.",
            f"The chart {self.chart} has no account for {role.value!r}; add it to the mapping.",
        )


def chart_codes(session: Session, school_id: int, chart: str) -> ChartCodes:
    """The mapping of a school to one chart; empty when no preset was loaded."""
    rows = session.scalars(
        select(ChartMapping).where(ChartMapping.school_id == school_id, ChartMapping.chart == chart)
    ).all()
    return ChartCodes(
        chart,
        {(row.role, row.legal_group, row.fee_item_id): row.account_code for row in rows},
        frozenset(row.account_code for row in rows if not row.confirmed),
    )
