"""Who is told: one question for a whole round, and again for one pupil in the moment of sending.

A pupil is of the audience of a reminder only while a **mandatory** line is open: a voluntary item is no debt, and
nobody is dunned for it (design: ledger, and the circular on contributions). Lines are judged by their own allocations.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import BigInteger

from payments import clock
from payments.crypto import FieldCipher
from payments.notices.addresses import ways
from payments.notices.rules import TELL_AGAIN_AFTER, Channel, Kind, Left

# «wanted» says for each pupil of the round what is open; each kind picks from it what it is about.
_WANTED = """
    due AS (
        SELECT i.pupil_id, min(i.due_on) AS due_on
        FROM invoice i
        JOIN invoice_balance b ON b.school_id = i.school_id AND b.invoice_id = i.id
        WHERE i.school_id = :school_id AND i.round_id = :round_id AND b.state IN ('open', 'partial')
          AND (CAST(:pupil_id AS bigint) IS NULL OR i.pupil_id = :pupil_id)
          AND (:kind <> 'reminder' OR i.due_on >= :today) AND (:kind <> 'overdue' OR i.due_on < :today)
          AND (:kind = 'new_round' OR EXISTS (
                SELECT FROM invoice_line l
                WHERE l.school_id = i.school_id AND l.invoice_id = i.id AND l.mandatory
                  AND l.amount_vnd > coalesce((
                        SELECT sum(a.amount_vnd) FROM allocation a
                        WHERE a.school_id = l.school_id AND a.line_id = l.id AND a.invoice_id = l.invoice_id), 0)))
        GROUP BY i.pupil_id
    ),
    told AS (
        SELECT DISTINCT n.pupil_id, n.class_id
        FROM notice n
        JOIN notice_campaign c ON c.school_id = n.school_id AND c.id = n.campaign_id
        WHERE n.school_id = :school_id AND c.round_id = :round_id AND c.kind = :kind AND c.channel = :channel
          AND (n.state = 'waiting' OR (n.state = 'sent' AND (c.kind = 'new_round' OR n.ended_at > :told_since)))
          AND (CAST(:campaign_id AS bigint) IS NULL OR n.campaign_id <> :campaign_id)
    )
"""
_PUPILS = f"""
    WITH {_WANTED},
    way AS (
        SELECT unnest(:open) AS pupil_id, NULL AS left_out
        UNION ALL SELECT unnest(:opted_out), 'opted_out'
        UNION ALL SELECT unnest(:bounced), 'bounced'
    ),
    judged AS (
        SELECT d.pupil_id, d.due_on, CASE
            WHEN EXISTS (SELECT FROM told t WHERE t.pupil_id = d.pupil_id) THEN 'told'
            WHEN w.pupil_id IS NULL THEN 'no_address'
            ELSE w.left_out END AS left_out
        FROM due d LEFT JOIN way w ON w.pupil_id = d.pupil_id
    )
"""  # noqa: S608 - two constants of this module
_PUPIL_LISTS = [bindparam(name, type_=ARRAY(BigInteger)) for name in ("open", "opted_out", "bounced")]
_CLASSES = f"""
    WITH {_WANTED},
    class_of AS (
        SELECT DISTINCT ON (e.pupil_id) e.pupil_id, e.class_id
        FROM enrollment e JOIN due d ON d.pupil_id = e.pupil_id
        WHERE e.school_id = :school_id ORDER BY e.pupil_id, e.valid_from DESC, e.id DESC
    ),
    judged AS (
        SELECT c.class_id, min(d.due_on) AS due_on, CASE
            WHEN EXISTS (SELECT FROM told t WHERE t.class_id = c.class_id) THEN 'told'
            WHEN EXISTS (SELECT FROM class_chat k WHERE k.school_id = :school_id AND k.class_id = c.class_id) THEN NULL
            ELSE 'no_address' END AS left_out
        FROM class_of c JOIN due d ON d.pupil_id = c.pupil_id
        GROUP BY c.class_id
    )
