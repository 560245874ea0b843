"""The statements that judge the mass of many runs at once. What makes a payment plain is said here and in ADR 0021.

A payment is plain when one bank line, one message of a sender and (where the books vouch for the day) one row of the
books name its payment reference and no other, agree in direction, amount and day, stand behind one bank transaction,
and nothing else speaks of that reference, of that transaction or of those document numbers, at any time.
"""

from sqlalchemy import text

UNITS = """
    unit AS MATERIALIZED (
        SELECT * FROM unnest(
            CAST(:numbers AS int[]), CAST(:schools AS bigint[]), CAST(:accounts AS bigint[]), CAST(:firsts AS date[]),
            CAST(:lasts AS date[]), CAST(:earlies AS date[]), CAST(:closes AS date[]), CAST(:booked AS boolean[]),
            CAST(:first_accounts AS boolean[]), CAST(:last_dues AS date[])
        ) AS u(no, school_id, account_id, first, last, early, closed, booked, is_first, last_due)
    )"""

# What stands behind what: read once for a first run, looked up for a night.
BEHIND = """
    link AS MATERIALIZED (
        SELECT school_id, transaction_id, evidence_id, bank_number FROM transaction_evidence
        WHERE school_id = ANY(CAST(:schools AS bigint[]))
    ),
    txn AS MATERIALIZED (
        SELECT school_id, id, state, direction, amount_vnd, reverses_id FROM bank_transaction
        WHERE school_id = ANY(CAST(:schools AS bigint[]))
    )"""
BEHIND_BY_INDEX = """
    link AS NOT MATERIALIZED (
        SELECT school_id, transaction_id, evidence_id, bank_number FROM transaction_evidence
    ),
    txn AS NOT MATERIALIZED (
        SELECT school_id, id, state, direction, amount_vnd, reverses_id FROM bank_transaction
    )"""

