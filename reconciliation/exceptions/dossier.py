"""Reads of single cases: the three sources side by side, the grounds, and the history."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from payments.access.models import User
from payments.banking.models import ReceivingAccount
from payments.errors import NotFoundError
from reconciliation.exceptions.models import ReconcileException

LINES = text("""
    SELECT line.booked_on, line.value_date, line.direction, line.amount_vnd, line.bank_reference, line.description,
        st.file_name, line.line_no
    FROM reconcile_item i
    CROSS JOIN LATERAL unnest(i.bank_line_ids) AS behind(id)
    JOIN bank_line line ON line.school_id = i.school_id AND line.id = behind.id
    JOIN bank_statement st ON st.school_id = line.school_id AND st.id = line.statement_id
    WHERE i.school_id = :school_id AND i.id = :item_id ORDER BY line.booked_on, line.id
""")
SAID = text("""
    SELECT e.value_date, e.received_at, e.amount_vnd, e.bank_reference, e.description, e.source, c.name AS sender,
        CASE WHEN e.status = 'settled' THEN e.direction WHEN e.direction = 'credit' THEN 'debit' ELSE 'credit' END
            AS direction
    FROM reconcile_item i
    CROSS JOIN LATERAL unnest(i.evidence_ids) AS behind(id)
    JOIN evidence e ON e.id = behind.id
    LEFT JOIN connection c ON c.id = e.connection_id
    WHERE i.school_id = :school_id AND i.id = :item_id ORDER BY e.id
""")
BOOKED = text("""
    SELECT row.booked_on, row.direction, row.amount_vnd, row.document_no, row.description, row.account_code,
        row.contra_code, row.is_cash
    FROM reconcile_item i
    CROSS JOIN LATERAL unnest(i.ledger_row_ids) AS behind(id)
    JOIN ledger_row row ON row.school_id = i.school_id AND row.id = behind.id
    WHERE i.school_id = :school_id AND i.id = :item_id ORDER BY row.booked_on, row.id
""")
# What the same sender said under the same id with another amount, and what waits under the same number of the bank.
CONTRADICTING = text("""
    SELECT other.value_date, other.received_at, other.amount_vnd, other.bank_reference, other.source, c.name AS sender
    FROM reconcile_item i
    CROSS JOIN LATERAL unnest(i.evidence_ids) AS behind(id)
    JOIN evidence e ON e.id = behind.id
    JOIN evidence other ON other.connection_id = e.connection_id AND other.dedup_key = e.dedup_key
        AND other.direction = e.direction AND other.status = e.status AND other.conflicting
        AND other.school_id = i.school_id AND other.amount_vnd <> e.amount_vnd
    LEFT JOIN connection c ON c.id = other.connection_id
    WHERE i.school_id = :school_id AND i.id = :item_id ORDER BY other.id
""")
ITEM = text("""
    SELECT i.rule, i.note, i."references", i.run_id, run.day AS run_day
    FROM reconcile_item i JOIN reconcile_run run ON run.school_id = i.school_id AND run.id = i.run_id
    WHERE i.school_id = :school_id AND i.id = :item_id
""")
HISTORY = text("""
    SELECT told.id, told.exception_id, told.kind, told.at, told.state, told.resolution, told.note, told.detail,
        told.run_id, told.actor_id, actor.full_name AS actor, assignee.full_name AS assignee
    FROM exception_event told
    JOIN reconcile_exception e ON e.school_id = told.school_id AND e.id = told.exception_id
    LEFT JOIN app_user actor ON actor.id = told.actor_id
    LEFT JOIN app_user assignee ON assignee.id = told.assignee_id
    WHERE told.school_id = :school_id AND (e.id = :id OR e.merged_into_id = :id) ORDER BY told.id
