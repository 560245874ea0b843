"""Use cases: import a statement, import the school's books, reconcile a day, and catch up on what came late."""

from reconciliation.catching_up import catch_up, reconcile_school
from reconciliation.closing import close_period
from reconciliation.ledger_import import LedgerReport, import_ledger, set_book_account
from reconciliation.statement_import import StatementReport, import_statement
from reconciliation.together import reconcile_day

__all__ = [
    "LedgerReport",
    "StatementReport",
    "catch_up",
    "close_period",
    "import_ledger",
    "import_statement",
    "reconcile_day",
    "reconcile_school",
    "set_book_account",
]
