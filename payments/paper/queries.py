"""What is printed: the round, its classes in order with their slips, the open invoices of a class."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.errors import DomainError, NotFoundError
from payments.paper.rules import Line, Open

# The class a pupil sits in, as the desk and the parent's page know it: that of the latest enrolment.
_PLACED = """
    LEFT JOIN LATERAL (
        SELECT c.id, c.name, c.grade FROM enrollment e
        JOIN class_room c ON c.school_id = e.school_id AND c.id = e.class_id
        WHERE e.school_id = i.school_id AND e.pupil_id = i.pupil_id ORDER BY e.valid_from DESC, e.id DESC LIMIT 1
    ) c ON true
"""
_OPEN = """
    FROM invoice i
    JOIN invoice_balance b ON b.school_id = i.school_id AND b.invoice_id = i.id AND b.state IN ('open', 'partial')
"""
_ROUND = text(
    "SELECT r.id, r.code, r.name, r.state, r.issued_at, s.id, s.name, s.number_words"
    " FROM collection_round r JOIN school s ON s.id = r.school_id WHERE r.school_id = :school_id AND r.id = :round_id"
)
_CLASSES = text(f"""
    SELECT c.id, c.name, count(*) {_OPEN} {_PLACED}
    WHERE i.school_id = :school_id AND i.round_id = :round_id AND i.mandatory_vnd > b.paid_vnd
        AND (CAST(:pupil_id AS bigint) IS NULL OR i.pupil_id = :pupil_id)
    GROUP BY c.id, c.name, c.grade ORDER BY c.id IS NULL, c.grade NULLS FIRST, c.name, c.id
""")
_INVOICES = text(f"""
    SELECT i.id, p.id, p.full_name, c.name, i.reference, i.due_on, i.mandatory_vnd, b.paid_vnd,
        a.id, a.bin, coalesce(k.short_name, ''), a.number, a.holder_name, coalesce(a.memo_prefix, '')
    {_OPEN}
    JOIN pupil p ON p.school_id = i.school_id AND p.id = i.pupil_id
    JOIN receiving_account a ON a.school_id = i.school_id AND a.id = i.receiving_account_id
    LEFT JOIN bank k ON k.bin = a.bin
    {_PLACED}
    WHERE i.school_id = :school_id AND i.round_id = :round_id AND c.id IS NOT DISTINCT FROM CAST(:class_id AS bigint)
        AND (CAST(:pupil_id AS bigint) IS NULL OR i.pupil_id = :pupil_id)
    ORDER BY p.sort_key COLLATE "C", p.id, i.due_on, i.id
