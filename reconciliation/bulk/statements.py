"""The statements that judge the mass of many runs at once. What makes a payment plain is said here and in ADR 0021.

A payment is plain when one bank line, one message of a sender and (where the books vouch for the day) one row of the
books name its payment reference and no other, agree in direction, amount and day, stand behind one bank transaction,
and nothing else speaks of that reference, of that transaction or of those document numbers, at any time.
"""

from collections.abc import Sequence

from sqlalchemy import text

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

# ``near`` is plain but for documents that cross.
WEIGHED = """
    weighed AS MATERIALIZED (
        SELECT g.no, u.school_id, g.key, g.day, g.amount_vnd, g.line_id, g.sent_id, g.row_id, g.document, g.is_later,
            g.crowded, behind.transaction_id, behind.line_number, behind.state,
            coalesce(
                g.sound AND NOT g.crowded AND g.line_id IS NOT NULL
                AND behind.pieces = 2 AND behind.sent_id = g.sent_id
                AND behind.reverses_id IS NULL AND behind.state IN ('new', 'credited', 'unmatched')
                AND behind.direction = 'credit' AND behind.amount_vnd = g.amount_vnd
                AND CASE WHEN u.booked
                    THEN g.row_day = g.day OR g.row_day - g.day BETWEEN -10 AND 45
                        AND date_trunc('month', g.row_day) = date_trunc('month', g.day)
                    ELSE true END
                AND NOT (u.school_id, behind.transaction_id) IN (SELECT school_id, id FROM odd)
                AND NOT g.sent_id IN (SELECT id FROM contradicted)
                AND NOT g.line_id IN (SELECT id FROM ruled_line)
                AND NOT g.sent_id IN (SELECT id FROM ruled_evidence)
                AND NOT coalesce(g.row_id IN (SELECT id FROM ruled_row), false){elsewhere},
            false) AS near,
            CASE WHEN behind.line_number <> '' AND behind.line_number = behind.sent_number
                THEN CASE WHEN g.row_id IS NULL OR g.document = behind.line_number THEN 0 ELSE 2 END
                ELSE CASE WHEN g.document = behind.line_number THEN 3 ELSE 1 END END AS rule
        FROM grouped g
        JOIN unit u ON u.no = g.no
        {joined}
        WHERE num_nonnulls(g.line_id, g.sent_id, g.row_id) > 0
    )"""

# What is not near, fact by fact. It is little, and said so that the planner expects little: whatever follows is
# looked up one by one.
STRAY = """
    crowd AS MATERIALIZED (
        SELECT no, key FROM weighed WHERE (CASE WHEN crowded THEN 1 ELSE 0 END) = 1
    ),
    stray AS MATERIALIZED (
        SELECT no, school_id, line_id, sent_id, row_id FROM weighed
        WHERE (CASE WHEN near OR crowded THEN 0 ELSE 1 END) = 1
        UNION ALL
        SELECT u.no, u.school_id, again.line_id, again.sent_id, again.row_id
        FROM ({said}
        ) AS again JOIN unit u ON u.no = again.no
    )"""

# Documents of the books that are the bank's number of some movement: rows and movements may meet by them.
NUMBERS = """
    loose AS MATERIALIZED (
        SELECT s.school_id, ltrim(upper(regexp_replace(s.bank_reference, '[^[:alnum:]]', '', 'g')), '0') AS number
        FROM (
            SELECT l.school_id, l.bank_reference FROM stray
            JOIN bank_line l ON l.school_id = stray.school_id AND l.id = stray.line_id
            UNION ALL
            SELECT stray.school_id, e.bank_reference FROM stray JOIN evidence e ON e.id = stray.sent_id
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
            SELECT link.school_id, link.bank_number AS number, link.transaction_id FROM transaction_evidence link
            WHERE link.school_id = ANY(CAST(:schools AS bigint[])) AND length(link.bank_number) >= 6
            UNION ALL
            SELECT loose.school_id, loose.number, 0 FROM loose WHERE length(loose.number) >= 6
        ) AS n ON n.school_id = d.school_id AND n.number = d.bank_reference
        WHERE d.school_id = ANY(CAST(:schools AS bigint[])) AND length(d.bank_reference) >= 6
        GROUP BY d.school_id, d.bank_reference
    )"""
