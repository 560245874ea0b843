"""Use cases: import a statement, import the school's books, reconcile a day."""

from reconciliation.ledger_import import LedgerReport, import_ledger
from reconciliation.night import reconcile_day
from reconciliation.statement_import import StatementReport, import_statement

__all__ = ["LedgerReport", "StatementReport", "import_ledger", "import_statement", "reconcile_day"]
