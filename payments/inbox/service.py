"""From evidence to bank transactions, and statement lines as evidence."""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from bank_adapters.statements.keys import natural_keys
from bank_adapters.statements.model import StatementLine
from payments import clock, outbox
from payments.audit.service import record
from payments.errors import DomainError, NotFoundError
from payments.inbox import reversals
from payments.inbox.attaching import Book, Bucket, Told
from payments.inbox.contradicting import contradicting
from payments.inbox.models import Direction, EvidenceStatus, HeldReason, TransactionState
from payments.inbox.pairing import pair
from payments.inbox.placing import Plan, Standing, place
from payments.invoices import reference


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """A bank transaction that evidence was attached to, as settlement needs it.

    ``created``: it is new and waits for its one decision. ``learned``: it is older, and the evidence brought
    references or the transaction it reverses; one that is still unmatched can then be decided.
    """

    transaction_id: int
    account_id: int
    direction: Direction
    amount_vnd: int
    value_date: date
    occurred_at: datetime
    state: TransactionState
    references: tuple[str, ...]
    """Payment references that any of its evidence names, in order of position."""
    order_references: tuple[str, ...]
    virtual_accounts: tuple[str, ...]
    description: str
    bank_reference: str | None
    reverses_id: int | None
    evidence_ids: tuple[int, ...]
    """Those of the pieces asked for that stand behind it now."""
    created: bool
    learned: bool


_ATTACHED = text("""
    SELECT t.id AS transaction_id, t.account_id, t.direction, t.amount_vnd, t.value_date, t.occurred_at, t.state,
        t."references", t.description, t.bank_reference, t.reverses_id,
        array_remove(array_agg(DISTINCT e.order_reference), NULL) AS order_references,
        array_remove(array_agg(DISTINCT e.virtual_account), NULL) AS virtual_accounts,
        array_agg(e.id ORDER BY e.id) AS evidence_ids
    FROM bank_transaction t
    JOIN transaction_evidence link ON link.school_id = t.school_id AND link.transaction_id = t.id
    JOIN evidence e ON e.id = link.evidence_id
    WHERE t.school_id = :school_id AND t.id IN (
        SELECT transaction_id FROM transaction_evidence
        WHERE school_id = :school_id AND evidence_id = ANY(CAST(:evidence_ids AS bigint[]))
        UNION SELECT unnest(CAST(:transaction_ids AS bigint[])))
    GROUP BY t.school_id, t.id
    ORDER BY t.id
""")


def attach_evidence(session: Session, school_id: int, evidence_ids: Collection[int]) -> list[Attached]:
    """Find or create the bank transaction behind each piece of evidence (design: from evidence to money).

    The caller holds the school's settlement lease. Returned are the transactions of these pieces, and others that
    came into being or learned something by the way. A piece that may belong to several transactions, or takes back
    a payment we have not seen, stands behind none: it is held (``HeldEvidence``). Conflicting and sandbox
    evidence, failed payments and test calls never become a transaction. The same pieces again change nothing.
    """
    asked = set(evidence_ids)
    if not asked:
        return []
    book = Book(session, school_id)
    fresh = [one for one in book.new(asked) if one.piece.transaction_id is None]
    _attach(book, [one for one in fresh if not reversals.is_callback_void(one)])
    voids = [one for one in fresh if reversals.is_callback_void(one)]
    known, unknown = reversals.split_by_original(book, voids)
    known += reversals.waiting(book, known)
    _attach(book, known)
    book.hold([one.piece for one in unknown], HeldReason.NO_ORIGINAL)
    reversals.link(book, [*fresh, *known])
    return _attached(book, asked)


_MAY_TAKE = text("""
    SELECT FROM bank_transaction t
    WHERE t.school_id = :school_id AND t.id = :id AND t.account_id = :account_id AND t.direction = :direction
      AND t.amount_vnd = :amount_vnd AND t.clearing_id IS NOT DISTINCT FROM CAST(:clearing_id AS bigint)
      AND NOT EXISTS (SELECT FROM transaction_evidence link WHERE link.school_id = t.school_id
          AND link.transaction_id = t.id AND link.source_key = :source)
""")


