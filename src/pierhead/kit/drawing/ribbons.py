"""How a distribution moves: quantiles over time as ribbons around the median."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pierhead.kit.drawing.frame import hatched, markers, nothing, time_axis, value_axis
from pierhead.kit.drawing.legend import Entry
from pierhead.kit.drawing.lines import Around, Point, framed, radius, runs
from pierhead.kit.drawing.numbers import number
from pierhead.kit.drawing.scales import Linear, TimeScale, extent, finite, is_number
from pierhead.kit.drawing.svg import element, hint, path, picture


@dataclass(frozen=True, slots=True)
class Quantiles:
    """The 5, 25, 50, 75 and 95 percent quantiles at a moment; None where there were no values."""

    at: datetime
    values: tuple[float, float, float, float, float] | None
    said: str = ""


def ribbons(
    moments: Sequence[Quantiles],
    around: Around,
    *,
    title: str,
    description: str = "",
    reference: tuple[float, float, float, float, float] | None = None,
) -> str:
    """Two ribbons and the median; `reference` are the same quantiles of the reference, as dashed lines."""
    usable = [each for each in moments if each.values is not None and len(finite(each.values)) == 5]
    base = reference if reference is not None and len(finite(reference)) == 5 else None
    entries = [Entry("median", "current"), Entry("middle 50% and 90%", "current", "area")]
    frame, key = framed([*entries, *([Entry("reference 5%, 50%, 95%", "reference", "dashed")] if base else [])])
    if not usable:
        return picture(
            frame.width, frame.height, nothing(frame, "No values in this period"), title=title, description=description
        )
    across = frame.through(around.start, around.end)
    upwards = frame.upwards(*extent([value for each in usable for value in each.values or ()] + list(base or ())))
    lines = [_level(frame.left, frame.x_end, upwards(value)) for value in (base[0], base[2], base[4])] if base else []
    return picture(
        frame.width,
        frame.height,
        value_axis(frame, upwards),
        time_axis(frame, across),
        hatched(frame, across, around.stretches),
        _ribbon(moments, (0, 4), across, upwards),
        _ribbon(moments, (1, 3), across, upwards),
        "".join(lines),
        _median(moments, across, upwards),
        markers(frame, across, around.markers),
        key,
        title=title,
        description=description,
    )


def _ribbon(moments: Sequence[Quantiles], which: tuple[int, int], across: TimeScale, upwards: Linear) -> str:
    drawn = []
    for run in runs(_points(moments, which), needs=_is_whole):
        if len(run) == 1:
            run = [run[0], run[0]]
        places = [(across(point.at), point) for point in run]
        if len({x for x, _ in places}) == 1:
            places = [(places[0][0] - 4, run[0]), (places[0][0] + 4, run[0])]
        above = [(x, upwards(point.high or 0.0)) for x, point in places]
        below = [(x, upwards(point.low or 0.0)) for x, point in reversed(places)]
        drawn.append(element("path", d=path(above + below, closed=True), class_="fill band current"))
    return "".join(drawn)


def _median(moments: Sequence[Quantiles], across: TimeScale, upwards: Linear) -> str:
    drawn = []
    points = _points(moments, (0, 4))
    dot = radius(sum(map(_is_whole, points)))
    for run in runs(points, needs=_is_whole):
        places = [(across(point.at), upwards(point.value or 0.0)) for point in run]
        if len(places) > 1:
            drawn.append(element("path", d=path(places), class_="line current"))
        drawn += [
            element("circle", hint(point.said), cx=x, cy=y, r=dot, class_="fill current")
            for point, (x, y) in zip(run, places, strict=True)
        ]
    return "".join(drawn)


def _points(moments: Sequence[Quantiles], which: tuple[int, int]) -> list[Point]:
    """Medians with the interval between two quantiles."""
    points = []
    for each in moments:
        if each.values is None:
            points.append(Point(each.at, None))
            continue
        low, middle, high = each.values[which[0]], each.values[2], each.values[which[1]]
        spread = f"{number(each.values[0])} to {number(each.values[4])}"
        said = f"{each.at:%Y-%m-%d %H:%M} UTC: median {number(middle)}, 90% within {spread} {each.said}".strip()
        points.append(Point(each.at, middle, low, high, said))
    return points


def _is_whole(point: Point) -> bool:
    return is_number(point.value) and is_number(point.low) and is_number(point.high)


def _level(x0: float, x1: float, y: float) -> str:
    return element("line", x1=x0, x2=x1, y1=y, y2=y, class_="line thin dashed reference")
