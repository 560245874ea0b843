"""Tables and goals, as text for people and as data for whoever compares runs."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure that the project wants to reach."""

    what: str
    wanted: float
    reached: float
    cause: str = ""
    """Why it is missed, where it is."""
    unit: str = "×"

    @property
    def met(self) -> bool:
        """Whether it is reached."""
        return self.reached >= self.wanted

    def text(self) -> str:
        """One line, with the cause where the goal is missed."""
        verdict = "met" if self.met else f"MISSED: {self.cause or 'no cause known'}"
        return f"  goal  {self.what}: {figure(self.wanted)} {self.unit}, reached {figure(self.reached)}: {verdict}"


@dataclass(frozen=True, slots=True)
class Table:
    """What one benchmark found."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    goals: Sequence[Goal] = ()
    notes: Sequence[str] = field(default=())

    def text(self) -> str:
        """The table as people read it."""
        cells = [[str(column) for column in self.columns], *([figure(cell) for cell in row] for row in self.rows)]
        widths = [max(len(row[place]) for row in cells) for place in range(len(self.columns))]
        lines = [
            "  ".join(
                cell.rjust(width) if place else cell.ljust(width)
                for place, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            for row in cells
        ]
        lines.insert(1, "-" * len(lines[0]))
        notes = [f"  note  {note}" for note in self.notes]
        return "\n".join([f"\n{self.title}", *lines, *(goal.text() for goal in self.goals), *notes])

    def data(self) -> dict[str, Any]:
        """The table as JSON holds it."""
        return asdict(self) | {"goals": [asdict(goal) | {"met": goal.met} for goal in self.goals]}


def figure(value: Any) -> str:
    """Three digits that count; texts as they are."""
    if isinstance(value, str):
        return value
    if value != value:  # not a number: nobody took the figure
        return "–"
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.3g}"
