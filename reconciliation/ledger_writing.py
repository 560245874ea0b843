"""Writing what is new of the school's books: the import, its rows, and the nights that it touches."""

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from bank_adapters.statements.keys import fold_reference
from payments import clock, outbox
from reconciliation.imports.rules import Step
from reconciliation.ledger_placing import Placed

PUSHED = "api/1"
"""Format of rows that software has sent: each batch says itself whether its period is complete."""
WRITTEN_AT_ONCE = 5_000
"""Rows of one statement of the database: so often a long import says how far it is."""

_ADD_IMPORT = text("""
    INSERT INTO ledger_import (
        school_id, file_name, file_sha256, content_sha256, format, period_from, period_to, opening_vnd, closing_vnd,
        account_ids, vouches, waiting_rows, imported_at
    ) VALUES (
        :school_id, :file_name, :file_sha256, :content_sha256, :format, :period_from, :period_to, :opening_vnd,
        :closing_vnd, :account_ids, :vouches, :waiting_rows, :now
    )
    ON CONFLICT (school_id, content_sha256) DO NOTHING
    RETURNING id
""")
_ADD_ROWS = text("""
    INSERT INTO ledger_row (
        school_id, import_id, account_id, natural_key, line_no, booked_on, document_no, description, account_code,
        contra_code, direction, amount_vnd, "references", bank_reference, is_cash
    )
    SELECT :school_id, :import_id, new.account_id, new.key, new.line_no, new.booked_on, new.document_no,
        new.description, new.account_code, new.contra_code, new.direction, new.amount_vnd,
        string_to_array(new.found, ' '), new.bank_reference, new.is_cash
    FROM unnest(
        CAST(:account_ids AS bigint[]), CAST(:keys AS text[]), CAST(:line_nos AS int[]), CAST(:booked AS date[]),
        CAST(:documents AS text[]), CAST(:descriptions AS text[]), CAST(:codes AS text[]), CAST(:contras AS text[]),
        CAST(:directions AS text[]), CAST(:amounts AS bigint[]), CAST(:found AS text[]),
        CAST(:bank_references AS text[]), CAST(:cash AS boolean[])
    ) AS new(
        account_id, key, line_no, booked_on, document_no, description, account_code, contra_code, direction,
        amount_vnd, found, bank_reference, is_cash
    )
    ON CONFLICT (school_id, natural_key) DO NOTHING
""")


def write_placed(session: Session, school_id: int, placed: Sequence[Placed], file: dict[str, Any], step: Step) -> bool:
    """Write what is new, and ask for the nights that it touches. False: this very content was imported before."""
    keys: Any = sorted(one.key for one in placed)
    # The same rows vouch for more once the bad ones beside them are in: then they are another import.
    said = keys if file["vouches"] else {"keys": keys, "waiting": file["waiting_rows"]}
    if file["format"] == PUSHED:
        days = [file["period_from"].isoformat(), file["period_to"].isoformat()]
        said = {"keys": keys, "days": days, "vouches": file["vouches"]}
    content = hashlib.sha256(msgspec.json.encode(said)).digest()
    owner = {"school_id": school_id, "content_sha256": content, "now": clock.now()}
    step("write", 0, len(placed))
    import_id = session.scalar(_ADD_IMPORT, owner | file)
    if import_id is None:
        return False
    columns = _columns(placed)
    for start in range(0, len(placed), WRITTEN_AT_ONCE):
        part = {name: values[start : start + WRITTEN_AT_ONCE] for name, values in columns.items()}
        session.execute(_ADD_ROWS, {"school_id": school_id, "import_id": import_id} | part)
        step("write", start + len(part["keys"]), len(placed))
    for account_id in file["account_ids"]:
        outbox.put(session, "nightly", "account", school_id=school_id, subject_id=account_id)
    session.flush()
    return True


def _columns(placed: Sequence[Placed]) -> dict[str, list[Any]]:
    rows = [one.row for one in placed]
    return {
        "account_ids": [one.account_id for one in placed],
        "keys": [one.key for one in placed],
        "line_nos": [row.line_no for row in rows],
        "booked": [row.booked_on for row in rows],
        "documents": [row.document_no or "" for row in rows],
        "descriptions": [row.description for row in rows],
        "codes": [row.account_code or "" for row in rows],
        "contras": [row.contra_account or "" for row in rows],
        # Money accounts are debited when money comes in; seen from the bank that is a credit.
        "directions": ["credit" if row.debit_vnd > row.credit_vnd else "debit" for row in rows],
        "amounts": [abs(row.debit_vnd - row.credit_vnd) for row in rows],
        "found": [" ".join(one.references) for one in placed],
        "bank_references": [fold_reference(row.document_no) or None for row in rows],
        "cash": [row.is_cash for row in rows],
    }
