"""Writing what is new of a statement: its row, its lines with their evidence of money, and the nights it touches."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from bank_adapters.statements.model import StatementLine
from payments import clock, outbox
from payments.inbox.service import record_statement_evidence, references_of
from reconciliation.imports.rules import Step
from reconciliation.statement_proving import Planned

WRITTEN_AT_ONCE = 5_000
"""Lines of one statement of the database: so often a long import says how far it is."""

_ADD_STATEMENT = text("""
    INSERT INTO bank_statement (
        school_id, account_id, file_name, file_sha256, content_sha256, format, period_from, period_to, opening_vnd,
        closing_vnd, sequence, proved, break_at, break_vnd, imported_at
    ) VALUES (
        :school_id, :account_id, :file_name, :file_sha256, :content_sha256, :format, :period_from, :period_to,
        :opening_vnd, :closing_vnd, :sequence, :proved, :break_at, :break_vnd, :now
    ) RETURNING id
""")
_ADD_LINES = text("""
    INSERT INTO bank_line (
        school_id, account_id, statement_id, evidence_id, natural_key, line_no, value_date, booked_on, direction,
        amount_vnd, bank_reference, description, "references", balance_after_vnd
    )
    SELECT :school_id, :account_id, :statement_id, line.evidence_id, line.key, line.line_no, line.value_date,
        line.booked_on, line.direction, line.amount_vnd, line.bank_reference, line.description,
        string_to_array(line.found, ' '), line.balance_after_vnd
    FROM unnest(
        CAST(:evidence_ids AS bigint[]), CAST(:keys AS text[]), CAST(:line_nos AS int[]), CAST(:value_dates AS date[]),
        CAST(:booked AS date[]), CAST(:directions AS text[]), CAST(:amounts AS bigint[]),
        CAST(:bank_references AS text[]), CAST(:descriptions AS text[]), CAST(:found AS text[]),
        CAST(:balances AS bigint[])
    ) AS line(
        evidence_id, key, line_no, value_date, booked_on, direction, amount_vnd, bank_reference, description, found,
        balance_after_vnd
    )
    ON CONFLICT (school_id, account_id, natural_key) DO NOTHING
""")

_ADD_ALIASES = text("""
    INSERT INTO bank_line_alias (school_id, account_id, natural_key, line_key, told_at)
    SELECT :school_id, :account_id, told.key, told.line_key, :now
    FROM unnest(CAST(:keys AS text[]), CAST(:line_keys AS text[])) AS told(key, line_key)
    ON CONFLICT (school_id, account_id, natural_key) DO NOTHING
""")


def keep_aliases(session: Session, owner: dict[str, int], same: Mapping[str, str]) -> None:
    """Remember under which keys known lines were worded otherwise, so that nobody is asked again."""
    if same:
        session.execute(
            _ADD_ALIASES, owner | {"keys": list(same), "line_keys": list(same.values()), "now": clock.now()}
        )


def write_planned(
    session: Session, owner: dict[str, int], planned: Sequence[Planned], file: dict[str, Any], step: Step
) -> None:
    """Write what is new, and ask for the nights that it touches."""
    total, written = sum(len(one.keys) for one in planned), 0
    step("write", 0, total)
    evidence_of = _record_evidence(session, owner, planned)
    for one in planned:
        statement_id = session.scalar(
            _ADD_STATEMENT,
            owner
            | file
            | {
                "content_sha256": one.content_sha256,
                "format": one.format,
                "period_from": one.period[0],
                "period_to": one.period[1],
                "opening_vnd": one.opening_vnd,
                "closing_vnd": one.closing_vnd,
                "sequence": one.statement.sequence,
                "proved": one.proved,
                "break_at": one.break_at,
                "break_vnd": one.break_vnd,
                "now": clock.now(),
            },
        )
        columns = _columns(one, evidence_of)
        for start in range(0, len(one.keys), WRITTEN_AT_ONCE):
            part = {name: values[start : start + WRITTEN_AT_ONCE] for name, values in columns.items()}
            session.execute(_ADD_LINES, owner | {"statement_id": statement_id} | part)
            written += len(part["keys"])
            step("write", written, total)
    if planned:
        outbox.put(session, "nightly", "account", school_id=owner["school_id"], subject_id=owner["account_id"])
        session.flush()


def _record_evidence(session: Session, owner: dict[str, int], planned: Sequence[Planned]) -> dict[str, int]:
    """Evidence id by natural key, of statements that do not contradict themselves."""
    by_key: dict[str, StatementLine] = {}
    for one in planned:
        if not one.contradicts_itself:
            by_key |= dict(zip(one.keys, one.statement.lines, strict=True))
    ids = record_statement_evidence(
        session, owner["school_id"], owner["account_id"], list(by_key.values()), list(by_key)
    )
    return dict(zip(by_key, ids, strict=True))


def _columns(one: Planned, evidence_of: dict[str, int]) -> dict[str, list[Any]]:
    lines = one.statement.lines
    return {
        "evidence_ids": [evidence_of.get(key) for key in one.keys],
        "keys": [one.stored_key(key) for key in one.keys],
        "line_nos": [line.line_no for line in lines],
        "value_dates": [line.value_date for line in lines],
        "booked": [line.booked_on for line in lines],
        "directions": [line.direction for line in lines],
        "amounts": [line.amount_vnd for line in lines],
        "bank_references": [line.bank_reference for line in lines],
        "descriptions": [line.description for line in lines],
        "found": [" ".join(references_of(line)) for line in lines],
        "balances": [line.balance_after_vnd for line in lines],
    }
