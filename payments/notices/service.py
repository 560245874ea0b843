"""Campaigns are started by people, paused, gone on with and cancelled; a school keeps its settings and texts."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from payments import clock, outbox
from payments.audit.service import record
from payments.errors import ConflictError, DomainError, NotFoundError
from payments.invoices.models import CollectionRound
from payments.notices import audience
from payments.notices.models import Campaign, Notice, NoticeSettings
from payments.notices.outside import Outside
from payments.notices.rules import (
    CAMPAIGN_KINDS,
    FREE,
    PACE,
    QUIET,
    CampaignState,
    Channel,
    Kind,
    NoticeState,
    may_send_at,
    quiet_hours_are_sensible,
)
from payments.notices.texts import check_plain
from payments.notices.wording import text_kind, texts_of
from payments.notifications.channels import paid
from payments.portal.service import ensure_links, good_until
from payments.schools.models import School

QUEUE = "waves"
LIVE = (CampaignState.RUNNING, CampaignState.PAUSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a person has chosen on the page or the command line."""

    round_id: int
    kind: Kind
    channel: Channel
    language: str = "vi"


def settings_of(session: Session, school_id: int) -> NoticeSettings:
    """The settings of a school, the usual ones where it has none (not yet a row)."""
    found = session.get(NoticeSettings, school_id)
    return found or NoticeSettings(school_id=school_id, quiet_from=QUIET[0], quiet_to=QUIET[1], per_minute=PACE[1])


def change_settings(session: Session, school_id: int, actor_id: int | None, **wanted: Any) -> None:
    """Keep ``quiet_from``, ``quiet_to``, ``per_minute``, ``contact_phone``, ``thanks`` (bool) or prices (đồng).

    Raises DomainError ``quiet_hours``, ``pace`` or ``phone``.
    """
    kept = settings_of(session, school_id)
    thanks = wanted.pop("thanks", None)
    for name, value in wanted.items():
        setattr(kept, name, value)
    _check_settings(kept.quiet_from, kept.quiet_to, kept.per_minute, kept.contact_phone)
    if thanks is not None:
        kept.thanks_since = (kept.thanks_since or clock.now()) if thanks else None
    session.add(kept)
    standing = session.scalar(
        select(Campaign).where(Campaign.school_id == school_id, Campaign.kind == Kind.RECEIVED).with_for_update()
    )
    if standing is not None and thanks is False:
        _end(session, standing)
    detail = {name: str(value) for name, value in wanted.items() if name != "contact_phone"}
    record(
        session,
        actor_id,
        "notice.settings_changed",
        subject_kind="school",
        subject_id=school_id,
        school_id=school_id,
        detail={**detail, "thanks": bool(kept.thanks_since)},
    )


def _check_settings(quiet_from: time, quiet_to: time, per_minute: int, phone: str | None) -> None:
    if not quiet_hours_are_sensible(quiet_from, quiet_to):
        raise DomainError(
            "quiet_hours",
            "Giờ yên tĩnh bắt đầu từ 18:00 đến 22:00 và kết thúc từ 6:00 đến 9:00.",
            "Quiet hours begin between 18:00 and 22:00 and end between 6:00 and 9:00.",
        )
    if not PACE[0] <= per_minute <= PACE[2]:
        raise DomainError(
            "pace", f"Mỗi phút gửi {PACE[0]}–{PACE[2]} tin.", f"Between {PACE[0]} and {PACE[2]} notices a minute."
        )
    if phone and not (len(phone) <= 20 and all(c in "0123456789 .+()-" for c in phone)):
        raise DomainError("phone", "Điện thoại chỉ gồm chữ số.", "A telephone number is digits only.")


def price_of(session: Session, school_id: int, channel: Channel) -> int | None:
    """Đồng a message; None: a paid channel of which nobody has said what it costs."""
    if channel in FREE:
        return 0
    kept = settings_of(session, school_id)
    return kept.zns_price_vnd if channel is Channel.ZNS else kept.sms_price_vnd


def start(session: Session, outside: Outside, school_id: int, actor_id: int | None, choice: Choice) -> Campaign:
    """Start a campaign: its texts and its audience are fixed now, the first wave leaves as soon as it may.

    Raises NotFoundError for a round that is not out, ConflictError ``campaign_lives`` while one like it runs,
    DomainError ``channel_off``, ``nobody`` when there is nobody to tell, and those of texts.check_plain.
    """
    round_ = session.get(CollectionRound, (school_id, choice.round_id))
    if round_ is None or round_.issued_at is None or choice.kind not in CAMPAIGN_KINDS:
        raise NotFoundError
    price_vnd = _price_of_a_channel_that_is_on(session, school_id, choice.channel)
    for value in (round_.name, session.get_one(School, school_id).name):
        check_plain(value)
    ensure_links(session, outside.settings.link_keys, school_id, good_until(session, school_id))
    question = audience.Question(school_id, choice.round_id, choice.kind, choice.channel)
    counted = audience.count(session, outside.cipher, question)
    if not counted.told:
        raise DomainError(
            "nobody",
            "Không còn ai để gửi: xem lý do bên dưới.",
            "There is nobody to send to: see the reasons below.",
        )
    campaign = Campaign(
        school_id=school_id,
        kind=choice.kind,
        channel=choice.channel,
        round_id=choice.round_id,
        language=choice.language,
        texts=texts_of(session, school_id, text_kind(choice.kind, choice.channel), choice.language),
        left_out=dict(counted.left_out),
        price_vnd=price_vnd,
        per_minute=settings_of(session, school_id).per_minute,
        state=CampaignState.RUNNING,
        started_by=actor_id,
        started_at=clock.now(),
    )
    with _one_alive():
        session.add(campaign)
        session.flush()
    audience.write(session, outside.cipher, question, campaign.id)
    wake(session, campaign)
    _recorded(session, campaign, actor_id, "notice.started", told=counted.told)
    return campaign


