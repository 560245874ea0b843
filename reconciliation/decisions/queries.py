"""Reads of decisions for screens and commands."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

DECISIONS = text("""
    SELECT d.id, d.kind, d.facts, d.first_day, d.last_day, d.decided_at, d.note, d.undoes_id, u.full_name AS decided_by,
        a.bin || ':' || a.number AS account,
        d.kind <> 'undo' AND NOT EXISTS (
            SELECT FROM reconcile_decision x WHERE x.school_id = d.school_id AND x.undoes_id = d.id) AS stands
    FROM reconcile_decision d
    JOIN app_user u ON u.id = d.decided_by
    JOIN receiving_account a ON a.school_id = d.school_id AND a.id = d.account_id
    WHERE d.school_id = :school_id AND (CAST(:account AS text) IS NULL OR a.bin || ':' || a.number = :account)
    ORDER BY d.id DESC LIMIT :limit
""")
SHOWN = 100

LABELS = {
    "bank": text("""
        SELECT id, booked_on AS day, direction, amount_vnd, description FROM bank_line
        WHERE school_id = :school_id AND id = ANY(CAST(:ids AS bigint[]))
    """),
    "evidence": text("""
        SELECT id, value_date AS day, direction, amount_vnd, description FROM evidence
        WHERE school_id = :school_id AND id = ANY(CAST(:ids AS bigint[]))
    """),
    "ledger": text("""
        SELECT id, booked_on AS day, direction, amount_vnd, description FROM ledger_row
        WHERE school_id = :school_id AND id = ANY(CAST(:ids AS bigint[]))
    """),
}


def decisions(
    session: Session, school_id: int, account: str | None = None, *, limit: int = SHOWN
) -> Sequence[Row[Any]]:
    """The newest decisions of a school, or of one of its accounts (``BIN:NUMBER``), and whether each stands."""
    return session.execute(DECISIONS, {"school_id": school_id, "account": account, "limit": limit}).all()


def labels(session: Session, school_id: int, names: Iterable[str]) -> Mapping[str, Row[Any]]:
    """What a person sees of facts, by their names (``bank:ID``): day, direction, đồng and text."""
    ids: dict[str, list[int]] = defaultdict(list)
    for name in names:
        source, _, number = name.partition(":")
        ids[source].append(int(number))
    return {
        f"{source}:{row.id}": row
        for source, wanted in ids.items()
        for row in session.execute(LABELS[source], {"school_id": school_id, "ids": wanted})
    }
