"""What became of claims, read when it is asked for: the bank's word is joined by its number, or by its memo.

Payer's and school's bank often number one transfer differently; then the payer's number stands as a word of the memo
(«MBVCB.7575327615.426726…», «… FT24323362960955 …», facts on VietQR, 4). A memo holds other numbers too, so there the
amount must be the one that was claimed.
"""

import enum
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import clock
from payments.payer_claims.rules import LIVES

SHORTEST_IN_MEMO = 8
"""A shorter number may stand in a memo by chance."""
# The regular expression finds whole words; it is slow, so it is asked only where the letters stand at all.
_IN_MEMO = (
    f"t.amount_vnd = c.amount_vnd AND length(c.bank_number) >= {SHORTEST_IN_MEMO}"
    ' AND CASE WHEN strpos(upper(t.description COLLATE "C"), c.bank_number) > 0'
    r" THEN t.description ~* ('\m0*' || c.bank_number || '\M') ELSE false END"
)
_WAITS = "t.state IN ('new', 'unmatched')"
_SINCE = f"t.direction = 'credit' AND t.value_date >= c.claimed_at - interval '{LIVES.days} days'"
_OF_PUPIL = """
    (EXISTS (SELECT FROM allocation a JOIN invoice i ON i.school_id = a.school_id AND i.id = a.invoice_id
             WHERE a.school_id = t.school_id AND a.transaction_id = t.id AND i.pupil_id = c.pupil_id
             HAVING sum(a.amount_vnd) <> 0)
     OR EXISTS (SELECT FROM pupil_credit k
                WHERE k.school_id = t.school_id AND k.transaction_id = t.id AND k.pupil_id = c.pupil_id
                HAVING sum(k.amount_vnd) <> 0))
"""
_BY_NUMBER = f"""
    FROM transaction_evidence l
    JOIN bank_transaction t ON t.school_id = l.school_id AND t.id = l.transaction_id
    WHERE l.school_id = c.school_id AND l.bank_number = c.bank_number AND {_SINCE}
"""
# Money of other pupils is never looked for in memos: only what waits, and what this pupil was credited with.
_MINE_BY_MEMO = f"""
    FROM (SELECT a.transaction_id FROM invoice i
          JOIN allocation a ON a.school_id = i.school_id AND a.invoice_id = i.id
          WHERE i.school_id = c.school_id AND i.pupil_id = c.pupil_id
          GROUP BY a.transaction_id HAVING sum(a.amount_vnd) <> 0
          UNION
          SELECT k.transaction_id FROM pupil_credit k
          WHERE k.school_id = c.school_id AND k.pupil_id = c.pupil_id
          GROUP BY k.transaction_id HAVING sum(k.amount_vnd) <> 0) paid
    JOIN bank_transaction t ON t.school_id = c.school_id AND t.id = paid.transaction_id
    WHERE t.state = 'credited' AND {_SINCE} AND {_IN_MEMO}
"""  # noqa: S608 - our own text
_TRANSFERS = f"""
    SELECT t.id, t.amount_vnd, t.occurred_at, {_WAITS} AS waits, t.state = 'credited' AND {_OF_PUPIL} AS mine
    {_BY_NUMBER}
    UNION
    SELECT t.id, t.amount_vnd, t.occurred_at, true, false FROM bank_transaction t
    WHERE t.school_id = c.school_id AND {_WAITS} AND {_SINCE} AND {_IN_MEMO}
    UNION
    SELECT t.id, t.amount_vnd, t.occurred_at, false, true {_MINE_BY_MEMO}
"""  # noqa: S608 - our own text
_BECAME = f"""
    CROSS JOIN LATERAL (
        SELECT coalesce(bool_or(mine), false) AS mine, coalesce(bool_or(NOT waits), false) AS matched,
            min(occurred_at) FILTER (WHERE waits AND amount_vnd = c.amount_vnd) AS seen_at,
            min(id) FILTER (WHERE waits) AS transaction_id
        FROM ({_TRANSFERS}) told
    ) became
"""  # noqa: S608 - our own text
_ANY = text(
    "SELECT FROM payer_claim WHERE school_id = :school_id AND pupil_id = :pupil_id AND claimed_at > :since LIMIT 1"
)
_OF_HOLDER = text(f"""
    SELECT c.id, c.bank_reference, c.invoice_id, c.amount_vnd, c.claimed_at, c.closed_at IS NOT NULL AS closed,
        became.seen_at
    FROM payer_claim c {_BECAME}
    WHERE c.school_id = :school_id AND c.pupil_id = :pupil_id AND c.claimed_at > :since AND NOT became.mine
    ORDER BY c.id
""")  # noqa: S608 - our own text
STANDING = f"""
    SELECT who.token_hash, concat_ws('|', 'claim', c.id, c.closed_at IS NOT NULL, became.seen_at, became.mine)
    FROM who JOIN payer_claim c ON c.school_id = who.school_id AND c.pupil_id = who.pupil_id
      AND c.claimed_at > who.now - interval '{LIVES.days} days'
    {_BECAME}"""  # noqa: S608 - our own text