CROSSED_BY_INDEX = """
    meeting AS MATERIALIZED (
        SELECT own.school_id, own.document AS number FROM weighed own
        WHERE own.near AND own.document IS NOT NULL AND (
            EXISTS (SELECT FROM transaction_evidence link
                WHERE link.school_id = own.school_id AND link.bank_number = own.document)
            OR (own.school_id, own.document) IN (SELECT loose.school_id, loose.number FROM loose))
        UNION
        SELECT own.school_id, own.line_number FROM weighed own
        WHERE own.near AND length(own.line_number) >= 6 AND EXISTS (
            SELECT FROM ledger_row d WHERE d.school_id = own.school_id AND d.bank_reference = own.line_number)
    ),
    crossed AS MATERIALIZED (
        SELECT meeting.school_id, meeting.number AS document, min(d.id) AS one_row, max(d.id) AS other_row,
            min(n.transaction_id) AS one, max(n.transaction_id) AS other
        FROM meeting
        JOIN ledger_row d ON d.school_id = meeting.school_id AND d.bank_reference = meeting.number
        CROSS JOIN LATERAL (
            SELECT link.transaction_id FROM transaction_evidence link
            WHERE link.school_id = meeting.school_id AND link.bank_number = meeting.number
            UNION ALL
            SELECT 0 FROM loose WHERE loose.school_id = meeting.school_id AND loose.number = meeting.number
        ) AS n
        GROUP BY meeting.school_id, meeting.number
    )"""

# A number that crosses is plain only where it joins the row and the transaction of one payment, and no others.
JUDGED = """
    judged AS MATERIALIZED (
        SELECT w.*, w.near AND CASE
            WHEN coalesce((w.school_id, w.line_number) IN (SELECT school_id, document FROM crossed), false)
                OR coalesce((w.school_id, w.document) IN (SELECT school_id, document FROM crossed), false)
            THEN coalesce(w.document = w.line_number AND (w.school_id, w.row_id, w.transaction_id) IN (
                SELECT school_id, one_row, one FROM crossed WHERE one_row = other_row AND one = other), false)
            ELSE true END AS plain
        FROM weighed w WHERE w.near
    )"""

KEPT = """
    kept AS (
        INSERT INTO mass_block (
            no, number, size, days, rules, keys, amounts, bank_line_ids, transaction_ids, evidence_ids, ledger_row_ids
        )
        SELECT no, place / :block, count(*), array_agg(day), array_agg(rule::smallint), array_agg(key),
            array_agg(amount_vnd), array_agg(line_id), array_agg(transaction_id), array_agg(sent_id),
            array_agg(coalesce(row_id, 0))
        FROM (
            SELECT j.no, (j.day - u.first)::smallint AS day, j.rule, j.key, j.amount_vnd, j.line_id, j.transaction_id,
                j.sent_id, j.row_id,
                (row_number() OVER (PARTITION BY j.no ORDER BY j.day, j.amount_vnd, j.key) - 1)::int AS place
            FROM judged j JOIN unit u ON u.no = j.no WHERE j.plain
        ) AS ranked
        GROUP BY no, place / :block
        RETURNING no
    )"""

PLACED = """
    placed AS MATERIALIZED (
        SELECT no, sum(allocated) AS allocated, sum(credit) AS credit FROM (
            SELECT j.no, a.amount_vnd AS allocated, 0 AS credit FROM judged j
            JOIN allocation a ON a.school_id = j.school_id AND a.transaction_id = j.transaction_id
            WHERE j.plain {of_schools}
            UNION ALL
            SELECT j.no, 0, c.amount_vnd FROM judged j
            JOIN pupil_credit c ON c.school_id = j.school_id AND c.transaction_id = j.transaction_id WHERE j.plain
        ) AS parts GROUP BY no
    )"""
