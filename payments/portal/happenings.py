"""What has happened to a pupil's notices, and how soon their accounts tell of money; and all of it as one fingerprint.

The page and the look that a waiting page takes every few seconds read the fingerprint by the same one statement, so
whatever changes on the page changes the fingerprint.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.portal.queries import Due, Holder
from payments.portal.rules import token_hash
from payments.portal.states import Line, Payment, Reporting, Seen, reporting, singled_out

# Money that stands on a notice, or was kept from it as credit, with what the bank took back later. A transfer without
# any share of a notice (the second payment) belongs to the notice that its memo names.
_PAYMENTS = text("""
    WITH mine AS (SELECT id, reference FROM invoice WHERE school_id = :school_id AND pupil_id = :pupil_id),
    shares AS (
        SELECT a.invoice_id, a.transaction_id, sum(a.amount_vnd)::bigint AS allocated_vnd,
            min(a.created_at) AS confirmed_at, max(a.created_at) FILTER (WHERE a.amount_vnd < 0) AS returned_at
        FROM mine JOIN allocation a ON a.school_id = :school_id AND a.invoice_id = mine.id
        GROUP BY a.invoice_id, a.transaction_id
    ), purses AS (
        SELECT c.transaction_id, sum(c.amount_vnd)::bigint AS excess_vnd, min(c.created_at) AS confirmed_at
        FROM pupil_credit c WHERE c.school_id = :school_id AND c.pupil_id = :pupil_id GROUP BY c.transaction_id
    ), touched AS (
        SELECT invoice_id, transaction_id, allocated_vnd, confirmed_at, returned_at FROM shares
        UNION ALL
        SELECT mine.id, p.transaction_id, 0, p.confirmed_at, NULL FROM purses p
        JOIN bank_transaction t ON t.school_id = :school_id AND t.id = p.transaction_id
        JOIN mine ON mine.reference = ANY(t."references")
        WHERE NOT EXISTS (SELECT FROM shares s WHERE s.transaction_id = p.transaction_id)
    )
    SELECT touched.invoice_id, t.id AS transaction_id, t.occurred_at AS reported_at, t.bank_reference, t.amount_vnd,
        touched.allocated_vnd, coalesce(p.excess_vnd, 0) AS excess_vnd, touched.confirmed_at,
        CASE WHEN t.state = 'reversed' THEN touched.returned_at END AS taken_back_at,
        (SELECT f.state FROM refund f WHERE f.school_id = :school_id AND f.transaction_id = t.id
         AND f.state IN ('proposed', 'approved', 'confirmed') ORDER BY f.id DESC LIMIT 1) AS refund
    FROM touched JOIN bank_transaction t ON t.school_id = :school_id AND t.id = touched.transaction_id
    LEFT JOIN purses p ON p.transaction_id = t.id
    WHERE touched.allocated_vnd > 0 OR p.excess_vnd > 0 OR t.state = 'reversed'
    ORDER BY touched.confirmed_at, t.id
""")
# The index on (school, outcome) finds the few transfers whose memo nearly names a notice.
_UNMATCHED = """
    SELECT t.id, t.occurred_at, s.outcome, s.suggestions FROM settlement s
    JOIN bank_transaction t ON t.school_id = s.school_id AND t.id = s.transaction_id AND t.state = 'unmatched'
    WHERE s.outcome IN ('damaged', 'several') AND s.school_id = {school}
      AND EXISTS (SELECT FROM invoice i WHERE i.school_id = s.school_id AND i.pupil_id = {pupil}
          AND s.suggestions @> jsonb_build_array(jsonb_build_object('invoice_ids', jsonb_build_array(i.id))))