def decide_held(
    session: Session, school_id: int, evidence_id: int, transaction_id: int | None, *, actor_id: int
) -> int:
    """Put held evidence where a person says: behind a transaction, or (None) behind a new one of its own.

    The caller holds the school's settlement lease; later pairing leaves the decision alone. Returns the transaction's
    id. Raises NotFoundError when the evidence is not held, and DomainError ``not_the_same_movement`` or
    ``no_original``.
    """
    book = Book(session, school_id)
    held = {one.piece.evidence_id: one for one in book.new([evidence_id]) if one.piece.transaction_id is None}
    if evidence_id not in held or not book.is_held(evidence_id):
        raise NotFoundError
    one = held[evidence_id]
    if transaction_id is None and reversals.is_callback_void(one):
        raise DomainError(
            "no_original",
            "Báo hủy này không gắn với khoản thu nào đã thấy; hãy chọn giao dịch ghi nợ trên sao kê.",
            "This void takes back nothing that we have seen; choose the debit of the statement that it belongs to.",
        )
    wanted = {"id": transaction_id, "source": one.piece.source, **one.bucket._asdict()}
    if transaction_id is not None and not book.rows(_MAY_TAKE, **wanted):
        raise DomainError(
            "not_the_same_movement",
            "Giao dịch được chọn khác tài khoản, số tiền hoặc chiều tiền, hoặc đã có bằng chứng từ nguồn này.",
            "The chosen transaction differs in account, amount or direction, or has evidence of this source already.",
        )
    placed_id = book.write_decision(one, transaction_id)
    detail = {"transaction_id": placed_id, "new": transaction_id is None}
    record(
        session,
        actor_id,
        "evidence.decided",
        subject_kind="evidence",
        subject_id=evidence_id,
        school_id=school_id,
        detail=detail,
    )
    outbox.put(session, "settlement", "evidence", school_id=school_id, subject_id=evidence_id)
    return placed_id


def _attach(book: Book, fresh: Sequence[Told]) -> None:
    """Pair the fresh pieces with what is near them, bucket by bucket, and write the outcome."""
    if not fresh:
        return
    wanted = {one.bucket for one in fresh}
    numbers = {number for one in fresh for number in one.numbers}
    held = [one for one in book.held() if one.bucket in wanted or not numbers.isdisjoint(one.numbers)]
    asked = {one.piece.evidence_id: one for one in (*held, *fresh)}
    contradicted = _contradicted(book, asked)
    waiting = {key: one for key, one in asked.items() if key not in contradicted}
    near, standings = _near(book, list(waiting.values()))
    # The true half of a piece may be a few rows later in the queue: a guess must not be quicker.
    told = {one.piece.evidence_id: one for one in book.waiting(_guessed(near, waiting.values()))}
    if told.keys() - asked.keys():
        asked = told | asked
        contradicted = _contradicted(book, asked)
        waiting = {key: one for key, one in asked.items() if key not in contradicted}
        near, standings = _near(book, list(waiting.values()))
    book.hold([asked[key].piece for key in sorted(contradicted)], HeldReason.AMOUNT_DIFF)
    pieces = {one.piece.evidence_id: one for one in near} | waiting
    plan = Plan()
    for bucket, members in _by_bucket(pieces.values()).items():
        here = [standing for owner, standing in standings.values() if owner == bucket]
        placed = place(pair(one.piece for one in members), here)
        plan.placed += placed.placed
        plan.held += placed.held
    book.hold(plan.held, HeldReason.AMBIGUOUS)
    book.write(plan.placed, pieces, {key: standing for key, (_, standing) in standings.items()})


def _contradicted(book: Book, asked: Mapping[int, Told]) -> set[int]:
    """Which pieces (ids) name another amount for a known movement."""
    known = {one.piece.evidence_id: one for one in book.under_number_of(asked.values())}
    return contradicting(saying for one in (known | dict(asked)).values() for saying in one.sayings)


def _near(book: Book, waiting: Sequence[Told]) -> tuple[list[Told], dict[int, tuple[Bucket, Standing]]]:
    """Neighbours that matter: those with a common reference or none, and all where somebody has no reference."""
    grouped = _by_bucket(waiting)
    days = {
        bucket: (min(one.piece.day for one in members), max(one.piece.day for one in members))
        for bucket, members in grouped.items()
    }
    references = {name for one in waiting for name in one.piece.references}
    near, standings = book.neighbours(days, references, ())
    nameless = {one.bucket for one in (*waiting, *near) if not one.piece.references}
    if not nameless:
        return near, standings
    more, others = book.neighbours({bucket: days[bucket] for bucket in nameless}, (), nameless)
    return [one for one in near if one.bucket not in nameless] + more, standings | others


def _guessed(near: Sequence[Told], waiting: Iterable[Told]) -> dict[Bucket, tuple[date, date]]:
    """Where a name stands on one side only, so that count alone would join: the days, by bucket."""
    return {
        bucket: (min(one.piece.day for one in members), max(one.piece.day for one in members))
        for bucket, members in _by_bucket([*near, *waiting]).items()
        if len({bool(one.piece.references) for one in members}) > 1
    }


def _by_bucket(pieces: Iterable[Told]) -> dict[Bucket, list[Told]]:
    grouped: dict[Bucket, list[Told]] = defaultdict(list)
    for one in pieces:
        grouped[one.bucket].append(one)
    return grouped