# Own facts. ``plain`` is what a fact must be by itself.
FACTS = """
    odd AS MATERIALIZED (
        SELECT t.school_id, t.reverses_id AS id FROM bank_transaction t
        WHERE t.school_id = ANY(CAST(:schools AS bigint[])) AND t.reverses_id IS NOT NULL
        UNION ALL
        SELECT p.school_id, p.transaction_id FROM payout p
        WHERE p.school_id = ANY(CAST(:schools AS bigint[])) AND p.transaction_id IS NOT NULL
        UNION ALL
        SELECT i.school_id, i.transaction_id FROM payout_item i
        WHERE i.school_id = ANY(CAST(:schools AS bigint[])) AND i.transaction_id IS NOT NULL
        UNION ALL
        SELECT r.school_id, r.transaction_id FROM refund r WHERE r.school_id = ANY(CAST(:schools AS bigint[]))
    ),
    ruled AS MATERIALIZED (
        SELECT d.school_id, d.account_id, split_part(told.fact, ':', 1) AS kind,
            substr(told.fact, strpos(told.fact, ':') + 1) AS name
        FROM reconcile_decision d CROSS JOIN LATERAL unnest(d.facts) AS told(fact)
        WHERE d.school_id = ANY(CAST(:schools AS bigint[])) AND d.kind <> 'undo' AND NOT EXISTS (
            SELECT FROM reconcile_decision u WHERE u.school_id = d.school_id AND u.undoes_id = d.id)
    ),
    ruled_line AS MATERIALIZED (
        SELECT l.id FROM ruled JOIN bank_line l
            ON l.school_id = ruled.school_id AND l.account_id = ruled.account_id AND l.natural_key = ruled.name
        WHERE ruled.kind = 'bank'
    ),
    ruled_row AS MATERIALIZED (
        SELECT r.id FROM ruled JOIN ledger_row r ON r.school_id = ruled.school_id AND r.natural_key = ruled.name
        WHERE ruled.kind = 'ledger'
    ),
    ruled_evidence AS MATERIALIZED (
        SELECT CASE WHEN kind = 'evidence' THEN name::bigint END AS id FROM ruled WHERE kind = 'evidence'
    ),
    contradicted AS MATERIALIZED (
        SELECT e.id FROM evidence said JOIN evidence e
            ON e.connection_id = said.connection_id AND e.dedup_key = said.dedup_key
            AND e.direction = said.direction AND e.status = said.status
        WHERE said.school_id = ANY(CAST(:schools AS bigint[])) AND said.conflicting
        UNION ALL
        SELECT held.evidence_id FROM held_evidence held WHERE held.school_id = ANY(CAST(:schools AS bigint[]))
    ),
    line AS MATERIALIZED (
        SELECT u.no, l.school_id, l.reference_key AS key, l.id, l.amount_vnd, l.booked_on AS day,
            link.transaction_id, CASE WHEN link.transaction_id IS NULL THEN l.bank_reference END AS bank_reference,
            coalesce(link.bank_number, '') AS number, txn.state,
            l.direction = 'credit' AND l.value_date = l.booked_on AND l.booked_on > u.closed AND st.break_at IS NULL
                AND l.reference_key IS NOT NULL AND txn.reverses_id IS NULL
                AND txn.state IN ('new', 'credited', 'unmatched') AND txn.direction = 'credit'
                AND txn.amount_vnd = l.amount_vnd AS plain
        FROM unit u
        JOIN bank_line l ON l.school_id = u.school_id AND l.account_id = u.account_id
            AND l.booked_on BETWEEN u.first AND u.last
        JOIN bank_statement st ON st.school_id = l.school_id AND st.id = l.statement_id
        LEFT JOIN link ON link.school_id = l.school_id AND link.evidence_id = l.evidence_id
        LEFT JOIN txn ON txn.school_id = link.school_id AND txn.id = link.transaction_id
        WHERE st.break_at IS NULL OR st.id = ANY(CAST(:doubtful AS bigint[]))
    ),
    sent AS MATERIALIZED (
        SELECT u.no, e.school_id, e.reference_key AS key, e.id, e.amount_vnd, e.value_date AS day,
            link.transaction_id, CASE WHEN link.transaction_id IS NULL THEN e.bank_reference END AS bank_reference,
            link.bank_number AS number,
            e.direction = 'credit' AND e.status = 'settled' AND e.value_date > u.closed AND sender.payout_days IS NULL
                AND e.reference_key IS NOT NULL AS plain,
            e.value_date >= u.last_due AND extract(hour FROM e.occurred_at AT TIME ZONE 'Asia/Ho_Chi_Minh') >= 23
                AS is_later
        FROM unit u
        JOIN evidence e ON e.school_id = u.school_id AND e.account_id = u.account_id
            AND e.value_date BETWEEN u.early AND u.last
        JOIN connection sender ON sender.id = e.connection_id
        LEFT JOIN link ON link.school_id = e.school_id AND link.evidence_id = e.id
        WHERE e.source <> 'statement' AND e.status IN ('settled', 'void') AND NOT e.conflicting AND NOT e.sandbox
          AND (e.value_date >= u.first OR sender.payout_days IS NOT NULL
            OR extract(hour FROM e.occurred_at AT TIME ZONE 'Asia/Ho_Chi_Minh') >= 23)
    ),
    booked AS MATERIALIZED (
        SELECT u.no, r.school_id, r.reference_key AS key, r.id, r.amount_vnd, r.booked_on AS day,
            CASE WHEN length(r.bank_reference) >= 6 THEN r.bank_reference END AS document,
            r.direction = 'credit' AND NOT r.is_cash AND r.booked_on > u.closed AND r.reference_key IS NOT NULL AS plain
        FROM unit u
        JOIN ledger_row r ON r.school_id = u.school_id AND r.booked_on BETWEEN u.first AND u.last
        LEFT JOIN book_account said ON said.school_id = r.school_id AND said.code = r.account_code AND NOT r.is_cash
        WHERE coalesce(said.account_id, r.account_id) = u.account_id
           OR u.is_first AND r.is_cash AND r.account_id IS NULL
    )"""

# Facts of other days that may concern own ones: read as a whole for a first run, looked up for a night.
ELSEWHERE = """
    elsewhere AS MATERIALIZED (
        SELECT u.no, l.reference_key AS key FROM unit u JOIN bank_line l ON l.school_id = u.school_id
            AND l.account_id = u.account_id AND l.booked_on < u.first AND l.reference_key IS NOT NULL
        UNION ALL
        SELECT u.no, l.reference_key FROM unit u JOIN bank_line l ON l.school_id = u.school_id
            AND l.account_id = u.account_id AND l.booked_on > u.last AND l.reference_key IS NOT NULL
        UNION ALL
        SELECT u.no, e.reference_key FROM unit u JOIN evidence e ON e.school_id = u.school_id
            AND e.account_id = u.account_id AND e.value_date < u.first AND e.source <> 'statement'
            AND e.reference_key IS NOT NULL
        UNION ALL
        SELECT u.no, e.reference_key FROM unit u JOIN evidence e ON e.school_id = u.school_id
            AND e.account_id = u.account_id AND e.value_date > u.last AND e.source <> 'statement'
            AND e.reference_key IS NOT NULL
        UNION ALL
        SELECT u.no, r.reference_key FROM unit u JOIN ledger_row r ON r.school_id = u.school_id
            AND r.booked_on < u.first AND r.reference_key IS NOT NULL
        UNION ALL
        SELECT u.no, r.reference_key FROM unit u JOIN ledger_row r ON r.school_id = u.school_id
            AND r.booked_on > u.last AND r.reference_key IS NOT NULL
    )"""
