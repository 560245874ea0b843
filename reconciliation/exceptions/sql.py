"""The statements with which exceptions follow runs: each for all cases of many schools at once.

Whatever is asked of a school names it: lists of schools and of their ids stand side by side.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import text

MOVED = text("""
    SELECT held.school_id, held.account_id, held.day, held.run_id, run.created_at, mark.run_id AS former_id
    FROM unnest(CAST(:schools AS bigint[]), CAST(:accounts AS bigint[])) AS own(school_id, account_id)
    JOIN standing_run held ON held.school_id = own.school_id AND held.account_id = own.account_id
    JOIN reconcile_run run ON run.school_id = held.school_id AND run.id = held.run_id
    LEFT JOIN exception_sync mark
        ON mark.school_id = held.school_id AND mark.account_id = held.account_id AND mark.day = held.day
    WHERE held.run_id IS DISTINCT FROM mark.run_id
    ORDER BY held.school_id, held.day
""")
MARK = text("""
    INSERT INTO exception_sync (school_id, account_id, day, run_id)
    SELECT * FROM unnest(
        CAST(:schools AS bigint[]), CAST(:accounts AS bigint[]), CAST(:days AS date[]), CAST(:runs AS bigint[]))
    ON CONFLICT (school_id, account_id, day) DO UPDATE SET run_id = EXCLUDED.run_id
""")
_ITEMS = """
    FROM unnest(CAST(:schools AS bigint[]), CAST(:runs AS bigint[])) AS run(school_id, id)
    JOIN reconcile_item item ON item.school_id = run.school_id AND item.run_id = run.id
    WHERE item.primary_class {0} ('matched', 'not_due')
"""
ITEMS = text(f"""
    SELECT item.school_id, item.id, item.run_id, item.primary_class, item.flags, item.amount_vnd, item.value_date,
        item."references"
    {_ITEMS.format("NOT IN")}
    ORDER BY item.school_id, item.value_date, item.run_id, item.position
""")
# A line that only a doubtful statement shows is the same fact as the line of a later one that adds up: its natural key
# is that one's with a mark behind (statement_proving).
_FACTS = """
    WITH item AS (SELECT item.* {0})
    SELECT item.school_id, item.id AS item_id, item.primary_class,
        'bank:' || line.account_id || ':' || split_part(line.natural_key, '!', 1) AS key,
        'bank:' || line.account_id || ':' || line.natural_key AS own_key,
        coalesce(line.bank_reference, '') || ' ' || line.description AS said
    FROM item CROSS JOIN LATERAL unnest(item.bank_line_ids) AS behind(id)
    JOIN bank_line line ON line.school_id = item.school_id AND line.id = behind.id
    UNION ALL
    SELECT item.school_id, item.id, item.primary_class, 'evidence:' || e.id, 'evidence:' || e.id,
        coalesce(e.bank_reference, '') || ' ' || e.description
    FROM item CROSS JOIN LATERAL unnest(item.evidence_ids) AS behind(id)
    JOIN evidence e ON e.id = behind.id
    UNION ALL
    SELECT item.school_id, item.id, item.primary_class, 'ledger:' || row.natural_key, 'ledger:' || row.natural_key,
        row.document_no || ' ' || row.description
    FROM item CROSS JOIN LATERAL unnest(item.ledger_row_ids) AS behind(id)
    JOIN ledger_row row ON row.school_id = item.school_id AND row.id = behind.id
    UNION ALL
    SELECT item.school_id, item.id, item.primary_class, broken.key, broken.key, ''
    FROM item CROSS JOIN LATERAL (
        SELECT 'break:' || coalesce(substring(item.note FROM 'statement=([0-9]+)'), '') || ':' ||
            CASE split_part(item.note, ';', 1)
                WHEN 'balance_inside' THEN 'itself' WHEN 'balance_unstated' THEN 'itself'
                WHEN 'balance_before' THEN 'before' ELSE 'chain' END AS key
    ) AS broken
    WHERE item.primary_class = 'balance_break'