"""What a page that shows claims hangs on: (token hash, text) over ``who`` (token_hash, school_id, pupil_id, now)."""
_CLASS = """
    (SELECT r.name FROM enrollment e JOIN class_room r ON r.school_id = e.school_id AND r.id = e.class_id
     WHERE e.school_id = p.school_id AND e.pupil_id = p.id ORDER BY e.valid_from DESC, e.id DESC LIMIT 1)
"""
# All claims of a school at once: memos are taken apart once, and words meet numbers by equality. A word is what ``\m``
# and ``\M`` bound in ``_IN_MEMO``, so both read a memo alike (a test compares them).
_OPEN_ONES = f"""
    WITH c AS MATERIALIZED (
        SELECT * FROM payer_claim WHERE school_id = :school_id AND closed_at IS NULL AND claimed_at > :since
    ), word AS MATERIALIZED (
        SELECT t.id, t.amount_vnd, t.direction, t.value_date, ltrim(upper(told.word COLLATE "C"), '0') AS number
        FROM bank_transaction t CROSS JOIN LATERAL regexp_split_to_table(t.description, '\\W+') AS told (word)
        WHERE t.school_id = :school_id AND {_WAITS} AND t.amount_vnd IN (SELECT amount_vnd FROM c)
    ), told AS (
        SELECT c.id AS claim_id, t.id, {_WAITS} AS waits FROM c CROSS JOIN LATERAL (SELECT t.id, t.state {_BY_NUMBER}) t
        UNION ALL
        SELECT c.id, t.id, true FROM c
        JOIN word t ON t.amount_vnd = c.amount_vnd AND t.number = c.bank_number AND {_SINCE}
        WHERE length(c.bank_number) >= {SHORTEST_IN_MEMO}
        UNION ALL
        SELECT c.id, t.id, false FROM c CROSS JOIN LATERAL (SELECT t.id {_MINE_BY_MEMO}) t
    ), became AS (
        SELECT claim_id, bool_or(NOT waits) AS matched, min(id) FILTER (WHERE waits) AS transaction_id
        FROM told GROUP BY claim_id
    ), waiting AS (
        SELECT c.*, became.transaction_id FROM c LEFT JOIN became ON became.claim_id = c.id
        WHERE became.transaction_id IS NOT NULL OR became.matched IS NOT TRUE
    )
"""  # noqa: S608 - our own text
_LISTED = text(f"""
    {_OPEN_ONES}
    SELECT waiting.id, waiting.pupil_id, p.full_name, {_CLASS} AS class_name, i.reference, waiting.bank_reference,
        waiting.amount_vnd, waiting.paid_on, waiting.claimed_at, waiting.transaction_id
    FROM (SELECT * FROM waiting ORDER BY claimed_at, id LIMIT :limit) waiting
    JOIN pupil p ON p.school_id = waiting.school_id AND p.id = waiting.pupil_id
    LEFT JOIN invoice i ON i.school_id = waiting.school_id AND i.id = waiting.invoice_id
    ORDER BY waiting.claimed_at, waiting.id
""")  # noqa: S608 - our own text
_COUNT = text(f"{_OPEN_ONES} SELECT count(*) FROM waiting")  # noqa: S608 - our own text
_NAMING = f"""
    SELECT t.id AS transaction_id, c.id
    FROM bank_transaction t
    JOIN transaction_evidence l ON l.school_id = t.school_id AND l.transaction_id = t.id
    JOIN payer_claim c ON c.school_id = l.school_id AND c.bank_number = l.bank_number
    WHERE t.school_id = :school_id AND {_SINCE} AND {{0}}
    UNION
    SELECT t.id, c.id
    FROM bank_transaction t JOIN payer_claim c ON c.school_id = t.school_id AND {_IN_MEMO}
    WHERE t.school_id = :school_id AND {_SINCE} AND {{0}}
"""  # noqa: S608 - our own text
_ABOUT = text(f"""
    SELECT naming.transaction_id, c.id, c.pupil_id, p.full_name, {_CLASS} AS class_name, c.invoice_id,
        c.bank_reference, c.amount_vnd, c.claimed_at
    FROM ({_NAMING.format("t.id = ANY(CAST(:ids AS bigint[])) AND c.closed_at IS NULL AND c.claimed_at > :since")})
        naming
    JOIN payer_claim c ON c.school_id = :school_id AND c.id = naming.id
    JOIN pupil p ON p.school_id = c.school_id AND p.id = c.pupil_id
    ORDER BY naming.transaction_id, c.id
""")  # noqa: S608 - our own text
_ANY_OPEN = text("""
    SELECT EXISTS (SELECT FROM payer_claim WHERE school_id = :school_id AND closed_at IS NULL AND claimed_at > :since)
""")
_UNMATCHED = text(f"""
    SELECT DISTINCT naming.transaction_id
    FROM ({_NAMING.format("t.state = 'unmatched' AND c.id = ANY(CAST(:ids AS bigint[]))")}) naming
    ORDER BY 1
""")  # noqa: S608 - our own text