ELSEWHERE_BY_INDEX = """
    elsewhere AS MATERIALIZED (
        SELECT own.no, own.key FROM line own JOIN unit u ON u.no = own.no
        WHERE own.plain AND (
            EXISTS (SELECT FROM bank_line l WHERE l.school_id = u.school_id AND l.reference_key = own.key
                AND l.account_id = u.account_id AND l.booked_on NOT BETWEEN u.first AND u.last)
            OR EXISTS (SELECT FROM evidence e WHERE e.school_id = u.school_id AND e.reference_key = own.key
                AND e.account_id = u.account_id AND e.source <> 'statement'
                AND e.value_date NOT BETWEEN u.first AND u.last)
            OR EXISTS (SELECT FROM ledger_row r WHERE r.school_id = u.school_id AND r.reference_key = own.key
                AND r.booked_on NOT BETWEEN u.first AND u.last))
    )"""

# Transactions that more speaks of than one line and one message.
MANY = """
    many AS MATERIALIZED (
        SELECT school_id, transaction_id FROM link GROUP BY school_id, transaction_id HAVING count(*) > 2
    )"""
MANY_BY_INDEX = """
    many AS MATERIALIZED (
        SELECT own.school_id, own.transaction_id FROM line own
        WHERE own.plain AND (SELECT count(*) FROM transaction_evidence link
            WHERE link.school_id = own.school_id AND link.transaction_id = own.transaction_id) > 2
    )"""

# Documents of the books that are the bank's number of some movement: rows and movements may meet by them.
NUMBERS = """
    loose AS MATERIALIZED (
        SELECT s.school_id, ltrim(upper(regexp_replace(s.bank_reference, '[^[:alnum:]]', '', 'g')), '0') AS number
        FROM (
            SELECT school_id, bank_reference FROM line WHERE transaction_id IS NULL
            UNION ALL
            SELECT school_id, bank_reference FROM sent WHERE transaction_id IS NULL
            UNION ALL
            SELECT l.school_id, l.bank_reference FROM bank_line l
            WHERE l.school_id = ANY(CAST(:schools AS bigint[])) AND l.statement_id = ANY(CAST(:doubtful AS bigint[]))
            UNION ALL
            SELECT e.school_id, e.bank_reference FROM held_evidence held JOIN evidence e ON e.id = held.evidence_id
            WHERE held.school_id = ANY(CAST(:schools AS bigint[]))
        ) AS s WHERE s.bank_reference <> ''
    ),"""
CROSSED = """
    crossed AS MATERIALIZED (
        SELECT d.school_id, d.bank_reference AS document, min(d.id) AS one_row, max(d.id) AS other_row,
            min(n.transaction_id) AS one, max(n.transaction_id) AS other
        FROM ledger_row d JOIN (
            SELECT link.school_id, link.bank_number AS number, link.transaction_id FROM link
            WHERE length(link.bank_number) >= 6
            UNION ALL
            SELECT loose.school_id, loose.number, 0 FROM loose WHERE length(loose.number) >= 6
        ) AS n ON n.school_id = d.school_id AND n.number = d.bank_reference
        WHERE d.school_id = ANY(CAST(:schools AS bigint[])) AND length(d.bank_reference) >= 6
        GROUP BY d.school_id, d.bank_reference
    )"""
