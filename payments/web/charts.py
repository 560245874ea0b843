"""Charts as shapes to draw: pure geometry, no library, no script. Templates write the SVG, a table stands under it."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 640, 240
"""Of the drawing, in units of its view box."""
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 16, 32
"""Room for the labels of the axes."""
GRID = (0, 25, 50, 75, 100)
BAR_HEIGHT, BAR_GAP, LABEL_WIDTH, VALUE_WIDTH = 24, 12, 152, 132


@dataclass(frozen=True, slots=True)
class Bar:
    """One horizontal bar with what is written beside it."""

    label: str
    text: str
    y: int
    width: float


@dataclass(frozen=True, slots=True)
class Bars:
    """A chart of horizontal bars on a common scale."""

    bars: tuple[Bar, ...]
    height: int
    width: int = WIDTH
    left: int = LABEL_WIDTH
    bar_height: int = BAR_HEIGHT


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart: where it goes, as SVG writes points."""

    label: str
    points: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Curves:
    """Lines of per cent over days, with the marks of both axes."""

    lines: tuple[Line, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    bottom: int = HEIGHT - BOTTOM
    top: int = TOP


def bars(rows: Sequence[tuple[str, str, int]]) -> Bars:
    """Bars of (label, text, value ≥ 0); the largest value takes the whole width."""
    most = max((value for _, _, value in rows), default=0) or 1
    room = WIDTH - LABEL_WIDTH - VALUE_WIDTH
    drawn = tuple(
        Bar(label, text, position * (BAR_HEIGHT + BAR_GAP), round(room * value / most, 1))
        for position, (label, text, value) in enumerate(rows)
    )
    return Bars(drawn, max(len(rows) * (BAR_HEIGHT + BAR_GAP) - BAR_GAP, BAR_HEIGHT))


def curves(lines: Sequence[tuple[str, Sequence[float]]]) -> Curves:
    """Lines of (label, per cent on day 0, 1, 2, …) over one axis of days; what is above 100 ends at the top."""
    days = max((len(values) for _, values in lines), default=1)
    last = max(days - 1, 1)

    def x(day: int) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * day / last, 1)

    def y(percent: float) -> float:
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * min(max(percent, 0), 100) / 100, 1)

    drawn = tuple(
        Line(label, " ".join(f"{x(day)},{y(value)}" for day, value in enumerate(values))) for label, values in lines
    )
    step = max(1, -(-last // 6))
    across = tuple(Tick(x(day), str(day)) for day in range(0, last + 1, step))
    return Curves(drawn, across, tuple(Tick(y(value), f"{value}%") for value in GRID))
