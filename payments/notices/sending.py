"""Send a campaign in waves: take some, send each in a transaction of its own, and come again in a minute.

What is sent when. A notice is taken under a fenced lease and committed; then, one by one, its row is locked, it is
written, handed over and its end is committed. A worker that dies before the mail server's dialogue leaves a lease that
runs out: the notice is sent later, once. A worker that dies between the server's yes and our commit leaves a notice
that is sent again (no protocol can close that gap): under the same Message-ID, so that mail programs can fold the two.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from payments import clock
from payments.errors import DomainError
from payments.notices import bots
from payments.notices.addresses import Reach, mark_bounced
from payments.notices.models import Campaign, Notice, NoticeAttempt
from payments.notices.outside import Outside
from payments.notices.rules import (
    A_MINUTE,
    AWAY_AGAIN,
    CHUNK,
    LEASE,
    MOST_ATTEMPTS,
    CampaignState,
    Channel,
    Kind,
    NoticeState,
    next_try,
)
from payments.notices.service import send_from
from payments.notices.writing import Unsent, Written, write_group, write_notice
from payments.notifications.channels import paid
from payments.notifications.channels.email import MailServer
from payments.notifications.rules import TAKEN, Fate, Verdict

_PACE_LOCK = 7_340_001
"""Advisory lock of all who take notices: together they keep the pace of the installation."""
_TAKE = text("""
    WITH due AS MATERIALIZED (
        SELECT id FROM notice
        WHERE school_id = :school_id AND campaign_id = :campaign_id AND state = 'waiting' AND due_at <= :now
          AND (leased_until IS NULL OR leased_until < :now)
        ORDER BY id LIMIT :most FOR UPDATE SKIP LOCKED
    )
    UPDATE notice n
    SET lease_token = n.lease_token + 1, leased_until = :until, attempts = n.attempts + 1, taken_at = :now
    FROM due WHERE n.school_id = :school_id AND n.id = due.id
    RETURNING n.id, n.lease_token
