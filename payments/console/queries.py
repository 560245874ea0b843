"""Reads for the desk: every count on a screen is a count in the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import RowMapping, TextClause, text
from sqlalchemy.orm import Session

from payments.invoices.asking import STATE_AS_READ

Row = RowMapping
PAGE_ROWS = 100

_ROUNDS = text(
    "SELECT r.id, r.code, r.name, r.state, r.due_on, r.planned_invoices, r.issued_invoices, r.created_by,"
    "  coalesce(t.invoices, 0) AS invoices, coalesce(t.amount_vnd, 0) AS amount_vnd,"
    "  coalesce(t.paid_vnd, 0) AS paid_vnd"
    " FROM collection_round r LEFT JOIN ("
    "   SELECT i.round_id, count(*) AS invoices, sum(b.amount_vnd)::bigint AS amount_vnd,"
    "     sum(b.paid_vnd)::bigint AS paid_vnd"
    "   FROM invoice i JOIN invoice_balance b ON b.school_id = i.school_id AND b.invoice_id = i.id"
    "   WHERE i.school_id = :school_id AND b.state NOT IN ('replaced', 'cancelled') GROUP BY i.round_id"
    " ) t ON t.round_id = r.id WHERE r.school_id = :school_id ORDER BY r.id DESC"
)
_FEES_OF_ROUND = text(
    "SELECT f.id, f.code, f.name, f.legal_group, f.unit, f.mandatory, rf.quantity, coalesce(charged.lines, 0) AS lines,"
    "  coalesce(charged.relief_vnd, 0) AS relief_vnd, coalesce(charged.amount_vnd, 0) AS amount_vnd"
    " FROM round_fee rf JOIN fee_item f ON f.school_id = rf.school_id AND f.id = rf.fee_item_id"
    # Added up once for the whole round: joined fee by fee, every line would be read for each of them.
    " LEFT JOIN (SELECT l.fee_item_id, count(*) AS lines, sum(l.relief_vnd)::bigint AS relief_vnd,"
    "     sum(l.amount_vnd)::bigint AS amount_vnd"
    "   FROM invoice i JOIN invoice_balance b ON b.school_id = i.school_id AND b.invoice_id = i.id"
    "     AND b.state NOT IN ('replaced', 'cancelled')"
    "   JOIN invoice_line l ON l.school_id = i.school_id AND l.invoice_id = i.id"
    "   WHERE i.school_id = :school_id AND i.round_id = :round_id GROUP BY l.fee_item_id"
    " ) charged ON charged.fee_item_id = rf.fee_item_id"
    " WHERE rf.school_id = :school_id AND rf.round_id = :round_id ORDER BY rf.id"
)
_ROUND = text(
    "SELECT r.*, d.full_name AS drafted_by, a.full_name AS approved_by_name, w.problem"
    " FROM collection_round r JOIN app_user d ON d.id = r.created_by LEFT JOIN app_user a ON a.id = r.approved_by"
    " LEFT JOIN LATERAL (SELECT o.problem FROM outbox o WHERE o.queue = 'issuing' AND o.kind = 'round'"
    "   AND o.school_id = r.school_id AND o.subject_id = r.id ORDER BY o.dead, o.id DESC LIMIT 1) w ON true"
    " WHERE r.school_id = :school_id AND r.id = :round_id"
)
_CLASS = (
    "(SELECT c.name FROM enrollment e JOIN class_room c ON c.school_id = e.school_id AND c.id = e.class_id"
    " WHERE e.school_id = p.school_id AND e.pupil_id = p.id ORDER BY e.valid_from DESC, e.id DESC LIMIT 1)"
)
_INVOICES = text(
    f"SELECT i.id, i.reference, i.due_on, p.full_name, {_CLASS} AS class_name, r.name AS round_name,"  # noqa: S608 - our own text
    f"  b.amount_vnd, b.paid_vnd, {STATE_AS_READ} AS state"
    " FROM invoice i JOIN invoice_balance b ON b.school_id = i.school_id AND b.invoice_id = i.id"
    " JOIN pupil p ON p.school_id = i.school_id AND p.id = i.pupil_id"
    " JOIN collection_round r ON r.school_id = i.school_id AND r.id = i.round_id"
    f" WHERE i.school_id = :school_id AND (CAST(:state AS text) IS NULL OR {STATE_AS_READ} = :state)"
    " AND (CAST(:round_id AS bigint) IS NULL OR i.round_id = :round_id)"
    " AND (:words = '' OR p.search_key LIKE '%' || :words || '%' OR i.reference = upper(:words)"
    "   OR p.sector_id = :words)"
    ' ORDER BY p.sort_key COLLATE "C", p.id, i.id LIMIT :limit OFFSET :offset'
)
_INVOICE = text(
    f"SELECT i.*, b.paid_vnd, {STATE_AS_READ} AS state, p.full_name, {_CLASS} AS class_name, r.name AS round_name,"  # noqa: S608 - our own text
    "  a.bin, a.number, a.holder_name, a.fund"
    " FROM invoice i JOIN invoice_balance b ON b.school_id = i.school_id AND b.invoice_id = i.id"
    " JOIN pupil p ON p.school_id = i.school_id AND p.id = i.pupil_id"
    " JOIN collection_round r ON r.school_id = i.school_id AND r.id = i.round_id"
    " JOIN receiving_account a ON a.school_id = i.school_id AND a.id = i.receiving_account_id"
    " WHERE i.school_id = :school_id AND i.id = :invoice_id"
)
_LINES = text(
    "SELECT line_no, description, mandatory, quantity, unit_price_vnd, relief_vnd, amount_vnd, legal_basis"
    " FROM invoice_line WHERE school_id = :school_id AND invoice_id = :invoice_id ORDER BY line_no"
)
_PAYMENTS = text(
    "SELECT t.id, t.value_date, t.bank_reference, sum(al.amount_vnd)::bigint AS amount_vnd, s.outcome,"
    "  max(rc.year || '/' || rc.series || '/' || rc.number) AS receipt"
    " FROM allocation al JOIN bank_transaction t ON t.school_id = al.school_id AND t.id = al.transaction_id"
    " LEFT JOIN settlement s ON s.school_id = t.school_id AND s.transaction_id = t.id"
    " LEFT JOIN receipt rc ON rc.school_id = t.school_id AND rc.transaction_id = t.id AND rc.revoked_at IS NULL"
    " WHERE al.school_id = :school_id AND al.invoice_id = :invoice_id"
    " GROUP BY t.id, t.value_date, t.bank_reference, s.outcome HAVING sum(al.amount_vnd) <> 0"
    " ORDER BY t.value_date, t.id"
)
_PUPILS = text(
    f"SELECT p.id, p.sector_id, p.full_name, {_CLASS} AS class_name FROM pupil p"  # noqa: S608 - our own text
    ' WHERE p.school_id = :school_id AND p.id = ANY(:ids) ORDER BY class_name, p.sort_key COLLATE "C", p.id'
)
_BY_REFERENCES = text("SELECT id, reference FROM invoice WHERE school_id = :school_id AND reference = ANY(:references)")
_HELD = text(
    "SELECT e.id, e.amount_vnd, e.direction, e.value_date, e.bank_reference, e.description, a.fund, h.reason,"
    "  (SELECT coalesce(jsonb_agg(jsonb_build_object('id', n.id, 'day', to_char(n.value_date, 'DD/MM/YYYY'),"
    "     'reference', n.bank_reference, 'memo', left(n.description, 60)) ORDER BY n.id), '[]') FROM ("
    "    SELECT t.id, t.value_date, t.bank_reference, t.description FROM bank_transaction t"
    "    WHERE t.school_id = e.school_id AND t.account_id = e.account_id"
    "    AND t.direction = e.direction AND t.amount_vnd = e.amount_vnd"
    "    AND t.clearing_id IS NOT DISTINCT FROM (SELECT c.id FROM connection c"
    "      WHERE c.id = e.connection_id AND c.settles = 'batch')"
    # What its own source has told of already would be refused (inbox.service.decide_held).
    "    AND NOT EXISTS (SELECT FROM transaction_evidence link JOIN evidence said ON said.id = link.evidence_id"
    "      WHERE link.school_id = t.school_id AND link.transaction_id = t.id AND said.source = e.source"
    "      AND said.connection_id IS NOT DISTINCT FROM e.connection_id)"
    "    AND abs(t.value_date - e.value_date) <= 10 ORDER BY t.id LIMIT 10) n) AS candidates"
    " FROM held_evidence h JOIN evidence e ON e.id = h.evidence_id"
    " JOIN receiving_account a ON a.school_id = e.school_id AND a.id = e.account_id"
    " WHERE e.school_id = :school_id ORDER BY h.held_at, e.id LIMIT :limit"
)
_ACCOUNTS = text(
    "SELECT a.id, a.bin, a.number, a.holder_name, a.fund, a.state, a.usable_at, a.proposed_by,"
    "  (SELECT count(*) FROM channel c WHERE c.school_id = a.school_id AND c.receiving_account_id = a.id AND c.active"
    "    AND (c.borne_by <> 'payer' OR (c.cost_vnd = 0 AND c.cost_per_10000 = 0))) AS free_channels"
    " FROM receiving_account a WHERE a.school_id = :school_id ORDER BY a.id"
)
_MESSAGES = text(
    "SELECT id, subject, body, created_at, read_at FROM message"
    " WHERE school_id = :school_id AND recipient_user_id = :user_id ORDER BY id DESC LIMIT 20"
)
_REFUSED = text(
    "SELECT r.id, r.received_at, r.outcome, r.reason, r.body_bytes, r.remote_addr, c.name AS connection_name"
    " FROM raw_callback r LEFT JOIN connection c ON c.id = r.connection_id"
    " WHERE r.outcome NOT IN ('accepted', 'duplicate') ORDER BY r.id DESC LIMIT :limit"
)
_SENDERS = text(
    "SELECT c.id, c.name, c.adapter, c.active, c.sandbox, count(r.id) AS received,"
    "  count(r.id) FILTER (WHERE r.outcome = 'accepted') AS accepted,"
    "  count(r.id) FILTER (WHERE r.outcome = 'duplicate') AS duplicate, max(r.received_at) AS last_at"
    " FROM connection c LEFT JOIN raw_callback r ON r.connection_id = c.id"
    " GROUP BY c.id, c.name, c.adapter, c.active, c.sandbox ORDER BY c.id"
)
_DEAD = text(
    "SELECT id, queue, kind, school_id, attempts, problem, due_at FROM outbox WHERE dead ORDER BY id LIMIT :limit"
)
_UNDER = text(
    "WITH RECURSIVE under AS (SELECT unnest(CAST(:roots AS bigint[])) AS id UNION"
    "  SELECT m.child_id FROM organisation_parent m JOIN under u ON m.parent_id = u.id"
    "  WHERE m.valid_from <= :today AND (m.valid_to IS NULL OR m.valid_to > :today))"
    " SELECT s.code, s.name, s.level, count(b.invoice_id) AS invoices,"
    "  coalesce(sum(b.amount_vnd), 0)::bigint AS amount_vnd,"
    "  coalesce(sum(b.paid_vnd), 0)::bigint AS paid_vnd"
    " FROM school s JOIN under u ON u.id = s.id"
    " LEFT JOIN invoice_balance b ON b.school_id = s.id AND b.state NOT IN ('replaced', 'cancelled')"
    " GROUP BY s.id, s.code, s.name, s.level ORDER BY s.code"
)


def _all(session: Session, query: TextClause, **values: Any) -> Sequence[Row]:
    return session.execute(query, values).mappings().all()


def rounds(session: Session, school_id: int) -> Sequence[Row]:
    """Collection rounds, newest first, with what is invoiced and paid."""
    return _all(session, _ROUNDS, school_id=school_id)


def round_(session: Session, school_id: int, round_id: int) -> Row | None:
    """One round with who drafted and approved it, and what holds up its issuing."""
    return session.execute(_ROUND, {"school_id": school_id, "round_id": round_id}).mappings().one_or_none()


def pupils(session: Session, school_id: int, ids: list[int]) -> Sequence[Row]:
    """Pupils by id, in order of class and Vietnamese name."""
    return _all(session, _PUPILS, school_id=school_id, ids=ids)


def fees_of_round(session: Session, school_id: int, round_id: int) -> Sequence[Row]:
    """Totals per fee item: they add up to the round's total."""
    return _all(session, _FEES_OF_ROUND, school_id=school_id, round_id=round_id)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Filters of the list of invoices; ``words`` is a folded part of the name, a reference or a sector identifier."""

    words: str
    state: str | None
    round_id: int | None
    page: int


def invoices(session: Session, school_id: int, wanted: Wanted) -> Sequence[Row]:
    """A page of invoices in Vietnamese name order."""
    filters = {"words": wanted.words, "state": wanted.state, "round_id": wanted.round_id}
    return _all(session, _INVOICES, school_id=school_id, limit=PAGE_ROWS, offset=PAGE_ROWS * wanted.page, **filters)


def invoice(session: Session, school_id: int, invoice_id: int) -> Row | None:
    """One invoice with its pupil and account."""
    return session.execute(_INVOICE, {"school_id": school_id, "invoice_id": invoice_id}).mappings().one_or_none()


def lines(session: Session, school_id: int, invoice_id: int) -> Sequence[Row]:
    """The lines of an invoice."""
    return _all(session, _LINES, school_id=school_id, invoice_id=invoice_id)


def payments(session: Session, school_id: int, invoice_id: int) -> Sequence[Row]:
    """Transactions that pay an invoice, with the receipt."""
    return _all(session, _PAYMENTS, school_id=school_id, invoice_id=invoice_id)


def ids_by_reference(session: Session, school_id: int, references: list[str]) -> Mapping[str, int]:
    """Reference -> invoice id, for those that exist in this school."""
    found = _all(session, _BY_REFERENCES, school_id=school_id, references=references)
    return {row["reference"]: row["id"] for row in found}


def held(session: Session, school_id: int) -> Sequence[Row]:
    """Evidence that may tell of a known transfer or of another one: it brings no money before a person says so."""
    return _all(session, _HELD, school_id=school_id, limit=PAGE_ROWS)


def accounts(session: Session, school_id: int) -> Sequence[Row]:
    """Receiving accounts with their state and whether a free channel leads there."""
    return _all(session, _ACCOUNTS, school_id=school_id)


def messages(session: Session, school_id: int, user_id: int) -> Sequence[Row]:
    """The newest messages to a user about a school."""
    return _all(session, _MESSAGES, school_id=school_id, user_id=user_id)


def refused(session: Session) -> Sequence[Row]:
    """Deliveries that were not taken as new or repeated evidence: every one has a row and a reason."""
    return _all(session, _REFUSED, limit=PAGE_ROWS)


def senders(session: Session) -> Sequence[Row]:
    """Connections with what they sent and when last."""
    return _all(session, _SENDERS)


def dead(session: Session) -> Sequence[Row]:
    """Work that failed for good and needs a person."""
    return _all(session, _DEAD, limit=PAGE_ROWS)


def schools_under(session: Session, roots: list[int], today: date) -> Sequence[Row]:
    """Aggregates per school below some organisations on a day: no pupil in reach."""
    return _all(session, _UNDER, roots=roots, today=today)
