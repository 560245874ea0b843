"""What a job keeps for its page: plain JSON values, amounts in đồng, days as ISO texts."""

from collections.abc import Iterable
from typing import Any

import msgspec

from bank_adapters.statements.errors import StatementError
from reconciliation.ledger_import import LedgerPlan, LedgerReport
from reconciliation.statement_import import StatementPlan, StatementReport

ROWS_SHOWN = 12
NOTICES_KEPT = 100
DOUBTS_KEPT = 100
PROBLEMS_KEPT = 200
"""The returned workbook has them all."""


def of_statement(report: StatementReport) -> dict[str, Any]:
    """A statement's report, with its lines counted."""
    found = _plain(report.as_dict())
    found["lines"] = sum(one.lines for one in report.statements)
    found["notices_left_out"] = max(0, len(found["notices"]) - NOTICES_KEPT)
    found["notices"] = found["notices"][:NOTICES_KEPT]
    found["doubts_count"] = len(found["doubts"])
    found["doubts"] = found["doubts"][:DOUBTS_KEPT]
    return found


def of_ledger(report: LedgerReport) -> dict[str, Any]:
    """The report of the school's books."""
    found = _plain(report.as_dict())
    found["notices_left_out"] = max(0, len(found["notices"]) - NOTICES_KEPT)
    found["notices"] = found["notices"][:NOTICES_KEPT]
    return found


def first_lines(plan: StatementPlan) -> list[dict[str, Any]]:
    """The first lines of a statement."""
    return [
        {
            "day": line.booked_on.isoformat(),
            "credit_vnd": line.amount_vnd if line.direction == "credit" else None,
            "debit_vnd": line.amount_vnd if line.direction == "debit" else None,
            "document": line.bank_reference,
            "text": line.description,
            "known": known,
        }
        for line, known in plan.first_lines(ROWS_SHOWN)
    ]


def first_rows(plan: LedgerPlan) -> list[dict[str, Any]]:
    """The first rows of the books; their debit is money in."""
    return [
        {
            "day": row.booked_on.isoformat(),
            "credit_vnd": row.debit_vnd or None,
            "debit_vnd": row.credit_vnd or None,
            "document": " ".join(filter(None, (row.document_no, row.account_code))),
            "text": row.description,
            "known": known,
        }
        for row, known in plan.first_rows(ROWS_SHOWN)
    ]


def problems(errors: Iterable[StatementError]) -> list[dict[str, str]]:
    """Places with what is wrong there."""
    told = [{"place": one.place, "code": one.code, "vi": one.vi, "en": one.en} for one in errors]
    return told[:PROBLEMS_KEPT]


def _plain(value: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(value)
    return found