""")  # noqa: S608 - our own text
_LINES = text(
    "SELECT invoice_id, description, mandatory, amount_vnd FROM invoice_line"
    " WHERE school_id = :school_id AND invoice_id = ANY(:ids) ORDER BY invoice_id, line_no"
)
_CHANNELS = text(
    "SELECT receiving_account_id, name, cost_vnd, cost_per_10000, borne_by FROM channel"
    " WHERE school_id = :school_id AND active ORDER BY receiving_account_id, cost_vnd, cost_per_10000, name"
)
_ACCOUNTS = text(
    "SELECT a.bin, coalesce(k.short_name, ''), a.number, a.holder_name, a.fund FROM receiving_account a"
    " LEFT JOIN bank k ON k.bin = a.bin WHERE a.school_id = :school_id AND a.state IN ('cooling', 'active')"
    " AND a.usable_at <= :now ORDER BY a.id"
)
_CLASS_ID = text(
    "SELECT c.id FROM class_room c JOIN collection_round r ON r.school_id = c.school_id AND r.year_id = c.year_id"
    " WHERE c.school_id = :school_id AND r.id = :round_id AND c.name = :name"
)
_PUPIL_ID = text("SELECT id FROM pupil WHERE school_id = :school_id AND sector_id = :sector_id")


@dataclass(frozen=True, slots=True)
class Round:
    """A round that is out, and its school."""

    id: int
    code: str
    name: str
    state: str
    issued_at: datetime
    school_id: int
    school_name: str
    words: str
    """A key of ``payments.receipts.words.STYLES``."""


@dataclass(frozen=True, slots=True)
class Room:
    """A class and how many slips it needs; without id: the pupils who are in no class."""

    id: int | None
    name: str | None
    slips: int


@dataclass(frozen=True, slots=True)
class Channel:
    """A way to pay into an account, and what it costs whom."""

    name: str
    cost_vnd: int
    cost_per_10000: int
    borne_by: str


@dataclass(frozen=True, slots=True)
class Account:
    """A receiving account that takes money today."""

    bin: str
    bank_name: str
    number: str
    holder_name: str
    fund: str


def round_(session: Session, school_id: int, round_id: int) -> Round:
    """A round whose invoices are out. Raises NotFoundError, DomainError ``round_not_out``."""
    row = session.execute(_ROUND, {"school_id": school_id, "round_id": round_id}).first()
    if row is None:
        raise NotFoundError("Không tìm thấy đợt thu này.", "There is no such collection round.")
    if row.state != "issued":
        raise DomainError(
            "round_not_out",
            "Chỉ in được khi đợt thu đã phát hành xong và chưa đóng.",
            "Paper is printed of a round that is issued and not closed.",
        )
    return Round(*row)


def rooms(session: Session, school_id: int, round_id: int, pupil_id: int | None = None) -> list[Room]:
    """The classes that have something to print, by grade and name."""
    values = {"school_id": school_id, "round_id": round_id, "pupil_id": pupil_id}
    return [Room(*row) for row in session.execute(_CLASSES, values)]


def invoices(
    session: Session, school_id: int, round_id: int, class_id: int | None, pupil_id: int | None = None
) -> list[Open]:
    """The open invoices of a class in Vietnamese order of names, each with its lines; two statements."""
    values = {"school_id": school_id, "round_id": round_id, "class_id": class_id, "pupil_id": pupil_id}
    rows = session.execute(_INVOICES, values).all()
    lines: dict[int, list[Line]] = {}
    for invoice_id, *line in session.execute(_LINES, {"school_id": school_id, "ids": [row[0] for row in rows]}):
        lines.setdefault(invoice_id, []).append(Line(*line))
    return [Open(tuple(lines.get(row[0], ())), *row[1:]) for row in rows]


def channels(session: Session, school_id: int) -> Mapping[int, Sequence[Channel]]:
    """The active channels of each account: what each costs stands on every notice."""
    found: dict[int, list[Channel]] = {}
    for account_id, *channel in session.execute(_CHANNELS, {"school_id": school_id}):
        found.setdefault(account_id, []).append(Channel(*channel))
    return found


def accounts(session: Session, school_id: int, now: datetime) -> list[Account]:
    """The accounts that two people have approved and that take money now, the oldest first."""
    return [Account(*row) for row in session.execute(_ACCOUNTS, {"school_id": school_id, "now": now})]


def class_id_of(session: Session, school_id: int, round_id: int, name: str) -> int:
    """The class of this name in the year of a round. Raises NotFoundError."""
    values = {"school_id": school_id, "round_id": round_id, "name": name}
    found: int | None = session.scalar(_CLASS_ID, values)
    if found is None:
        raise NotFoundError(f"Năm học này không có lớp «{name}».", f"This year has no class «{name}».")
    return found


def pupil_id_of(session: Session, school_id: int, sector_id: str) -> int:
    """The pupil with this identifier. Raises NotFoundError."""
    found: int | None = session.scalar(_PUPIL_ID, {"school_id": school_id, "sector_id": sector_id})
    if found is None:
        raise NotFoundError("Không tìm thấy học sinh có mã định danh này.", "No pupil has this identifier.")
    return found
