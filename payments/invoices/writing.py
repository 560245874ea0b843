"""Write invoices: two statements for thousands of them, and references that are drawn again where they collide."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import clock
from payments.invoices import reference
from payments.invoices.models import CollectionRound
from payments.invoices.rules import Draft

# The foreign keys are checked when the whole statement is done, so one statement writes the invoice and all that
# hangs on it by its id. A reference that exists is passed over, and its invoice drawn again.
INVOICES = text("""
    WITH wanted AS (
        SELECT * FROM unnest(
            CAST(:pupils AS bigint[]), CAST(:accounts AS bigint[]), CAST(:groups AS text[]),
            CAST(:refs AS text[]), CAST(:amounts AS bigint[]), CAST(:mandatory AS bigint[]),
            CAST(:replaced AS bigint[])
        ) AS draft (pupil_id, receiving_account_id, group_key, reference, amount_vnd, mandatory_vnd, replaces_id)
    ), issued AS (
        INSERT INTO invoice (school_id, round_id, pupil_id, receiving_account_id, group_key, reference, amount_vnd,
                             mandatory_vnd, due_on, issued_at, replaces_id)
        SELECT :school_id, :round_id, pupil_id, receiving_account_id, group_key, reference, amount_vnd,
               mandatory_vnd, :due_on, :issued_at, replaces_id
        FROM wanted
        ON CONFLICT (school_id, reference) DO NOTHING
        RETURNING id, pupil_id, receiving_account_id, group_key, reference, amount_vnd
    ), balance AS (
        INSERT INTO invoice_balance (school_id, invoice_id, amount_vnd, paid_vnd, state, changed_at)
        SELECT :school_id, id, amount_vnd, 0, 'open', :issued_at FROM issued
    ), standing AS (
        INSERT INTO invoice_current (school_id, round_id, pupil_id, receiving_account_id, group_key, invoice_id)
        SELECT :school_id, :round_id, pupil_id, receiving_account_id, group_key, id FROM issued
    )
    SELECT reference, id FROM issued
""")

LINES = text("""
    INSERT INTO invoice_line (school_id, invoice_id, line_no, fee_item_id, description, legal_group, mandatory,
                              quantity, unit_price_vnd, relief_vnd, amount_vnd, legal_basis)
    SELECT :school_id, line.invoice_id, line.line_no, item.fee_item_id, line.description, item.legal_group,
           item.mandatory, line.quantity, line.unit_price_vnd, line.relief_vnd, line.amount_vnd, item.legal_basis
    FROM unnest(
        CAST(:invoices AS bigint[]), CAST(:numbers AS int[]), CAST(:items AS bigint[]), CAST(:descriptions AS text[]),
        CAST(:quantities AS bigint[]), CAST(:prices AS bigint[]), CAST(:reliefs AS bigint[]),
        CAST(:amounts AS bigint[])
    ) AS line (invoice_id, line_no, fee_item_id, description, quantity, unit_price_vnd, relief_vnd, amount_vnd)
    JOIN unnest(
        CAST(:known AS bigint[]), CAST(:legal_groups AS text[]), CAST(:mandatory AS boolean[]), CAST(:bases AS text[])
    ) AS item (fee_item_id, legal_group, mandatory, legal_basis) USING (fee_item_id)
""")


def write_invoices(
    session: Session,
    collection_round: CollectionRound,
    drafts: Sequence[Draft],
    *,
    replaces: Mapping[tuple[int, int, str], int] | None = None,
) -> list[int]:
    """Write invoices with their lines, balances and current keys, and return their ids in the order of the drafts.

    ``replaces``: key of a draft -> invoice that it replaces. Two statements, two more for each time a drawn
    reference exists already (about once in 10¹³ draws of a school's first invoices).
    """
    ids: dict[tuple[int, int, str], int] = {}
    waiting = list(drafts)
    while waiting:
        drawn = {reference.generate(): draft for draft in waiting}
        # Equal references in one draw leave fewer keys than drafts: those drafts wait for the next turn too.
        rows = session.execute(INVOICES, _invoice_columns(collection_round, drawn, replaces or {}))
        ids |= {drawn[code].key: invoice_id for code, invoice_id in rows}
        waiting = [draft for draft in waiting if draft.key not in ids]
    written = [ids[draft.key] for draft in drafts]
    if written:
        session.execute(LINES, _line_columns(collection_round.school_id, zip(written, drafts, strict=True)))
    return written


def _invoice_columns(
    collection_round: CollectionRound, drawn: Mapping[str, Draft], replaces: Mapping[tuple[int, int, str], int]
) -> dict[str, Any]:
    return {
        "school_id": collection_round.school_id,
        "round_id": collection_round.id,
        "due_on": collection_round.due_on,
        "issued_at": clock.now(),
        "refs": list(drawn),
        "pupils": [draft.pupil_id for draft in drawn.values()],
        "accounts": [draft.receiving_account_id for draft in drawn.values()],
        "groups": [draft.group_key for draft in drawn.values()],
        "amounts": [draft.amount_vnd for draft in drawn.values()],
        "mandatory": [draft.mandatory_vnd for draft in drawn.values()],
        "replaced": [replaces.get(draft.key) for draft in drawn.values()],
    }


def _line_columns(school_id: int, invoices: Iterable[tuple[int, Draft]]) -> dict[str, Any]:
    numbered = [
        (invoice_id, number, line) for invoice_id, draft in invoices for number, line in enumerate(draft.lines, start=1)
    ]
    items = {line.fee_item_id: line for _, _, line in numbered}
    return {
        "school_id": school_id,
        "invoices": [invoice_id for invoice_id, _, _ in numbered],
        "numbers": [number for _, number, _ in numbered],
        "items": [line.fee_item_id for _, _, line in numbered],
        "descriptions": [line.description for _, _, line in numbered],
        "quantities": [line.quantity for _, _, line in numbered],
        "prices": [line.unit_price_vnd for _, _, line in numbered],
        "reliefs": [line.relief_vnd for _, _, line in numbered],
        "amounts": [line.amount_vnd for _, _, line in numbered],
        "known": list(items),
        "legal_groups": [line.legal_group for line in items.values()],
        "mandatory": [line.mandatory for line in items.values()],
        "bases": [line.legal_basis for line in items.values()],
    }
