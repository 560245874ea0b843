"""What the database's own catalogue says about its guards: triggers, unique keys and foreign keys."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import Connection, text

APPEND_ONLY = {
    "I7": ("allocation", "pupil_credit", "ledger_entry", "ledger_line", "decision", "evidence", "raw_callback"),
    "I11": ("invoice", "invoice_line", "bundle", "bundle_line"),
    "decisions": ("notice_template", "notice_attempt"),
    "exceptions": ("exception_event",),
    "I3": ("bank_line_alias",),
    "closes": (
        "period_close",
        "close_run",
        "close_signature",
        "late_item",
        "reconcile_run",
        "reconcile_item",
        "reconcile_block",
    ),
}
"""Tables whose rows may only be added."""

TRIGGERS: Mapping[str, Mapping[str, str | tuple[str, ...]]] = {
    "I1": {"ledger_line": "line_balances", "ledger_entry": "entry_balances"},
    "I2": {"bank_transaction": "has_evidence"},
    "I11": {"invoice": "one_reference", "bundle": "one_reference"},
    "closes": {
        "period_close": ("keep_chain", "keep_reopening"),
        "books_closed": "keep_books_closed",
        **dict.fromkeys(
            ("reconcile_run", "standing_run", "ledger_entry", "decision", "payout"), "refuse_closed_period"
        ),
    },
    "decisions": {
        "refund": ("keep_refund", "begin_refund"),
        "approval": "keep_approval",
        "payer_claim": ("keep_claim", "no_truncate"),
    },
    "clearing": {"connection": "keep_settling", "payout": "keep_payout", "payout_item": "keep_payout_item"},
    "exceptions": {
        "reconcile_exception": ("guard_exception", "guard_exception_class"),
        "exception_event": ("guard_exception_event", "guard_exception_end"),
    },
}

FENCES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "I3": {
        "settlement": ("school_id", "transaction_id"),
        "transaction_evidence": ("evidence_id",),
        "ledger_entry": ("school_id", "source_key"),
    },
    "I11": {"invoice": ("school_id", "reference"), "bundle": ("school_id", "reference")},
}
"""Unique keys without which something could happen twice."""

POINTING = text("""
    SELECT DISTINCT conrelid::regclass::text FROM pg_constraint k
    WHERE k.contype = 'f' AND k.connamespace = current_schema()::regnamespace
      AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = k.conrelid AND a.attname = 'school_id')
    ORDER BY 1
""")

KEYS = text("""
    SELECT k.conrelid::regclass::text AS mine, k.confrelid::regclass::text AS theirs,
           (SELECT array_agg(quote_ident(a.attname) ORDER BY place)
            FROM unnest(k.conkey) WITH ORDINALITY AS c (n, place)
            JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = c.n) AS columns,
           (SELECT array_agg(quote_ident(a.attname) ORDER BY place)
            FROM unnest(k.confkey) WITH ORDINALITY AS c (n, place)
            JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = c.n) AS keys
    FROM pg_constraint k
    WHERE k.contype = 'f' AND k.conrelid = ANY (CAST(:tables AS regclass[]))
    ORDER BY mine, k.conname
""")

ENABLED = text("""
    SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled IN ('O', 'A')
""")

UNIQUE = text("""
    SELECT i.indrelid::regclass::text,
           (SELECT array_agg(a.attname::text ORDER BY place) FROM unnest(i.indkey) WITH ORDINALITY AS c (n, place)
            JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = c.n)
    FROM pg_index i WHERE i.indisunique AND i.indisvalid AND i.indpred IS NULL
""")


def missing_guards(connection: Connection) -> Mapping[str, Sequence[str]]:
    """Invariant -> triggers and unique keys that should guard it and are not there."""
    triggers = {tuple(row) for row in connection.execute(ENABLED)}
    unique = {(row[0], tuple(row[1] or ())) for row in connection.execute(UNIQUE)}
    missing: dict[str, list[str]] = defaultdict(list)
    for invariant, table, trigger in _wanted_triggers():
        if (table, trigger) not in triggers:
            missing[invariant].append(f"trigger {trigger} of {table} is off")
    for invariant, fences in FENCES.items():
        for table, columns in fences.items():
            if (table, columns) not in unique:
                missing[invariant].append(f"{table} has no unique key on {', '.join(columns)}")
    return missing


def broken_references(connection: Connection, limit: int) -> list[str]:
    """Rows of schools that point to rows that are not there, or not of their school."""
    looks = [
        _unanswered(limit, *key) for key in connection.execute(KEYS, {"tables": _tables_with_rows(connection)}).all()
    ]
    if not looks:
        return []
    return [
        f"{mine} of school {school_id}: {columns} ({value}) is not in {theirs}"
        for mine, school_id, columns, value, theirs in connection.exec_driver_sql(" UNION ALL ".join(looks))
    ]


def _tables_with_rows(connection: Connection) -> list[str]:
    """Tables of schools that point anywhere and hold something: rows that are not there are not broken."""
    # Names come quoted from the catalogue; there is no value in the statement.
    looks = [
        f"SELECT $${table}$$ WHERE EXISTS (SELECT FROM {table})"  # noqa: S608 - see above
        for table in connection.scalars(POINTING)
    ]
    return [row[0] for row in connection.exec_driver_sql(" UNION ALL ".join(looks))]


def _unanswered(limit: int, mine: str, theirs: str, columns: Sequence[str], keys: Sequence[str]) -> str:
    """The statement that finds rows whose foreign key points to nothing."""
    points = " AND ".join(f"m.{column} IS NOT NULL" for column in columns)
    joined = " AND ".join(f"t.{key} = m.{column}" for column, key in zip(columns, keys, strict=True))
    # Names come quoted from the catalogue; there is no value in the statement.
    return (
        f"(SELECT $${mine}$$, m.school_id, $${', '.join(columns)}$$, m.{columns[-1]}::text, $${theirs}$$ FROM {mine} m"  # noqa: S608 - see above
        f" WHERE {points} AND NOT EXISTS (SELECT FROM {theirs} t WHERE {joined}) LIMIT {limit})"
    )


def _wanted_triggers() -> Iterator[tuple[str, str, str]]:
    for invariant, tables in APPEND_ONLY.items():
        for table in tables:
            yield invariant, table, "append_only"
            yield invariant, table, "no_truncate"
    for invariant, triggers in TRIGGERS.items():
        for table, names in triggers.items():
            for trigger in (names,) if isinstance(names, str) else names:
                yield invariant, table, trigger
