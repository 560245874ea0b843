"""Reads for the desk and the command line: every number is counted in the database."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from payments import clock

SHOWN = 200
RECENT = timedelta(days=30)
_COUNTS = """
    count(*) AS notices,
    count(*) FILTER (WHERE n.state = 'waiting' AND n.attempts = 0) AS waiting,
    count(*) FILTER (WHERE n.state = 'waiting' AND n.attempts > 0) AS retrying,
    count(*) FILTER (WHERE n.state = 'sent') AS sent,
    count(*) FILTER (WHERE n.state = 'failed') AS failed,
    count(*) FILTER (WHERE n.state = 'bad_address') AS bad_address,
    count(*) FILTER (WHERE n.state = 'paid') AS paid,
    count(*) FILTER (WHERE n.state = 'skipped') AS skipped
"""
_CAMPAIGNS = text(f"""
    SELECT c.id, c.kind, c.channel, c.state, c.language, c.price_vnd, c.per_minute, c.problem, c.left_out,
        c.started_at, c.ended_at, c.texts, r.id AS round_id, r.name AS round_name, u.full_name AS started_by, told.*
    FROM notice_campaign c
    LEFT JOIN collection_round r ON r.school_id = c.school_id AND r.id = c.round_id
    LEFT JOIN app_user u ON u.id = c.started_by
    CROSS JOIN LATERAL (
        SELECT {_COUNTS} FROM notice n WHERE n.school_id = c.school_id AND n.campaign_id = c.id
    ) told
    WHERE c.school_id = :school_id AND (CAST(:campaign_id AS bigint) IS NULL OR c.id = :campaign_id)
    ORDER BY c.id DESC LIMIT :most
""")  # noqa: S608 - a constant of this module
STATES = ("waiting", "retrying", "sent", "failed", "bad_address", "paid", "skipped")
"""What the desk counts and filters by; ``retrying`` is waiting after a try that failed for the moment."""
_NOTICES = text("""
    SELECT n.id, n.pupil_id, p.full_name, p.sector_id, k.name AS class_name, n.attempts, n.due_at, n.ended_at,
        n.problem, CASE WHEN n.state = 'waiting' AND n.attempts > 0 THEN 'retrying' ELSE n.state END AS state
    FROM notice n
    LEFT JOIN pupil p ON p.school_id = n.school_id AND p.id = n.pupil_id
    LEFT JOIN LATERAL (
        SELECT c.name FROM class_room c WHERE c.school_id = n.school_id AND c.id = coalesce(n.class_id, (
            SELECT e.class_id FROM enrollment e WHERE e.school_id = n.school_id AND e.pupil_id = n.pupil_id
            ORDER BY e.valid_from DESC, e.id DESC LIMIT 1))
    ) k ON true
    WHERE n.school_id = :school_id AND n.campaign_id = :campaign_id
      AND (:state = '' OR :state = CASE WHEN n.state = 'waiting' AND n.attempts > 0 THEN 'retrying' ELSE n.state END)
    ORDER BY k.name, p.sort_key COLLATE "C", n.id LIMIT :most
""")
_FAILED = text("""
    SELECT count(*) FROM notice n JOIN notice_campaign c ON c.school_id = n.school_id AND c.id = n.campaign_id
    WHERE n.school_id = :school_id AND n.state IN ('failed', 'bad_address') AND c.started_at > :since
""")
_CONTACTS = text("""
    SELECT id, channel, address_sealed, address_index, opted_out_at, bounced_at, bounce_code FROM notice_contact
    WHERE school_id = :school_id AND (bounced_at IS NOT NULL OR opted_out_at IS NOT NULL)
    ORDER BY coalesce(bounced_at, opted_out_at) DESC, id DESC LIMIT 500
""")
_ROUNDS = text("""
    SELECT id, code, name, due_on FROM collection_round
    WHERE school_id = :school_id AND issued_at IS NOT NULL ORDER BY issued_at DESC, id DESC LIMIT 50
""")
_VERSIONS = text("""
    SELECT t.version, t.subject, t.body, t.created_at, u.full_name FROM notice_template t
    JOIN app_user u ON u.id = t.created_by
    WHERE t.school_id = :school_id AND t.kind = :kind AND t.language = :language ORDER BY t.version DESC LIMIT 20
""")
_BOTS = text("SELECT id, service, set_at FROM notice_bot WHERE school_id = :school_id ORDER BY service")
_CHATS = text("""
    SELECT c.id, c.name, b.service, k.set_at
    FROM class_room c
    LEFT JOIN class_chat k ON k.school_id = c.school_id AND k.class_id = c.id
    LEFT JOIN notice_bot b ON b.school_id = k.school_id AND b.id = k.bot_id
    WHERE c.school_id = :school_id AND c.year_id = (
        SELECT y.id FROM school_year y WHERE y.school_id = :school_id ORDER BY y.starts_on DESC LIMIT 1)
    ORDER BY c.grade NULLS FIRST, c.name
""")


def campaigns(session: Session, school_id: int, *, most: int = 50) -> Sequence[RowMapping]:
    """Campaigns with the state of their notices, newest first."""
    return _rows(session, _CAMPAIGNS, school_id=school_id, campaign_id=None, most=most)


def campaign(session: Session, school_id: int, campaign_id: int) -> RowMapping | None:
    """One campaign in the same form."""
    return next(iter(_rows(session, _CAMPAIGNS, school_id=school_id, campaign_id=campaign_id, most=1)), None)


def notices(session: Session, school_id: int, campaign_id: int, state: str) -> Sequence[RowMapping]:
    """The notices of a campaign, all or of one state, in order of class and name."""
    return _rows(session, _NOTICES, school_id=school_id, campaign_id=campaign_id, state=state, most=SHOWN)


def failed(session: Session, school_id: int) -> int:
    """Notices of the last weeks that did not arrive."""
    return session.scalar(_FAILED, {"school_id": school_id, "since": clock.now() - RECENT}) or 0


def contacts(session: Session, school_id: int) -> Sequence[RowMapping]:
    """Addresses that bounce or want no notices, sealed as they are kept."""
    return _rows(session, _CONTACTS, school_id=school_id)


def rounds(session: Session, school_id: int) -> Sequence[RowMapping]:
    """Rounds that are out, newest first."""
    return _rows(session, _ROUNDS, school_id=school_id)


def versions(session: Session, school_id: int, kind: str, language: str) -> Sequence[RowMapping]:
    """Who changed a text when, and to what."""
    return _rows(session, _VERSIONS, school_id=school_id, kind=kind, language=language)


def bots(session: Session, school_id: int) -> Sequence[RowMapping]:
    """The school's bots, without their tokens."""
    return _rows(session, _BOTS, school_id=school_id)


def class_chats(session: Session, school_id: int) -> Sequence[RowMapping]:
    """The classes of the newest year, each with the service of its group if it has one."""
    return _rows(session, _CHATS, school_id=school_id)


def _rows(session: Session, query: Any, **values: object) -> Sequence[RowMapping]:
    return session.execute(query, values).mappings().all()
