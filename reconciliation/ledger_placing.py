"""Which rows of the school's books hold money, and to which receiving account each of them belongs.

Only rows of money accounts count: group 112 (deposits) and 111 (cash). Which receiving account a code of group 112
stands for is said by the school (``book_account``), else by the payment references of its rows, else it is clear
because there is only one. Rows that nobody can place are reported and not reconciled.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from payments.errors import DomainError
from payments.invoices import reference
from reconciliation.models import BookAccount
from reconciliation.queries import accounts_in_play
from reconciliation.school_ledgers.model import LedgerRow

DEPOSITS = "112"
CASH = "111"


@dataclass(frozen=True, slots=True)
class Placed:
    """A row with its key, its payment references and the receiving account it belongs to."""

    row: LedgerRow
    key: str
    references: tuple[str, ...]
    account_id: int | None


_ACCOUNTS_OF_INVOICES = text("""
    SELECT reference, receiving_account_id FROM invoice
    WHERE school_id = :school_id AND reference = ANY(CAST(:names AS text[]))
    UNION ALL
    SELECT reference, receiving_account_id FROM bundle
    WHERE school_id = :school_id AND reference = ANY(CAST(:names AS text[]))
""")


def set_book_account(session: Session, school_id: int, code: str, account_id: int) -> None:
    """Say which receiving account a code of the books stands for; it holds for rows that were imported before, too.

    Raises DomainError ``bad_account_code``.
    """
    if not code.startswith(DEPOSITS):
        raise DomainError(
            "bad_account_code",
            f"Số hiệu «{code}» không thuộc nhóm tiền gửi {DEPOSITS}, ví dụ 1121.02.",
            f"The code {code!r} is not of the group of deposits {DEPOSITS}, for example 1121.02.",
        )
    saying = insert(BookAccount).values(school_id=school_id, code=code, account_id=account_id)
    session.execute(saying.on_conflict_do_update(index_elements=["school_id", "code"], set_={"account_id": account_id}))


def holds_money(row: LedgerRow) -> bool:
    """Rows of groups 111 and 112; a row without code is one of the account that was exported."""
    return row.is_cash or row.account_code is None or row.account_code.startswith((DEPOSITS, CASH))


def place_rows(
    session: Session, school_id: int, rows: Sequence[LedgerRow], keys: Sequence[str]
) -> tuple[list[Placed], dict[str, int]]:
    """Give every row its receiving account; return also the codes of group 112 that stand for none, with their rows."""
    found = [
        tuple(dict.fromkeys([*reference.find(row.reference or ""), *reference.find(row.description)])) for row in rows
    ]
    by_reference = _accounts_by_reference(session, school_id, {name for names in found for name in names})
    own = [next((by_reference[name] for name in names if name in by_reference), None) for names in found]
    by_code = _accounts_by_code(session, school_id, rows, own)
    unplaced: Counter[str] = Counter()
    placed = []
    for row, key, names, named in zip(rows, keys, found, own, strict=True):
        code = row.account_code or ""
        account_id = named if row.is_cash else by_code.get(code, named)
        if account_id is None and not row.is_cash:
            unplaced[code] += 1
        placed.append(Placed(row, key, names, account_id))
    return placed, dict(sorted(unplaced.items()))


def _accounts_by_reference(session: Session, school_id: int, names: set[str]) -> dict[str, int]:
    rows = session.execute(_ACCOUNTS_OF_INVOICES, {"school_id": school_id, "names": sorted(names)})
    return {row.reference: row.receiving_account_id for row in rows}


def _accounts_by_code(
    session: Session, school_id: int, rows: Sequence[LedgerRow], own: Sequence[int | None]
) -> dict[str, int]:
    """Code -> receiving account: said by a person, else where most of its rows' references point, else the only one."""
    known = session.execute(select(BookAccount.code, BookAccount.account_id).where(BookAccount.school_id == school_id))
    said = {row.code: row.account_id for row in known}
    votes: dict[str, Counter[int]] = defaultdict(Counter)
    for row, account_id in zip(rows, own, strict=True):
        if not row.is_cash:
            votes[row.account_code or ""].update([] if account_id is None else [account_id])
    live = accounts_in_play(session, school_id)
    codes: dict[str, int] = {}
    for code, voted in votes.items():
        leader = voted.most_common(1)
        if leader and leader[0][1] * 2 > voted.total():
            codes[code] = leader[0][0]
        elif not voted and len(live) == 1 and len(votes) == 1:
            codes[code] = live[0]
    return codes | said