"""
_SEEN = text(_UNMATCHED.format(school=":school_id", pupil=":pupil_id"))

FACTS: tuple[str, ...] = (
    """SELECT concat_ws('|', 'invoice', i.id, b.state, b.paid_vnd, r.state) FROM who
    JOIN invoice i ON i.school_id = who.school_id AND i.pupil_id = who.pupil_id
    JOIN invoice_balance b ON b.school_id = i.school_id AND b.invoice_id = i.id
    JOIN collection_round r ON r.school_id = i.school_id AND r.id = i.round_id""",
    """SELECT concat_ws('|', 'credit', c.transaction_id, sum(c.amount_vnd)) FROM who
    JOIN pupil_credit c ON c.school_id = who.school_id AND c.pupil_id = who.pupil_id GROUP BY c.transaction_id""",
    """SELECT concat_ws('|', 'refund', f.id, f.state) FROM who
    JOIN pupil_credit c ON c.school_id = who.school_id AND c.pupil_id = who.pupil_id
    JOIN refund f ON f.school_id = c.school_id AND f.transaction_id = c.transaction_id""",
    """SELECT concat_ws('|', 'choice', choice.line_id, choice.declined) FROM who
    JOIN invoice i ON i.school_id = who.school_id AND i.pupil_id = who.pupil_id
    JOIN invoice_line l ON l.school_id = i.school_id AND l.invoice_id = i.id
    JOIN voluntary_choice choice ON choice.school_id = l.school_id AND choice.line_id = l.id""",
    """SELECT concat_ws('|', 'order', o.id, o.state) FROM who
    JOIN invoice i ON i.school_id = who.school_id AND i.pupil_id = who.pupil_id
    JOIN payment_order o ON o.school_id = i.school_id AND o.invoice_id = i.id AND o.state IN ('opening', 'open')""",
    "SELECT concat_ws('|', 'seen', waiting.id) FROM who JOIN LATERAL ("  # noqa: S608 - our own text
    + _UNMATCHED.format(school="who.school_id", pupil="who.pupil_id")
    + ") waiting ON true",
)
"""What a change of the page hangs on, each a line of text: whoever shows something new adds a query over ``who``."""

_LOOK = text(f"""
    WITH who AS MATERIALIZED (
        SELECT school_id, pupil_id FROM parent_link WHERE token_hash = :token_hash AND expires_at > :now
    ), facts (fact) AS ({" UNION ALL ".join(FACTS)}), line AS (
        SELECT a.account_id, c.id, s.gap_since IS NOT NULL AND s.gap_closed_at IS NULL AS gap_open,
            coalesce(s.failures, 0) AS failures, s.due_at, s.succeeded_at,
            s.id IS NOT NULL AND s.problem IS DISTINCT FROM 'not_configured' AS asked,
            coalesce((SELECT heard.outcome = 'internal' FROM raw_callback heard WHERE heard.connection_id = c.id
                ORDER BY heard.received_at DESC LIMIT 1), false) AS answered_badly
        FROM (SELECT DISTINCT listed.connection_id, listed.account_id FROM who
              JOIN connection_account listed ON listed.school_id = who.school_id) a
        JOIN connection c ON c.id = a.connection_id AND c.active AND NOT c.sandbox
        LEFT JOIN poll_state s ON s.connection_id = c.id
    )
    SELECT who.school_id, (SELECT string_agg(fact, E'\\n' ORDER BY fact) FROM facts) AS facts,
        (SELECT min(w.due_at) FROM outbox w
         WHERE w.queue = 'settlement' AND w.school_id = who.school_id AND NOT w.dead) AS backlog_since,
        coalesce((SELECT jsonb_agg(to_jsonb(line) ORDER BY line.account_id, line.id) FROM line), '[]') AS lines
    FROM who
""")  # noqa: S608 - our own text


@dataclass(frozen=True, slots=True)
class Look:
    """Everything that the page hangs on, as a fingerprint, and how soon each account tells of money."""

    version: str
    by_account: Mapping[int, Reporting]

    def reporting(self, account_id: int) -> Reporting:
        """How soon this account tells."""
        return self.by_account.get(account_id, Reporting.BY_STATEMENT)


def look(session: Session, token: str, now: datetime, today: date) -> Look | None:
    """One statement for whoever waits; None for a link that is unknown, revoked or expired."""
    row = session.execute(_LOOK, {"token_hash": token_hash(token), "now": now}).first()
    if row is None:
        return None
    lines: dict[int, list[Line]] = {}
    for kept in row.lines:
        lines.setdefault(kept["account_id"], []).append(_line(kept))
    told = {account_id: reporting(some, row.backlog_since, now) for account_id, some in lines.items()}
    # What is overdue changes at midnight.
    seen = (row.facts, sorted(told.items()), today)
    return Look(hashlib.sha256(repr(seen).encode()).hexdigest()[:16], told)


def payments(session: Session, who: Holder) -> dict[int, list[Payment]]:
    """Transfers by invoice id, in the order in which they were confirmed."""
    found: dict[int, list[Payment]] = {}
    for row in session.execute(_PAYMENTS, _key(who)).mappings():
        values = dict(row)
        found.setdefault(values.pop("invoice_id"), []).append(Payment(**values))
    return found


def nearly_named(session: Session, who: Holder, dues: Sequence[Due]) -> tuple[Seen, ...]:
    """Transfers that wait for a person and whose memo plainly means notices of this pupil; amounts stay untold."""
    mine = {due.invoice_id for due in dues}
    return tuple(
        Seen(invoice_id, row.id, row.occurred_at)
        for row in session.execute(_SEEN, _key(who))
        for invoice_id in sorted(singled_out(row.outcome, row.suggestions, mine))
    )


def _key(who: Holder) -> dict[str, int]:
    return {"school_id": who.school_id, "pupil_id": who.pupil_id}


def _line(kept: Mapping[str, Any]) -> Line:
    moments = {name: datetime.fromisoformat(kept[name]) if kept[name] else None for name in ("due_at", "succeeded_at")}
    return Line(
        gap_open=kept["gap_open"],
        failures=kept["failures"],
        asked=kept["asked"],
        answered_badly=kept["answered_badly"],
        **moments,
    )