"""
FACTS = text(_FACTS.format(_ITEMS.format("NOT IN")) + " ORDER BY school_id, item_id, key")
# What is matched in a block is looked for by the facts of the exceptions: they are few, blocks are long. No block holds
# a line of a doubtful statement.
_IN_BLOCKS = """
    WITH run AS (
        SELECT * FROM unnest(CAST(:schools AS bigint[]), CAST(:accounts AS bigint[]), CAST(:runs AS bigint[]))
            AS run(school_id, account_id, id)
    ),
    block AS MATERIALIZED (
        SELECT run.school_id, run.account_id, bank_line_ids, evidence_ids, ledger_row_ids
        FROM run JOIN reconcile_block block ON block.school_id = run.school_id AND block.run_id = run.id
    ),
    fact AS MATERIALIZED (
        SELECT held.school_id, own.account_id, held.exception_id, held.key,
            substr(held.key, strpos(held.key, ':') + 1) AS name
        FROM unnest(CAST(:gone_schools AS bigint[]), CAST(:gone AS bigint[])) AS gone(school_id, id)
        JOIN (SELECT DISTINCT school_id, account_id FROM block) AS own ON own.school_id = gone.school_id
        JOIN exception_fact held ON held.school_id = gone.school_id AND held.exception_id = gone.id
        WHERE held.current
    )
    SELECT fact.school_id, fact.exception_id FROM fact
    JOIN bank_line line ON line.school_id = fact.school_id AND line.account_id = fact.account_id
        AND line.natural_key = substr(fact.name, length(fact.account_id::text) + 2)
    WHERE fact.key = 'bank:' || fact.account_id || ':' || line.natural_key
      AND (line.school_id, line.id) IN (SELECT school_id, unnest(bank_line_ids) FROM block)
    UNION ALL
    SELECT fact.school_id, fact.exception_id FROM fact
    WHERE fact.key LIKE 'evidence:%'
      AND (fact.school_id, fact.name) IN (SELECT school_id, unnest(evidence_ids)::text FROM block)
    UNION ALL
    SELECT fact.school_id, fact.exception_id FROM fact
    JOIN ledger_row row ON row.school_id = fact.school_id AND row.natural_key = fact.name
    WHERE fact.key LIKE 'ledger:%'
      AND (row.school_id, row.id) IN (SELECT school_id, unnest(ledger_row_ids) FROM block)
"""
QUIET = text(f"""
    SELECT DISTINCT gone.school_id, gone.id, told.primary_class
    FROM ({_FACTS.format(_ITEMS.format("IN"))}) AS told
    JOIN exception_fact fact ON fact.school_id = told.school_id AND fact.key = told.key
    JOIN unnest(CAST(:gone_schools AS bigint[]), CAST(:gone AS bigint[])) AS gone(school_id, id)
        ON gone.school_id = fact.school_id AND gone.id = fact.exception_id
    WHERE fact.current
    UNION
    SELECT school_id, exception_id, 'matched' FROM ({_IN_BLOCKS}) AS found
""")  # noqa: S608 - constants of this module
TOUCHED = text("""
    SELECT e.school_id, e.id, e.state, e.assignee_id, e.resolution, e.proposal_id, e.primary_class, e.flags,
        e.amount_vnd, e.day, e.last_run_id
    FROM reconcile_exception e
    WHERE (e.school_id, e.id) IN (
        SELECT stood.school_id, stood.id
        FROM unnest(CAST(:run_schools AS bigint[]), CAST(:former AS bigint[])) AS run(school_id, id)
        JOIN reconcile_exception stood ON stood.school_id = run.school_id AND stood.last_run_id = run.id
        UNION
        SELECT fact.school_id, fact.exception_id
        FROM unnest(CAST(:key_schools AS bigint[]), CAST(:keys AS text[])) AS said(school_id, key)
        JOIN exception_fact fact ON fact.school_id = said.school_id AND fact.key = said.key)
    ORDER BY e.id FOR UPDATE
""")
FACTS_OF = text("""
    SELECT fact.school_id, fact.exception_id, fact.key, fact.current
    FROM unnest(CAST(:schools AS bigint[]), CAST(:ids AS bigint[])) AS own(school_id, id)
    JOIN exception_fact fact ON fact.school_id = own.school_id AND fact.exception_id = own.id
""")
PROPOSALS = text("""
    SELECT proposal.school_id, proposal.id, proposal.actor_id
    FROM unnest(CAST(:schools AS bigint[]), CAST(:ids AS bigint[])) AS own(school_id, id)
    JOIN exception_event proposal ON proposal.school_id = own.school_id AND proposal.id = own.id
