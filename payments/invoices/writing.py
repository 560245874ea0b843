"""Write invoices: one statement for thousands of them, and references that are drawn again where they collide."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import clock
from payments.invoices import reference
from payments.invoices.models import CollectionRound
from payments.invoices.rules import Draft, Sheet
from payments.invoices.telling import tell_issued

# The foreign keys are checked when the whole statement is done, so one statement writes the invoice and all that
# hangs on it by its id. A reference that an invoice or a bundle has is passed over, and its invoice drawn again. Pupils
# who are charged the same share a sheet, so its lines travel once.
INVOICES = text("""
    WITH sheet AS MATERIALIZED (
        SELECT * FROM unnest(
            CAST(:sheets AS int[]), CAST(:accounts AS bigint[]), CAST(:groups AS text[]), CAST(:amounts AS bigint[]),
            CAST(:mandatory AS bigint[])
        ) AS known (sheet, receiving_account_id, group_key, amount_vnd, mandatory_vnd)
    ), line AS MATERIALIZED (
        SELECT * FROM unnest(
            CAST(:line_sheets AS int[]), CAST(:numbers AS int[]), CAST(:items AS bigint[]),
            CAST(:descriptions AS text[]), CAST(:legal_groups AS text[]), CAST(:mandatory_lines AS boolean[]),
            CAST(:quantities AS bigint[]), CAST(:prices AS bigint[]), CAST(:reliefs AS bigint[]),
            CAST(:line_amounts AS bigint[]), CAST(:bases AS text[])
        ) AS known (sheet, line_no, fee_item_id, description, legal_group, mandatory, quantity, unit_price_vnd,
                    relief_vnd, amount_vnd, legal_basis)
    ), wanted AS MATERIALIZED (
        SELECT * FROM unnest(CAST(:refs AS text[]), CAST(:pupils AS bigint[]), CAST(:pupil_sheets AS int[]))
            AS draft (reference, pupil_id, sheet)
    ), issued AS (
        INSERT INTO invoice (school_id, round_id, pupil_id, receiving_account_id, group_key, reference, amount_vnd,
                             mandatory_vnd, due_on, issued_at, replaces_id)
        SELECT :school_id, :round_id, pupil_id, receiving_account_id, group_key, reference, amount_vnd,
               mandatory_vnd, :due_on, :issued_at, CAST(:replaces_id AS bigint)
        FROM wanted JOIN sheet USING (sheet)
        WHERE NOT EXISTS (
            SELECT FROM bundle taken WHERE taken.school_id = :school_id AND taken.reference = wanted.reference
        )
        ON CONFLICT (school_id, reference) DO NOTHING
        RETURNING id, pupil_id, receiving_account_id, group_key, reference, amount_vnd
    ), balance AS (
        INSERT INTO invoice_balance (school_id, invoice_id, amount_vnd, paid_vnd, state, changed_at)
        SELECT :school_id, id, amount_vnd, 0, 'open', :issued_at FROM issued
    ), standing AS (
        INSERT INTO invoice_current (school_id, round_id, pupil_id, receiving_account_id, group_key, invoice_id)
        SELECT :school_id, :round_id, pupil_id, receiving_account_id, group_key, id FROM issued
    ), lines AS (
        INSERT INTO invoice_line (school_id, invoice_id, line_no, fee_item_id, description, legal_group, mandatory,
                                  quantity, unit_price_vnd, relief_vnd, amount_vnd, legal_basis)
        SELECT :school_id, issued.id, line.line_no, line.fee_item_id, line.description, line.legal_group,
               line.mandatory, line.quantity, line.unit_price_vnd, line.relief_vnd, line.amount_vnd, line.legal_basis
        FROM issued JOIN wanted USING (reference) JOIN line USING (sheet)
    )
    SELECT reference, id FROM issued
""")


def write_invoices(
    session: Session, collection_round: CollectionRound, drafts: Sequence[Draft], *, replaces_id: int | None = None
) -> list[int]:
    """Write invoices with their lines, balances and current keys, and return their ids in the order of the drafts.

    One statement, and one more each time a drawn reference exists already (a few times in 10¹³ draws). School software
    that wants to know is told of them in one more.
    """
    ids: dict[tuple[int, int, str], int] = {}
    waiting = list(drafts)
    while waiting:
        # Equal references in one draw leave fewer keys than drafts: those drafts wait for the next turn too.
        drawn = {reference.generate(): draft for draft in waiting}
        rows = session.execute(INVOICES, _parameters(collection_round, drawn, replaces_id))
        ids |= {drawn[code].key: invoice_id for code, invoice_id in rows}
        waiting = [draft for draft in waiting if draft.key not in ids]
    tell_issued(session, collection_round.school_id, ids.values())
    return [ids[draft.key] for draft in drafts]


def _parameters(
    collection_round: CollectionRound, drawn: Mapping[str, Draft], replaces_id: int | None
) -> dict[str, Any]:
    sheets = {id(draft.sheet): draft.sheet for draft in drawn.values()}
    numbers = {key: number for number, key in enumerate(sheets)}
    return {
        "school_id": collection_round.school_id,
        "round_id": collection_round.id,
        "due_on": collection_round.due_on,
        "issued_at": clock.now(),
        "replaces_id": replaces_id,
        "refs": list(drawn),
        "pupils": [draft.pupil_id for draft in drawn.values()],
        "pupil_sheets": [numbers[id(draft.sheet)] for draft in drawn.values()],
        "sheets": list(numbers.values()),
        "accounts": [sheet.receiving_account_id for sheet in sheets.values()],
        "groups": [sheet.group_key for sheet in sheets.values()],
        "amounts": [sheet.amount_vnd for sheet in sheets.values()],
        "mandatory": [sheet.mandatory_vnd for sheet in sheets.values()],
    } | _line_columns(list(sheets.values()))


def _line_columns(sheets: Sequence[Sheet]) -> dict[str, Any]:
    placed = [
        (sheet_number, line_no, line)
        for sheet_number, sheet in enumerate(sheets)
        for line_no, line in enumerate(sheet.lines, start=1)
    ]
    lines = [line for _, _, line in placed]
    return {
        "line_sheets": [sheet_number for sheet_number, _, _ in placed],
        "numbers": [line_no for _, line_no, _ in placed],
        "items": [line.fee_item_id for line in lines],
        "descriptions": [line.description for line in lines],
        "legal_groups": [line.legal_group for line in lines],
        "mandatory_lines": [line.mandatory for line in lines],
        "quantities": [line.quantity for line in lines],
        "prices": [line.unit_price_vnd for line in lines],
        "reliefs": [line.relief_vnd for line in lines],
        "line_amounts": [line.amount_vnd for line in lines],
        "bases": [line.legal_basis for line in lines],
    }
