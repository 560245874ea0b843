"""Look for what transfers without a usable reference may be meant for: a few reads for all of a batch."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import text

from payments.inbox.models import TransactionState
from payments.invoices.near_references import NearReferences, suggest
from payments.payer_claims.queries import about
from payments.schools.rules import search_key
from payments.settlement.loading import Shelf
from payments.settlement.payers import MANY_PUPILS, payer_marks
from payments.settlement.rules import Reading, SettlementOutcome
from payments.settlement.suggestions import Near, OpenBook, OpenInvoice, hint_at, hint_at_both, hint_at_several
from payments.settlement.writing import Settled

NEAR = text("""
    SELECT i.id, i.reference FROM invoice i
    WHERE i.school_id = :school_id AND i.reference = ANY(CAST(:codes AS text[]))
    UNION
    SELECT i.id, prefix FROM invoice i
    JOIN unnest(CAST(:prefixes AS text[])) AS prefix ON starts_with(i.reference, prefix)
    WHERE i.school_id = :school_id
""")

# An old picture may name what has been replaced since: only what is open of its list is suggested.
NEAR_BUNDLES = text("""
    WITH wanted AS (
        SELECT b.id, b.reference AS found FROM bundle b
        WHERE b.school_id = :school_id AND b.reference = ANY(CAST(:codes AS text[]))
        UNION
        SELECT b.id, prefix FROM bundle b
        JOIN unnest(CAST(:prefixes AS text[])) AS prefix ON starts_with(b.reference, prefix)
        WHERE b.school_id = :school_id
    )
    SELECT wanted.found, array_agg(line.invoice_id ORDER BY line.position)
    FROM wanted JOIN bundle_line line ON line.school_id = :school_id AND line.bundle_id = wanted.id
    GROUP BY wanted.id, wanted.found ORDER BY wanted.id
""")

OPEN = text("""
    SELECT i.id, i.reference, i.pupil_id, p.search_key, coalesce(c.name, ''), i.receiving_account_id,
           b.amount_vnd - b.paid_vnd, i.due_on, p.sector_id, greatest(i.mandatory_vnd - b.paid_vnd, 0)
    FROM invoice_balance b
    JOIN invoice i ON i.school_id = b.school_id AND i.id = b.invoice_id
    JOIN pupil p ON p.school_id = i.school_id AND p.id = i.pupil_id
    LEFT JOIN LATERAL (
        SELECT room.name FROM enrollment e
        JOIN class_room room ON room.school_id = e.school_id AND room.id = e.class_id
        WHERE e.school_id = p.school_id AND e.pupil_id = p.id AND e.valid_to IS NULL
        ORDER BY e.valid_from DESC, e.id DESC LIMIT 1
    ) c ON true
    WHERE b.school_id = :school_id AND b.state IN ('open', 'partial')
    ORDER BY i.due_on, i.id
""")

# What was credited before in whose text the same account or name stands: marks are compared once more in Python.
PAID_BEFORE = text("""
    WITH told AS MATERIALIZED (
        SELECT id, description FROM bank_transaction
        WHERE school_id = :school_id AND state = 'credited' AND value_date >= :since
          AND description LIKE ANY(CAST(:patterns AS text[]))
        ORDER BY id DESC LIMIT 2000
    )
    SELECT DISTINCT told.description, i.pupil_id
    FROM told
    JOIN allocation a ON a.school_id = :school_id AND a.transaction_id = told.id
    JOIN invoice i ON i.school_id = a.school_id AND i.id = a.invoice_id