class ClaimState(enum.StrEnum):
    """What the payer is told; of money of others, nothing."""

    CHECKING = "checking"
    """No such money has come, or it was credited to somebody else: which of both is not told."""
    SEEN = "seen"
    """The bank told of a transfer of this number and this amount that waits for a person."""
    ANSWERED = "answered"
    """A person of the school has looked."""


@dataclass(frozen=True, slots=True)
class Told:
    """A claim as its maker may see it; one whose money was credited to the pupil is shown as paid, not here."""

    id: int
    bank_reference: str
    invoice_id: int | None
    amount_vnd: int | None
    claimed_at: datetime
    seen_at: datetime | None
    """When the money moved, where the state is ``seen``."""
    state: ClaimState


@dataclass(frozen=True, slots=True)
class Waiting:
    """A claim on the accountant's list; ``transaction_id``: the transfer that waits unmatched, None: none has come."""

    id: int
    pupil_id: int
    full_name: str
    class_name: str | None
    reference: str | None
    bank_reference: str
    amount_vnd: int | None
    paid_on: date | None
    claimed_at: datetime
    transaction_id: int | None


@dataclass(frozen=True, slots=True)
class About:
    """Who claimed a transfer, and when."""

    id: int
    pupil_id: int
    full_name: str
    class_name: str | None
    invoice_id: int | None
    bank_reference: str
    amount_vnd: int | None
    claimed_at: datetime


def of_pupil(session: Session, school_id: int, pupil_id: int) -> list[Told]:
    """The claims for a pupil of the last ``LIVES``, oldest first, without those whose money is the pupil's by now."""
    values = {"school_id": school_id, "pupil_id": pupil_id, "since": clock.now() - LIVES}
    if session.execute(_ANY, values).first() is None:  # Almost every look of almost every waiting page.
        return []
    rows = session.execute(_OF_HOLDER, values)
    return [
        Told(
            row.id,
            row.bank_reference,
            row.invoice_id,
            row.amount_vnd,
            row.claimed_at,
            row.seen_at,
            _state(row.closed, row.seen_at is not None),
        )
        for row in rows
    ]


def _state(closed: bool, seen: bool) -> ClaimState:  # noqa: FBT001 - columns of the row
    if seen:
        return ClaimState.SEEN
    return ClaimState.ANSWERED if closed else ClaimState.CHECKING


def waiting(session: Session, school_id: int, limit: int = 200) -> list[Waiting]:
    """Claims that wait for money or for a person, oldest first."""
    values = {"school_id": school_id, "since": clock.now() - LIVES, "limit": limit}
    return [Waiting(*row) for row in session.execute(_LISTED, values)]


def count_waiting(session: Session, school_id: int) -> int:
    """How many ``waiting`` would list without its limit."""
    found: int = session.execute(_COUNT, {"school_id": school_id, "since": clock.now() - LIVES}).scalar_one()
    return found


def about(session: Session, school_id: int, transaction_ids: Sequence[int]) -> dict[int, list[About]]:
    """Transfer -> the open claims that name it, oldest first; two statements' work for any number of transfers.

    Most schools have no open claim most of the time: then no transfer is looked at: that was a sixth of settling.
    """
    found: dict[int, list[About]] = defaultdict(list)
    values = {"school_id": school_id, "ids": list(transaction_ids), "since": clock.now() - LIVES}
    if not session.scalar(_ANY_OPEN, values):
        return found
    for transaction_id, *values_of in session.execute(_ABOUT, values):
        found[transaction_id].append(About(*values_of))
    return found


def unmatched_named_by(session: Session, school_id: int, claim_ids: Sequence[int]) -> list[int]:
    """The transfers that wait for a person and are named by these claims, open or closed."""
    return list(session.scalars(_UNMATCHED, {"school_id": school_id, "ids": list(claim_ids)}))
