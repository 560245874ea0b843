"""The statements that judge the mass of many runs at once. What makes a payment plain is said here and in ADR 0021.

A payment is plain when one bank line, one message of a sender and (where the books vouch for the day) one row of the
books name its payment reference and no other, agree in direction, amount and day, stand behind one bank transaction,
and nothing else speaks of that reference, of that transaction or of those document numbers, at any time.
"""

from collections.abc import Sequence

from sqlalchemy import text

from reconciliation.bulk import grouping

# ``near`` is plain but for documents that cross.
WEIGHED = """
    weighed AS MATERIALIZED (
        SELECT g.no, u.school_id, g.key, g.day, g.amount_vnd, g.line_id, g.sent_id, g.row_id, g.document, g.is_later,
            g.crowded, behind.transaction_id, behind.line_number, behind.sent_number, behind.state,
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
        UNION
        SELECT own.school_id, own.sent_number FROM weighed own
        WHERE own.near AND length(own.sent_number) >= 6 AND own.sent_number IS DISTINCT FROM own.line_number
          AND EXISTS (SELECT FROM ledger_row d WHERE d.school_id = own.school_id AND d.bank_reference = own.sent_number)
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
                OR coalesce((w.school_id, w.sent_number) IN (SELECT school_id, document FROM crossed), false)
                OR coalesce((w.school_id, w.document) IN (SELECT school_id, document FROM crossed), false)
            THEN coalesce(w.document = w.line_number
                AND (w.sent_number = w.line_number OR coalesce(w.sent_number, '') = '')
                AND (w.school_id, w.row_id, w.transaction_id) IN (
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


def _whole(grouped: str, behind: Sequence[str], weighed: str, crossed: str, placed: str) -> str:
    parts = [grouping.UNITS, grouping.SPECIAL, grouped, *behind, weighed, STRAY.format(said=grouping.said(crowd=True))]
    return "WITH " + ",\n".join([*parts, NUMBERS + crossed, JUDGED, KEPT, placed, SUMS])


JUDGE_ALL = text(
    _whole(
        grouping.GROUPED.format(said=grouping.said(crowd=False) + grouping.ELSEWHERE),
        [grouping.BEHIND.format(pieces=grouping.PIECES.format(whose=grouping.OF_SCHOOLS))],
        WEIGHED.format(joined=grouping.JOINED, elsewhere=""),
        CROSSED,
        PLACED.format(of_schools=f"AND a.{grouping.OF_SCHOOLS}"),
    )
)
"""For runs that own most of what there is: every table is read once."""
JUDGE_NEW = text(
    _whole(
        grouping.GROUPED.format(said=grouping.said(crowd=False)),
        [],
        WEIGHED.format(
            joined=grouping.JOINED_BY_INDEX.format(pieces=grouping.PIECES.format(whose=grouping.OF_OWN)),
            elsewhere=grouping.ELSEWHERE_BY_INDEX,
        ),
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