CROSSED_BY_INDEX = """
    near AS MATERIALIZED (
        SELECT own.school_id, own.document AS number FROM booked own
        WHERE own.plain AND own.document IS NOT NULL AND (
            EXISTS (SELECT FROM transaction_evidence link
                WHERE link.school_id = own.school_id AND link.bank_number = own.document)
            OR (own.school_id, own.document) IN (SELECT loose.school_id, loose.number FROM loose))
        UNION
        SELECT own.school_id, own.number FROM line own
        WHERE own.plain AND length(own.number) >= 6 AND EXISTS (
            SELECT FROM ledger_row d WHERE d.school_id = own.school_id AND d.bank_reference = own.number)
    ),
    crossed AS MATERIALIZED (
        SELECT near.school_id, near.number AS document, min(d.id) AS one_row, max(d.id) AS other_row,
            min(n.transaction_id) AS one, max(n.transaction_id) AS other
        FROM near
        JOIN ledger_row d ON d.school_id = near.school_id AND d.bank_reference = near.number
        CROSS JOIN LATERAL (
            SELECT link.transaction_id FROM transaction_evidence link
            WHERE link.school_id = near.school_id AND link.bank_number = near.number
            UNION ALL
            SELECT 0 FROM loose WHERE loose.school_id = near.school_id AND loose.number = near.number
        ) AS n
        GROUP BY near.school_id, near.number
    )"""

JUDGED = """
    again AS MATERIALIZED (
        SELECT no, key FROM line WHERE key IS NOT NULL GROUP BY no, key HAVING count(*) > 1
        UNION ALL
        SELECT no, key FROM sent WHERE key IS NOT NULL GROUP BY no, key HAVING count(*) > 1
        UNION ALL
        SELECT no, key FROM booked WHERE key IS NOT NULL GROUP BY no, key HAVING count(*) > 1
        UNION ALL
        SELECT no, key FROM elsewhere
    ),
    judged AS MATERIALIZED (
        SELECT coalesce(l.no, s.no, b.no) AS no, l.key, l.day, l.amount_vnd, l.state,
            l.id AS line_id, s.id AS evidence_id, b.id AS row_id, l.school_id, l.transaction_id, s.is_later,
            coalesce(
                l.plain AND s.plain AND s.key = l.key AND s.amount_vnd = l.amount_vnd AND s.day = l.day
                AND CASE WHEN u.booked
                    THEN b.plain AND b.amount_vnd = l.amount_vnd AND (b.day = l.day OR b.day - l.day BETWEEN -10 AND 45
                        AND date_trunc('month', b.day) = date_trunc('month', l.day))
                    ELSE true END
                AND NOT (l.no, l.key) IN (SELECT no, key FROM again)
                AND NOT (l.school_id, l.transaction_id) IN (SELECT school_id, id FROM odd)
                AND NOT (l.school_id, l.transaction_id) IN (SELECT school_id, transaction_id FROM many)
                AND NOT s.id IN (SELECT id FROM contradicted)
                AND NOT l.id IN (SELECT id FROM ruled_line)
                AND NOT s.id IN (SELECT id FROM ruled_evidence)
                AND NOT coalesce(b.id IN (SELECT id FROM ruled_row), false)
                AND (c.document IS NULL OR c.one_row = c.other_row AND c.one = c.other AND c.one_row = b.id)
                AND (d.document IS NULL
                    OR d.one_row = d.other_row AND d.one = d.other AND d.one = l.transaction_id
                    AND b.document = l.number),
            false) AS plain,
            CASE WHEN l.number <> '' AND l.number = s.number
                THEN CASE WHEN b.id IS NULL OR b.document = l.number THEN 0 ELSE 2 END
                ELSE CASE WHEN b.document = l.number THEN 3 ELSE 1 END END AS rule
        FROM line l
        FULL JOIN sent s ON s.no = l.no AND s.transaction_id = l.transaction_id
        FULL JOIN booked b ON b.no = l.no AND b.key = l.key
        LEFT JOIN unit u ON u.no = l.no
        LEFT JOIN crossed c ON c.school_id = l.school_id AND c.document = l.number
        LEFT JOIN crossed d ON d.school_id = l.school_id AND d.document = b.document
    )"""

KEPT = """
    kept AS (
        INSERT INTO mass_block (
            no, number, size, days, rules, keys, amounts, bank_line_ids, transaction_ids, evidence_ids, ledger_row_ids
        )
        SELECT no, place / :block, count(*), array_agg(day), array_agg(rule::smallint), array_agg(key),
            array_agg(amount_vnd), array_agg(line_id), array_agg(transaction_id), array_agg(evidence_id),
            array_agg(coalesce(row_id, 0))
        FROM (
            SELECT j.no, (j.day - u.first)::smallint AS day, j.rule, j.key, j.amount_vnd, j.line_id, j.transaction_id,
                j.evidence_id, j.row_id,
                (row_number() OVER (PARTITION BY j.no ORDER BY j.day, j.amount_vnd, j.key) - 1)::int AS place
            FROM judged j JOIN unit u ON u.no = j.no WHERE j.plain
        ) AS ranked
        GROUP BY no, place / :block
        RETURNING no
    )"""

