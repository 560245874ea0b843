"""What a batch needs to know, read and locked in a fixed order, a few statements whatever its size."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from payments.settlement.changes import Standing
from payments.settlement.filling import TURN
from payments.settlement.rules import Book, Bundle, Invoice, Line, Shares, Transfer

# One row a school, created with it. Who holds it settles the school; batches take well under a second.
LEASE = text("SELECT school_id FROM settlement_lease WHERE school_id = :school_id FOR UPDATE")
FREE_LEASE = text("SELECT school_id FROM settlement_lease WHERE school_id = :school_id FOR UPDATE SKIP LOCKED")

_LIVE = "NOT EXISTS (SELECT FROM {0} back WHERE back.school_id = kept.school_id AND back.reverses_id = kept.id)"

INVOICES = """
    SELECT i.id, i.pupil_id, i.receiving_account_id, i.reference, i.amount_vnd, i.due_on, r.state = 'closed' AS closed,
           b.paid_vnd, b.state NOT IN ('replaced', 'cancelled') AS live
    FROM invoice i
    JOIN invoice_balance b ON b.school_id = i.school_id AND b.invoice_id = i.id
    JOIN collection_round r ON r.school_id = i.school_id AND r.id = i.round_id
    WHERE i.school_id = :school_id AND {0}
    ORDER BY i.id
    FOR UPDATE OF b
"""
BY_REFERENCE = text(INVOICES.format("i.reference = ANY(CAST(:wanted AS text[]))"))
BY_ID = text(INVOICES.format("i.id = ANY(CAST(:wanted AS bigint[]))"))
OF_PUPILS = text("""
    SELECT i.id, i.pupil_id, i.receiving_account_id
    FROM invoice i JOIN invoice_balance b ON b.school_id = i.school_id AND b.invoice_id = i.id
    WHERE i.school_id = :school_id AND i.pupil_id = ANY(CAST(:ids AS bigint[]))
      AND b.state NOT IN ('replaced', 'cancelled')
""")

# The index on the pupil finds the successors: an invoice and its successor are of one pupil.
SUCCESSORS = text("""
    SELECT old.id AS invoice_id, min(new.id) AS successor_id
    FROM invoice old
    JOIN invoice new ON new.school_id = old.school_id AND new.pupil_id = old.pupil_id AND new.replaces_id = old.id
    WHERE old.school_id = :school_id AND old.id = ANY(CAST(:ids AS bigint[]))
    GROUP BY old.id
    HAVING count(*) = 1
""")

LINES = text(f"""
    SELECT l.invoice_id, l.id, l.fee_item_id, l.line_no, l.legal_group, l.mandatory, l.amount_vnd,
           coalesce(choice.chosen OR choice.kept, false), coalesce(choice.declined, false), coalesce({TURN}, 0)
    FROM invoice_line l
    LEFT JOIN voluntary_choice choice ON choice.school_id = l.school_id AND choice.line_id = l.id
    WHERE l.school_id = :school_id AND l.invoice_id = ANY(CAST(:ids AS bigint[]))
    ORDER BY l.invoice_id, l.line_no
""")  # noqa: S608 - our own text

TRANSFERS = text("""
    SELECT t.id, t.account_id, t.amount_vnd, t.value_date, t.occurred_at, t."references", t.description,
           t.clearing_id IS NOT NULL, own.pupil_id, coalesce(own.revoked_at <= t.occurred_at, false)
    FROM bank_transaction t
    LEFT JOIN virtual_account own ON own.school_id = t.school_id AND own.id = t.virtual_account_id
    WHERE t.school_id = :school_id AND t.id = ANY(CAST(:ids AS bigint[]))
    ORDER BY t.id
""")

# Money that its references brought somewhere, or a person, is told apart when it is read.
ON_OWN_ACCOUNTS = text("""
    SELECT t.id, own.pupil_id, t.account_id
    FROM virtual_account own
    JOIN bank_transaction t ON t.school_id = own.school_id AND t.virtual_account_id = own.id
    WHERE own.school_id = :school_id AND own.pupil_id = ANY(CAST(:ids AS bigint[])) AND t.state = 'credited'
    ORDER BY t.id
