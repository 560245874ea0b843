"""Use cases: files in, days reconciled, what came late caught up on, periods signed and reopened."""

from reconciliation.catching_up import catch_up, reconcile_school
from reconciliation.closing.reopening import approve_reopening, propose_reopening, refuse_reopening
from reconciliation.closing.service import Request, add_signature, close_period
from reconciliation.ledger_import import LedgerReport, import_ledger
from reconciliation.ledger_placing import set_book_account
from reconciliation.statement_import import StatementReport, import_statement
from reconciliation.together import reconcile_day

__all__ = [
    "LedgerReport",
    "Request",
    "StatementReport",
    "add_signature",
    "approve_reopening",
    "catch_up",
    "close_period",
    "import_ledger",
    "import_statement",
    "propose_reopening",
    "reconcile_day",
    "reconcile_school",
    "refuse_reopening",
    "set_book_account",
]