""")
ADD = text("""
    INSERT INTO reconcile_exception (
        school_id, account_id, primary_class, flags, amount_vnd, day, item_id, search_key, owner, due_on, first_seen_at,
        first_run_id, last_run_id, split_from_id, state
    )
    SELECT i.school_id, run.account_id, i.primary_class, i.flags, i.amount_vnd, i.value_date, i.id, told.search_key,
        told.owner, told.due_on, run.created_at, run.id, run.id, told.split_from_id, 'open'
    FROM unnest(
        CAST(:schools AS bigint[]), CAST(:items AS bigint[]), CAST(:search_keys AS text[]), CAST(:owners AS text[]),
        CAST(:due AS date[]), CAST(:origins AS bigint[])
    ) WITH ORDINALITY AS told(school_id, item_id, search_key, owner, due_on, split_from_id, place)
    JOIN reconcile_item i ON i.school_id = told.school_id AND i.id = told.item_id
    JOIN reconcile_run run ON run.school_id = i.school_id AND run.id = i.run_id
    ORDER BY told.place
    RETURNING school_id, id, item_id
""")
GO_ON = text("""
    UPDATE reconcile_exception e SET
        primary_class = i.primary_class, flags = i.flags, amount_vnd = i.amount_vnd, day = i.value_date, item_id = i.id,
        search_key = told.search_key, owner = told.owner, due_on = coalesce(told.due_on, e.due_on),
        last_run_id = i.run_id
    FROM unnest(
        CAST(:schools AS bigint[]), CAST(:ids AS bigint[]), CAST(:items AS bigint[]), CAST(:search_keys AS text[]),
        CAST(:owners AS text[]), CAST(:due AS date[])
    ) AS told(school_id, id, item_id, search_key, owner, due_on)
    JOIN reconcile_item i ON i.school_id = told.school_id AND i.id = told.item_id
    WHERE e.school_id = told.school_id AND e.id = told.id
""")
FOLLOWED = text("""
    UPDATE reconcile_exception e SET last_run_id = told.run_id, merged_into_id = coalesce(told.into_id, merged_into_id)
    FROM unnest(
        CAST(:schools AS bigint[]), CAST(:ids AS bigint[]), CAST(:runs AS bigint[]), CAST(:into AS bigint[])
    ) AS told(school_id, id, run_id, into_id)
    WHERE e.school_id = told.school_id AND e.id = told.id
""")
LET_GO = text("""
    UPDATE exception_fact fact SET current = false
    FROM unnest(CAST(:schools AS bigint[]), CAST(:ids AS bigint[])) AS own(school_id, id)
    WHERE fact.school_id = own.school_id AND fact.exception_id = own.id AND fact.current
""")
HOLD = text("""
    INSERT INTO exception_fact (school_id, key, exception_id, current)
    SELECT told.school_id, told.key, told.exception_id, true
    FROM unnest(CAST(:schools AS bigint[]), CAST(:keys AS text[]), CAST(:ids AS bigint[]))
        AS told(school_id, key, exception_id)
    ON CONFLICT (school_id, key) DO UPDATE SET exception_id = EXCLUDED.exception_id, current = true
""")
TELL = text("""
    INSERT INTO exception_event (
        school_id, exception_id, kind, at, run_id, state, assignee_id, resolution, proposal_id, proposed_by, detail
    )
    SELECT told.school_id, told.exception_id, told.kind, :moment, told.run_id, told.state, told.assignee_id,
        told.resolution, told.proposal_id, told.proposed_by, told.detail
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS told(
        school_id bigint, exception_id bigint, kind text, run_id bigint, state text, assignee_id bigint,
        resolution text, proposal_id bigint, proposed_by bigint, detail jsonb
    )
    ORDER BY told.exception_id
""")
HOLIDAYS = text("SELECT day FROM holiday WHERE day >= :since")


def columns(rows: Sequence[Sequence[Any]], *names: str) -> dict[str, list[Any]]:
    """Rows as a statement takes them: a list for each name."""
    return {name: [row[place] for row in rows] for place, name in enumerate(names)}
