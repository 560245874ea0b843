"""«Đã nhận được tiền nộp»: one notice for each payment and pupil, at schools that have switched it on.

A sweep over receipts, so that the money path knows nothing of notices. What was paid before the switch is not told.
"""

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from payments import clock
from payments.notices.models import Campaign, NoticeSettings
from payments.notices.rules import CampaignState, Channel, Kind
from payments.notices.service import wake
from payments.notices.wording import texts_of
from payments.portal.service import ensure_links, good_until

LOOKS_BACK = timedelta(days=2)
"""A sweep that did not run for longer leaves old payments unsaid: thanks that come late only worry."""
LANGUAGE = "vi"

_WRITE = text("""
    INSERT INTO notice (school_id, campaign_id, dedup_key, pupil_id, transaction_id, state, due_at)
    SELECT DISTINCT r.school_id, :campaign_id, 't' || r.transaction_id || ':' || r.pupil_id, r.pupil_id,
        r.transaction_id, 'waiting', CAST(:now AS timestamptz)
    FROM receipt r
    WHERE r.school_id = :school_id AND r.issued_at >= :since AND r.revoked_at IS NULL
      AND EXISTS (SELECT FROM guardian g
                  WHERE g.school_id = r.school_id AND g.pupil_id = r.pupil_id AND g.email IS NOT NULL)
    ON CONFLICT (school_id, dedup_key) DO NOTHING
    RETURNING id
""")


def write_new(session: Session, link_keys: Mapping[int, bytes]) -> int:
    """Give each payment since the last sweep its waiting notice; returns how many."""
    switched_on = session.execute(
        select(NoticeSettings.school_id, NoticeSettings.thanks_since)
        .where(NoticeSettings.thanks_since.is_not(None))
        .order_by(NoticeSettings.school_id)
    ).all()
    written = 0
    for school_id, since in switched_on:
        campaign = _standing(session, school_id)
        values = {
            "school_id": school_id,
            "campaign_id": campaign.id,
            "since": max(since or clock.now(), clock.now() - LOOKS_BACK),
            "now": clock.now(),
        }
        made = len(session.execute(_WRITE, values).all())
        if made:
            ensure_links(session, link_keys, school_id, good_until(session, school_id))
            wake(session, campaign)
        written += made
    return written


def _standing(session: Session, school_id: int) -> Campaign:
    """The school's standing campaign, locked, with the texts of today."""
    values = {
        "school_id": school_id,
        "kind": Kind.RECEIVED,
        "channel": Channel.EMAIL,
        "language": LANGUAGE,
        "texts": texts_of(session, school_id, Kind.RECEIVED, LANGUAGE),
        "left_out": {},
        "price_vnd": 0,
        "per_minute": 60,
        "state": CampaignState.RUNNING,
        "started_at": clock.now(),
    }
    kept = {name: values[name] for name in ("texts", "state")} | {"ended_at": None}
    statement = (
        insert(Campaign)
        .values(**values)
        .on_conflict_do_update(index_elements=["school_id"], index_where=text("kind = 'received'"), set_=kept)
        .returning(Campaign)
    )
    return session.scalars(statement, execution_options={"populate_existing": True}).one()
