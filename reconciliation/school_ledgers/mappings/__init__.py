"""Mappings of accounting exports as versioned data files: what each column of a school's books is called."""

from collections.abc import Mapping
from functools import cache

from bank_adapters.statements.layouts import Layout, layout_from, load

NEEDED = frozenset({"booked_on", "description", "debit", "credit"})
COLUMNS = NEEDED | {
    "document_no",
    "document_date",
    "account",
    "contra_account",
    "balance",
    "balance_debit",
    "balance_credit",
    "reference",
    "method",
    "payer",
}


@cache
def built_in() -> tuple[Layout, ...]:
    """Return the mappings that come with the package, by name."""
    return load("reconciliation.school_ledgers.mappings", NEEDED, COLUMNS)


def mapping_from(data: Mapping[str, object]) -> Layout:
    """Check a mapping of a school's own; raises StatementError naming the key that is wrong."""
    return layout_from(data, NEEDED, COLUMNS)
