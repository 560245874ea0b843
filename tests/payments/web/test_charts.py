"""The geometry of charts: within the drawing, in proportion, and safe with nothing to draw."""

from itertools import pairwise

from payments.web import charts


def points(line: charts.Line) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in (point.split(",") for point in line.points.split())]


def test_bars_are_in_proportion_and_the_longest_leaves_room_for_its_number() -> None:
    chart = charts.bars([("a", "1", 25), ("b", "2", 100), ("c", "0", 0)])
    assert [bar.width for bar in chart.bars] == [chart.bars[1].width / 4, chart.bars[1].width, 0]
    assert chart.left + chart.bars[1].width + charts.VALUE_WIDTH == chart.width
    assert all(later.y - sooner.y > chart.bar_height for sooner, later in pairwise(chart.bars))


def test_a_curve_goes_from_left_to_right_and_never_leaves_the_drawing() -> None:
    chart = charts.curves([("this year", [0, 50, 130]), ("last year", [10.0])])
    this, last = (points(line) for line in chart.lines)
    assert [x for x, _ in this] == [chart.left, (chart.left + chart.right) / 2, chart.right]
    assert [y for _, y in this] == [chart.bottom, (chart.top + chart.bottom) / 2, chart.top]
    assert len(last) == 1
    assert chart.up[-1].at == chart.top


def test_nothing_to_draw_is_drawn_as_nothing() -> None:
    assert charts.bars([]).bars == ()
    assert charts.bars([("a", "0", 0)]).bars[0].width == 0
    assert charts.curves([("a", [])]).lines[0].points == ""
