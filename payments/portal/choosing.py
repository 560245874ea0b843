"""Voluntary lines of a notice: never chosen in advance, added by whoever wants them, declined without shame; pure.

Money fills the lines in their order of rank (settlement), so a line can be added only when the voluntary lines before
it are added too, or declined: else the money would go to another line than the one that was chosen.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from payments.portal.queries import Due, Line


@dataclass(frozen=True, slots=True)
class Option:
    """A voluntary line and what can be done about it now; ``toggled`` are the lines of the page after one tap."""

    line: Line
    chosen: bool
    can_add: bool
    can_answer: bool
    """«Không tham gia» can be said or taken back."""
    toggled: tuple[int, ...]


def chosen_of(due: Due, wanted: Collection[int]) -> list[Line]:
    """The voluntary lines that are added to what is to be paid."""
    chosen: list[Line] = []
    for line in _addable(due):
        if line.id not in wanted:
            break
        chosen.append(line)
    return chosen


def options(due: Due, wanted: Collection[int], *, payable: bool) -> list[Option]:
    """Every voluntary line; ``payable`` False: nothing can be paid on the notice now."""
    chosen = [line.id for line in chosen_of(due, wanted)] if payable else []
    following = next((line.id for line in _addable(due) if line.id not in chosen), None) if payable else None
    answerable = may_answer(due) and payable
    return [
        Option(
            line=line,
            chosen=line.id in chosen,
            can_add=line.id == following,
            can_answer=answerable and line.open_vnd > 0,
            toggled=_toggled(chosen, line.id),
        )
        for line in due.voluntary
        if line.amount_vnd
    ]


def may_answer(due: Due) -> bool:
    """Whether words about voluntary lines still move no money: none of it has reached them."""
    return due.paid_vnd <= due.mandatory_vnd and due.state in {"open", "partial"} and not due.round_closed


def _addable(due: Due) -> list[Line]:
    return [line for line in due.voluntary if line.open_vnd > 0 and not line.declined]


def _toggled(chosen: Sequence[int], line_id: int) -> tuple[int, ...]:
    """Without the line and all that comes after it, or with it."""
    return tuple(chosen[: chosen.index(line_id)]) if line_id in chosen else (*chosen, line_id)
