"""Whatever the values, a drawing is XML that a browser can draw: every place in it is a number within its borders."""

import re
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

from hypothesis import given, settings
from hypothesis import strategies as st

from pierhead.kit.drawing.bars import Category, category_bars
from pierhead.kit.drawing.frame import Marker, Stretch
from pierhead.kit.drawing.heatmap import Cell, Row, heat_map
from pierhead.kit.drawing.histograms import Shares, histogram_pair
from pierhead.kit.drawing.lines import Around, Line, Point, line_chart
from pierhead.kit.drawing.numbers import number, share
from pierhead.kit.drawing.ribbons import Quantiles, ribbons
from pierhead.kit.drawing.scales import extent, ticks, time_ticks
from pierhead.kit.drawing.sparkline import sparkline
from pierhead.kit.drawing.stacks import Amount, Stack, stacked
from pierhead.kit.drawing.strips import Filled, strip

START = datetime(2026, 5, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_PLACES = ("x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "width", "height")

values = st.one_of(
    st.none(), st.floats(allow_nan=True, allow_infinity=True), st.sampled_from([0.0, 1e308, -1e308, 5e-324])
)
names = st.text(max_size=40)


def check(drawing: str) -> None:
    root = ElementTree.fromstring(drawing)
    _, _, width, height = map(float, (root.get("viewBox") or "").split())
    for each in root.iter():
        for place in _PLACES:
            written = each.get(place)
            assert written is None or _NUMBER.fullmatch(written), (each.tag, place, written)
        assert float(each.get("width") or 0) >= 0
        assert float(each.get("height") or 0) >= 0
        for pair in re.findall(r"[ML](\S+) ([^MLZ]+)", each.get("d") or ""):
            x, y = map(float, pair)
            assert -1 <= x <= width + 1
            assert -1 <= y <= height + 1


def around(names_of_markers: list[str]) -> Around:
    marked = [Marker(START + place * HOUR / 3, name, name) for place, name in enumerate(names_of_markers)]
    return Around(START, START + 12 * HOUR, marked, [Stretch(START + 10 * HOUR, START + 20 * HOUR)])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(values, values, values), max_size=12), names, st.lists(names, max_size=3))
def test_lines(points: list[tuple[float | None, float | None, float | None]], name: str, marked: list[str]) -> None:
    line = Line(name, [Point(START + place * HOUR, *each) for place, each in enumerate(points)])
    check(line_chart([line], around(marked), title=name, description=name))
    check(sparkline([value for value, _, _ in points], title=name, limit=points[0][1] if points else None))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(*[values] * 5), max_size=10), st.one_of(st.none(), st.tuples(*[st.floats()] * 5)))
def test_ribbons(
    moments: list[tuple[float | None, ...]], base: tuple[float, float, float, float, float] | None
) -> None:
    drawn = [
        Quantiles(START + place * HOUR, None if None in each else each)  # type: ignore[arg-type]
        for place, each in enumerate(moments)
    ]
    check(ribbons(drawn, around(["v1"]), title="t", reference=base))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(), max_size=12), st.data())
def test_histograms(edges: list[float], data: st.DataObject) -> None:
    shares = st.lists(st.floats(0, 1), min_size=max(0, len(edges) - 1), max_size=max(0, len(edges) - 1))
    ordered = sorted(each for each in edges if each == each)
    inside = st.lists(st.floats(0, 1), min_size=max(0, len(ordered) - 1), max_size=max(0, len(ordered) - 1))
    check(histogram_pair(edges, Shares("a", data.draw(shares)), None, title="t"))
    check(histogram_pair(ordered, Shares("a", data.draw(inside), 0.1, 0.2), Shares("b", data.draw(inside)), title="t"))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(names, values, values, st.booleans()), max_size=8))
def test_bars(categories: list[tuple[str, float | None, float | None, bool]]) -> None:
    # Shares are never below 0; what is no number is no share.
    drawn = [
        Category(name, None if before is None else abs(before), None if now is None else abs(now), new)
        for name, before, now, new in categories
    ]
    check(category_bars(drawn, ("before", "now"), title="t"))


@settings(max_examples=60, deadline=None)
@given(st.lists(names, max_size=5), st.integers(0, 12), st.data())
def test_heat_maps(rows: list[str], windows: int, data: st.DataObject) -> None:
    cell = st.one_of(st.none(), st.builds(Cell, values, names, st.booleans()))
    cells = st.lists(cell, min_size=windows, max_size=windows)
    places = [(START + place * HOUR, START + (place + 1) * HOUR) for place in range(windows)]
    check(heat_map([Row(name, data.draw(cells)) for name in rows], places, title="t"))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(values, values, st.booleans()), max_size=12))
def test_stacks_and_strips(amounts: list[tuple[float | None, float | None, bool]]) -> None:
    places = [(START + place * HOUR, START + (place + 1) * HOUR) for place in range(len(amounts))]
    stacks = [
        Stack(
            name,
            [Amount(*place, each[number] or 0.0) for place, each in zip(places, amounts, strict=True)],
            style,
        )
        for number, (name, style) in enumerate((("a", "s1"), ("b", "s2")))
    ]
    check(stacked(stacks, around([]), title="t"))
    check(strip([Filled(*p, v, o) for p, (v, _, o) in zip(places, amounts, strict=True)], around(["v"]), title="t"))


@given(st.lists(values, max_size=5))
def test_an_extent_has_room_and_its_ticks_lie_within(found: list[float | None]) -> None:
    lower, upper = extent(found)
    assert lower <= upper
    # A billionth of the range or of the value, which nobody sees. Halves, as the whole may be more than a float holds.
    slack = (upper / 2 - lower / 2 + max(abs(lower), abs(upper)) / 2) * 2e-9
    assert all(lower - slack <= each <= upper + slack for each in ticks(lower, upper))
    assert len(ticks(lower, upper)) <= 12


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_ticks_of_time_lie_within_the_period_and_are_few(offset: int, seconds: int) -> None:
    start = START + timedelta(seconds=offset)
    end = start + timedelta(seconds=seconds)
    found = time_ticks(start, end)
    assert 1 <= len(found) <= 20
    assert all(start <= moment <= end for moment, _ in found)


@given(values)
def test_numbers_are_short_words(value: float | None) -> None:
    assert 0 < len(number(value)) <= 12
    assert "nan" not in number(value) + share(value)
