"""What a night reads: facts of one account as compact rows, a few statements whatever their number."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import fields
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import Row, TextClause, text
from sqlalchemy.orm import Session

from bank_adapters.statements.keys import fold_reference
from payments import clock
from payments.banking.rules import Tariff
from payments.business_days import BusinessDays
from payments.clearing.rules import stated_fee_vnd
from reconciliation.asking import Answers, Ask, key_of
from reconciliation.balances import BooksFact, StatementFact
from reconciliation.closing.late import Signed
from reconciliation.facts import BankFact, Days, GatewayFact, LedgerFact

LONGEST_SHIFT = timedelta(days=14)
"""From the day a callback names to the day its statement is due: Tết."""
LONGEST_OWED = timedelta(days=40)
"""The same where an intermediary pays out after as many as ten business days."""

# A doubtful statement's lines count while it stands, except where a statement that adds up says the same.
_THAT_COUNT = """
    line.school_id = :school_id AND line.account_id = :account_id
      AND (st.break_at IS NULL OR st.id = ANY(CAST(:doubtful AS bigint[])) AND NOT EXISTS (
          SELECT FROM bank_line sure WHERE sure.school_id = line.school_id AND sure.account_id = line.account_id
            AND sure.natural_key = split_part(line.natural_key, '!', 1)))
"""
_LINES = """
    SELECT line.id, line.booked_on, line.value_date, line.direction, line.amount_vnd, line.bank_reference,
        line."references", link.transaction_id, txn.reverses_id, st.imported_at, paid.fee_vnd AS payout_fee_vnd,
        CASE WHEN line.direction = 'credit' AND line.description ~* '\\m(phi|fee)\\M' THEN line.description END AS fee
    FROM bank_line line
    JOIN bank_statement st ON st.school_id = line.school_id AND st.id = line.statement_id
    LEFT JOIN transaction_evidence link ON link.school_id = line.school_id AND link.evidence_id = line.evidence_id
    LEFT JOIN bank_transaction txn ON txn.school_id = link.school_id AND txn.id = link.transaction_id
    LEFT JOIN payout paid
        ON paid.school_id = link.school_id AND paid.transaction_id = link.transaction_id AND paid.dissolved_at IS NULL
    WHERE {THAT_COUNT} AND {0}
""".replace("{THAT_COUNT}", _THAT_COUNT)

# Money that a callback takes back goes the other way than what it names (payments/inbox/attaching.py).
_SENT = """
    SELECT coalesce(link.transaction_id, -e.id) AS id, e.id AS evidence_id, e.value_date, e.occurred_at,
        CASE WHEN e.status = 'settled' THEN e.direction WHEN e.direction = 'credit' THEN 'debit' ELSE 'credit' END
            AS direction,
        e.amount_vnd, e.bank_reference, e."references", e.source || ':' || e.connection_id AS source, e.received_at,
        txn.reverses_id, sender.payout_days, paid.transaction_id AS paid_by,
        sender.payout_days IS NOT NULL AND item.id IS NULL AND (
            txn.state = 'reversed' AND NOT EXISTS (
                SELECT FROM bank_transaction back JOIN payout_item deducted
                    ON deducted.school_id = back.school_id AND deducted.transaction_id = back.id AND deducted.live
                WHERE back.school_id = txn.school_id AND back.account_id = txn.account_id
                  AND back.direction = 'debit' AND back.amount_vnd = txn.amount_vnd AND back.reverses_id = txn.id)
            OR txn.reverses_id IS NOT NULL AND NOT EXISTS (
                SELECT FROM payout_item kept
                WHERE kept.school_id = txn.school_id AND kept.transaction_id = txn.reverses_id AND kept.live)
        ) AS cancelled,
        EXISTS (
            SELECT FROM evidence other WHERE other.connection_id = e.connection_id AND other.dedup_key = e.dedup_key
              AND other.direction = e.direction AND other.status = e.status AND other.conflicting) AS conflicting
    FROM evidence e
    JOIN connection sender ON sender.id = e.connection_id
    LEFT JOIN transaction_evidence link ON link.evidence_id = e.id
    LEFT JOIN bank_transaction txn ON txn.school_id = link.school_id AND txn.id = link.transaction_id
    LEFT JOIN payout_item item ON item.school_id = txn.school_id AND item.transaction_id = txn.id AND item.live
    LEFT JOIN payout paid ON paid.school_id = item.school_id AND paid.id = item.payout_id
    WHERE e.school_id = :school_id AND e.account_id = :account_id AND e.source <> 'statement'
      AND e.status IN ('settled', 'void') AND NOT e.conflicting AND NOT e.sandbox
      AND NOT EXISTS (SELECT FROM held_evidence held WHERE held.evidence_id = e.id AND held.reason = 'no_original')
      AND {0}
    ORDER BY e.id