SUMS = """
    SELECT j.no, count(*) FILTER (WHERE j.plain) AS size,
        coalesce(sum(j.amount_vnd) FILTER (WHERE j.plain), 0)::bigint AS vnd,
        count(*) FILTER (WHERE j.plain AND NOT j.is_later) AS told,
        coalesce(sum(j.amount_vnd) FILTER (WHERE j.plain AND NOT j.is_later), 0)::bigint
            AS told_vnd,
        count(j.row_id) FILTER (WHERE j.plain) AS booked,
        coalesce(sum(j.amount_vnd) FILTER (WHERE j.plain AND j.row_id IS NOT NULL), 0)::bigint AS booked_vnd,
        coalesce(sum(j.amount_vnd) FILTER (WHERE j.plain AND j.state IN ('new', 'unmatched')), 0)::bigint AS unmatched,
        array_agg(DISTINCT j.line_id) FILTER (WHERE NOT j.plain AND j.line_id IS NOT NULL) AS lines,
        array_agg(DISTINCT j.evidence_id) FILTER (WHERE NOT j.plain AND j.evidence_id IS NOT NULL) AS evidence,
        array_agg(DISTINCT j.row_id) FILTER (WHERE NOT j.plain AND j.row_id IS NOT NULL) AS rows,
        coalesce(max(m.allocated), 0)::bigint AS allocated, coalesce(max(m.credit), 0)::bigint AS credit
    FROM judged j
    LEFT JOIN placed m ON m.no = j.no
    GROUP BY j.no
"""
PLACED = """
    placed AS MATERIALIZED (
        SELECT no, sum(allocated) AS allocated, sum(credit) AS credit FROM (
            SELECT j.no, a.amount_vnd AS allocated, 0 AS credit FROM judged j
            JOIN allocation a ON a.school_id = j.school_id AND a.transaction_id = j.transaction_id WHERE j.plain
            UNION ALL
            SELECT j.no, 0, c.amount_vnd FROM judged j
            JOIN pupil_credit c ON c.school_id = j.school_id AND c.transaction_id = j.transaction_id WHERE j.plain
        ) AS parts GROUP BY no
    )"""


def _whole(behind: str, elsewhere: str, many: str, crossed: str) -> str:
    parts = [UNITS, behind, FACTS, elsewhere, many, NUMBERS + crossed, JUDGED, KEPT, PLACED]
    return "WITH " + ",\n".join(parts) + SUMS


JUDGE_ALL = text(_whole(BEHIND, ELSEWHERE, MANY, CROSSED))
"""For runs that own most of what there is: every table is read once."""
JUDGE_NEW = text(_whole(BEHIND_BY_INDEX, ELSEWHERE_BY_INDEX, MANY_BY_INDEX, CROSSED_BY_INDEX))
"""For runs that own little of it: what else speaks of a payment is looked up in an index."""

MAKE_ROOM = text("""
    CREATE TEMPORARY TABLE IF NOT EXISTS mass_block (
        no int, number int, size int, days smallint[], rules smallint[], keys bigint[], amounts bigint[],
        bank_line_ids bigint[], transaction_ids bigint[], evidence_ids bigint[], ledger_row_ids bigint[]
    ) ON COMMIT DROP
""")
CLEAR = text("TRUNCATE mass_block")
READ = text("""
    SELECT no, days, keys, amounts,
        sha256(array_send(days) || array_send(rules) || array_send(keys) || array_send(amounts)
            || array_send(bank_line_ids) || array_send(transaction_ids) || array_send(evidence_ids)
            || array_send(ledger_row_ids)) AS digest
    FROM mass_block ORDER BY no, number
""")
KEEP = text("""
    INSERT INTO reconcile_block (
        school_id, run_id, number, size, days, rules, keys, amounts, bank_line_ids, transaction_ids, evidence_ids,
        ledger_row_ids
    )
    SELECT run.school_id, run.id, number, size, days, rules, keys, amounts, bank_line_ids, transaction_ids,
        evidence_ids, ledger_row_ids
    FROM unnest(CAST(:numbers AS int[]), CAST(:schools AS bigint[]), CAST(:runs AS bigint[])) AS run(no, school_id, id)
    JOIN mass_block block ON block.no = run.no
    ORDER BY run.no, number
""")
