"""Voluntary lines of a notice: never chosen in advance, chosen by whoever wants them, declined without shame; pure.

Money fills what is owed and what was chosen, nothing else (settlement, docs/adr/0031): so what the page asks for is
what the family's kept words say, on each of its telephones alike.
"""

import enum
from dataclasses import dataclass

from payments.portal.queries import Due, Line


class Word(enum.StrEnum):
    """What a family says about a voluntary line; also the name of what goes on record, after ``voluntary.``."""

    CHOSEN = "chosen"
    DECLINED = "declined"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Option:
    """A voluntary line and what can be said about it now."""

    line: Line
    chosen: bool
    """It is in what the page asks for."""
    can_answer: bool


def chosen_of(due: Due) -> list[Line]:
    """The voluntary lines that are asked for with what is owed."""
    return [line for line in due.voluntary if line.chosen and line.open_vnd > 0]


def chosen_vnd_of(due: Due) -> int:
    """What the chosen voluntary lines add to what is asked for, in đồng."""
    return sum(line.open_vnd for line in chosen_of(due))


def options(due: Due, *, payable: bool) -> list[Option]:
    """Every voluntary line; ``payable`` False: nothing can be paid on the notice now."""
    chosen = {line.id for line in chosen_of(due)} if payable else set()
    return [
        Option(line, chosen=line.id in chosen, can_answer=payable and may_answer(due, line))
        for line in due.voluntary
        if line.amount_vnd
    ]


def may_answer(due: Due, line: Line) -> bool:
    """Whether a word about a voluntary line still moves no money, as far as the notice alone tells."""
    return not line.is_filled and due.state in {"open", "partial"} and not due.round_closed
