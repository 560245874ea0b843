"""A played scenario for programs: what the command and the API print."""

from typing import Any

from payments.developers.sandbox import Played, Report


def as_document(report: Report) -> dict[str, Any]:
    """A report as JSON values; neither the connection's token nor its secrets are in it."""
    return {
        "scenario": report.asked.scenario.value,
        "connection_id": report.asked.connection_id,
        "code": report.asked.code,
        "amount_vnd": report.asked.amount_vnd,
        "adapter": report.adapter,
        "as_expected": report.as_expected,
        "bank_transactions": report.transactions,
        "messages": [_message(one) for one in report.played],
    }


def _message(one: Played) -> dict[str, Any]:
    return {
        "status": one.heard.status,
        "body": one.heard.body.decode("utf-8", "replace"),
        "took_ms": one.heard.took_ms,
        "event_id": one.event_id,
        "outcome": one.outcome,
        "reason": one.reason,
        "expected": one.expected,
        "settles_as": one.settles_as,
    }
