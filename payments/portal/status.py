"""The version of a parent's page: it changes with every fact that the page shows of money.

One statement for any number of links: the Flask route and the page ask it for one, the waiting room (``waiting.py``)
for all that ask at the same moment. Another fact is another sub-select in ``FACTS``.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

_INVOICES = """
    SELECT string_agg(concat_ws(' ', i.reference, b.state, b.paid_vnd), ',' ORDER BY i.id) FROM invoice i
    JOIN invoice_balance b ON b.school_id = i.school_id AND b.invoice_id = i.id
    WHERE i.school_id = l.school_id AND i.pupil_id = l.pupil_id
"""
_EXCESS = """
    SELECT string_agg(concat_ws(' ', kept.account_id, kept.amount_vnd), ',' ORDER BY kept.account_id) FROM (
        SELECT c.receiving_account_id AS account_id, sum(c.amount_vnd) AS amount_vnd FROM pupil_credit c
        WHERE c.school_id = l.school_id AND c.pupil_id = l.pupil_id
        GROUP BY c.receiving_account_id HAVING sum(c.amount_vnd) > 0
    ) kept
"""
FACTS = (_INVOICES, _EXCESS)
"""Each gives one text, or NULL, about the link ``l``: its order must not depend on chance."""


def _statement(hashes: str, now: str) -> str:
    told = ", ';', ".join(f"({fact})" for fact in FACTS)
    open_links = f"FROM parent_link l WHERE l.token_hash = ANY({hashes}) AND l.expires_at > {now}"
    return f"SELECT l.token_hash, concat({told}) {open_links}"


NUMBERED = _statement("$1::bytea[]", "$2::timestamptz")
"""Hashes of tokens and the time -> (hash, facts) of those that open something."""
_NAMED = text(_statement(":hashes", ":now"))


def version_of(session: Session, token_hash: bytes, now: datetime) -> str | None:
    """The version of one link's page; None: the link is unknown, revoked or expired.

    Whoever shows the page reads this first: what changes meanwhile then looks older than it is, and is asked for again.
    """
    return versions_of(session, [token_hash], now).get(token_hash)


def versions_of(session: Session, hashes: Collection[bytes], now: datetime) -> Mapping[bytes, str]:
    """Token hash -> version of all links that open something."""
    return versions(session.execute(_NAMED, {"hashes": list(hashes), "now": now}))


def versions(rows: Iterable[Any]) -> dict[bytes, str]:
    """Token hash -> version, from the rows of the statement."""
    return {bytes(token_hash): hashlib.sha256(facts.encode()).hexdigest()[:16] for token_hash, facts in rows}
