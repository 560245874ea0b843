"""Pure decisions about orders: how long they live, when their service is asked, what a channel costs the payer."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from payments.banking.rules import free_for_payer

LIFETIME: Final = timedelta(minutes=30)
WORTH_REUSING: Final = timedelta(minutes=2)
"""An order with less time left is replaced: a payer needs a moment."""
HOUR: Final = timedelta(hours=1)
MOST_AN_HOUR: Final = 6
"""Orders of one invoice within an hour: more are not a payer's doing."""

_BEFORE: Final = (timedelta(minutes=3), timedelta(minutes=10))
_AFTER: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 15, 120, 24 * 60))


def ends(created_at: datetime, longest_minutes: int) -> datetime:
    """When an order that is opened now expires."""
    return created_at + min(LIFETIME, timedelta(minutes=longest_minutes))


def next_question(created_at: datetime, expires_at: datetime, now: datetime) -> datetime | None:
    """When to ask next about an order that no callback has told of: rarer and rarer, some times after its end too."""
    moments = [created_at + wait for wait in _BEFORE] + [expires_at + wait for wait in _AFTER]
    return next((moment for moment in sorted(moments) if moment > now), None)


def payers_cost_vnd(amount_vnd: int, cost_vnd: int, cost_per_10000: int, borne_by: str) -> int:
    """What a payment of so many đồng costs its payer; a part of a đồng counts as one."""
    if free_for_payer(cost_vnd, cost_per_10000, borne_by):
        return 0
    return cost_vnd + -(-amount_vnd * cost_per_10000 // 10_000)


def opening_secret(secrets: Sequence[Mapping[str, str]], needed: Sequence[str]) -> Mapping[str, str] | None:
    """The first secret with which orders can be opened; None: all are for callbacks alone."""
    return next((secret for secret in secrets if all(secret.get(name) for name in needed)), None)