""")
REMEMBERED = timedelta(days=400)
"""A school year and a little: who paid before that is not looked for."""


def for_people(shelf: Shelf, readings: Sequence[Reading]) -> list[Settled]:
    """Decisions that leave transfers unmatched, each with hints for a person."""
    nameless = [reading for reading in readings if reading.outcome is SettlementOutcome.UNKNOWN]
    named = shelf.book
    settled = [
        _unmatched(
            reading,
            SettlementOutcome.SEVERAL,
            hint_at_several(named.named_by(reading.transfer), shelf.paid_vnd, reading.transfer.amount_vnd),
        )
        for reading in readings
        if reading.outcome is SettlementOutcome.SEVERAL
    ]
    settled += _contradicting(shelf, [one for one in readings if one.outcome is SettlementOutcome.OTHER_PUPIL])
    if nameless:
        book = _open_book(shelf)
        near = _near(shelf, {reading.transfer.id: suggest(reading.transfer.description) for reading in nameless})
        payers = _payers(shelf, nameless)
        claims = about(shelf.session, shelf.school_id, [reading.transfer.id for reading in nameless])
        settled += [
            _unmatched(
                reading,
                *hint_at(
                    reading.transfer,
                    near[reading.transfer.id],
                    book,
                    payers[reading.transfer.id],
                    [(claim.pupil_id, claim.invoice_id) for claim in claims.get(reading.transfer.id, ())],
                ),
            )
            for reading in nameless
        ]
    return settled


def _payers(shelf: Shelf, readings: Sequence[Reading]) -> dict[int, set[int]]:
    """Transfer -> pupils for whom money came before from the same account or under the same name; nobody where the
    payer paid for many.
    """
    marks = {reading.transfer.id: payer_marks(reading.transfer.description) for reading in readings}
    wanted = sorted({mark for some in marks.values() for mark in some})
    paid: dict[str, set[int]] = defaultdict(set)
    if wanted:
        # Banks write names in capitals without diacritics; they are compared exactly in Python.
        patterns = [f"%{mark.upper()}%" for mark in wanted]
        since = min(reading.transfer.value_date for reading in readings) - REMEMBERED
        values = {"school_id": shelf.school_id, "since": since, "patterns": patterns}
        for description, pupil_id in shelf.session.execute(PAID_BEFORE, values):
            for mark in payer_marks(description):
                paid[mark].add(pupil_id)
    return {
        key: {pupil for mark in some if len(paid[mark]) <= MANY_PUPILS for pupil in paid[mark]}
        for key, some in marks.items()
    }


def _contradicting(shelf: Shelf, readings: Sequence[Reading]) -> list[Settled]:
    """Both sides, one tap each: what the memo names, and what the pupil owes on whose account the money came."""
    if not readings:
        return []
    invoices = _open_book(shelf).invoices
    return [
        _unmatched(
            reading,
            SettlementOutcome.OTHER_PUPIL,
            hint_at_both(shelf.book.named_by(reading.transfer), reading, invoices),
        )
        for reading in readings
    ]


def _unmatched(reading: Reading, outcome: SettlementOutcome, hints: Sequence[dict[str, object]]) -> Settled:
    return Settled(reading.transfer.id, outcome, TransactionState.UNMATCHED, reading.flags, hints)


def _open_book(shelf: Shelf) -> OpenBook:
    rows = shelf.session.execute(OPEN, {"school_id": shelf.school_id})
    return OpenBook([OpenInvoice(row[0], row[1], row[2], search_key(row[3]), *row[4:]) for row in rows])


def _near(shelf: Shelf, asked: dict[int, NearReferences]) -> dict[int, Near]:
    """The issued invoices and bundles that near references and cut-off beginnings name, by transfer."""
    codes = sorted({code for near in asked.values() for code in near.codes})
    prefixes = sorted({prefix for near in asked.values() for prefix in near.prefixes})
    found: dict[str, set[int]] = defaultdict(set)
    together: dict[str, list[tuple[int, ...]]] = defaultdict(list)
    if codes or prefixes:
        wanted = {"school_id": shelf.school_id, "codes": codes, "prefixes": prefixes}
        for invoice_id, text_found in shelf.session.execute(NEAR, wanted):
            found[text_found].add(invoice_id)
        for text_found, invoice_ids in shelf.session.execute(NEAR_BUNDLES, wanted):
            together[text_found].append(tuple(invoice_ids))
    return {
        key: Near(
            frozenset().union(*(found[code] for code in near.codes)),
            frozenset().union(*(found[prefix] for prefix in near.prefixes)),
            tuple(ids for code in near.codes for ids in together[code]),
            tuple(ids for prefix in near.prefixes for ids in together[prefix]),
        )
        for key, near in asked.items()
    }
