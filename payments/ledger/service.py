"""Post to the books: a few statements whatever the number of postings, balances kept in the same transaction.

Only this module writes ledger lines. Double entry follows the vocabulary of formance/ledger and the measurements of
facts on settlement: arrays through ``unnest``, rows that several transactions share are written in key order.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from payments import clock
from payments.errors import ConflictError, DomainError, NotFoundError
from payments.ledger import queries
from payments.ledger.closed import closed_through, open_day
from payments.ledger.models import Entry, EntryKind, LedgerRole


class AccountKey(NamedTuple):
    """What a ledger account stands for."""

    role: LedgerRole
    receiving_account_id: int | None
    fee_item_id: int | None


@dataclass(frozen=True, slots=True)
class PostingLine:
    """One side of a posting: positive is debit, negative is credit, in đồng, never zero.

    RECEIVABLE and INCOME are kept per fee item, all others per receiving account.
    """

    role: LedgerRole
    receiving_account_id: int | None
    fee_item_id: int | None
    amount_vnd: int

    @property
    def key(self) -> AccountKey:
        """The account it moves."""
        return AccountKey(self.role, self.receiving_account_id, self.fee_item_id)


@dataclass(frozen=True, slots=True)
class Posting:
    """One entry to be: ``source_key`` names its cause, and the same cause posts once."""

    kind: EntryKind
    source_key: str
    booked_on: date
    lines: Sequence[PostingLine]
    reverses_id: int | None = None


def post(session: Session, school_id: int, postings: Sequence[Posting]) -> list[int]:
    """Write the postings of one school and return their entry ids in the same order.

    A cause that was posted before gives the id of its entry and moves nothing. What is dated in a period that the
    school has signed is booked today: the database takes no entry there. Raises DomainError ``unbalanced`` for
    lines that do not sum to zero and ConflictError ``posted_otherwise`` for a known cause with other amounts.
    """
    for posting in postings:
        _require_balance(posting)
    unique = {posting.source_key: posting for posting in postings}
    if len(unique) < len(postings) and any(unique[posting.source_key] != posting for posting in postings):
        raise _posted_otherwise()
    accounts = _ensure_accounts(session, school_id, {line.key for posting in postings for line in posting.lines})
    through = closed_through(session, school_id)
    fresh = _insert_entries(session, school_id, unique.values(), through)
    known = _check_known(session, school_id, [unique[key] for key in unique.keys() - fresh.keys()], accounts)
    lines = [
        (entry_id, accounts[line.key], line.amount_vnd)
        for source_key, entry_id in fresh.items()
        for line in unique[source_key].lines
    ]
    _insert_lines(session, school_id, lines)
    entry_ids = fresh | known
    return [entry_ids[posting.source_key] for posting in postings]


def reverse(session: Session, school_id: int, entry_id: int, source_key: str, booked_on: date) -> int:
    """Take an entry back by its mirror image and return the id of the new entry; the same cause reverses once.

    Raises NotFoundError for an unknown entry and ConflictError ``reversed_already`` when another cause did it before.
    """
    lines = queries.entry_lines(session, school_id, entry_id)
    if not lines:
        raise NotFoundError("Không tìm thấy bút toán.", "There is no such entry.")
    earlier = session.scalar(
        select(Entry.source_key).where(Entry.school_id == school_id, Entry.reverses_id == entry_id)
    )
    if earlier not in {None, source_key}:
        raise ConflictError(
            "reversed_already", "Bút toán này đã được đảo trước đó.", "This entry has been reversed before."
        )
    mirrored = [PostingLine(line.role, line.receiving_account_id, line.fee_item_id, -line.amount_vnd) for line in lines]
    return post(session, school_id, [Posting(EntryKind.REVERSAL, source_key, booked_on, mirrored, entry_id)])[0]


def _require_balance(posting: Posting) -> None:
    amounts = [line.amount_vnd for line in posting.lines]
    if not amounts or 0 in amounts or sum(amounts) != 0:
        raise DomainError(
            "unbalanced",
            f"Bút toán {posting.source_key} không cân: tổng Nợ phải bằng tổng Có.",
            f"Entry {posting.source_key} is not balanced: debits must equal credits.",
        )


def _posted_otherwise() -> ConflictError:
    return ConflictError(
        "posted_otherwise",
        "Bút toán cho nghiệp vụ này đã có với số tiền khác; hãy đảo bút toán cũ trước.",
        "This cause was posted before with other amounts; reverse that entry first.",
    )


def _ensure_accounts(session: Session, school_id: int, keys: set[AccountKey]) -> Mapping[AccountKey, int]:
    accounts = _accounts(session, school_id)
    missing = keys - accounts.keys()
    if not missing:
        return accounts
    # In key order: two transactions that open the same accounts must not wait for each other.
    ordered = sorted(missing, key=lambda key: (key.role, key.receiving_account_id or 0, key.fee_item_id or 0))
    opened = session.execute(
        text("""
            INSERT INTO ledger_account (school_id, role, receiving_account_id, fee_item_id)
            SELECT :school_id, role, receiving_account_id, fee_item_id
            FROM unnest(CAST(:roles AS text[]), CAST(:receiving AS bigint[]), CAST(:fees AS bigint[]))
                AS wanted (role, receiving_account_id, fee_item_id)
            ON CONFLICT DO NOTHING
            RETURNING role, receiving_account_id, fee_item_id, id
        """),
        {
            "school_id": school_id,
            "roles": [key.role.value for key in ordered],
            "receiving": [key.receiving_account_id for key in ordered],
            "fees": [key.fee_item_id for key in ordered],
        },
    )
    accounts |= {AccountKey(LedgerRole(role), receiving, fee): key for role, receiving, fee, key in opened}
    # Another transaction may have opened some of them a moment ago.
    return accounts if keys <= accounts.keys() else _accounts(session, school_id)


def _accounts(session: Session, school_id: int) -> dict[AccountKey, int]:
    return {
        AccountKey(account.role, account.receiving_account_id, account.fee_item_id): account.id
        for account in queries.accounts(session, school_id)
    }


def _insert_entries(
    session: Session, school_id: int, postings: Iterable[Posting], through: date | None
) -> dict[str, int]:
    ordered = sorted(postings, key=lambda posting: posting.source_key)
    inserted = session.execute(
        text("""
            INSERT INTO ledger_entry (school_id, kind, source_key, booked_on, posted_at, reverses_id)
            SELECT :school_id, kind, source_key, booked_on, :posted_at, reverses_id
            FROM unnest(CAST(:kinds AS text[]), CAST(:keys AS text[]), CAST(:days AS date[]),
                        CAST(:reversed AS bigint[])) AS wanted (kind, source_key, booked_on, reverses_id)
            ON CONFLICT (school_id, source_key) DO NOTHING
            RETURNING source_key, id
        """),
        {
            "school_id": school_id,
            "posted_at": clock.now(),
            "kinds": [posting.kind.value for posting in ordered],
            "keys": [posting.source_key for posting in ordered],
            "days": [open_day(through, posting.booked_on) for posting in ordered],
            "reversed": [posting.reverses_id for posting in ordered],
        },
    )
    return {row.source_key: row.id for row in inserted}


def _check_known(
    session: Session, school_id: int, postings: Sequence[Posting], accounts: Mapping[AccountKey, int]
) -> dict[str, int]:
    """The entries of causes that were posted before; their amounts must be the same."""
    if not postings:
        return {}
    entries, amounts = queries.entries_by_source(session, school_id, [posting.source_key for posting in postings])
    for posting in postings:
        wanted: Counter[int] = Counter()
        for line in posting.lines:
            wanted[accounts[line.key]] += line.amount_vnd
        if wanted != Counter(amounts[entries[posting.source_key]]):
            raise _posted_otherwise()
    return entries


def _insert_lines(session: Session, school_id: int, lines: Sequence[tuple[int, int, int]]) -> None:
    """Lines of (entry, account, amount), and the balances they move, those in key order."""
    if not lines:
        return
    session.execute(
        text("""
            INSERT INTO ledger_line (school_id, entry_id, account_id, amount_vnd)
            SELECT :school_id, entry_id, account_id, amount_vnd
            FROM unnest(CAST(:entries AS bigint[]), CAST(:accounts AS bigint[]), CAST(:amounts AS bigint[]))
                AS wanted (entry_id, account_id, amount_vnd)
        """),
        dict(zip(("entries", "accounts", "amounts"), map(list, zip(*lines, strict=True)), strict=True))
        | {"school_id": school_id},
    )
    moved: Counter[int] = Counter()
    for _, account_id, amount_vnd in lines:
        moved[account_id] += amount_vnd
    session.execute(
        text("""
            INSERT INTO ledger_balance (school_id, account_id, balance_vnd)
            SELECT :school_id, account_id, moved_vnd
            FROM unnest(CAST(:accounts AS bigint[]), CAST(:moved AS bigint[])) AS fold (account_id, moved_vnd)
            ORDER BY account_id
            ON CONFLICT (school_id, account_id)
                DO UPDATE SET balance_vnd = ledger_balance.balance_vnd + excluded.balance_vnd
        """),
        {"school_id": school_id, "accounts": sorted(moved), "moved": [moved[key] for key in sorted(moved)]},
    )
