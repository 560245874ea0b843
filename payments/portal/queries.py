"""What the parent's page shows: one pupil, the invoices that count now, their lines and accounts."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.portal.rules import shown_name, token_hash


@dataclass(frozen=True, slots=True)
class Holder:
    """Whom a link stands for."""

    school_id: int
    school_name: str
    pupil_id: int
    full_name: str
    class_name: str | None

    @property
    def shown_name(self) -> str:
        """As much of the name as a page shows."""
        return shown_name(self.full_name)


@dataclass(frozen=True, slots=True)
class Line:
    """One fee item with its arithmetic."""

    description: str
    mandatory: bool
    quantity: int
    unit_price_vnd: int
    relief_vnd: int
    amount_vnd: int
    legal_basis: str


@dataclass(frozen=True, slots=True)
class Due:
    """An invoice as the parent sees it; ``state`` is that of ``invoice_balance``."""

    lines: tuple[Line, ...]
    invoice_id: int
    reference: str
    round_name: str
    due_on: date
    amount_vnd: int
    paid_vnd: int
    state: str
    bin: str
    account_number: str
    holder_name: str
    memo_prefix: str | None
    changed_at: datetime
    account_id: int
    bank_name: str
    fund: str

    @property
    def open_vnd(self) -> int:
        """What is still to be paid."""
        return self.amount_vnd - self.paid_vnd

    @property
    def subject(self) -> str:
        """What tells it from the others of its round: its one fee item, else the purpose of its account."""
        return self.lines[0].description.partition(":")[0] if len(self.lines) == 1 else self.fund


@dataclass(frozen=True, slots=True)
class Excess:
    """What was paid too much and is kept for the pupil."""

    fund: str
    amount_vnd: int


@dataclass(frozen=True, slots=True)
class Cost:
    """A channel and what it costs whom."""

    account_id: int
    name: str
    cost_vnd: int
    cost_per_10000: int
    borne_by: str


_HOLDER = text(
    "SELECT l.school_id, s.name, l.pupil_id, p.full_name,"
    "  (SELECT c.name FROM enrollment e JOIN class_room c ON c.school_id = e.school_id AND c.id = e.class_id"
    "   WHERE e.school_id = l.school_id AND e.pupil_id = l.pupil_id ORDER BY e.valid_from DESC, e.id DESC LIMIT 1)"
    " FROM parent_link l JOIN school s ON s.id = l.school_id"
    " JOIN pupil p ON p.school_id = l.school_id AND p.id = l.pupil_id"
    " WHERE l.token_hash = :token_hash AND l.expires_at > :now"
)
_DUE = text(
    "SELECT i.id, i.reference, r.name, i.due_on, b.amount_vnd, b.paid_vnd, b.state, a.bin, a.number, a.holder_name,"
    "  a.memo_prefix, b.changed_at, a.id, coalesce(k.short_name, ''), a.fund"
    " FROM invoice i"
    " JOIN invoice_balance b ON b.school_id = i.school_id AND b.invoice_id = i.id"
    " JOIN collection_round r ON r.school_id = i.school_id AND r.id = i.round_id"
    " JOIN receiving_account a ON a.school_id = i.school_id AND a.id = i.receiving_account_id"
    " LEFT JOIN bank k ON k.bin = a.bin"
    " WHERE i.school_id = :school_id AND i.pupil_id = :pupil_id AND b.state NOT IN ('replaced', 'cancelled')"
    " ORDER BY i.due_on, i.id"
)
_LINES = text(
    "SELECT invoice_id, description, mandatory, quantity, unit_price_vnd, relief_vnd, amount_vnd, legal_basis"
    " FROM invoice_line WHERE school_id = :school_id AND invoice_id = ANY(:ids) ORDER BY invoice_id, line_no"
)
_COSTS = text(
    "SELECT receiving_account_id, name, cost_vnd, cost_per_10000, borne_by FROM channel"
    " WHERE school_id = :school_id AND active ORDER BY receiving_account_id, cost_vnd, cost_per_10000, name"
)
_EXCESS = text(
    "SELECT a.fund, sum(c.amount_vnd)::bigint FROM pupil_credit c"
    " JOIN receiving_account a ON a.school_id = c.school_id AND a.id = c.receiving_account_id"
    " WHERE c.school_id = :school_id AND c.pupil_id = :pupil_id"
    " GROUP BY a.id, a.fund HAVING sum(c.amount_vnd) > 0 ORDER BY a.id"
)
_STATE = text(
    "SELECT i.reference, b.state, b.paid_vnd FROM invoice i"
    " JOIN invoice_balance b ON b.school_id = i.school_id AND b.invoice_id = i.id"
    " WHERE i.school_id = :school_id AND i.pupil_id = :pupil_id ORDER BY i.id"
)


def holder(session: Session, token: str, now: datetime) -> Holder | None:
    """Whom a token stands for; None for unknown, revoked and expired alike."""
    row = session.execute(_HOLDER, {"token_hash": token_hash(token), "now": now}).first()
    return None if row is None else Holder(*row)


def dues(session: Session, who: Holder) -> list[Due]:
    """Invoices of the pupil that stand, oldest due first, with their lines."""
    key = {"school_id": who.school_id, "pupil_id": who.pupil_id}
    rows = session.execute(_DUE, key).all()
    lines: dict[int, list[Line]] = {}
    for invoice_id, *values in session.execute(_LINES, {**key, "ids": [row[0] for row in rows]}):
        lines.setdefault(invoice_id, []).append(Line(*values))
    return [Due(tuple(lines.get(row[0], ())), *row) for row in rows]


def costs(session: Session, who: Holder) -> list[Cost]:
    """The active channels of the school's accounts: what each costs is printed on every notice."""
    return [Cost(*row) for row in session.execute(_COSTS, {"school_id": who.school_id})]


