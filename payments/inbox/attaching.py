"""Reads and writes behind ``attach_evidence``: a few statements for any number of pieces."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from bank_adapters.statements.keys import fold_reference
from payments import clock
from payments.inbox.contradicting import Saying
from payments.inbox.models import POLLED, Direction, EvidenceStatus, HeldReason, Source
from payments.inbox.naming import number_of, own_account_named_by, references_named_by
from payments.inbox.pairing import REFERENCE_DAYS, STATEMENT, Piece
from payments.inbox.placing import Placed, Standing, rule_of

BY_PERSON = "person"
"""The rule of a piece that a person attached."""

_TOLD = f"""
    e.id, e.source, e.connection_id, e.account_id, e.direction, e.status, e.amount_vnd, e.value_date, e.occurred_at,
    e.dedup_key, {references_named_by("e")} AS "references", {number_of("e")} AS bank_reference, e.description,
    (SELECT c.id FROM connection c WHERE c.id = e.connection_id AND c.settles = 'batch') AS clearing_id,
    {own_account_named_by("e")} AS own_account
"""  # noqa: S608 - constants of this package alone

NEW = text(f"""
    SELECT {_TOLD}, link.transaction_id, link.rule
    FROM evidence e
    LEFT JOIN transaction_evidence link ON link.evidence_id = e.id
    WHERE e.id = ANY(CAST(:ids AS bigint[])) AND e.school_id = :school_id AND NOT e.conflicting AND NOT e.sandbox
      AND e.status IN ('settled', 'void')
""")  # noqa: S608 - a constant of this module

_BUCKETS = """
    FROM unnest(
        CAST(:accounts AS bigint[]), CAST(:directions AS text[]), CAST(:amounts AS bigint[]),
        CAST(:clearings AS bigint[]), CAST(:first_days AS date[]), CAST(:last_days AS date[]),
        CAST(:wholes AS boolean[])
    ) AS bucket(account_id, direction, amount_vnd, clearing_id, first_day, last_day, whole)
"""

NEIGHBOURS = text(f"""
    WITH near AS (
        SELECT t.id, t."references", bucket.whole,
            t.virtual_account_id,
            t.state IN ('new', 'unmatched', 'payout') OR t.state = 'debit' AND t.reverses_id IS NULL
            OR t.state = 'credited' AND t.virtual_account_id IS NOT NULL AND cardinality(t."references") = 0 AS free
        {_BUCKETS}
        JOIN bank_transaction t ON t.school_id = :school_id AND t.account_id = bucket.account_id
            AND t.direction = bucket.direction AND t.amount_vnd = bucket.amount_vnd
            AND t.clearing_id IS NOT DISTINCT FROM bucket.clearing_id
            AND t.value_date BETWEEN bucket.first_day AND bucket.last_day
    ), wanted AS (
        SELECT id FROM near WHERE whole OR cardinality("references") = 0
        UNION
        SELECT near.id
        FROM near CROSS JOIN LATERAL unnest(near."references") AS named
        JOIN unnest(CAST(:references AS text[])) AS asked(name) ON asked.name = named
    )
    SELECT {_TOLD}, near.id AS transaction_id, link.rule, near."references" AS known_references, near.free,
        near.virtual_account_id AS known_own_account
    FROM wanted
    JOIN near ON near.id = wanted.id
    JOIN transaction_evidence link ON link.school_id = :school_id AND link.transaction_id = near.id
    JOIN evidence e ON e.id = link.evidence_id
""")  # noqa: S608 - as above

HELD = text(f"""
    SELECT {_TOLD}, NULL::bigint AS transaction_id, NULL AS rule
    FROM held_evidence held JOIN evidence e ON e.id = held.evidence_id
    WHERE held.school_id = :school_id AND held.reason IN ('ambiguous', 'amount_diff')
""")  # noqa: S608 - as above

SAME_NUMBER = text(f"""
    SELECT {_TOLD}, link.transaction_id, link.rule
    FROM transaction_evidence link JOIN evidence e ON e.id = link.evidence_id
    WHERE link.school_id = :school_id AND link.bank_number = ANY(CAST(:numbers AS text[])) AND e.status = 'settled'
