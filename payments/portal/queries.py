"""What the parent's page shows: one pupil, the invoices that count now, their lines and accounts."""

from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.fees.terms import Unit
from payments.i18n import Text
from payments.portal.explaining import arithmetic
from payments.portal.rules import shown_name, token_hash
from payments.settlement.filling import TURN, fillable, line_rank


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One fee item with its arithmetic; amounts in đồng."""

    id: int
    line_no: int
    legal_group: str
    description: str
    mandatory: bool
    quantity: int
    unit_price_vnd: int
    relief_vnd: int
    amount_vnd: int
    legal_basis: str
    unit: str
    planned: int | None
    """The quantity that the round gives everybody, where it gives one."""
    relief_kind: str | None
    """Which kind of reduction took ``relief_vnd`` off, as the register says it today; never its reason."""
    declined: bool
    """The family said that it does not take part."""
    chosen: bool
    """Voluntary, and the family takes part: it is asked for."""
    kept: bool
    """Voluntary, and money stood on it before families chose: it stays, no more is asked for."""
    turn: int
    """Sorts chosen lines by when they were chosen."""
    paid_vnd: int = 0

    @property
    def name(self) -> str:
        """The fee item without its arithmetic."""
        return self.description.partition(":")[0]

    @property
    def arithmetic(self) -> Text:
        """How its amount came about."""
        return arithmetic(
            unit=Unit(self.unit),
            quantity=self.quantity,
            unit_price_vnd=self.unit_price_vnd,
            planned=self.planned,
            relief_vnd=self.relief_vnd,
            relief_kind=self.relief_kind,
        )

    @property
    def open_vnd(self) -> int:
        """What is not paid of it."""
        return self.amount_vnd - self.paid_vnd

    @property
    def rank(self) -> tuple[object, ...]:
        """Place in the order in which settlement fills the lines."""
        return line_rank(self.mandatory, self.turn, self.legal_group, self.line_no)

    @property
    def asked(self) -> bool:
        """Whether money that is meant for more than this notice may fill it (settlement)."""
        return self.mandatory or self.chosen or self.kept

    @property
    def is_filled(self) -> bool:
        """Money of a choice stands on it: a word would take it away. What is ``kept`` stays whatever is said."""
        return self.paid_vnd > 0 and not (self.kept and self.open_vnd)


@dataclass(frozen=True, slots=True, kw_only=True)
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
    mandatory_vnd: int
    issued_at: datetime
    round_closed: bool
    replaces: str | None
    """Reference of the notice that it stands for."""
    successor: str | None
    """Reference of the notice that stands for it."""
    waived: bool
    """It was cancelled, and reductions in the register leave nothing of it to pay."""

    @property
    def open_vnd(self) -> int:
        """What is owed: the mandatory part that is not paid. Money fills mandatory lines first (settlement)."""
        return max(self.mandatory_vnd - self.paid_vnd, 0)

    @property
    def by_fee(self) -> dict[str, int]:
        """Fee item -> đồng."""
        return {line.name: line.amount_vnd for line in self.lines}

    @property
    def voluntary(self) -> list[Line]:
        """Its voluntary lines in the order in which money fills them."""
        return sorted((line for line in self.lines if not line.mandatory), key=lambda line: line.rank)

    @property
    def subject(self) -> str:
        """What tells it from the others of its round: its one fee item, else the purpose of its account."""
        return self.lines[0].name if len(self.lines) == 1 else self.fund


@dataclass(frozen=True, slots=True)
class Excess:
    """What was paid too much and is kept for the pupil."""

    fund: str
    amount_vnd: int
    account_id: int


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
_NOTICES = text("""
    SELECT i.id AS invoice_id, i.reference, r.name AS round_name, i.due_on, b.amount_vnd, b.paid_vnd, b.state, a.bin,
        a.number AS account_number, a.holder_name, a.memo_prefix, b.changed_at, a.id AS account_id,
        coalesce(k.short_name, '') AS bank_name, a.fund, i.mandatory_vnd, i.issued_at,
        r.state = 'closed' AS round_closed, old.reference AS replaces,
        (SELECT new.reference FROM invoice new WHERE new.school_id = i.school_id AND new.pupil_id = i.pupil_id
         AND new.replaces_id = i.id ORDER BY new.id LIMIT 1) AS successor,
        b.state = 'cancelled' AND NOT EXISTS (
            SELECT FROM invoice_line l JOIN fee_item f ON f.school_id = l.school_id AND f.id = l.fee_item_id
            WHERE l.school_id = i.school_id AND l.invoice_id = i.id AND NOT EXISTS (
                SELECT FROM exemption x WHERE x.school_id = i.school_id AND x.pupil_id = i.pupil_id
                AND f.code = ANY(x.fee_codes) AND r.starts_on BETWEEN x.valid_from AND coalesce(x.valid_to, 'infinity')
                AND (x.percent = 100 OR x.fixed_vnd >= l.quantity * l.unit_price_vnd))) AS waived
    FROM invoice i
    JOIN invoice_balance b ON b.school_id = i.school_id AND b.invoice_id = i.id
    JOIN collection_round r ON r.school_id = i.school_id AND r.id = i.round_id
    JOIN receiving_account a ON a.school_id = i.school_id AND a.id = i.receiving_account_id
    LEFT JOIN bank k ON k.bin = a.bin
    LEFT JOIN invoice old ON old.school_id = i.school_id AND old.id = i.replaces_id
    WHERE i.school_id = :school_id AND i.pupil_id = :pupil_id
    ORDER BY i.due_on, i.id