def excess(session: Session, who: Holder) -> list[Excess]:
    """Credit of the pupil for each account that has some."""
    rows = session.execute(_EXCESS, {"school_id": who.school_id, "pupil_id": who.pupil_id})
    return [Excess(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a transfer and what it was for; ``description`` None: kept as the pupil's credit."""

    description: str | None
    amount_vnd: int


_SHARES = text("""
    SELECT description, amount_vnd FROM (
        SELECT l.description, sum(a.amount_vnd)::bigint AS amount_vnd, min(i.due_on) AS due_on,
            min(l.line_no) AS line_no
        FROM allocation a
        JOIN invoice_line l ON l.school_id = a.school_id AND l.id = a.line_id
        JOIN invoice i ON i.school_id = a.school_id AND i.id = a.invoice_id
        WHERE a.school_id = :school_id AND a.transaction_id = :transaction_id AND i.pupil_id = :pupil_id
        GROUP BY l.id, l.description
        UNION ALL
        SELECT NULL, sum(c.amount_vnd)::bigint, NULL, NULL FROM pupil_credit c
        WHERE c.school_id = :school_id AND c.transaction_id = :transaction_id AND c.pupil_id = :pupil_id
    ) AS share
    WHERE amount_vnd <> 0
    ORDER BY due_on NULLS LAST, line_no
""")
_BANK_REFERENCE = text("SELECT bank_reference FROM bank_transaction WHERE school_id = :school_id AND id = :id")


def shares(session: Session, who: Holder, transaction_id: int) -> list[Share]:
    """What a transfer was for, as the books say today: invoice lines of the pupil, then credit."""
    wanted = {"school_id": who.school_id, "pupil_id": who.pupil_id, "transaction_id": transaction_id}
    return [Share(*row) for row in session.execute(_SHARES, wanted)]


def bank_reference(session: Session, who: Holder, transaction_id: int) -> str | None:
    """The bank's own number of a transfer."""
    found: str | None = session.scalar(_BANK_REFERENCE, {"school_id": who.school_id, "id": transaction_id})
    return found


def states(session: Session, who: Holder) -> list[tuple[str, str, int]]:
    """(reference, state, paid đồng) of the pupil's invoices: what the waiting page polls."""
    rows = session.execute(_STATE, {"school_id": who.school_id, "pupil_id": who.pupil_id})
    return [(reference, state, paid_vnd) for reference, state, paid_vnd in rows]