""")  # noqa: S608 - as above

SAME_ID = text(f"""
    SELECT {_TOLD}, link.transaction_id, link.rule
    FROM unnest(CAST(:connections AS bigint[]), CAST(:keys AS text[])) AS asked(connection_id, key)
    JOIN evidence e ON e.connection_id = asked.connection_id AND e.dedup_key IN (asked.key, '{POLLED}' || asked.key)
        AND e.school_id = :school_id AND e.status = 'settled' AND NOT e.conflicting
    JOIN transaction_evidence link ON link.evidence_id = e.id AND link.school_id = :school_id
""")  # noqa: S608 - as above

ONE_HELD = text("SELECT FROM held_evidence WHERE school_id = :school_id AND evidence_id = :id FOR UPDATE")

WAITING = text(f"""
    SELECT {_TOLD}, NULL::bigint AS transaction_id, NULL AS rule
    {_BUCKETS}
    JOIN evidence e ON e.school_id = :school_id AND e.account_id = bucket.account_id
        AND e.direction = bucket.direction AND e.amount_vnd = bucket.amount_vnd
        AND e.value_date BETWEEN bucket.first_day AND bucket.last_day
        AND NOT e.conflicting AND NOT e.sandbox AND (e.status = 'settled' OR e.source = 'statement')
        AND bucket.clearing_id IS NOT DISTINCT FROM
            (SELECT c.id FROM connection c WHERE c.id = e.connection_id AND c.settles = 'batch')
    JOIN outbox work ON work.subject_id = e.id AND work.queue = 'settlement' AND work.kind = 'evidence'
        AND work.school_id = :school_id AND NOT work.dead AND work.attempts = 0
    WHERE NOT EXISTS (SELECT FROM transaction_evidence link WHERE link.evidence_id = e.id)
      AND NOT EXISTS (SELECT FROM held_evidence held WHERE held.evidence_id = e.id)
""")  # noqa: S608 - as above

INSERT_TRANSACTIONS = text("""
    INSERT INTO bank_transaction (
        school_id, id, account_id, direction, amount_vnd, value_date, occurred_at, bank_reference, description,
        "references", virtual_account_id, state, clearing_id, created_at
    )
    SELECT :school_id, new.id, e.account_id, new.direction, e.amount_vnd, e.value_date, e.occurred_at,
        new.bank_reference, e.description, string_to_array(new.named, ' '), new.own_account, 'new', new.clearing_id,
        :now
    FROM unnest(
        CAST(:transaction_ids AS bigint[]), CAST(:evidence_ids AS bigint[]), CAST(:directions AS text[]),
        CAST(:bank_references AS text[]), CAST(:named AS text[]), CAST(:own_accounts AS bigint[]),
        CAST(:clearings AS bigint[])
    ) AS new(id, evidence_id, direction, bank_reference, named, own_account, clearing_id)
    JOIN evidence e ON e.id = new.evidence_id
""")

LEARN = text("""
    UPDATE bank_transaction t
    SET "references" = string_to_array(new.named, ' '), virtual_account_id = new.own_account,
        description = e.description
    FROM unnest(CAST(:transaction_ids AS bigint[]), CAST(:evidence_ids AS bigint[]), CAST(:named AS text[]),
                CAST(:own_accounts AS bigint[])) AS new(id, evidence_id, named, own_account)
    JOIN evidence e ON e.id = new.evidence_id
    WHERE t.school_id = :school_id AND t.id = new.id
""")

UNLINK = text("""
    DELETE FROM transaction_evidence WHERE school_id = :school_id AND evidence_id = ANY(CAST(:ids AS bigint[]))
""")

LINK = text("""
    INSERT INTO transaction_evidence (school_id, transaction_id, evidence_id, source_key, rule, bank_number)
    SELECT :school_id, * FROM unnest(
        CAST(:transaction_ids AS bigint[]), CAST(:evidence_ids AS bigint[]), CAST(:sources AS text[]),
        CAST(:rules AS text[]), CAST(:numbers AS text[])
    )
