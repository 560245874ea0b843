"""What the statements of the mass read: the facts of many runs, grouped by the payment reference that they name.

One pass over each table. What stands in a group alone on its side, agrees and has nothing else behind it is weighed
in ``statements``.
"""

UNITS = """
    unit AS MATERIALIZED (
        SELECT * FROM unnest(
            CAST(:numbers AS int[]), CAST(:schools AS bigint[]), CAST(:accounts AS bigint[]), CAST(:firsts AS date[]),
            CAST(:lasts AS date[]), CAST(:earlies AS date[]), CAST(:closes AS date[]), CAST(:booked AS boolean[]),
            CAST(:first_accounts AS boolean[]), CAST(:last_dues AS date[])
        ) AS u(no, school_id, account_id, first, last, early, closed, booked, is_first, last_due)
    )"""

# Few: what people decided, what was taken back, paid out or contradicted. All of it goes the long way.
SPECIAL = """
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
    )"""

# Own facts, one row each: in which unit, under which key (unreadable ones under minus their id), what it must be by
# itself. ``{crowd}`` and ``{own}`` narrow it to the keys of a few groups.
SAID = """
        SELECT u.no, coalesce(l.reference_key, -l.id) AS key, l.id AS line_id, l.evidence_id AS line_evidence,
            NULL::bigint AS sent_id, NULL::bigint AS row_id, l.amount_vnd, l.booked_on AS day, NULL::date AS row_day,
            NULL::text AS document, NULL::boolean AS is_later,
            coalesce(l.direction = 'credit' AND l.value_date = l.booked_on AND l.booked_on > u.closed
                AND st.break_at IS NULL AND l.reference_key IS NOT NULL, false) AS sound
        FROM unit u {crowd}
        JOIN bank_line l ON l.school_id = u.school_id AND l.account_id = u.account_id
            AND l.booked_on BETWEEN u.first AND u.last {line}
        JOIN bank_statement st ON st.school_id = l.school_id AND st.id = l.statement_id
        WHERE st.break_at IS NULL OR st.id = ANY(CAST(:doubtful AS bigint[]))
        UNION ALL
        SELECT u.no, coalesce(e.reference_key, -e.id), NULL, NULL, e.id, NULL, e.amount_vnd, e.value_date, NULL, NULL,
            e.value_date >= u.last_due AND extract(hour FROM e.occurred_at AT TIME ZONE 'Asia/Ho_Chi_Minh') >= 23,
            coalesce(e.direction = 'credit' AND e.status = 'settled' AND e.value_date > u.closed
                AND sender.payout_days IS NULL AND e.reference_key IS NOT NULL, false)
        FROM unit u {crowd}
        JOIN evidence e ON e.school_id = u.school_id AND e.account_id = u.account_id
            AND e.value_date BETWEEN u.early AND u.last {sent}
        JOIN connection sender ON sender.id = e.connection_id
        WHERE e.source <> 'statement' AND e.status IN ('settled', 'void') AND NOT e.conflicting AND NOT e.sandbox
          AND (e.value_date >= u.first OR sender.payout_days IS NOT NULL
            OR extract(hour FROM e.occurred_at AT TIME ZONE 'Asia/Ho_Chi_Minh') >= 23)
        UNION ALL
        SELECT u.no, coalesce(r.reference_key, -r.id), NULL, NULL, NULL, r.id, r.amount_vnd, NULL, r.booked_on,
            CASE WHEN length(r.bank_reference) >= 6 THEN r.bank_reference END, NULL,
            coalesce(r.direction = 'credit' AND NOT r.is_cash AND r.booked_on > u.closed
                AND r.reference_key IS NOT NULL, false)
        FROM unit u {crowd}
        JOIN ledger_row r ON r.school_id = u.school_id AND r.booked_on BETWEEN u.first AND u.last {row}
        LEFT JOIN book_account said ON said.school_id = r.school_id AND said.code = r.account_code AND NOT r.is_cash
        WHERE coalesce(said.account_id, r.account_id) = u.account_id
           OR u.is_first AND r.is_cash AND r.account_id IS NULL"""