"""

# Cash that names no account of ours is shown with the school's first account, so that it is shown once.
_BOOKED = """
    SELECT row.id, row.booked_on, row.direction, row.amount_vnd, row."references", row.bank_reference, row.is_cash,
        split_part(row.natural_key, '#', -1) AS occurrence, imported.imported_at,
        coalesce((
            SELECT array_agg(DISTINCT b.reference ORDER BY b.reference)
            FROM invoice i
            JOIN bundle_line line ON line.school_id = i.school_id AND line.invoice_id IN (i.id, i.replaces_id)
            JOIN bundle b ON b.school_id = line.school_id AND b.id = line.bundle_id
            WHERE i.school_id = row.school_id AND i.reference = ANY(row."references")
              AND EXISTS (SELECT FROM bundle_transfer paid
                  WHERE paid.school_id = b.school_id AND paid.bundle_id = b.id)
        ), '{{}}') AS bundles
    FROM ledger_row row
    JOIN ledger_import imported ON imported.school_id = row.school_id AND imported.id = row.import_id
    LEFT JOIN book_account said
        ON said.school_id = row.school_id AND said.code = row.account_code AND NOT row.is_cash
    WHERE row.school_id = :school_id
      AND (coalesce(said.account_id, row.account_id) = :account_id
        OR :is_first AND row.is_cash AND row.account_id IS NULL)
      AND {0}
"""

_ELSEWHERE = """
    {0} BETWEEN :from_day AND :to_day AND {0} NOT BETWEEN :first AND :last
    AND ({0} BETWEEN :near_from AND :near_to AND {2} = ANY(CAST(:amounts AS bigint[]))
      OR {1} && CAST(:names AS text[]))
"""

_OF_IDS = "{0} IN (SELECT unnest(CAST(:ids AS bigint[])))"
_OF_TRANSACTIONS = """{0} IN (
    SELECT own.evidence_id FROM transaction_evidence own
    WHERE own.school_id = :school_id AND own.transaction_id IN (SELECT unnest(CAST(:ids AS bigint[])))
      AND (own.source_key = 'statement') = {1} OFFSET 0)
"""
# What else stands behind the same bank transactions belongs to them.
_OF_EVIDENCE = """{0} IN (
    SELECT unnest(CAST(:ids AS bigint[]))
    UNION
    SELECT other.evidence_id FROM transaction_evidence own
    JOIN transaction_evidence other ON other.school_id = own.school_id AND other.transaction_id = own.transaction_id
    WHERE own.school_id = :school_id AND own.evidence_id IN (SELECT unnest(CAST(:ids AS bigint[]))))