""")

RELEASE = text("""
    DELETE FROM held_evidence WHERE school_id = :school_id AND evidence_id = ANY(CAST(:ids AS bigint[]))
""")

HOLD = text("""
    INSERT INTO held_evidence (school_id, evidence_id, reason, held_at)
    SELECT :school_id, unnest(CAST(:ids AS bigint[])), :reason, :now
    ON CONFLICT (evidence_id) DO UPDATE SET reason = excluded.reason WHERE held_evidence.reason <> excluded.reason
""")


class Bucket(NamedTuple):
    """What pieces must share to be about the same movement."""

    account_id: int
    direction: Direction
    amount_vnd: int
    clearing_id: int | None = None
    """The intermediary that owes the money: what it tells is never a line of the bank."""


@dataclass(frozen=True, slots=True)
class Told:
    """A piece with what its transaction needs of it."""

    piece: Piece
    bucket: Bucket
    status: EvidenceStatus
    bank_reference: str | None
    """As the source wrote it."""

    @property
    def numbers(self) -> list[tuple[object, ...]]:
        """Under which numbers the movement stands: the bank's reference on its account, and the sender's own id."""
        if self.status is not EvidenceStatus.SETTLED:
            return []
        place = (self.bucket.account_id, self.bucket.clearing_id, self.bucket.direction)
        by_bank = (*place, self.piece.bank_reference)
        by_sender = (self.bucket.direction, self.piece.sender_id)
        return [number for number in (by_bank, by_sender) if number[-1]]

    @property
    def sayings(self) -> list[Saying]:
        """What it says of the movement that its numbers name."""
        return [Saying(number, self.bucket.amount_vnd, self.piece) for number in self.numbers]


def told(row: Row[Any]) -> Told:
    """One row of evidence. Money that a callback takes back goes the other way than what it names."""
    direction = Direction(row.direction)
    if row.status == EvidenceStatus.VOID and row.source != Source.STATEMENT:
        direction = Direction.DEBIT if direction is Direction.CREDIT else Direction.CREDIT
    source = STATEMENT if row.source == Source.STATEMENT else f"{row.source}:{row.connection_id}"
    piece = Piece(
        row.id,
        source,
        row.value_date,
        (row.value_date, row.occurred_at, source, row.dedup_key),
        tuple(row.references),
        fold_reference(row.bank_reference),
        row.transaction_id,
        fixed=row.rule == BY_PERSON,
        sender_id="" if row.connection_id is None else f"{row.connection_id}:{row.dedup_key.removeprefix(POLLED)}",
        own_account=row.own_account,
    )
    bucket = Bucket(row.account_id, direction, row.amount_vnd, row.clearing_id)
    return Told(piece, bucket, EvidenceStatus(row.status), row.bank_reference)


class Book:
    """Reads and writes for one school; collects what changes and writes it at once."""

    def __init__(self, session: Session, school_id: int) -> None:
        self._session = session
        self._school_id = school_id
        self.created: set[int] = set()
        self.learned: set[int] = set()

    def rows(self, statement: Any, **values: Any) -> Sequence[Row[Any]]:
        """The rows of a query about the school."""
        return self._session.execute(statement, {"school_id": self._school_id, **values}).all()

    def run(self, statement: Any, **values: Any) -> None:
        """A change in the school."""
        self._session.execute(statement, {"school_id": self._school_id, **values})

    def new(self, ids: Iterable[int]) -> list[Told]:
        """Evidence by id, as far as it can stand behind a transaction of the school."""
        return [told(row) for row in self.rows(NEW, ids=sorted(ids))]

    def held(self) -> list[Told]:
        """What waits for more evidence."""
        return [told(row) for row in self.rows(HELD)]

    def under_number_of(self, waiting: Iterable[Told]) -> list[Told]:
        """Attached pieces that stand under the same number as one of these, whatever the amount."""
        settled = [one.piece for one in waiting if one.status is EvidenceStatus.SETTLED]
        numbers = sorted({piece.bank_reference for piece in settled} - {""})
        ids = sorted({piece.sender_id for piece in settled} - {""})
        found = list(self.rows(SAME_NUMBER, numbers=numbers)) if numbers else []
        if ids:
            pairs = [one.partition(":") for one in ids]
            found += self.rows(SAME_ID, connections=[int(one[0]) for one in pairs], keys=[one[2] for one in pairs])
        return [told(row) for row in found]

    def is_held(self, evidence_id: int) -> bool:
        """Whether a piece waits for a person, whom nobody else shall overtake."""
        return bool(self.rows(ONE_HELD, id=evidence_id))

    def waiting(self, days: Mapping[Bucket, tuple[date, date]]) -> list[Told]:
        """Evidence in the buckets near the days that settlement has not come to yet."""
        return [] if not days else [told(row) for row in self.rows(WAITING, **buckets(days, ()))]

    def neighbours(
        self, days: Mapping[Bucket, tuple[date, date]], references: Iterable[str], whole: Iterable[Bucket]
    ) -> tuple[list[Told], dict[int, tuple[Bucket, Standing]]]:
        """Attached pieces in the buckets near the days, with their transactions.

        Of a bucket that is not ``whole`` only transactions that name none or one of the references.
        """
        rows = self.rows(NEIGHBOURS, references=sorted(set(references)), **buckets(days, whole))
        found = [told(row) for row in rows]
        standings = {}
        for row, one in zip(rows, found, strict=True):
            standing = Standing(row.transaction_id, tuple(row.known_references), row.free, row.known_own_account)
            standings[row.transaction_id] = (one.bucket, standing)
        return found, standings

    def hold(self, pieces: Iterable[Piece], reason: HeldReason) -> None:
        """Attach pieces to nothing and keep them where a person sees them."""
        held = list(pieces)
        if held:
            self.run(UNLINK, ids=[piece.evidence_id for piece in held if piece.transaction_id is not None])
            self.run(HOLD, ids=sorted(piece.evidence_id for piece in held), reason=reason.value, now=clock.now())

    def write(self, placed: Sequence[Placed], pieces: Mapping[int, Told], known: Mapping[int, Standing]) -> None:
        """Create transactions, and attach and move pieces as placed; ``pieces`` by evidence id."""
        moves = [(one, piece) for one in placed for piece in one.pieces if _moves(one, piece)]
        if not moves:
            return
        self.run(UNLINK, ids=[piece.evidence_id for _, piece in moves if piece.transaction_id is not None])
        ids = self._create([one for one in placed if one.transaction_id is None], pieces)
        self._learn([one for one in placed if one.transaction_id is not None], known)
        leads = {_lead(one.pieces).evidence_id for one in placed if one.transaction_id is None}
        self.run(
            LINK,
            transaction_ids=[one.transaction_id or ids[id(one)] for one, _ in moves],
            evidence_ids=[piece.evidence_id for _, piece in moves],
            sources=[piece.source for _, piece in moves],
            rules=["created" if piece.evidence_id in leads else rule_of(piece, one.pieces) for one, piece in moves],
            numbers=[piece.bank_reference or None for _, piece in moves],
        )
        self.run(RELEASE, ids=[piece.evidence_id for _, piece in moves])

    def write_decision(self, one: Told, transaction_id: int | None) -> int:
        """Attach a piece where a person said, to a new transaction for None; returns the transaction's id."""
        if transaction_id is None:
            placed = Placed(None, (one.piece,))
            transaction_id = self._create([placed], {one.piece.evidence_id: one})[id(placed)]
        self.run(
            LINK,
            transaction_ids=[transaction_id],
            evidence_ids=[one.piece.evidence_id],
            sources=[one.piece.source],
            rules=[BY_PERSON],
            numbers=[one.piece.bank_reference or None],
        )
        self.run(RELEASE, ids=[one.piece.evidence_id])
        return transaction_id

    def _create(self, placed: Sequence[Placed], pieces: Mapping[int, Told]) -> dict[int, int]:
        if not placed:
            return {}
        drawn = self.rows(
            text("SELECT nextval('bank_transaction_id_seq') AS id FROM generate_series(1, :n)"), n=len(placed)
        )
        ids = {id(one): int(row.id) for one, row in zip(placed, drawn, strict=True)}
        leads = [_lead(one.pieces) for one in placed]
        self.run(
            INSERT_TRANSACTIONS,
            now=clock.now(),
            transaction_ids=list(ids.values()),
            evidence_ids=[lead.evidence_id for lead in leads],
            directions=[pieces[lead.evidence_id].bucket.direction.value for lead in leads],
            bank_references=[_bank_reference(one.pieces, pieces) for one in placed],
            named=[" ".join(references_of(one.pieces)) for one in placed],
            clearings=[pieces[lead.evidence_id].bucket.clearing_id for lead in leads],
            own_accounts=[own_account_of(one.pieces) for one in placed],
        )
        self.created |= set(ids.values())
        return ids

    def _learn(self, placed: Sequence[Placed], known: Mapping[int, Standing]) -> None:
        lessons = []
        for one in placed:
            standing = known[one.transaction_id or 0]
            lesson = learned_from(one.pieces, standing)
            if lesson != (standing.references, standing.own_account):
                lessons.append((standing.id, _lead(one.pieces).evidence_id, " ".join(lesson[0]), lesson[1]))
        if lessons:
            transaction_ids, evidence_ids, named_by, own_accounts = zip(*lessons, strict=True)
            self.run(
                LEARN,
                transaction_ids=list(transaction_ids),
                evidence_ids=list(evidence_ids),
                named=list(named_by),
                own_accounts=list(own_accounts),
            )
            self.learned |= set(transaction_ids)