""")

# A school without bundles' money stops at the first look. A bundle names invoices as they were when it was made: what
# has replaced them is followed back.
BUNDLE_MONEY = text("""
    WITH RECURSIVE listed AS (
        SELECT wanted.id FROM unnest(CAST(:ids AS bigint[])) AS wanted (id)
        WHERE EXISTS (SELECT FROM bundle_transfer any_money WHERE any_money.school_id = :school_id)
        UNION
        SELECT later.replaces_id FROM listed
        JOIN invoice later ON later.school_id = :school_id AND later.id = listed.id
        WHERE later.replaces_id IS NOT NULL
    )
    SELECT DISTINCT paid.bundle_id, paid.transaction_id
    FROM listed
    JOIN bundle_line line ON line.school_id = :school_id AND line.invoice_id = listed.id
    JOIN bundle_transfer paid ON paid.school_id = :school_id AND paid.bundle_id = line.bundle_id
    JOIN bank_transaction t ON t.school_id = :school_id AND t.id = paid.transaction_id
    WHERE t.state = 'credited'
""")

BUNDLES = """
    SELECT b.id, b.receiving_account_id, b.reference, array_agg(line.invoice_id ORDER BY line.position)
    FROM bundle b JOIN bundle_line line ON line.school_id = b.school_id AND line.bundle_id = b.id
    WHERE b.school_id = :school_id AND {0}
    GROUP BY b.school_id, b.id
    ORDER BY b.id
"""
BUNDLES_BY_REFERENCE = text(BUNDLES.format("b.reference = ANY(CAST(:wanted AS text[]))"))
BUNDLES_BY_ID = text(BUNDLES.format("b.id = ANY(CAST(:wanted AS bigint[]))"))

ALLOCATIONS = """
    SELECT kept.id, kept.transaction_id, kept.line_id, kept.amount_vnd, kept.invoice_id
    FROM allocation kept
    WHERE kept.school_id = :school_id AND kept.{0} = ANY(CAST(:ids AS bigint[])) AND kept.reverses_id IS NULL AND {1}
    ORDER BY kept.id
"""
ALLOCATIONS_ON_INVOICES = text(ALLOCATIONS.format("invoice_id", _LIVE.format("allocation")))
ALLOCATIONS_OF_TRANSFERS = text(ALLOCATIONS.format("transaction_id", _LIVE.format("allocation")))

CREDITS = """
    SELECT kept.id, kept.transaction_id, kept.pupil_id, kept.amount_vnd
    FROM pupil_credit kept
    WHERE kept.school_id = :school_id AND kept.{0} = ANY(CAST(:ids AS bigint[])) AND kept.reverses_id IS NULL AND {1}
    ORDER BY kept.id
"""
CREDITS_OF_TRANSFERS = text(CREDITS.format("transaction_id", _LIVE.format("pupil_credit")))
CREDITS_OF_PUPILS = text(CREDITS.format("pupil_id", _LIVE.format("pupil_credit")))

# Of several that hold the last one: a refund of credit says anew what the rest of an assigned transfer is for.
DECISIONS = text("""
    SELECT DISTINCT ON (d.transaction_id) d.transaction_id, d.invoice_ids, d.amounts_vnd, d.pupil_ids, d.credits_vnd
    FROM decision d
    WHERE d.school_id = :school_id AND d.transaction_id = ANY(CAST(:ids AS bigint[]))
      AND d.kind IN ('assign', 'split', 'refund_approved')
      AND NOT EXISTS (SELECT FROM decision u WHERE u.school_id = d.school_id AND u.undoes_id = d.id)
    ORDER BY d.transaction_id, d.id DESC