"""  # noqa: S608 - a constant of this module
_COUNT = " SELECT left_out, count(*) AS number FROM judged GROUP BY left_out"
_SAMPLE = (
    " SELECT j.pupil_id FROM judged j JOIN pupil p ON p.school_id = :school_id AND p.id = j.pupil_id"
    ' WHERE j.left_out IS NULL ORDER BY p.sort_key COLLATE "C", p.id LIMIT 3'
)
_SAMPLE_CLASSES = (
    " SELECT j.class_id FROM judged j JOIN class_room c ON c.school_id = :school_id AND c.id = j.class_id"
    " WHERE j.left_out IS NULL ORDER BY c.name, c.id LIMIT 3"
)
_WRITE = """
    INSERT INTO notice (school_id, campaign_id, dedup_key, {column}, state, due_at)
    SELECT :school_id, :new_campaign_id, 'c' || :new_campaign_id || ':' || {column}, {column}, 'waiting', :now
    FROM judged WHERE left_out IS NULL ORDER BY {column}
    ON CONFLICT (school_id, dedup_key) DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Audience:
    """How many are told, how many are not and why."""

    told: int
    left_out: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Question:
    """Whom a campaign is for. ``campaign_id`` is the one whose own notices do not count as told already."""

    school_id: int
    round_id: int
    kind: Kind
    channel: Channel
    pupil_id: int | None = None
    campaign_id: int | None = None


def count(session: Session, cipher: FieldCipher, question: Question) -> Audience:
    """Count the audience as of now."""
    found = session.execute(*_asked(session, cipher, question, _COUNT))
    rows: dict[str | None, int] = {row.left_out: row.number for row in found}
    return Audience(rows.pop(None, 0), {reason: rows[reason] for reason in Left if reason in rows})


def sample(session: Session, cipher: FieldCipher, question: Question) -> Sequence[int]:
    """Three of the audience: pupils, or classes where the channel is a class's group."""
    ending = _SAMPLE_CLASSES if question.channel is Channel.CHAT else _SAMPLE
    return session.scalars(*_asked(session, cipher, question, ending)).all()


def write(session: Session, cipher: FieldCipher, question: Question, campaign_id: int) -> None:
    """Give each of the audience a waiting notice, in one statement."""
    column = "class_id" if question.channel is Channel.CHAT else "pupil_id"
    statement, values = _asked(session, cipher, question, _WRITE.format(column=column))
    session.execute(statement, {**values, "new_campaign_id": campaign_id, "now": clock.now()})


def due_on(session: Session, question: Question) -> date | None:
    """The earliest due date of what is asked for; None: nothing is (any more). Addresses are not looked at."""
    statement = text(f"WITH {_WANTED} SELECT min(due_on) FROM due")  # noqa: S608 - a constant of this module
    found: date | None = session.scalar(statement, _values(question))
    return found


def _values(question: Question) -> dict[str, object]:
    return {
        "school_id": question.school_id,
        "round_id": question.round_id,
        "kind": question.kind.value,
        "channel": question.channel.value,
        "pupil_id": question.pupil_id,
        "campaign_id": question.campaign_id,
        "today": clock.today(),
        "told_since": clock.now() - TELL_AGAIN_AFTER,
    }


def _asked(
    session: Session, cipher: FieldCipher, question: Question, ending: str
) -> tuple[TextClause, dict[str, object]]:
    """Statement and values, with the addresses where the channel writes to people."""
    values = _values(question)
    if question.channel is Channel.CHAT:
        return text(_CLASSES + ending), values
    found = ways(session, cipher, question.school_id, question.channel, question.pupil_id)
    pupils = {"open": found[None], "opted_out": found[Left.OPTED_OUT], "bounced": found[Left.BOUNCED]}
    return text(_PUPILS + ending).bindparams(*_PUPIL_LISTS), {**values, **pupils}
