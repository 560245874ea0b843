"""A row of the queue as a person sees it: facts, the first hint with its pupils, what became of it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from payments.console.queue.marking import LONGEST, Piece, pieces
from payments.console.queue.reading import Hint, Page, Row, hints

FEW = 2
"""So many names stand in a row; of more, the number."""


@dataclass(frozen=True, slots=True)
class Line:
    """One bank credit. ``first`` is what a person may accept by one key."""

    row: Row
    first: Hint | None
    others: int
    meant: Sequence[Row]
    """The invoices that the first hint names, in its order."""

    @property
    def waits(self) -> bool:
        """Whether a person still has to decide."""
        return bool(self.row["state"] == "unmatched")

    @property
    def acceptable(self) -> bool:
        """Whether one key suffices: a class's lump sum without its invoices must be split."""
        return self.waits and bool(self.meant)

    @property
    def memo(self) -> list[Piece]:
        """The beginning of the bank's text, with what looks like a reference marked."""
        return pieces(self.row["description"], self.row["references"], LONGEST)

    @property
    def whole_memo(self) -> list[Piece]:
        """All of the bank's text."""
        return pieces(self.row["description"], self.row["references"])

    @property
    def who(self) -> str:
        """The pupils that the first hint means, or that were paid for."""
        return few(self.row["paid"] or [] if not self.waits else [one["full_name"] for one in self.meant])

    @property
    def open_vnd(self) -> int:
        """What is open of the meant invoices, in đồng."""
        return sum(one["open_vnd"] for one in self.meant)


def few(names: Sequence[str]) -> str:
    """The first names, and how many more: «An, Bình +38»."""
    kept = list(dict.fromkeys(names))
    rest = f" +{len(kept) - FEW}" if len(kept) > FEW else ""
    return ", ".join(kept[:FEW]) + rest


def line(row: Row, invoices: Mapping[int, Row]) -> Line:
    """A row with the invoices of its first hint."""
    mine = hints(row)
    first = mine[0] if mine else None
    meant = [invoices[one] for one in first.invoice_ids if one in invoices] if first else []
    return Line(row, first, max(0, len(mine) - 1), meant)


def lines(page: Page) -> list[Line]:
    """All rows of a page."""
    return [line(row, page.invoices) for row in page.rows]