def buckets(days: Mapping[Bucket, tuple[date, date]], whole: Iterable[Bucket]) -> dict[str, list[Any]]:
    """Arrays that name buckets and the days to look at around them."""
    margin = timedelta(days=REFERENCE_DAYS)
    wholes = set(whole)
    return {
        "accounts": [bucket.account_id for bucket in days],
        "directions": [bucket.direction.value for bucket in days],
        "amounts": [bucket.amount_vnd for bucket in days],
        "clearings": [bucket.clearing_id for bucket in days],
        "first_days": [first - margin for first, _ in days.values()],
        "last_days": [last + margin for _, last in days.values()],
        "wholes": [bucket in wholes for bucket in days],
    }


def references_of(pieces: Iterable[Piece]) -> tuple[str, ...]:
    """Every payment reference that the pieces name, in order."""
    return tuple(dict.fromkeys(name for piece in pieces for name in piece.references))


def own_account_of(pieces: Iterable[Piece]) -> int | None:
    """The pupil's own account that the pieces name; None also where a person joined pieces that name two."""
    named = {piece.own_account for piece in pieces} - {None}
    return named.pop() if len(named) == 1 else None


def learned_from(pieces: Sequence[Piece], standing: Standing) -> tuple[tuple[str, ...], int | None]:
    """References and own account of a transaction that exists, as its pieces say them now.

    What was credited by its references keeps them and may still learn on which account it came, for that may contradict
    them; what a person decided without a reference learns nothing.
    """
    named = references_of(pieces)
    if not standing.free or set(named) == set(standing.references):
        named = standing.references
    decided = not standing.free and not standing.references
    return named, standing.own_account if decided else own_account_of(pieces)


def _lead(pieces: Sequence[Piece]) -> Piece:
    """The piece that speaks for a transaction: the first that names an invoice, else the first."""
    return next((piece for piece in pieces if piece.references), pieces[0])


def _bank_reference(pieces: Sequence[Piece], by_id: Mapping[int, Told]) -> str | None:
    lead = _lead(pieces)
    return next(
        (found for piece in (lead, *pieces) if (found := by_id[piece.evidence_id].bank_reference)),
        None,
    )


def _moves(placed: Placed, piece: Piece) -> bool:
    return placed.transaction_id is None or piece.transaction_id != placed.transaction_id