# Facts of other days that name a reference, counted with own ones: read as a whole for a first run. A night looks them
# up instead, for the few payments that would be plain.
ELSEWHERE = """
        UNION ALL
        SELECT u.no, l.reference_key, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false
        FROM unit u JOIN bank_line l ON l.school_id = u.school_id AND l.account_id = u.account_id
            AND l.booked_on < u.first AND l.reference_key IS NOT NULL
        UNION ALL
        SELECT u.no, l.reference_key, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false
        FROM unit u JOIN bank_line l ON l.school_id = u.school_id AND l.account_id = u.account_id
            AND l.booked_on > u.last AND l.reference_key IS NOT NULL
        UNION ALL
        SELECT u.no, e.reference_key, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false
        FROM unit u JOIN evidence e ON e.school_id = u.school_id AND e.account_id = u.account_id
            AND e.value_date < u.first AND e.source <> 'statement' AND e.reference_key IS NOT NULL
        UNION ALL
        SELECT u.no, e.reference_key, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false
        FROM unit u JOIN evidence e ON e.school_id = u.school_id AND e.account_id = u.account_id
            AND e.value_date > u.last AND e.source <> 'statement' AND e.reference_key IS NOT NULL
        UNION ALL
        SELECT u.no, r.reference_key, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false
        FROM unit u JOIN ledger_row r ON r.school_id = u.school_id
            AND r.booked_on NOT BETWEEN u.first AND u.last AND r.reference_key IS NOT NULL"""
ELSEWHERE_BY_INDEX = """
                AND NOT EXISTS (SELECT FROM bank_line l WHERE l.school_id = u.school_id AND l.reference_key = g.key
                    AND l.account_id = u.account_id AND l.booked_on NOT BETWEEN u.first AND u.last)
                AND NOT EXISTS (SELECT FROM evidence e WHERE e.school_id = u.school_id AND e.reference_key = g.key
                    AND e.account_id = u.account_id AND e.source <> 'statement'
                    AND e.value_date NOT BETWEEN u.first AND u.last)
                AND NOT EXISTS (SELECT FROM ledger_row r WHERE r.school_id = u.school_id AND r.reference_key = g.key
                    AND r.booked_on NOT BETWEEN u.first AND u.last)"""

# One pass over all facts: what names one reference stands in one group. A group is crowded where a source names it
# twice, or another day does; its least id is then not all of it.
GROUPED = """
    grouped AS MATERIALIZED (
        SELECT no, key, min(line_id) AS line_id, min(line_evidence) AS line_evidence, min(sent_id) AS sent_id,
            min(row_id) AS row_id, min(amount_vnd) AS amount_vnd, min(day) AS day, min(row_day) AS row_day,
            min(document) AS document, bool_or(is_later) AS is_later,
            bool_and(sound) AND min(amount_vnd) = max(amount_vnd) AND min(day) = max(day) AS sound,
            count(*) > num_nonnulls(min(line_id), min(sent_id), min(row_id)) AS crowded
        FROM ({said}
        ) AS fact
        GROUP BY no, key
    )"""

# Which pieces stand behind a bank transaction, and what it is: a plain one has a line, a message, and nothing else.
PIECES = """
            SELECT school_id, transaction_id, count(*) AS pieces,
                min(evidence_id) FILTER (WHERE source_key = 'statement') AS line_evidence,
                min(evidence_id) FILTER (WHERE source_key <> 'statement') AS sent_id,
                min(bank_number) FILTER (WHERE source_key = 'statement') AS line_number,
                min(bank_number) FILTER (WHERE source_key <> 'statement') AS sent_number
            FROM transaction_evidence link WHERE {whose} GROUP BY school_id, transaction_id"""
BEHIND = """
    behind AS NOT MATERIALIZED (
        SELECT piece.*, txn.state, txn.direction, txn.amount_vnd, txn.reverses_id
        FROM ({pieces}
        ) AS piece
        JOIN bank_transaction txn ON txn.school_id = piece.school_id AND txn.id = piece.transaction_id
        WHERE txn.school_id = ANY(CAST(:schools AS bigint[])) OFFSET 0
    )"""
JOINED = "LEFT JOIN behind ON behind.school_id = u.school_id AND behind.line_evidence = g.line_evidence"
JOINED_BY_INDEX = """LEFT JOIN LATERAL (
            SELECT piece.*, txn.state, txn.direction, txn.amount_vnd, txn.reverses_id
            FROM transaction_evidence own
            CROSS JOIN LATERAL ({pieces}
            ) AS piece
            JOIN bank_transaction txn ON txn.school_id = piece.school_id AND txn.id = piece.transaction_id
            WHERE own.evidence_id = g.line_evidence AND own.school_id = u.school_id
              AND g.sound AND NOT g.crowded AND g.sent_id IS NOT NULL
        ) AS behind ON behind.line_evidence = g.line_evidence"""
OF_SCHOOLS = "school_id = ANY(CAST(:schools AS bigint[]))"
OF_OWN = "link.school_id = own.school_id AND link.transaction_id = own.transaction_id"


def said(crowd: bool) -> str:  # noqa: FBT001 - one of two forms of one text
    """All own facts, or those of crowded groups."""
    join = "JOIN crowd c ON c.no = u.no" if crowd else ""
    keys = {side: f"AND {side[0]}.reference_key = c.key" if crowd else "" for side in ("line", "evidence", "row")}
    return SAID.format(crowd=join, line=keys["line"], sent=keys["evidence"], row=keys["row"])