""")


@dataclass(frozen=True, slots=True)
class Taken:
    """A leased notice."""

    school_id: int
    id: int
    lease_token: int


@dataclass(frozen=True, slots=True)
class Wave:
    """What a worker took, and when to come again; ``again_at`` None: the campaign waits for nothing more."""

    notices: tuple[Taken, ...]
    again_at: datetime | None


def take(session: Session, outside: Outside, school_id: int, campaign_id: int) -> Wave:
    """Lease the next notices of a campaign within the pace; none in quiet hours, paused or at its end.

    The end of a campaign is written here, when nothing of it waits any more.
    """
    campaign = session.get(Campaign, (school_id, campaign_id), with_for_update=True, populate_existing=True)
    if campaign is None or campaign.state is not CampaignState.RUNNING:
        return Wave((), None)
    now = clock.now()
    opens = send_from(session, school_id, now)
    if opens > now:
        return Wave((), opens)
    most = min(CHUNK, _room(session, campaign, outside.settings.mail_per_minute))
    values = {"school_id": school_id, "campaign_id": campaign_id, "now": now, "until": now + LEASE, "most": most}
    rows = session.execute(_TAKE, values).all() if most > 0 else []
    taken = tuple(sorted((Taken(school_id, *row) for row in rows), key=lambda one: one.id))
    if taken:
        return Wave(taken, now)
    return Wave((), _next(session, campaign, now, full=most <= 0))


def _room(session: Session, campaign: Campaign, in_all: int) -> int:
    """How many more may be taken in this minute: of this campaign, and of all schools together."""
    session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _PACE_LOCK})
    since = clock.now() - A_MINUTE
    recent = select(func.count()).select_from(Notice).where(Notice.taken_at > since)
    mine = session.scalar(recent.where(Notice.school_id == campaign.school_id, Notice.campaign_id == campaign.id))
    return min(campaign.per_minute - (mine or 0), in_all - (session.scalar(recent) or 0))


def _next(session: Session, campaign: Campaign, now: datetime, *, full: bool) -> datetime | None:
    waiting: datetime | None = session.scalar(
        select(func.min(func.greatest(Notice.due_at, func.coalesce(Notice.leased_until, Notice.due_at)))).where(
            Notice.school_id == campaign.school_id,
            Notice.campaign_id == campaign.id,
            Notice.state == NoticeState.WAITING,
        )
    )
    if waiting is None:
        if campaign.kind is not Kind.RECEIVED:
            campaign.state, campaign.ended_at, campaign.problem = CampaignState.DONE, now, None
        return None
    soonest = now + A_MINUTE / 4 if full else now
    return max(waiting, soonest)


def deliver(session: Session, outside: Outside, taken: Taken, server: MailServer | None) -> Verdict:
    """Send one notice that is leased, if it is still to be sent, and write down what became of it.

    A verdict ``away`` speaks of the mail server: the notice is given back as if it had not been taken.
    """
    notice = session.get(Notice, (taken.school_id, taken.id), with_for_update=True, populate_existing=True)
    if notice is None or notice.state is not NoticeState.WAITING or notice.lease_token != taken.lease_token:
        return TAKEN
    campaign = session.get_one(Campaign, (taken.school_id, notice.campaign_id), populate_existing=True)
    if campaign.state is not CampaignState.RUNNING:
        _give_back(notice)
        return TAKEN
    try:
        verdict = _send(session, outside, campaign, notice, server)
    except DomainError as error:  # a sealed value that cannot be read, say: this notice's trouble, nobody else's
        verdict = Verdict(Fate.REFUSED, error.code)
    if verdict is not None:
        _record(session, notice, verdict)
    return verdict or TAKEN


def give_back(session: Session, taken: Taken) -> None:
    """Undo the taking of a notice that nobody has tried to send."""
    notice = session.get(Notice, (taken.school_id, taken.id), with_for_update=True, populate_existing=True)
    if notice is not None and notice.state is NoticeState.WAITING and notice.lease_token == taken.lease_token:
        _give_back(notice)


def _give_back(notice: Notice) -> None:
    notice.attempts -= 1
    notice.leased_until = notice.taken_at = None


def _send(
    session: Session, outside: Outside, campaign: Campaign, notice: Notice, server: MailServer | None
) -> Verdict | None:
    """Write and hand over; None: there was nothing to send, and the notice says why."""
    if notice.class_id is not None:
        group = write_group(session, outside, campaign, notice.class_id)
        if isinstance(group, Unsent):
            _not_sent(notice, group)
            return None
        return bots.post(session, outside, notice.school_id, notice.class_id, group)
    written = write_notice(session, outside, campaign, notice)
    if isinstance(written, Unsent):
        _not_sent(notice, written)
        return None
    notice.address_index = written.address.index if written.address else None
    verdict = _by_channel(campaign.channel, written, server)
    if verdict.fate is Fate.BAD_ADDRESS and written.address:
        reach = Reach(notice.school_id, campaign.channel, written.address.address)
        mark_bounced(session, outside.cipher, reach, verdict.problem or "")
    return verdict


def _by_channel(channel: Channel, written: Written, server: MailServer | None) -> Verdict:
    if channel is Channel.EMAIL:
        return server.deliver(written.letter()) if server else Verdict(Fate.AWAY, "no_mail_server")
    sender = paid.sender(channel)
    if sender is None:
        return Verdict(Fate.AWAY, "channel_off")
    return paid.deliver(sender, written.address.address if written.address else "", written.text, written.message_id)


def _not_sent(notice: Notice, why: Unsent) -> None:
    """End a notice that needs no sending."""
    notice.state = NoticeState.PAID if why.reason == "paid" else NoticeState.SKIPPED
    notice.problem, notice.ended_at, notice.leased_until = why.reason, clock.now(), None


def _record(session: Session, notice: Notice, verdict: Verdict) -> None:
    now = clock.now()
    session.add(NoticeAttempt(school_id=notice.school_id, notice_id=notice.id, at=now, problem=verdict.problem))
    notice.problem, notice.leased_until = verdict.problem, None
    if verdict.fate is Fate.AWAY:
        notice.attempts -= 1
        notice.due_at = now
        return
    ends = {
        Fate.TAKEN: NoticeState.SENT,
        Fate.REFUSED: NoticeState.FAILED,
        Fate.BAD_ADDRESS: NoticeState.BAD_ADDRESS,
    }
    end = ends.get(verdict.fate)
    if end is None and notice.attempts >= MOST_ATTEMPTS:
        end = NoticeState.FAILED
    if end is None:
        notice.due_at = next_try(notice.attempts, now)
    else:
        notice.state, notice.ended_at = end, now


def set_problem(session: Session, school_id: int, campaign_id: int, problem: str | None) -> datetime:
    """Show on the campaign's page that nothing leaves, or that it does again; when to come again after a problem."""
    session.execute(
        update(Campaign)
        .where(Campaign.school_id == school_id, Campaign.id == campaign_id, Campaign.problem.is_distinct_from(problem))
        .values(problem=problem)
        .execution_options(synchronize_session=False)
    )
    return clock.now() + AWAY_AGAIN