""")


@dataclass(slots=True)
class Shelf:
    """The invoices that are known and locked so far; grows while a batch follows references and successors."""

    session: Session
    school_id: int
    invoices: dict[int, Invoice] = field(default_factory=dict)
    paid_vnd: dict[int, int] = field(default_factory=dict)
    bundles: dict[int, Bundle] = field(default_factory=dict)

    @property
    def book(self) -> Book:
        """What the rules read."""
        return Book(
            self.invoices,
            {invoice.reference: invoice.id for invoice in self.invoices.values()},
            {bundle.reference: bundle for bundle in self.bundles.values()},
        )

    def dead_but_paid(self) -> set[int]:
        """Replaced and cancelled invoices whose money has not moved on yet."""
        return {key for key, invoice in self.invoices.items() if not invoice.live and self.paid_vnd[key]}

    def fetch(self, references: Iterable[str] = (), invoice_ids: Iterable[int] = ()) -> None:
        """Lock and read invoices and all their successors, with their lines; a reference may be a bundle's."""
        references = set(references)
        known = {invoice.reference for invoice in self.invoices.values()}
        rows: list[Any] = []
        for statement, wanted in (
            (BY_REFERENCE, sorted(references - known)),
            (BY_ID, sorted(set(invoice_ids) - self.invoices.keys())),
        ):
            if wanted:
                rows += self.session.execute(statement, {"school_id": self.school_id, "wanted": wanted})
        self._keep({row.id: row for row in rows})
        strange = references - {invoice.reference for invoice in self.invoices.values()}
        self._fetch_bundles(BUNDLES_BY_REFERENCE, sorted(strange - {one.reference for one in self.bundles.values()}))

    def fetch_bundles(self, bundle_ids: Iterable[int]) -> None:
        """Bundles with the invoices on their lists."""
        self._fetch_bundles(BUNDLES_BY_ID, sorted(set(bundle_ids) - self.bundles.keys()))

    def _fetch_bundles(self, statement: TextClause, wanted: Sequence[int] | Sequence[str]) -> None:
        rows = self.session.execute(statement, {"school_id": self.school_id, "wanted": wanted}).all() if wanted else []
        found = [Bundle(row[0], row[1], row[2], tuple(row[3])) for row in rows]
        if found:
            self.fetch(invoice_ids={invoice_id for bundle in found for invoice_id in bundle.invoice_ids})
            self.bundles |= {bundle.id: bundle for bundle in found}

    def _keep(self, rows: dict[int, Any]) -> None:
        dead = [row.id for row in rows.values() if not row.live]
        successors = dict(self._rows(SUCCESSORS, dead))
        lines: dict[int, list[Line]] = defaultdict(list)
        for invoice_id, *line in self._rows(LINES, list(rows)):
            lines[invoice_id].append(Line(*line))
        for row in rows.values():
            self.paid_vnd[row.id] = row.paid_vnd
            self.invoices[row.id] = Invoice(
                row.id,
                row.pupil_id,
                row.receiving_account_id,
                row.reference,
                row.amount_vnd,
                row.due_on,
                row.closed,
                row.live,
                successors.get(row.id),
                tuple(lines[row.id]),
            )
        if successors:
            self.fetch(invoice_ids=successors.values())

    def _rows(self, statement: TextClause, ids: Sequence[int]) -> list[tuple[Any, ...]]:
        return rows_for(self.session, statement, self.school_id, ids)


def take_lease(session: Session, school_id: int, *, wait: bool) -> bool:
    """Hold the school's lease until the transaction ends. False: somebody else holds it, or there is no such school."""
    statement = LEASE if wait else FREE_LEASE
    return session.execute(statement, {"school_id": school_id}).first() is not None


def rows_for(session: Session, statement: TextClause, school_id: int, ids: Iterable[int]) -> list[tuple[Any, ...]]:
    """The rows of a statement that asks for ids of a school; nothing is asked for no ids."""
    wanted = sorted(ids)
    return [tuple(row) for row in session.execute(statement, {"school_id": school_id, "ids": wanted})] if wanted else []


