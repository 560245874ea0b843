"""Why an invoice may be meant: the fixed vocabulary of chips, and the score that they give. Pure.

**Score** = the points of all chips for it and against it, at least 0 and at most 99: a suggestion is never certain, and
no score makes a machine act. Keys are stable: stored with each suggestion, shown and exported under their words.
"""

from collections.abc import Iterable

CHIPS = {  # The strongest first.
    "named": 70,
    "near_reference": 60,
    "own_account": 60,
    "sector_id": 55,
    "cut_reference": 50,
    "name_and_class": 50,
    "whole_class": 40,
    "pupil_named": 40,
    "payer_reported": 25,
    "payer_known": 25,
    "same_amount": 20,
    "open_sum": 20,
    "class_named": 10,
    "in_time": 5,
    "same_account": 5,
}
"""What speaks for it: the reference itself stands in the memo (``named``), with one slip, or cut off; the money came on
the pupil's own account; the memo holds the pupil's identifier, name or class; whoever has the pupil's link gave the
bank's number of this transfer (with amount, date and class that stays below what counts as sure: a number can be seen
on a picture that somebody shared); somebody with the payer's account paid for the pupil before; the amount is what is
open, alone or of several together; it came before the due date.
"""
AGAINST = {
    "amount_differs": -15,
    "rivals": -20,
    "paid_up": -40,
}
"""What speaks against it: another amount than what is open, others of whom the same can be said, nothing open."""
MOST = 99


def score(chips: Iterable[str], against: Iterable[str]) -> int:
    """0 to 99."""
    points = sum(CHIPS[chip] for chip in chips) + sum(AGAINST[chip] for chip in against)
    return max(0, min(MOST, points))


def ordered(chips: Iterable[str]) -> list[str]:
    """Chips in the order of the vocabulary: the strongest first, the same every time."""
    wanted = set(chips)
    return [chip for chip in CHIPS if chip in wanted]