""")
# The kind of a reduction is the one that gives the very amount of the line (payments/fees/rules.py rounds half up).
_LINES = text(f"""
    SELECT l.invoice_id, l.id, l.line_no, l.legal_group, l.description, l.mandatory, l.quantity, l.unit_price_vnd,
        l.relief_vnd, l.amount_vnd, l.legal_basis, f.unit, planned.quantity AS planned,
        coalesce(choice.declined, false) AS declined, coalesce(choice.chosen, false) AS chosen,
        coalesce(choice.kept, false) AS kept, coalesce({TURN}, 0) AS turn,
        (SELECT x.kind FROM exemption x
         WHERE x.school_id = i.school_id AND x.pupil_id = i.pupil_id AND l.relief_vnd > 0 AND f.code = ANY(x.fee_codes)
           AND r.starts_on BETWEEN x.valid_from AND coalesce(x.valid_to, 'infinity')
           AND l.relief_vnd = least(coalesce(x.fixed_vnd, (l.quantity * l.unit_price_vnd * x.percent + 50) / 100),
               l.quantity * l.unit_price_vnd)
         ORDER BY x.id LIMIT 1) AS relief_kind
    FROM invoice_line l
    JOIN invoice i ON i.school_id = l.school_id AND i.id = l.invoice_id
    JOIN collection_round r ON r.school_id = i.school_id AND r.id = i.round_id
    JOIN fee_item f ON f.school_id = l.school_id AND f.id = l.fee_item_id
    LEFT JOIN round_fee planned ON planned.school_id = i.school_id AND planned.round_id = i.round_id
        AND planned.fee_item_id = l.fee_item_id
    LEFT JOIN voluntary_choice choice ON choice.school_id = l.school_id AND choice.line_id = l.id
    WHERE l.school_id = :school_id AND l.invoice_id = ANY(:ids) ORDER BY l.invoice_id, l.line_no
""")  # noqa: S608 - our own text
_COSTS = text(
    "SELECT receiving_account_id, name, cost_vnd, cost_per_10000, borne_by FROM channel"
    " WHERE school_id = :school_id AND active ORDER BY receiving_account_id, cost_vnd, cost_per_10000, name"
)
_EXCESS = text(
    "SELECT a.fund, sum(c.amount_vnd)::bigint, a.id FROM pupil_credit c"
    " JOIN receiving_account a ON a.school_id = c.school_id AND a.id = c.receiving_account_id"
    " WHERE c.school_id = :school_id AND c.pupil_id = :pupil_id"
    " GROUP BY a.id, a.fund HAVING sum(c.amount_vnd) > 0 ORDER BY a.id"
)


def holder(session: Session, token: str, now: datetime) -> Holder | None:
    """Whom a token stands for; None for unknown, revoked and expired alike."""
    row = session.execute(_HOLDER, {"token_hash": token_hash(token), "now": now}).first()
    return None if row is None else Holder(*row)


def notices(session: Session, who: Holder) -> list[Due]:
    """Every invoice of the pupil, replaced and cancelled ones too, oldest due first, with their lines."""
    key = {"school_id": who.school_id, "pupil_id": who.pupil_id}
    rows = session.execute(_NOTICES, key).mappings().all()
    lines: dict[int, list[Line]] = {row["invoice_id"]: [] for row in rows}
    for row in session.execute(_LINES, {"school_id": who.school_id, "ids": list(lines)}).mappings():
        values = dict(row)
        lines[values.pop("invoice_id")].append(Line(**values))
    return [Due(lines=_filled(lines[row["invoice_id"]], row["paid_vnd"]), **row) for row in rows]


def dues(session: Session, who: Holder) -> list[Due]:
    """Invoices of the pupil that stand, oldest due first, with their lines."""
    return [due for due in notices(session, who) if due.state not in {"replaced", "cancelled"}]


def _filled(lines: list[Line], paid_vnd: int) -> tuple[Line, ...]:
    """The lines with what is paid of each: their order of rank and the paid sum say it (settlement/folding.py)."""
    paid: dict[int, int] = {}
    for line in fillable(lines, [paid_vnd]):
        paid[line.id] = min(line.amount_vnd, paid_vnd)
        paid_vnd -= paid[line.id]
    return tuple(replace(line, paid_vnd=paid.get(line.id, 0)) for line in lines)


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


@dataclass(frozen=True, slots=True)
class LinkRow:
    """What the desk says of a pupil's link; the token itself is derived again (``service.link_of``)."""

    epoch: int
    expires_at: datetime


_LINK = text("SELECT epoch, expires_at FROM parent_link WHERE school_id = :school_id AND pupil_id = :pupil_id")


def link_row(session: Session, school_id: int, pupil_id: int) -> LinkRow | None:
    """How often a pupil's link was renewed (its epoch) and until when it is good; None: it has none."""
    row = session.execute(_LINK, {"school_id": school_id, "pupil_id": pupil_id}).first()
    return None if row is None else LinkRow(*row)
