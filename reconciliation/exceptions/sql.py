"""The statements with which exceptions follow runs: each for all cases of an account at once."""

from sqlalchemy import text

MOVED = text("""
    SELECT held.run_id, run.created_at, mark.run_id AS former_id
    FROM standing_run held
    JOIN reconcile_run run ON run.school_id = held.school_id AND run.id = held.run_id
    LEFT JOIN exception_sync mark
        ON mark.school_id = held.school_id AND mark.account_id = held.account_id AND mark.day = held.day
    WHERE held.school_id = :school_id AND held.account_id = :account_id AND held.run_id IS DISTINCT FROM mark.run_id
    ORDER BY held.day
""")
MARK = text("""
    INSERT INTO exception_sync (school_id, account_id, day, run_id)
    SELECT school_id, account_id, day, run_id FROM standing_run
    WHERE school_id = :school_id AND account_id = :account_id
    ON CONFLICT (school_id, account_id, day) DO UPDATE SET run_id = EXCLUDED.run_id
    WHERE exception_sync.run_id <> EXCLUDED.run_id
""")
ITEMS = text("""
    SELECT i.id, i.run_id, i.primary_class, i.flags, i.amount_vnd, i.value_date, i."references"
    FROM reconcile_item i
    WHERE i.school_id = :school_id AND i.run_id = ANY(CAST(:runs AS bigint[]))
      AND i.primary_class NOT IN ('matched', 'not_due')
    ORDER BY i.value_date, i.run_id, i.position
""")
# A line that only a doubtful statement shows is the same fact as the line of a later one that adds up: its natural key
# is that one's with a mark behind (statement_proving).
_FACTS = """
    WITH item AS (
        SELECT * FROM reconcile_item
        WHERE school_id = :school_id AND run_id = ANY(CAST(:runs AS bigint[])) AND {0}
    )
    SELECT item.id AS item_id, item.primary_class,
        'bank:' || line.account_id || ':' || split_part(line.natural_key, '!', 1) AS key,
        'bank:' || line.account_id || ':' || line.natural_key AS own_key,
        coalesce(line.bank_reference, '') || ' ' || line.description AS said
    FROM item CROSS JOIN LATERAL unnest(item.bank_line_ids) AS behind(id)
    JOIN bank_line line ON line.school_id = item.school_id AND line.id = behind.id
    UNION ALL
    SELECT item.id, item.primary_class, 'evidence:' || e.id, 'evidence:' || e.id,
        coalesce(e.bank_reference, '') || ' ' || e.description
    FROM item CROSS JOIN LATERAL unnest(item.evidence_ids) AS behind(id)
    JOIN evidence e ON e.id = behind.id
    UNION ALL
    SELECT item.id, item.primary_class, 'ledger:' || row.natural_key, 'ledger:' || row.natural_key,
        row.document_no || ' ' || row.description
    FROM item CROSS JOIN LATERAL unnest(item.ledger_row_ids) AS behind(id)
    JOIN ledger_row row ON row.school_id = item.school_id AND row.id = behind.id
    UNION ALL
    SELECT item.id, item.primary_class, broken.key, broken.key, ''
    FROM item CROSS JOIN LATERAL (
        SELECT 'break:' || coalesce(substring(item.note FROM 'statement=([0-9]+)'), '') || ':' ||
            CASE split_part(item.note, ';', 1)
                WHEN 'balance_inside' THEN 'itself' WHEN 'balance_unstated' THEN 'itself'
                WHEN 'balance_before' THEN 'before' ELSE 'chain' END AS key
    ) AS broken
    WHERE item.primary_class = 'balance_break'
"""
FACTS = text(_FACTS.format("primary_class NOT IN ('matched', 'not_due')") + " ORDER BY item_id, key")
# What is matched in a block is looked for by the facts of the exceptions: they are few, blocks are long. No block holds
# a line of a doubtful statement.
_IN_BLOCKS = """
    WITH block AS (
        SELECT bank_line_ids, evidence_ids, ledger_row_ids FROM reconcile_block
        WHERE school_id = :school_id AND run_id = ANY(CAST(:runs AS bigint[]))
    ),
    fact AS MATERIALIZED (
        SELECT exception_id, key, substr(key, strpos(key, ':') + 1) AS name FROM exception_fact
        WHERE school_id = :school_id AND current AND exception_id = ANY(CAST(:ids AS bigint[]))
          AND EXISTS (SELECT FROM block)
    ),
    own AS (
        SELECT DISTINCT account_id FROM reconcile_run
        WHERE school_id = :school_id AND id = ANY(CAST(:runs AS bigint[]))
    )
    SELECT fact.exception_id FROM fact CROSS JOIN own
    JOIN bank_line line ON line.school_id = :school_id AND line.account_id = own.account_id
        AND line.natural_key = substr(fact.name, length(own.account_id::text) + 2)
    WHERE fact.key = 'bank:' || own.account_id || ':' || line.natural_key
      AND line.id IN (SELECT unnest(bank_line_ids) FROM block)
    UNION ALL
    SELECT fact.exception_id FROM fact
    WHERE fact.key LIKE 'evidence:%' AND fact.name IN (SELECT unnest(evidence_ids)::text FROM block)
    UNION ALL
    SELECT fact.exception_id FROM fact
    JOIN ledger_row row ON row.school_id = :school_id AND row.natural_key = fact.name
    WHERE fact.key LIKE 'ledger:%' AND row.id IN (SELECT unnest(ledger_row_ids) FROM block)
"""
QUIET = text(f"""
    SELECT DISTINCT fact.exception_id, told.primary_class
    FROM ({_FACTS.format("primary_class IN ('matched', 'not_due')")}) AS told
    JOIN exception_fact fact ON fact.school_id = :school_id AND fact.key = told.key
    WHERE fact.current AND fact.exception_id = ANY(CAST(:ids AS bigint[]))
    UNION
    SELECT exception_id, 'matched' FROM ({_IN_BLOCKS}) AS found
""")  # noqa: S608 - constants of this module
TOUCHED = text("""
    SELECT e.id, e.state, e.assignee_id, e.resolution, e.proposal_id, e.primary_class, e.flags, e.amount_vnd, e.day,
        e.last_run_id
    FROM reconcile_exception e
    WHERE e.school_id = :school_id AND (
        e.last_run_id = ANY(CAST(:former AS bigint[]))
        OR e.id IN (
            SELECT exception_id FROM exception_fact
            WHERE school_id = :school_id AND key = ANY(CAST(:keys AS text[]))))
    ORDER BY e.id FOR UPDATE
""")
FACTS_OF = text("""
    SELECT exception_id, key, current FROM exception_fact
    WHERE school_id = :school_id AND exception_id = ANY(CAST(:ids AS bigint[]))
""")
PROPOSALS = text("""
    SELECT id, actor_id FROM exception_event
    WHERE school_id = :school_id AND id = ANY(CAST(:ids AS bigint[]))
""")
ADD = text("""
    INSERT INTO reconcile_exception (
        school_id, account_id, primary_class, flags, amount_vnd, day, item_id, search_key, owner, due_on, first_seen_at,
        first_run_id, last_run_id, split_from_id, state
    )
    SELECT i.school_id, run.account_id, i.primary_class, i.flags, i.amount_vnd, i.value_date, i.id, told.search_key,
        told.owner, told.due_on, run.created_at, run.id, run.id, told.split_from_id, 'open'
    FROM unnest(
        CAST(:items AS bigint[]), CAST(:search_keys AS text[]), CAST(:owners AS text[]), CAST(:due AS date[]),
        CAST(:origins AS bigint[])
    ) WITH ORDINALITY AS told(item_id, search_key, owner, due_on, split_from_id, place)
    JOIN reconcile_item i ON i.school_id = :school_id AND i.id = told.item_id
    JOIN reconcile_run run ON run.school_id = i.school_id AND run.id = i.run_id
    ORDER BY told.place
    RETURNING id, item_id
""")
GO_ON = text("""
    UPDATE reconcile_exception e SET
        primary_class = i.primary_class, flags = i.flags, amount_vnd = i.amount_vnd, day = i.value_date, item_id = i.id,
        search_key = told.search_key, owner = told.owner, due_on = coalesce(told.due_on, e.due_on),
        last_run_id = i.run_id
    FROM unnest(
        CAST(:ids AS bigint[]), CAST(:items AS bigint[]), CAST(:search_keys AS text[]), CAST(:owners AS text[]),
        CAST(:due AS date[])
    ) AS told(id, item_id, search_key, owner, due_on)
    JOIN reconcile_item i ON i.school_id = :school_id AND i.id = told.item_id
    WHERE e.school_id = :school_id AND e.id = told.id
""")
FOLLOWED = text("""
    UPDATE reconcile_exception e SET last_run_id = told.run_id, merged_into_id = coalesce(told.into_id, merged_into_id)
    FROM unnest(CAST(:ids AS bigint[]), CAST(:runs AS bigint[]), CAST(:into AS bigint[])) AS told(id, run_id, into_id)
    WHERE e.school_id = :school_id AND e.id = told.id
""")
LET_GO = text("""
    UPDATE exception_fact SET current = false
    WHERE school_id = :school_id AND exception_id = ANY(CAST(:ids AS bigint[])) AND current
""")
HOLD = text("""
    INSERT INTO exception_fact (school_id, key, exception_id, current)
    SELECT :school_id, told.key, told.exception_id, true
    FROM unnest(CAST(:keys AS text[]), CAST(:ids AS bigint[])) AS told(key, exception_id)
    ON CONFLICT (school_id, key) DO UPDATE SET exception_id = EXCLUDED.exception_id, current = true
""")
TELL = text("""
    INSERT INTO exception_event (
        school_id, exception_id, kind, at, run_id, state, assignee_id, resolution, proposal_id, proposed_by, detail
    )
    SELECT :school_id, told.exception_id, told.kind, :moment, told.run_id, told.state, told.assignee_id,
        told.resolution, told.proposal_id, told.proposed_by, told.detail
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS told(
        exception_id bigint, kind text, run_id bigint, state text, assignee_id bigint, resolution text,
        proposal_id bigint, proposed_by bigint, detail jsonb
    )
    ORDER BY told.exception_id
""")
HOLIDAYS = text("SELECT day FROM holiday WHERE day >= :since")
