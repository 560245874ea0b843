"""What was planted, row by row: written before the judge looks, opened by the judge alone.

A row is named by what an outsider could point at: a transaction by school, account and the bank's reference, a call
by the SHA-256 of its body, a row of the books by its document number.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from operations.demo.accounts import AccountPlan, spoiled
from operations.demo.deliveries import Kind
from operations.demo.facts import Account, Plan
from operations.demo.paper import document_of
from operations.demo.simulator import Record

Rows = dict[str, Counter[str]]
"""Key of the one vocabulary -> rows, each as often as it must be found."""

BY_KIND: Mapping[Kind, str] = {
    "repeat": "redelivered",
    "forged": "forged",
    "stale": "stale",
    "malformed": "malformed",
    "foreign_account": "foreign_account",
}


def planted(plan: Plan, record: Record, accounts: Sequence[AccountPlan]) -> Rows:
    """All rows that must be found, and no others."""
    rows: Rows = {}
    for key, row in (*_settled(plan), *_reconciled(plan, accounts)):
        rows.setdefault(key, Counter())[row] += 1
    for kind, key in BY_KIND.items():
        rows[key] = Counter(record.bodies.get(kind, {}))
    return rows


def _settled(plan: Plan) -> Iterator[tuple[str, str]]:
    for movement in plan.movements:
        for key in movement.settles_as:
            yield key, place(movement.account, movement.bank_reference)


def _reconciled(plan: Plan, accounts: Sequence[AccountPlan]) -> Iterator[tuple[str, str]]:
    yield "balance_break", place(spoiled(accounts).account)
    by_account = {one.account: one for one in accounts}
    for movement in plan.movements:
        if movement.posted == "twice":
            document = document_of(movement, by_account[movement.account])
            yield movement.reconciles_as, books_place(movement.account, document)
        elif movement.reconciles_as:
            others = [plan.movements[number - 1].bank_reference for number in movement.together_with]
            yield movement.reconciles_as, place(movement.account, *sorted([movement.bank_reference, *others]))
    for row in plan.book_rows:
        yield "only_ledger", books_place(row.account, row.document_no)


def place(account: Account, *references: str) -> str:
    """School, account, and the bank's references of all that belongs to a case."""
    return "/".join((account.school_code, account.label, "+".join(references))).removesuffix("/")


def books_place(account: Account, document: str) -> str:
    """A row that only the books know."""
    return f"{account.school_code}/books/{document}"


def write(path: Path, rows: Rows) -> None:
    """Keep the truth for the judge."""
    path.write_text(json.dumps({key: dict(sorted(found.items())) for key, found in sorted(rows.items())}, indent=1))


def read(path: Path) -> Rows:
    """What was kept."""
    return {key: Counter(found) for key, found in json.loads(path.read_text()).items()}