def _price_of_a_channel_that_is_on(session: Session, school_id: int, channel: Channel) -> int:
    price_vnd = price_of(session, school_id, channel)
    if channel not in FREE and (price_vnd is None or paid.sender(channel) is None):
        raise DomainError(
            "channel_off",
            "Kênh này tốn phí và đang tắt: người vận hành chưa cài bộ gửi và giá.",
            "This channel costs money and is off: the operator has installed no sender and no price.",
        )
    return price_vnd or 0


@contextmanager
def _one_alive() -> Iterator[None]:
    try:
        yield
    except IntegrityError as error:
        raise ConflictError(
            "campaign_lives",
            "Đợt gửi như thế này đang chạy hoặc tạm dừng; hãy mở nó trong danh sách.",
            "A campaign like this one runs or is paused; open it in the list.",
        ) from error


def wake(session: Session, campaign: Campaign) -> None:
    """Have a worker come for a campaign whose row the caller has locked or made, unless one will come anyway."""
    coming = select(outbox.OutboxRow.id).where(
        outbox.OutboxRow.queue == QUEUE,
        outbox.OutboxRow.school_id == campaign.school_id,
        outbox.OutboxRow.subject_id == campaign.id,
        ~outbox.OutboxRow.dead,
    )
    if session.scalar(coming.limit(1)) is None:
        outbox.put(session, QUEUE, "wave", school_id=campaign.school_id, subject_id=campaign.id)


def pause(session: Session, school_id: int, campaign_id: int, actor_id: int | None) -> None:
    """Stop after the notices that are on their way. Raises NotFoundError, ConflictError."""
    campaign = _in_state(session, school_id, campaign_id, CampaignState.RUNNING)
    campaign.state = CampaignState.PAUSED
    _recorded(session, campaign, actor_id, "notice.paused")


def resume(session: Session, school_id: int, campaign_id: int, actor_id: int | None) -> None:
    """Go on. Raises NotFoundError, ConflictError."""
    campaign = _in_state(session, school_id, campaign_id, CampaignState.PAUSED)
    campaign.state = CampaignState.RUNNING
    wake(session, campaign)
    _recorded(session, campaign, actor_id, "notice.resumed")


def cancel(session: Session, school_id: int, campaign_id: int, actor_id: int | None) -> None:
    """Never send what waits. Raises NotFoundError, ConflictError."""
    campaign = _in_state(session, school_id, campaign_id, *LIVE)
    _end(session, campaign)
    _recorded(session, campaign, actor_id, "notice.cancelled")


def _end(session: Session, campaign: Campaign) -> None:
    """Nothing of a campaign is sent any more."""
    campaign.state, campaign.ended_at, campaign.problem = CampaignState.CANCELLED, clock.now(), None
    session.execute(
        update(Notice)
        .where(
            Notice.school_id == campaign.school_id,
            Notice.campaign_id == campaign.id,
            Notice.state == NoticeState.WAITING,
        )
        .values(state=NoticeState.SKIPPED, problem="cancelled", ended_at=clock.now(), leased_until=None)
        .execution_options(synchronize_session=False)
    )


def retry(session: Session, school_id: int, campaign_id: int, actor_id: int | None) -> int:
    """Try again what failed, and what had a bad address (it may be corrected now); returns how many.

    Raises NotFoundError, and ConflictError for a campaign that was cancelled or while another like it runs.
    """
    campaign = _in_state(session, school_id, campaign_id, CampaignState.DONE, CampaignState.RUNNING)
    with _one_alive():
        campaign.state, campaign.ended_at = CampaignState.RUNNING, None
        session.flush()
    again = session.scalars(
        update(Notice)
        .where(
            Notice.school_id == school_id,
            Notice.campaign_id == campaign_id,
            Notice.state.in_([NoticeState.FAILED, NoticeState.BAD_ADDRESS]),
        )
        .values(state=NoticeState.WAITING, attempts=0, due_at=clock.now(), ended_at=None, problem=None)
        .returning(Notice.id)
        .execution_options(synchronize_session=False)
    ).all()
    wake(session, campaign)
    _recorded(session, campaign, actor_id, "notice.retried", notices=len(again))
    return len(again)


def _in_state(session: Session, school_id: int, campaign_id: int, *states: CampaignState) -> Campaign:
    campaign = session.get(Campaign, (school_id, campaign_id), with_for_update=True, populate_existing=True)
    if campaign is None:
        raise NotFoundError
    if campaign.state not in states or campaign.kind is Kind.RECEIVED:
        raise ConflictError(
            "campaign_state",
            "Đợt gửi này không còn ở trạng thái đó; hãy tải lại trang.",
            "The campaign is not in that state any more; load the page again.",
        )
    return campaign


def _recorded(session: Session, campaign: Campaign, actor_id: int | None, action: str, **detail: int) -> None:
    facts = {"kind": campaign.kind.value, "channel": campaign.channel.value, "round_id": campaign.round_id, **detail}
    record(
        session,
        actor_id,
        action,
        subject_kind="notice_campaign",
        subject_id=campaign.id,
        school_id=campaign.school_id,
        detail=facts,
    )


def send_from(session: Session, school_id: int, moment: datetime) -> datetime:
    """When a notice that is due now may leave, with the school's quiet hours."""
    kept = settings_of(session, school_id)
    return may_send_at(moment, kept.quiet_from, kept.quiet_to)