""")


@dataclass(frozen=True, slots=True)
class Detail:
    """One exception with all that is known about it."""

    case: ReconcileException
    account: ReceivingAccount
    item: Row[Any]
    lines: Sequence[Row[Any]]
    said: Sequence[Row[Any]]
    booked: Sequence[Row[Any]]
    contradicting: Sequence[Row[Any]]
    """Further messages of the same sender about the same transfer that name another amount."""
    history: Sequence[Row[Any]]
    """Also that of exceptions that were merged into it."""
    assignee: str | None
    proposer_id: int | None


def detail(session: Session, school_id: int, exception_id: int) -> Detail:
    """Read one exception. Raises NotFoundError."""
    found = session.get(ReconcileException, (school_id, exception_id))
    if found is None:
        raise NotFoundError("Không tìm thấy ngoại lệ này.", "There is no such exception.")
    key = {"school_id": school_id, "item_id": found.item_id}
    history = session.execute(HISTORY, {"school_id": school_id, "id": exception_id}).all()
    assignee = session.get(User, found.assignee_id) if found.assignee_id is not None else None
    return Detail(
        case=found,
        account=session.get_one(ReceivingAccount, (school_id, found.account_id)),
        item=session.execute(ITEM, key).one(),
        lines=session.execute(LINES, key).all(),
        said=session.execute(SAID, key).all(),
        booked=session.execute(BOOKED, key).all(),
        contradicting=session.execute(CONTRADICTING, key).all(),
        history=history,
        assignee=assignee.full_name if assignee else None,
        proposer_id=next((told.actor_id for told in history if told.id == found.proposal_id), None),
    )


SUMS = text("""
    SELECT e.id,
        (SELECT sum(CASE WHEN line.direction = 'credit' THEN line.amount_vnd ELSE -line.amount_vnd END)::bigint
         FROM bank_line line WHERE line.school_id = i.school_id AND line.id = ANY(i.bank_line_ids)) AS bank_vnd,
        (SELECT max(told.amount_vnd) FROM (
            SELECT sum(CASE WHEN (said.direction = 'credit') = (said.status = 'settled')
                THEN said.amount_vnd ELSE -said.amount_vnd END)::bigint AS amount_vnd
            FROM evidence said WHERE said.id = ANY(i.evidence_ids) GROUP BY said.source, said.connection_id
         ) AS told) AS gateway_vnd,
        (SELECT sum(CASE WHEN row.direction = 'credit' THEN row.amount_vnd ELSE -row.amount_vnd END)::bigint
         FROM ledger_row row WHERE row.school_id = i.school_id AND row.id = ANY(i.ledger_row_ids)) AS ledger_vnd,
        i."references", i.note,
        coalesce(
            (SELECT min(line.description) FROM bank_line line
             WHERE line.school_id = i.school_id AND line.id = ANY(i.bank_line_ids)),
            (SELECT min(said.description) FROM evidence said WHERE said.id = ANY(i.evidence_ids)),
            (SELECT min(row.description) FROM ledger_row row
             WHERE row.school_id = i.school_id AND row.id = ANY(i.ledger_row_ids)), '') AS description
    FROM reconcile_exception e
    JOIN reconcile_item i ON i.school_id = e.school_id AND i.id = e.item_id
    WHERE e.school_id = :school_id AND e.id = ANY(CAST(:ids AS bigint[]))
""")
"""What each source says in đồng (None: silent), and the text of the first that speaks."""


def sources(session: Session, school_id: int, ids: Sequence[int]) -> Mapping[int, Row[Any]]:
    """What the three sources say about some exceptions, by id."""
    return {row.id: row for row in session.execute(SUMS, {"school_id": school_id, "ids": list(ids)})}


OF_RUN = text("""
    SELECT i.position, e.id
    FROM reconcile_exception e
    JOIN reconcile_item i ON i.school_id = e.school_id AND i.id = e.item_id
    WHERE e.school_id = :school_id AND i.run_id = :run_id
""")


def of_run(session: Session, school_id: int, run_id: int) -> Mapping[int, int]:
    """Position in a run -> exception, for the items that are the newest word about it."""
    found = session.execute(OF_RUN, {"school_id": school_id, "run_id": run_id})
    return {row.position: row.id for row in found}
