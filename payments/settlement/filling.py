"""Which lines of an invoice money may fill, and in what order. Pure; settlement and the parent's page read it alike."""

from collections.abc import Collection, Iterable
from typing import Protocol, TypeVar

GROUP_ORDER = {"agency": 0, "tuition": 1, "service": 2, "sponsorship": 3}
"""Order of the legal groups within mandatory and voluntary lines: what the school only passes on comes first."""


TURN = "CASE WHEN choice.chosen AND NOT choice.kept THEN (extract(epoch FROM choice.changed_at) * 1000000)::bigint END"
"""SQL over ``choice`` (voluntary_choice): when a line was chosen, as a number that sorts; NULL: it was not."""


def line_rank(mandatory: bool, turn: int, legal_group: str, line_no: int) -> tuple[object, ...]:  # noqa: FBT001 - columns of the row
    """Place in the order of allocation: mandatory before voluntary, what was chosen first before what was chosen later
    (so a new choice takes nothing from an older one); then legal group, number.
    """
    return (not mandatory, turn, GROUP_ORDER[legal_group], line_no)


class Fillable(Protocol):
    """What says whether money may fill a line."""

    @property
    def asked(self) -> bool:
        """It is owed or chosen."""

    @property
    def declined(self) -> bool:
        """The family takes no part."""

    @property
    def amount_vnd(self) -> int:
        """In đồng."""

    @property
    def rank(self) -> tuple[object, ...]:
        """Place in the order of allocation."""


L = TypeVar("L", bound=Fillable)


def fillable(lines: Iterable[L], paid_vnd: Collection[int] = ()) -> list[L]:
    """The lines that money meant for one invoice may fill, in the order of allocation: what is owed, and what the
    family chose (docs/adr/0031). ``paid_vnd`` are the payments that name the invoice, in đồng.

    Every line that the family did not decline, where money can mean nothing else: the invoice asks for nothing else,
    or somebody paid in one sum, to the đồng, all that is printed. The amounts say so whatever their order.
    """
    every = sorted(lines, key=lambda line: line.rank)
    asked = [line for line in every if line.asked]
    printed = [line for line in every if line.asked or not line.declined]
    whole = sum(line.amount_vnd for line in printed) in paid_vnd
    return asked if any(line.amount_vnd for line in asked) and not whole else printed