"""

# Where ids are few, the index of the account would only be walked in vain: ``+ 0`` keeps it out of the plan.
_LINES_BY_ID = _LINES.replace("line.account_id = :account_id", "line.account_id + 0 = :account_id")
_SENT_BY_ID = _SENT.replace("e.account_id = :account_id", "e.account_id + 0 = :account_id")

LINES_OF_DAYS = text(_LINES.format("line.booked_on BETWEEN :first AND :last"))
LINES_OF_IDS = text(_LINES_BY_ID.format(_OF_IDS.format("line.id")))
LINES_ELSEWHERE = text(_LINES.format(_ELSEWHERE.format("line.booked_on", 'line."references"', "line.amount_vnd")))
LINES_OF_TRANSACTIONS = text(_LINES.format(_OF_TRANSACTIONS.format("line.evidence_id", "true")))
SENT_ON_DAYS = text(_SENT.format("e.value_date BETWEEN :first AND :last"))
SENT_OF_IDS = text(_SENT_BY_ID.format("e.value_date BETWEEN :first AND :last AND " + _OF_EVIDENCE.format("e.id")))
SENT_OF_EVIDENCE = text(_SENT_BY_ID.format(_OF_EVIDENCE.format("e.id")))
SENT_ELSEWHERE = text(_SENT.format(_ELSEWHERE.format("e.value_date", 'e."references"', "e.amount_vnd")))
SENT_OF_TRANSACTIONS = text(_SENT_BY_ID.format(_OF_TRANSACTIONS.format("e.id", "false")))
SENT_OF_PAYOUTS = text(_SENT.format("paid.transaction_id = ANY(CAST(:ids AS bigint[]))"))
BOOKED_ON_DAYS = text(_BOOKED.format("row.booked_on BETWEEN :first AND :last"))
BOOKED_OF_IDS = text(_BOOKED.format(_OF_IDS.format("row.id")))
BOOKED_ELSEWHERE = text(_BOOKED.format(_ELSEWHERE.format("row.booked_on", 'row."references"', "row.amount_vnd")))

OF_BANKS = frozenset({LINES_OF_DAYS, LINES_OF_IDS, LINES_ELSEWHERE, LINES_OF_TRANSACTIONS})
OF_GATEWAYS = frozenset(
    {SENT_ON_DAYS, SENT_OF_IDS, SENT_OF_EVIDENCE, SENT_ELSEWHERE, SENT_OF_TRANSACTIONS, SENT_OF_PAYOUTS}
)
OF_BOOKS = frozenset({BOOKED_ON_DAYS, BOOKED_OF_IDS, BOOKED_ELSEWHERE})

SUMS = text(f"""
    SELECT line.booked_on, coalesce(sum(line.amount_vnd) FILTER (WHERE line.direction = 'credit'), 0) AS credits_vnd,
        coalesce(sum(line.amount_vnd) FILTER (WHERE line.direction = 'debit'), 0) AS debits_vnd
    FROM bank_line line JOIN bank_statement st ON st.school_id = line.school_id AND st.id = line.statement_id
    WHERE {_THAT_COUNT} AND line.booked_on BETWEEN :first AND :last GROUP BY line.booked_on
""")  # noqa: S608 - constants of this module
OF_WHOLE_DAYS = """
    (break_at IS NOT NULL OR format NOT IN ('camt.052', 'camt.054', 'mt942') AND format NOT LIKE 'within-day %')
"""
"""Which statements make a day known: a report within a day brings lines, but the day still waits for its statement."""
STATEMENTS = text(f"""
    SELECT id, period_from AS first, period_to AS last, opening_vnd, closing_vnd, sequence, proved, break_at, break_vnd,
        format
    FROM bank_statement WHERE school_id = :school_id AND account_id = :account_id
      AND {OF_WHOLE_DAYS} AND period_to >= :first AND period_from <= :last
""")  # noqa: S608 - constants of this module
STATEMENT = tuple(field.name for field in fields(StatementFact))
BOOKS_FACT = tuple(field.name for field in fields(BooksFact))
FIRST_DAY = text("""
    SELECT min(period_from) AS found FROM bank_statement WHERE school_id = :school_id AND account_id = :account_id
""")
BOOKS = text("""
    SELECT imported.period_from, imported.period_to
    FROM ledger_import imported
    WHERE imported.school_id = :school_id AND imported.vouches
      AND imported.period_to >= :first AND imported.period_from <= :last
      AND (:account_id = ANY(imported.account_ids) OR EXISTS (
          SELECT FROM ledger_row row JOIN book_account said ON said.school_id = row.school_id
            AND said.code = row.account_code AND said.account_id = :account_id
          WHERE row.school_id = imported.school_id AND row.import_id = imported.id))
    ORDER BY imported.period_from, imported.period_to
""")
# Only the newest books of a period speak, and only those of one account: a file of several states no balance of one.
STATED_BOOKS = text("""
    SELECT stated.id AS import_id, stated.period_to AS last, first.period_from AS first, first.opening_vnd,
        stated.closing_vnd, (
            SELECT coalesce(sum(
                CASE row.direction WHEN 'credit' THEN row.amount_vnd ELSE -row.amount_vnd END), 0)::bigint
            FROM ledger_row row
            LEFT JOIN book_account said
                ON said.school_id = row.school_id AND said.code = row.account_code AND NOT row.is_cash
            WHERE row.school_id = stated.school_id AND NOT row.is_cash
              AND coalesce(said.account_id, row.account_id) = :account_id
              AND row.booked_on BETWEEN first.period_from AND stated.period_to) AS moved_vnd
    FROM ledger_import stated
    CROSS JOIN LATERAL (
        SELECT i.period_from, i.opening_vnd FROM ledger_import i
        WHERE i.school_id = stated.school_id AND i.account_ids = stated.account_ids AND i.opening_vnd IS NOT NULL
        ORDER BY i.period_from, i.id LIMIT 1) AS first
    WHERE stated.school_id = :school_id AND stated.account_ids = ARRAY[:account_id]::bigint[]
      AND stated.closing_vnd IS NOT NULL AND stated.period_to BETWEEN :first AND :last
      AND NOT EXISTS (
        SELECT FROM ledger_import newer WHERE newer.school_id = stated.school_id AND newer.id > stated.id
          AND stated.period_to BETWEEN newer.period_from AND newer.period_to AND newer.account_ids = stated.account_ids)
    ORDER BY stated.period_to, stated.id
