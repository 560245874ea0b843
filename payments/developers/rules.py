"""What the sandbox can play: scenarios, and what the door must say to each. Pure."""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from payments.developers.sending import Payment
from payments.invoices import reference

STALE_BY: Final = timedelta(hours=1)
SHORT_BY_PERCENT: Final = 40
OVER_BY_VND: Final = 50_000
SMALLEST_VND: Final = 1_000
LARGEST_VND: Final = 999_999_999
HUGE_BYTES: Final = 300 * 1024
"""More than the door reads of any request."""
REPEATS: Final = 3
SLOW_PARTS: Final = 5


class Scenario(enum.StrEnum):
    """Kinds of callbacks a sender may send, on purpose or not."""

    GOOD = "good"
    WRONG_SIGNATURE = "wrong_signature"
    STALE = "stale"
    DUPLICATE = "duplicate"
    REORDERED = "reordered"
    SHORT = "short"
    OVER = "over"
    WRONG_CODE = "wrong_code"
    HUGE = "huge"
    SLOW = "slow"


EXPECTED: Final[Mapping[Scenario, tuple[str, ...]]] = {
    Scenario.GOOD: ("accepted",),
    Scenario.WRONG_SIGNATURE: ("bad_signature",),
    Scenario.STALE: ("stale",),
    Scenario.DUPLICATE: ("accepted", "duplicate", "duplicate"),
    Scenario.REORDERED: ("accepted", "accepted"),
    Scenario.SHORT: ("accepted",),
    Scenario.OVER: ("accepted",),
    Scenario.WRONG_CODE: ("accepted",),
    Scenario.HUGE: ("malformed",),
    Scenario.SLOW: ("accepted",),
}
"""Outcomes in the order of sending. A scheme that signs no time cannot tell a stale message: it accepts it."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One message to send: about which payment, and how."""

    payment: Payment
    sent_at: datetime
    wrong_key: bool = False
    huge: bool = False
    slow: bool = False


def shots(scenario: Scenario, payment: Payment, now: datetime) -> Sequence[Shot]:
    """The messages of a scenario, in the order of sending; ``payment`` is the one that everything goes well with."""
    good = Shot(payment, now)
    played: Mapping[Scenario, Sequence[Shot]] = {
        Scenario.WRONG_SIGNATURE: [replace(good, wrong_key=True)],
        Scenario.STALE: [replace(good, sent_at=now - STALE_BY)],
        Scenario.DUPLICATE: [good] * REPEATS,
        Scenario.REORDERED: [replace(good, payment=_later(payment)), good],
        Scenario.SHORT: [replace(good, payment=replace(payment, amount_vnd=short_of(payment.amount_vnd)))],
        Scenario.OVER: [replace(good, payment=replace(payment, amount_vnd=payment.amount_vnd + OVER_BY_VND))],
        Scenario.WRONG_CODE: [replace(good, payment=replace(payment, memo=damaged(payment.memo)))],
        Scenario.HUGE: [replace(good, huge=True)],
        Scenario.SLOW: [replace(good, slow=True)],
    }
    return played.get(scenario, [good])


def short_of(amount_vnd: int) -> int:
    """Less than is asked, in whole đồng, and never nothing."""
    return max(1, amount_vnd * (100 - SHORT_BY_PERCENT) // 100)


def damaged(memo: str) -> str:
    """The memo with a payment reference that a payer mistyped: one character of it is another one."""
    for code in reference.find(memo):
        if code in memo:
            wrong = code[:5] + ("X" if code[5] != "X" else "Y") + code[6:]
            return memo.replace(code, wrong)
    return f"{memo} HP000000000X".strip()


def _later(payment: Payment) -> Payment:
    """The next payment of the same account, a minute younger, with ids of its own."""
    return replace(
        payment,
        txn_id=str(int(payment.txn_id) + 1),
        bank_reference=f"{payment.bank_reference}1",
        occurred_at=payment.occurred_at + timedelta(minutes=1),
        order_ref=None if payment.order_ref is None else str(int(payment.txn_id) + 1),
    )
