"""What everybody may know of a school's accounts: those that two people approved, in use, coming or ended; pure.

A proposal is nobody's business: it may be a swindler's. What was approved once stays on the list for ever, lest an old
slip or a false message lead money to a number that nobody can look up.
"""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


class Standing(enum.StrEnum):
    """``coming``: approved, its cooling-off day not over."""

    IN_USE = "in_use"
    COMING = "coming"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class PublicAccount:
    """An account as the school's public page lists it; moments in UTC."""

    id: int
    bin: str
    bank_name: str
    number: str
    holder_name: str
    fund: str
    standing: Standing
    usable_at: datetime
    closed_at: datetime | None


def last_change(accounts: Sequence[PublicAccount]) -> datetime | None:
    """When an account last came into use or ended; None while the school has only what it began with."""
    began = min((account.usable_at for account in accounts), default=None)
    turns = [account.usable_at for account in accounts if account.standing is not Standing.COMING]
    turns += [account.closed_at for account in accounts if account.closed_at]
    return max((turn for turn in turns if turn != began), default=None)