def transfers(session: Session, school_id: int, ids: Iterable[int]) -> dict[int, Transfer]:
    """The transfers with these ids, in id order."""
    rows = rows_for(session, TRANSFERS, school_id, ids)
    return {
        row_id: Transfer(row_id, account_id, amount_vnd, value_date, occurred_at, tuple(references), *more)
        for row_id, account_id, amount_vnd, value_date, occurred_at, references, *more in rows
    }


def allocations_on(session: Session, school_id: int, invoice_ids: Iterable[int]) -> list[Standing]:
    """Live allocations on these invoices, by (transfer, line)."""
    rows = rows_for(session, ALLOCATIONS_ON_INVOICES, school_id, invoice_ids)
    return [Standing(row[0], (row[1], row[2]), row[3]) for row in rows]


def allocations_of(session: Session, school_id: int, transfer_ids: Iterable[int]) -> dict[int, set[int]]:
    """The invoices that live allocations of these transfers are on, by transfer."""
    found: dict[int, set[int]] = defaultdict(set)
    for row in rows_for(session, ALLOCATIONS_OF_TRANSFERS, school_id, transfer_ids):
        found[row[1]].add(row[4])
    return found


def paid_by(session: Session, school_id: int, transfer_id: int) -> dict[int, int]:
    """What a transfer pays: invoice id -> đồng."""
    paid: dict[int, int] = defaultdict(int)
    for row in rows_for(session, ALLOCATIONS_OF_TRANSFERS, school_id, [transfer_id]):
        paid[row[4]] += row[3]
    return dict(paid)


def credits_of(session: Session, school_id: int, transfer_ids: Iterable[int]) -> list[Standing]:
    """Live credits that these transfers made, by (transfer, pupil)."""
    rows = rows_for(session, CREDITS_OF_TRANSFERS, school_id, transfer_ids)
    return [Standing(row[0], (row[1], row[2]), row[3]) for row in rows]


def credited_transfers(session: Session, school_id: int, pupil_ids: Iterable[int]) -> set[int]:
    """The transfers that made live credits of these pupils."""
    return {row[1] for row in rows_for(session, CREDITS_OF_PUPILS, school_id, pupil_ids)}


Purse = tuple[int, int]
"""(pupil id, account id): whose invoices of which account money on the pupil's own account pays."""


def on_own_accounts(session: Session, school_id: int, purses: Iterable[Purse]) -> dict[int, Purse]:
    """Credited transfers that came on pupils' own accounts, with their purse."""
    wanted = set(purses)
    rows = rows_for(session, ON_OWN_ACCOUNTS, school_id, {pupil_id for pupil_id, _ in wanted})
    return {row[0]: (row[1], row[2]) for row in rows if (row[1], row[2]) in wanted}


def bundle_money(session: Session, school_id: int, invoice_ids: Iterable[int]) -> list[tuple[int, int]]:
    """(bundle id, transfer id): credited transfers that named bundles with these invoices or with what they replace."""
    return [(row[0], row[1]) for row in rows_for(session, BUNDLE_MONEY, school_id, invoice_ids)]


def live_invoices(session: Session, school_id: int, purses: Iterable[Purse]) -> set[int]:
    """The invoices (ids) that count now, of these pupils on these accounts."""
    wanted = set(purses)
    rows = rows_for(session, OF_PUPILS, school_id, {pupil_id for pupil_id, _ in wanted})
    return {row[0] for row in rows if (row[1], row[2]) in wanted}


def decided_shares(session: Session, school_id: int, transfer_ids: Iterable[int]) -> dict[int, Shares]:
    """What people decided about transfers, as far as it holds, by transfer."""
    rows = rows_for(session, DECISIONS, school_id, transfer_ids)
    return {
        row[0]: Shares(tuple(zip(row[1], row[2], strict=True)), tuple(zip(row[3], row[4], strict=True))) for row in rows
    }