SUMS = """
    mass AS MATERIALIZED (
        SELECT no, count(*) AS size, sum(amount_vnd)::bigint AS vnd,
            count(*) FILTER (WHERE NOT is_later) AS told,
            coalesce(sum(amount_vnd) FILTER (WHERE NOT is_later), 0)::bigint AS told_vnd,
            count(row_id) AS booked,
            coalesce(sum(amount_vnd) FILTER (WHERE row_id IS NOT NULL), 0)::bigint AS booked_vnd,
            coalesce(sum(amount_vnd) FILTER (WHERE state IN ('new', 'unmatched')), 0)::bigint AS unmatched
        FROM judged WHERE plain GROUP BY no
    ),
    rest AS MATERIALIZED (
        SELECT no, array_agg(line_id ORDER BY line_id) FILTER (WHERE line_id IS NOT NULL) AS lines,
            array_agg(sent_id ORDER BY sent_id) FILTER (WHERE sent_id IS NOT NULL) AS evidence,
            array_agg(row_id ORDER BY row_id) FILTER (WHERE row_id IS NOT NULL) AS rows
        FROM (
            SELECT no, line_id, sent_id, row_id FROM stray
            UNION ALL
            SELECT no, line_id, sent_id, row_id FROM judged WHERE NOT plain
        ) AS left_over GROUP BY no
    )
    SELECT u.no, coalesce(mass.size, 0) AS size, coalesce(mass.vnd, 0) AS vnd, coalesce(mass.told, 0) AS told,
        coalesce(mass.told_vnd, 0) AS told_vnd, coalesce(mass.booked, 0) AS booked,
        coalesce(mass.booked_vnd, 0) AS booked_vnd, coalesce(mass.unmatched, 0) AS unmatched,
        rest.lines, rest.evidence, rest.rows,
        coalesce(placed.allocated, 0)::bigint AS allocated, coalesce(placed.credit, 0)::bigint AS credit
    FROM unit u
    LEFT JOIN mass ON mass.no = u.no
    LEFT JOIN rest ON rest.no = u.no
    LEFT JOIN placed ON placed.no = u.no
"""


def _said(crowd: bool) -> str:  # noqa: FBT001 - one of two forms of one text
    """All own facts, or those of crowded groups."""
    join = "JOIN crowd c ON c.no = u.no" if crowd else ""
    keys = {side: f"AND {side[0]}.reference_key = c.key" if crowd else "" for side in ("line", "evidence", "row")}
    return SAID.format(crowd=join, line=keys["line"], sent=keys["evidence"], row=keys["row"])


def _whole(grouped: str, behind: Sequence[str], weighed: str, crossed: str, placed: str) -> str:
    parts = [UNITS, SPECIAL, grouped, *behind, weighed, STRAY.format(said=_said(crowd=True))]
    return "WITH " + ",\n".join([*parts, NUMBERS + crossed, JUDGED, KEPT, placed, SUMS])


JUDGE_ALL = text(
    _whole(
        GROUPED.format(said=_said(crowd=False) + ELSEWHERE),
        [BEHIND.format(pieces=PIECES.format(whose=OF_SCHOOLS))],
        WEIGHED.format(joined=JOINED, elsewhere=""),
        CROSSED,
        PLACED.format(of_schools=f"AND a.{OF_SCHOOLS}"),
    )
)
"""For runs that own most of what there is: every table is read once."""
JUDGE_NEW = text(
    _whole(
        GROUPED.format(said=_said(crowd=False)),
        [],
        WEIGHED.format(joined=JOINED_BY_INDEX.format(pieces=PIECES.format(whose=OF_OWN)), elsewhere=ELSEWHERE_BY_INDEX),
        CROSSED_BY_INDEX,
        PLACED.format(of_schools=""),
    )
)
"""For runs that own little of it: what else speaks of a payment is looked up in an index."""

MAKE_ROOM = text("""
    CREATE TEMPORARY TABLE IF NOT EXISTS mass_block (
        no int, number int, size int, days smallint[], rules smallint[], keys bigint[], amounts bigint[],
        bank_line_ids bigint[], transaction_ids bigint[], evidence_ids bigint[], ledger_row_ids bigint[]
    ) ON COMMIT DROP
""")
# Ids hardly compress, and the time would be the night's (as in ``reconcile_block``).
AS_IT_IS = text(
    "ALTER TABLE mass_block "
    + ", ".join(
        f"ALTER {name} SET STORAGE EXTERNAL"
        for name in (
            "days",
            "rules",
            "keys",
            "amounts",
            "bank_line_ids",
            "transaction_ids",
            "evidence_ids",
            "ledger_row_ids",
        )
    )
)
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
