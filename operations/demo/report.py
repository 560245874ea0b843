"""The report of a demo: figures read from the database, and the judge's comparison."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, text

from operations.demo.compare import Verdict
from operations.demo.simulator import Record
from operations.invariants import Check

LATEST = """
    WITH latest AS (
        SELECT DISTINCT ON (r.school_id, r.account_id, r.day) s.code || '/' || a.bin || ':' || a.number AS account, r.*
        FROM reconcile_run r
        JOIN receiving_account a ON a.school_id = r.school_id AND a.id = r.account_id
        JOIN school s ON s.id = r.school_id
        ORDER BY r.school_id, r.account_id, r.day, r.id DESC
    )
"""
FIGURES: Mapping[str, str] = {
    "schools": "SELECT count(*) FROM school",
    "pupils": "SELECT count(*) FROM pupil",
    "invoices": "SELECT count(*) FROM invoice",
    "invoiced_vnd": "SELECT sum(amount_vnd) FROM invoice_balance WHERE state NOT IN ('replaced', 'cancelled')",
    "settled_vnd": "SELECT sum(amount_vnd) FROM allocation",
    "credit_vnd": "SELECT sum(amount_vnd) FROM pupil_credit",
    "unmatched": "SELECT count(*) FROM bank_transaction WHERE state = 'unmatched'",
    "unmatched_vnd": "SELECT sum(amount_vnd) FROM bank_transaction WHERE state = 'unmatched'",
    "statement_lines": "SELECT count(*) FROM bank_line",
    "ledger_rows": "SELECT count(*) FROM ledger_row",
    "matched": f"{LATEST} SELECT sum(matched) FROM latest",  # noqa: S608 - constants of this module
}
DELIVERIES = """
    SELECT CASE WHEN outcome IN ('accepted', 'not_a_payment') THEN 'accepted'
           WHEN outcome = 'duplicate' THEN 'duplicate' ELSE 'rejected' END, count(*)
    FROM raw_callback GROUP BY 1
"""
EXCEPTIONS = f"""{LATEST}
    SELECT i.primary_class, count(*) FROM latest
    JOIN reconcile_item i ON i.school_id = latest.school_id AND i.run_id = latest.id
    WHERE i.primary_class NOT IN ('matched', 'not_due') GROUP BY 1 ORDER BY 1
"""  # noqa: S608 - as above
NIGHTS = f"{LATEST} SELECT account, state, count(*) FROM latest GROUP BY 1, 2 ORDER BY 1, 2"  # noqa: S608 - as above


def figures(connection: Connection) -> dict[str, int]:
    """Counts and sums in đồng."""
    return {name: int(connection.scalar(text(statement)) or 0) for name, statement in FIGURES.items()}


def callbacks(connection: Connection, record: Record) -> dict[str, int]:
    """What the banks sent, and what became of it here: received = accepted + duplicate + rejected (invariant I5)."""
    told: Counter[str] = Counter(dict(connection.execute(text(DELIVERIES)).tuples().all()))
    return {"sent": record.sent, **{name: told[name] for name in ("accepted", "duplicate", "rejected")}}


def exceptions(connection: Connection) -> dict[str, int]:
    """Exceptions of the newest nights, by class."""
    return dict(connection.execute(text(EXCEPTIONS)).tuples().all())


def proof(connection: Connection, spoiled: str) -> dict[str, Any]:
    """Whether every account proves that should, and the one with the planted break does not."""
    states: dict[str, Counter[str]] = {}
    for account, state, nights in connection.execute(text(NIGHTS)):
        states.setdefault(account, Counter())[state] = nights
    totals = sum(states.values(), Counter())
    failing = sorted(account for account, told in states.items() if told["failed"])
    proved = all(told["proved"] and not told["failed"] for account, told in states.items() if account != spoiled)
    return {
        "ok": bool(states) and proved and failing == [spoiled],
        "accounts": len(states),
        "nights": dict(sorted(totals.items())),
        "failing": failing,
    }


def put_together(
    connection: Connection, record: Record, verdict: Verdict, checks: list[Check], spoiled: str
) -> dict[str, Any]:
    """The whole report; ``ok`` when proof, invariants and comparison hold."""
    proved = proof(connection, spoiled)
    invariants = {check.name: check.ok for check in checks}
    return {
        "ok": proved["ok"] and all(invariants.values()) and verdict.ok,
        **figures(connection),
        "callbacks": callbacks(connection, record),
        "exceptions": exceptions(connection),
        "planted": verdict.planted,
        "found": verdict.found,
        "missed": verdict.missed,
        "false_alarms": verdict.false_alarms,
        "proof": proved,
        "invariants": invariants,
        "broken": {check.name: check.detail for check in checks if not check.ok},
    }
