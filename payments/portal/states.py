"""What a parent is told about one notice of fees, and about the bank behind it: decided from facts alone; pure.

The states are those of the parent's page (docs/parents-page.md); each has its sentences in ``sentences.py``.
"""

import enum
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

LATE_AFTER = timedelta(minutes=30)
"""A sender that could not be asked for so long is no hiccup any more."""
FAILED_TOO_OFTEN = 5
BACKLOG_AFTER = timedelta(minutes=2)
"""What a bank reported is settled within seconds; work that waits for so long is a fault of ours."""
SURE_CHIPS = frozenset({"near_reference", "cut_reference"})
"""Reasons of a suggestion by which the memo itself points at one notice: its reference with a slip, or cut off."""


class State(enum.StrEnum):
    """Of one notice, as its parent sees it."""

    WAITING = "waiting"
    OVERDUE = "overdue"
    PARTIAL = "partial"
    SEEN = "seen"
    """The bank reported money that is probably meant for it; a person looks."""
    REVERSED = "reversed"
    """The bank took the money back."""
    CLOSED = "closed"
    PAID = "paid"
    MANDATORY_PAID = "mandatory_paid"
    """Nothing is owed; voluntary items are open to whoever wants them."""
    OVER = "over"
    TWICE = "twice"
    VOLUNTARY = "voluntary"
    """It asks for voluntary items only: nothing is owed."""
    WAIVED = "waived"
    CANCELLED = "cancelled"
    REPLACED = "replaced"


OWED = frozenset({State.WAITING, State.OVERDUE, State.PARTIAL, State.REVERSED, State.SEEN})
"""Something mandatory can be paid now."""
SETTLED = frozenset({State.PAID, State.MANDATORY_PAID, State.OVER, State.TWICE})
NOT_TAKEN = frozenset({State.CLOSED, State.WAIVED, State.CANCELLED, State.REPLACED})
"""Nothing is to be paid on it, so it shows no QR; money that still comes is not lost."""


@dataclass(frozen=True, slots=True)
class Payment:
    """One transfer and what became of it on one notice; amounts in đồng."""

    transaction_id: int
    reported_at: datetime
    """When the money moved, as the bank says."""
    bank_reference: str | None
    amount_vnd: int
    """Of the whole transfer."""
    allocated_vnd: int
    """What of it stands on this notice now."""
    excess_vnd: int
    """What of it is kept as the pupil's credit now."""
    confirmed_at: datetime
    taken_back_at: datetime | None = None
    """When the bank took it back; None: it stands."""
    refund: str | None = None
    """State of the refund of its excess, where one was proposed."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Money that the bank reported and no notice has been credited with yet, and that is probably for this one."""

    invoice_id: int
    ticket: str
    """What a parent tells the school on the phone; it opens nothing."""
    at: datetime
    """When the money moved, as the bank says."""
    amount_vnd: int | None = None
    """Told only to whoever named the transfer first; None: the amount may be another payer's business."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known about a notice; ``kept`` is the state of ``invoice_balance``."""

    kept: str
    amount_vnd: int
    mandatory_vnd: int
    paid_vnd: int
    has_mandatory: bool
    """It has a mandatory line, if only one that a reduction made free."""
    due_on: date
    round_closed: bool = False
    waived: bool = False
    """Cancelled because reductions leave nothing to pay."""
    payments: Sequence[Payment] = ()
    seen: Sequence[Seen] = ()


def state_of(facts: Facts, today: date) -> State:
    """The one state that a parent is told."""
    if facts.kept == "replaced":
        return State.REPLACED
    if facts.kept == "cancelled":
        return State.WAIVED if facts.waived else State.CANCELLED
    if facts.paid_vnd < facts.mandatory_vnd:
        return _owed(facts, today)
    return _nothing_owed(facts)


def _owed(facts: Facts, today: date) -> State:
    if facts.seen:
        return State.SEEN
    if facts.round_closed:
        return State.CLOSED
    if facts.payments and facts.payments[-1].taken_back_at is not None:
        return State.REVERSED
    if facts.paid_vnd:
        return State.PARTIAL
    return State.OVERDUE if facts.due_on < today else State.WAITING


def _nothing_owed(facts: Facts) -> State:
    too_much = [payment for payment in facts.payments if payment.excess_vnd > 0]
    if any(payment.allocated_vnd == 0 for payment in too_much):
        return State.TWICE
    if too_much:
        return State.OVER
    if facts.paid_vnd == facts.amount_vnd:
        return State.PAID
    if facts.mandatory_vnd:
        return State.MANDATORY_PAID
    return State.WAIVED if facts.has_mandatory else State.VOLUNTARY


def singled_out(outcome: str, hints: Iterable[Mapping[str, Any]], mine: Collection[int]) -> set[int]:
    """Which of a pupil's notices a transfer that waits for a person is plainly meant for; empty: none, or a doubt.

    Either the memo carries a damaged reference that is near to one notice alone, or it names notices of this pupil
    only and their sum is another one. ``hints`` are stored suggestions (settlement/suggestions.py).
    """
    named = {
        (number, chip)
        for hint in hints
        for number in hint["invoice_ids"]
        for chip in hint["chips"]
        if chip in SURE_CHIPS or (outcome == "several" and chip == "named")
    }
    numbers = {number for number, _ in named}
    sure = len(numbers) == 1 or outcome == "several"
    return numbers if sure and numbers <= set(mine) else set()


class Reporting(enum.StrEnum):
    """How soon the school's account tells of money."""

    LIVE = "live"
    SLOW = "slow"
    BY_STATEMENT = "by_statement"
    """No bank reports on the account: the school's accountant imports its statements."""


@dataclass(frozen=True, slots=True)
class Line:
    """How one active connection of an account does (payments/inbox, table ``poll_state``); moments aware."""

    gap_open: bool
    """Callbacks were missed and what they told has not been fetched yet."""
    failures: int
    due_at: datetime | None
    """None: its sender is never asked, callbacks are all there is."""
    succeeded_at: datetime | None
    asked: bool
    """The sender can be asked: a secret for it is there."""
    answered_badly: bool
    """We could not take its last message and asked it to try again."""

    def is_well(self, now: datetime) -> bool:
        """Whether money that moves now is told of within a minute, as far as anybody can know."""
        if self.gap_open or self.answered_badly:
            return False
        if not self.asked or self.due_at is None:
            return True
        if self.succeeded_at is None:
            return self.failures < FAILED_TOO_OFTEN and self.due_at >= now - LATE_AFTER
        return self.succeeded_at >= now - LATE_AFTER


def reporting(lines: Sequence[Line], backlog_since: datetime | None, now: datetime) -> Reporting:
    """How soon an account's money is told: slow when all its connections are unwell, or our own work waits."""
    if not lines:
        return Reporting.BY_STATEMENT
    waits = backlog_since is not None and backlog_since < now - BACKLOG_AFTER
    return Reporting.SLOW if waits or not any(line.is_well(now) for line in lines) else Reporting.LIVE
