"""Everything that a parent's page hangs on as one fingerprint, and how soon the accounts behind it tell of money.

One statement for any number of links, of pupils and of families: the page and the Flask route ask it for one, the
waiting room (``waiting.py``) for all that ask at the same moment. Whoever shows something new on the page adds a query
to ``FACTS``, so whatever changes there changes the fingerprint.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.payer_claims import queries as payer_claims
from payments.portal.happenings import UNMATCHED
from payments.portal.rules import token_hash
from payments.portal.states import Line, Reporting, reporting

_INVOICES = "FROM who JOIN invoice i ON i.school_id = who.school_id AND i.pupil_id = who.pupil_id"
_CREDITS = "FROM who JOIN pupil_credit c ON c.school_id = who.school_id AND c.pupil_id = who.pupil_id"
FACTS: tuple[str, ...] = (
    "SELECT token_hash, concat_ws('|', 'child', school_id, pupil_id) FROM who",
    f"""SELECT who.token_hash, concat_ws('|', 'invoice', i.id, b.state, b.paid_vnd, r.state) {_INVOICES}
    JOIN invoice_balance b ON b.school_id = i.school_id AND b.invoice_id = i.id
    JOIN collection_round r ON r.school_id = i.school_id AND r.id = i.round_id""",
    f"""SELECT who.token_hash, concat_ws('|', 'credit', c.transaction_id, sum(c.amount_vnd)) {_CREDITS}
    GROUP BY who.token_hash, c.transaction_id""",
    f"""SELECT who.token_hash, concat_ws('|', 'refund', f.id, f.state) {_CREDITS}
    JOIN refund f ON f.school_id = c.school_id AND f.transaction_id = c.transaction_id""",
    f"""SELECT who.token_hash, concat_ws('|', 'choice', choice.line_id, choice.declined, choice.chosen) {_INVOICES}
    JOIN invoice_line l ON l.school_id = i.school_id AND l.invoice_id = i.id
    JOIN voluntary_choice choice ON choice.school_id = l.school_id AND choice.line_id = l.id""",
    f"""SELECT who.token_hash, concat_ws('|', 'order', o.id, o.state) {_INVOICES}
    JOIN payment_order o ON o.school_id = i.school_id AND o.invoice_id = i.id AND o.state IN ('opening', 'open')""",
    f"""SELECT who.token_hash, concat_ws('|', 'seen', waiting.id) FROM who
    JOIN LATERAL ({UNMATCHED.format(school="who.school_id", pupil="who.pupil_id")}) waiting ON true""",  # noqa: S608 - our own text
    payer_claims.STANDING,
)
"""What a change of the page hangs on: (token hash, text) over ``who`` (token_hash, school_id, pupil_id, now)."""


def _statement(hashes: str, now: str) -> str:
    return f"""
    WITH who AS MATERIALIZED (
        SELECT token_hash, school_id, pupil_id, {now} AS now FROM parent_link
        WHERE token_hash = ANY({hashes}) AND expires_at > {now}
        UNION ALL
        SELECT f.token_hash, m.school_id, m.pupil_id, {now} FROM family f
        JOIN family_member m ON m.family_id = f.id
        JOIN parent_link l ON l.school_id = m.school_id AND l.pupil_id = m.pupil_id
            AND l.epoch = m.link_epoch AND l.expires_at > {now}
        WHERE f.token_hash = ANY({hashes})
    ), facts (token_hash, fact) AS ({" UNION ALL ".join(FACTS)}), told AS (
        SELECT token_hash, string_agg(fact, E'\\n' ORDER BY fact) AS facts FROM facts GROUP BY token_hash
    ), line AS (
        SELECT a.school_id, a.account_id, c.id, s.gap_since IS NOT NULL AND s.gap_closed_at IS NULL AS gap_open,
            coalesce(s.failures, 0) AS failures, s.due_at, s.succeeded_at,
            s.id IS NOT NULL AND s.problem IS DISTINCT FROM 'not_configured' AS asked,
            coalesce((SELECT heard.outcome = 'internal' FROM raw_callback heard WHERE heard.connection_id = c.id
                ORDER BY heard.received_at DESC LIMIT 1), false) AS answered_badly,
            (SELECT min(w.due_at) FROM outbox w
             WHERE w.queue = 'settlement' AND w.school_id = a.school_id AND NOT w.dead) AS backlog_since
        FROM (SELECT DISTINCT listed.connection_id, listed.school_id, listed.account_id FROM who
              JOIN connection_account listed ON listed.school_id = who.school_id) a
        JOIN connection c ON c.id = a.connection_id AND c.active AND NOT c.sandbox
        LEFT JOIN poll_state s ON s.connection_id = c.id
    ), lines AS (
        SELECT school_id, jsonb_agg(to_jsonb(line) ORDER BY account_id, id) AS kept FROM line GROUP BY school_id
    )
    SELECT who.token_hash, told.facts, jsonb_agg(lines.kept ORDER BY lines.school_id)::text AS lines
    FROM (SELECT DISTINCT token_hash, school_id FROM who) who
    LEFT JOIN told ON told.token_hash = who.token_hash LEFT JOIN lines ON lines.school_id = who.school_id
    GROUP BY who.token_hash, told.facts
    """  # noqa: S608 - our own text


NUMBERED = _statement("$1::bytea[]", "$2::timestamptz")
"""Hashes of tokens and the time -> rows for ``looks``, of links that open something."""
_NAMED = text(_statement(":hashes", ":now"))


@dataclass(frozen=True, slots=True)
class Look:
    """Everything that a page hangs on, as a fingerprint, and how soon each account tells of money."""

    version: str
    by_account: Mapping[int, Reporting]

    def reporting(self, account_id: int) -> Reporting:
        """How soon this account tells."""
        return self.by_account.get(account_id, Reporting.BY_STATEMENT)


def look(session: Session, token: str, now: datetime, today: date) -> Look | None:
    """The look of one link's page; None: the link is unknown, revoked or expired.

    Whoever shows the page reads this first: what changes meanwhile then looks older than it is, and is asked for again.
    """
    asked = token_hash(token)
    return looks(session.execute(_NAMED, {"hashes": [asked], "now": now}), now, today).get(asked)


def looks(rows: Iterable[Any], now: datetime, today: date) -> dict[bytes, Look]:
    """Token hash -> look, from the rows of the statement. What is overdue changes at midnight."""
    found = {}
    for hashed, facts, kept in rows:
        told = _reporting(json.loads(kept), now)
        seen = (facts, sorted(told.items()), today)
        found[bytes(hashed)] = Look(hashlib.sha256(repr(seen).encode()).hexdigest()[:16], told)
    return found


def _reporting(by_school: list[list[dict[str, Any]] | None], now: datetime) -> dict[int, Reporting]:
    lines: dict[int, list[Line]] = {}
    backlog: dict[int, datetime | None] = {}
    for kept in (one for lines_of_school in by_school for one in lines_of_school or ()):
        account_id = kept["account_id"]
        lines.setdefault(account_id, []).append(_line(kept))
        backlog[account_id] = _moment(kept["backlog_since"])
    return {account_id: reporting(some, backlog[account_id], now) for account_id, some in lines.items()}


def _line(kept: Mapping[str, Any]) -> Line:
    return Line(
        gap_open=kept["gap_open"],
        failures=kept["failures"],
        due_at=_moment(kept["due_at"]),
        succeeded_at=_moment(kept["succeeded_at"]),
        asked=kept["asked"],
        answered_badly=kept["answered_badly"],
    )


def _moment(kept: str | None) -> datetime | None:
    return datetime.fromisoformat(kept) if kept else None