def _attached(book: Book, asked: set[int]) -> list[Attached]:
    changed = book.created | book.learned
    found = book.rows(_ATTACHED, evidence_ids=sorted(asked), transaction_ids=sorted(changed))
    return [
        Attached(
            transaction_id=row.transaction_id,
            account_id=row.account_id,
            direction=Direction(row.direction),
            amount_vnd=row.amount_vnd,
            value_date=row.value_date,
            occurred_at=row.occurred_at,
            state=TransactionState(row.state),
            references=tuple(row.references),
            order_references=tuple(row.order_references),
            virtual_accounts=tuple(row.virtual_accounts),
            description=row.description,
            bank_reference=row.bank_reference,
            reverses_id=row.reverses_id,
            evidence_ids=tuple(key for key in row.evidence_ids if key in asked),
            created=row.transaction_id in book.created,
            learned=row.transaction_id in book.learned,
        )
        for row in found
    ]


_RECORD_LINES = text("""
    INSERT INTO evidence (
        source, school_id, account_id, account_named, dedup_key, direction, status, amount_vnd, occurred_at,
        value_date, provider_txn_id, bank_reference, description, "references", content_sha256, conflicting,
        sandbox, received_at
    )
    SELECT 'statement', :school_id, :account_id, right(account.number, 4), line.key, line.direction, line.status,
        line.amount_vnd, line.occurred_at, line.value_date, line.key, line.bank_reference, line.description,
        string_to_array(line.found, ' '), line.content_sha256, false, false, :now
    FROM unnest(
        CAST(:keys AS text[]), CAST(:directions AS text[]), CAST(:statuses AS text[]), CAST(:amounts AS bigint[]),
        CAST(:moments AS timestamptz[]), CAST(:value_dates AS date[]), CAST(:bank_references AS text[]),
        CAST(:descriptions AS text[]), CAST(:found AS text[]), CAST(:contents AS bytea[])
    ) AS line(
        key, direction, status, amount_vnd, occurred_at, value_date, bank_reference, description, found,
        content_sha256
    )
    JOIN receiving_account AS account ON account.school_id = :school_id AND account.id = :account_id
    ORDER BY line.key
    ON CONFLICT DO NOTHING
    RETURNING id
""")

_LINES_BY_KEY = text("""
    SELECT dedup_key, id FROM evidence
    WHERE source = 'statement' AND school_id = :school_id AND account_id = :account_id
      AND dedup_key = ANY(CAST(:keys AS text[]))
""")


def record_statement_evidence(
    session: Session,
    school_id: int,
    account_id: int,
    lines: Sequence[StatementLine],
    known_as: Sequence[str] | None = None,
) -> list[int]:
    """Record the lines of one statement as evidence and return an id per line, in their order.

    A line is known by its natural key with occurrence number: the same file again, re-saved or reordered, adds
    nothing; ``known_as`` gives the keys where lines are known under those of others. New evidence puts work into the
    outbox of settlement.
    """
    if not lines:
        return []
    keys = known_as or [f"{key}#{occurrence}" for key, occurrence in natural_keys(lines)]
    owner = {"school_id": school_id, "account_id": account_id}
    new_ids = session.scalars(_RECORD_LINES, owner | _columns(keys, lines) | {"now": clock.now()}).all()
    outbox.put_many(session, "settlement", "evidence", school_id=school_id, subject_ids=sorted(new_ids))
    by_key: dict[str, int] = {row.dedup_key: row.id for row in session.execute(_LINES_BY_KEY, owner | {"keys": keys})}
    return [by_key[key] for key in keys]


def references_of(line: StatementLine) -> list[str]:
    """Payment references in a line's text, else in what the payer's bank passed through (EndToEndId, :61:)."""
    return reference.find(line.description) or reference.find(line.payer_reference or "")


def references_of_each(lines: Sequence[StatementLine]) -> list[str]:
    """The same of many lines, looked through together: those of each line with blanks between them."""
    found = reference.find_each(line.description for line in lines)
    return [names or " ".join(references_of(line)) for line, names in zip(lines, found, strict=True)]


def _columns(keys: Sequence[str], lines: Sequence[StatementLine]) -> dict[str, list[object]]:
    return {
        "keys": list(keys),
        "directions": [line.direction for line in lines],
        # A reversal on a statement is the void of an earlier line, in the direction in which it moved the balance.
        "statuses": [(EvidenceStatus.VOID if line.reversal else EvidenceStatus.SETTLED).value for line in lines],
        "amounts": [line.amount_vnd for line in lines],
        "moments": [clock.day_starts(line.booked_on) for line in lines],
        "value_dates": [line.value_date for line in lines],
        "bank_references": [line.bank_reference for line in lines],
        "descriptions": [line.description for line in lines],
        "found": [*references_of_each(lines)],
        "contents": [hashlib.sha256(key.encode()).digest() for key in keys],
    }
