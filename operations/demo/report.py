"""The report of a demo: figures read from the database, and the judge's comparison."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, text

from operations.demo.compare import Verdict
from operations.demo.simulator import Record
from operations.invariants import Check

STANDING = """
    FROM standing_run held
    JOIN reconcile_run run ON run.school_id = held.school_id AND run.id = held.run_id
    JOIN receiving_account a ON a.school_id = held.school_id AND a.id = held.account_id
    JOIN school s ON s.id = held.school_id
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
    "payouts": "SELECT count(*) FROM payout WHERE dissolved_at IS NULL",
    "payout_fees_vnd": "SELECT sum(fee_vnd) FROM payout WHERE dissolved_at IS NULL",
    "owed_vnd": """
        SELECT sum(b.balance_vnd) FROM ledger_balance b
        JOIN ledger_account a ON a.school_id = b.school_id AND a.id = b.account_id WHERE a.role = 'clearing'
    """,
    "statement_lines": "SELECT count(*) FROM bank_line",
    "ledger_rows": "SELECT count(*) FROM ledger_row",
    "matched": f"SELECT sum(run.matched) {STANDING}",
}
DELIVERIES = """
    SELECT CASE WHEN outcome IN ('accepted', 'not_a_payment') THEN 'accepted'
           WHEN outcome = 'duplicate' THEN 'duplicate' ELSE 'rejected' END, count(*)
    FROM raw_callback GROUP BY 1
"""
EXCEPTIONS = f"""
    SELECT told.key, sum(told.value::int)::int {STANDING}
    CROSS JOIN LATERAL jsonb_each_text(run.exceptions) AS told GROUP BY 1 ORDER BY 1
"""
NIGHTS = f"""
    SELECT s.code || '/' || a.bin || ':' || a.number, run.state, count(*) {STANDING} GROUP BY 1, 2 ORDER BY 1, 2
"""


def figures(connection: Connection) -> dict[str, int]:
    """Counts and sums in đồng."""
    return {name: int(connection.scalar(text(statement)) or 0) for name, statement in FIGURES.items()}


def callbacks(connection: Connection, record: Record) -> dict[str, int]:
    """What the banks sent, and what became of it here: received = accepted + duplicate + rejected (invariant I5)."""
    told: Counter[str] = Counter(dict(map(tuple, connection.execute(text(DELIVERIES)))))
    return {"sent": record.sent, **{name: told[name] for name in ("accepted", "duplicate", "rejected")}}


def exceptions(connection: Connection) -> dict[str, int]:
    """Exceptions of the nights that stand, by class."""
    return dict(map(tuple, connection.execute(text(EXCEPTIONS))))


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
