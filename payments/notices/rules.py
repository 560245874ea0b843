"""Kinds, channels, states, quiet hours and pace of notices: pure.

Legal basis: asking for fees is the school's duty, the optional channels are not (facts: domain 4.2): whoever wants no
letters gets none. Reminders are for mandatory items only; a voluntary item is announced once and never dunned.
"""

import enum
from datetime import datetime, time, timedelta

from payments.clock import VIETNAM


class Kind(enum.StrEnum):
    """``received`` is written for each payment, the others by campaigns of a round; ``group`` is for a whole class."""

    NEW_ROUND = "new_round"
    REMINDER = "reminder"
    OVERDUE = "overdue"
    RECEIVED = "received"
    GROUP = "group"


class Channel(enum.StrEnum):
    """``chat``: a bot writes into the group of a class. ``zns`` and ``sms`` cost money and are off."""

    EMAIL = "email"
    CHAT = "chat"
    ZNS = "zns"
    SMS = "sms"


CAMPAIGN_KINDS = (Kind.NEW_ROUND, Kind.REMINDER, Kind.OVERDUE)
FREE = frozenset({Channel.EMAIL, Channel.CHAT})
PAID = (Channel.ZNS, Channel.SMS)


class CampaignState(enum.StrEnum):
    """``running`` <-> ``paused`` -> ``done`` or ``cancelled``."""

    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    CANCELLED = "cancelled"


class NoticeState(enum.StrEnum):
    """``paid``: nothing was left to ask for when its turn came. ``skipped``: another reason not to send it."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"
    BAD_ADDRESS = "bad_address"
    PAID = "paid"
    SKIPPED = "skipped"


class Left(enum.StrEnum):
    """Why somebody of the audience gets no notice by a channel."""

    NO_ADDRESS = "no_address"
    BOUNCED = "bounced"
    OPTED_OUT = "opted_out"
    TOLD = "told"


TELL_AGAIN_AFTER = timedelta(days=3)
"""Nobody is reminded of the same round more often."""
MOST_ATTEMPTS = 8
LEASE = timedelta(minutes=5)
CHUNK = 20
"""Notices that a worker takes at a time: a pause or a cancellation is noticed after so many at the latest."""
PACE = (1, 60, 600)
"""Notices a minute of one campaign: least, usual, most."""
A_MINUTE = timedelta(minutes=1)
AWAY_AGAIN = timedelta(minutes=2)
"""A mail server that does not answer is asked again after so long; notices do not grow old by it."""

QUIET = (time(21), time(7))
QUIET_FROM_BOUNDS = (time(18), time(22))
QUIET_TO_BOUNDS = (time(6), time(9))
"""A school may be quiet for longer; from ten in the evening to six in the morning nobody is written to."""


def quiet_hours_are_sensible(quiet_from: time, quiet_to: time) -> bool:
    """Whether a school may set them."""
    first, last = QUIET_FROM_BOUNDS
    return first <= quiet_from <= last and QUIET_TO_BOUNDS[0] <= quiet_to <= QUIET_TO_BOUNDS[1]


def may_send_at(moment: datetime, quiet_from: time, quiet_to: time) -> datetime:
    """The moment itself outside the quiet hours, else their end; quiet hours span midnight in Viet Nam."""
    local = moment.astimezone(VIETNAM)
    if quiet_to <= local.time() < quiet_from:
        return moment
    day = local.date() + timedelta(days=1) if local.time() >= quiet_from else local.date()
    return datetime.combine(day, quiet_to, VIETNAM)


def next_try(attempts: int, now: datetime) -> datetime:
    """When a notice that was refused for the moment is tried again: 2, 4, 8 … minutes, an hour at most.

    Grey-listing servers want a few minutes of patience (RFC 6647).
    """
    return now + min(timedelta(minutes=2**attempts), timedelta(hours=1))