""")
INTERMEDIATED = text("""
    SELECT EXISTS (
        SELECT FROM connection_account listed JOIN connection c ON c.id = listed.connection_id
        WHERE listed.school_id = :school_id AND listed.account_id = :account_id AND c.settles = 'batch') AS found
""")
TARIFFS = text("""
    SELECT cost_vnd, cost_per_10000 FROM channel
    WHERE school_id = :school_id AND receiving_account_id = :account_id AND borne_by = 'school'
      AND (cost_vnd > 0 OR cost_per_10000 > 0)
""")
HOLIDAYS = text("SELECT day FROM holiday WHERE day BETWEEN :first AND :last ORDER BY day")
FIRST_ACCOUNT = text(
    "SELECT min(id) AS found FROM receiving_account WHERE school_id = :school_id AND state <> 'proposed'"
)


class Source:
    """Reads the facts of one account; ``doubtful`` are standing statements that contradict themselves.

    ``told`` are answers that were asked for together with those of other accounts (``asking``): they are not asked for
    again.
    """

    def __init__(self, session: Session, school_id: int, account_id: int) -> None:
        self._session = session
        self.owner = {"school_id": school_id, "account_id": account_id}
        self.told: Answers = {}
        self.signed = Signed(self.rows)
        self.calendar = BusinessDays()
        self.doubtful: list[int] = []

    @cached_property
    def is_first(self) -> bool:
        """Whether cash that names no account is shown with this one."""
        return bool(self.scalar(FIRST_ACCOUNT) == self.owner["account_id"])

    @cached_property
    def longest_shift(self) -> timedelta:
        """From the day that a callback names to the day on which its statement may be due."""
        return LONGEST_OWED if self.scalar(INTERMEDIATED) else LONGEST_SHIFT

    def rows(self, statement: TextClause, /, **values: Any) -> Sequence[Row[Any]]:
        """Rows of a query about the account."""
        told = self.told.get(key_of(statement, values)) if self.told else None
        return told if told is not None else self._session.execute(statement, self.owner | values).all()

    def asks(self, statement: TextClause, /, **values: Any) -> Ask:
        """What ``banks``, ``gateways`` or ``ledgers`` will ask, to be asked together with others."""
        return Ask(self, statement, values | self._more(statement))

    def _more(self, statement: TextClause) -> dict[str, Any]:
        if statement in OF_BANKS:
            return {"doubtful": self.doubtful}
        return {"is_first": self.is_first} if statement in OF_BOOKS else {}

    def scalar(self, statement: TextClause, /, **values: Any) -> Any:
        """One value of a query about the account."""
        rows = self.rows(statement, **values)
        return rows[0].found if rows else None

    def load_calendar(self, first: date, last: date) -> tuple[date, ...]:
        """Take the holidays around the days into account; returns them."""
        days = tuple(sorted(row.day for row in self.rows(HOLIDAYS, **self.around(first, last))))
        self.calendar = BusinessDays(frozenset(days))
        return days

    def around(self, first: date, last: date) -> dict[str, date]:
        """The days on whose holidays it depends what is due on some days."""
        return {"first": first - self.longest_shift, "last": last + self.longest_shift}

    def statements(self, first: date, last: date) -> list[StatementFact]:
        """Statements that touch the days."""
        rows = self.rows(STATEMENTS, first=first, last=last)
        return [StatementFact(*(getattr(row, name) for name in STATEMENT)) for row in rows]

    def sums(self, first: date, last: date) -> dict[date, tuple[int, int]]:
        """Day -> (credits, debits) in đồng, of all lines that count."""
        rows = self.rows(SUMS, doubtful=self.doubtful, first=first, last=last)
        return {row.booked_on: (int(row.credits_vnd), int(row.debits_vnd)) for row in rows}

    def books(self, first: date, last: date) -> Days:
        """Days that imported books vouch for."""
        rows = self.rows(BOOKS, first=first, last=last)
        return Days(tuple(sorted((row.period_from, row.period_to) for row in rows))).within(first, last)

    def stated_books(self, first: date, last: date) -> list[BooksFact]:
        """Books that end on these days and state their balance."""
        rows = self.rows(STATED_BOOKS, first=first, last=last)
        return sorted(
            (BooksFact(*(getattr(row, name) for name in BOOKS_FACT)) for row in rows),
            key=lambda books: (books.last, books.import_id),
        )

    def tariffs(self) -> list[Tariff]:
        """What intermediaries of the account keep."""
        return sorted(
            (Tariff(row.cost_vnd, row.cost_per_10000) for row in self.rows(TARIFFS)),
            key=lambda tariff: (tariff.cost_vnd, tariff.cost_per_10000),
        )

    def banks(self, statement: TextClause, /, **values: Any) -> list[BankFact]:
        """Bank lines of a query."""
        rows = self.rows(statement, **values, **self._more(statement))
        return [self._bank(row) for row in rows]

    def gateways(self, statement: TextClause, /, **values: Any) -> list[GatewayFact]:
        """What callbacks and polls of a query reported, once for each bank transaction."""
        pieces: dict[int, list[Row[Any]]] = defaultdict(list)
        for row in sorted(self.rows(statement, **values), key=lambda row: row.evidence_id):
            pieces[row.id].append(row)
        return [self._gateway(key, rows) for key, rows in pieces.items()]

    def ledgers(self, statement: TextClause, /, **values: Any) -> list[LedgerFact]:
        """Rows of the books of a query."""
        return [
            LedgerFact(
                row.id,
                row.booked_on,
                row.direction,
                row.amount_vnd,
                tuple(row.references),
                row.bank_reference or "",
                int(row.occurrence),
                row.is_cash,
                self.signed.is_late(2, (row.id,), row.booked_on, row.imported_at),
                tuple(row.bundles),
            )
            for row in self.rows(statement, **values, **self._more(statement))
        ]

    def next_open(self, day: date) -> date:
        """The day itself, or the first one after all that is signed."""
        return max(day, self.signed.open_from)

    def closes_before(self, first: date, last: date) -> bool:
        """Whether late facts of a closed period belong to these days."""
        return first <= self.signed.open_from <= last

    def _bank(self, row: Row[Any]) -> BankFact:
        return BankFact(
            row.id,
            row.booked_on,
            row.value_date,
            row.direction,
            row.amount_vnd,
            fold_reference(row.bank_reference) if row.bank_reference else "",
            tuple(row.references),
            row.transaction_id,
            row.reverses_id,
            stated_fee_vnd(row.fee) if row.fee else 0,
            row.payout_fee_vnd,
            self.signed.is_late(0, (row.id,), row.booked_on, row.imported_at),
        )

    def _gateway(self, key: int, rows: Sequence[Row[Any]]) -> GatewayFact:
        first = min(rows, key=lambda row: (row.value_date, row.occurred_at, row.evidence_id))
        numbers = [fold_reference(row.bank_reference) for row in rows if row.bank_reference]
        names = rows[0].references if len(rows) == 1 else {name: 0 for row in rows for name in row.references}
        due = self._due(first)
        evidence = tuple(row.evidence_id for row in rows)
        return GatewayFact(
            key,
            first.value_date,
            due,
            first.direction,
            first.amount_vnd,
            numbers[0] if numbers else "",
            tuple(names),
            first.source,
            evidence,
            any(row.conflicting for row in rows),
            first.reverses_id,
            first.payout_days is not None,
            first.paid_by,
            bool(first.cancelled),
            self.signed.is_late(1, evidence, due, first.received_at),
        )

    def _due(self, sent: Row[Any]) -> date:
        """The day whose statement must show what was sent."""
        day: date = sent.value_date
        if sent.payout_days is not None:
            return self.calendar.later(day, sent.payout_days)
        return self.calendar.due(day, sent.occurred_at.astimezone(clock.VIETNAM).hour)
