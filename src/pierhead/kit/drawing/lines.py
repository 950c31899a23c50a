"""Values over time, with the intervals that they lie in."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pierhead.kit.drawing.frame import (
    Frame,
    Marker,
    Stretch,
    hatched,
    markers,
    nothing,
    time_axis,
    value_axis,
    value_ticks,
)
from pierhead.kit.drawing.legend import Entry, height_of, legend
from pierhead.kit.drawing.numbers import number
from pierhead.kit.drawing.scales import Linear, TimeScale, extent, finite, is_number
from pierhead.kit.drawing.svg import element, hint, path, picture

Words = Callable[[float | None], str]


@dataclass(frozen=True, slots=True)
class Point:
    """`low` and `high` are the interval's ends; `said` is shown on pointing, behind the value."""

    at: datetime
    value: float | None
    low: float | None = None
    high: float | None = None
    said: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """Points in order of time; a point without a value is a gap. `style` is a class of `style.CSS`."""

    name: str
    points: Sequence[Point]
    style: str = "current"
    is_dashed: bool = False


@dataclass(frozen=True, slots=True)
class Limit:
    """A level that must not be passed, or that was so before."""

    value: float
    name: str
    style: str = "alarm"


@dataclass(frozen=True, slots=True)
class Around:
    """What all drawings of a period have in common."""

    start: datetime
    end: datetime
    markers: Sequence[Marker] = ()
    stretches: Sequence[Stretch] = ()
    """Drawn hatched."""


@dataclass(frozen=True, slots=True)
class Axis:
    """How values are measured: from zero or from the smallest, up to `up_to` at least, said by `called`."""

    from_zero: bool = False
    up_to: float | None = None
    called: Words = number


def line_chart(
    lines: Sequence[Line],
    around: Around,
    *,
    title: str,
    description: str = "",
    limits: Sequence[Limit] = (),
    axis: Axis | None = None,
) -> str:
    """Lines with bands, over the period `around`."""
    axis = axis or Axis()
    entries = [_entry(line) for line in lines] + [Entry(limit.name, limit.style, "dashed") for limit in limits]
    frame, key = framed(entries)
    values = [value for line in lines for point in line.points for value in (point.value, point.low, point.high)]
    if not finite(values):
        return picture(
            frame.width, frame.height, nothing(frame, "No values in this period"), title=title, description=description
        )
    across = frame.through(around.start, around.end)
    upwards = frame.upwards(
        *extent([*values, *(limit.value for limit in limits), axis.up_to], from_zero=axis.from_zero)
    )
    labels = None if axis.called is number else [axis.called(place) for place in value_ticks(upwards)]
    return picture(
        frame.width,
        frame.height,
        value_axis(frame, upwards, labels=labels),
        time_axis(frame, across),
        hatched(frame, across, around.stretches),
        markers(frame, across, around.markers),
        "".join(_limit(frame, upwards, limit) for limit in limits),
        "".join(_drawn(line, across, upwards, axis.called) for line in lines),
        key,
        title=title,
        description=description,
    )


def framed(entries: Sequence[Entry], frame: Frame | None = None) -> tuple[Frame, str]:
    """A frame with room for a legend above the plot, and the legend."""
    frame = frame or Frame()
    room = frame.width - 8
    above = height_of(entries, room)
    grown = replace(frame, top=frame.top + above, height=frame.height + above)
    return grown, legend(entries, 4, 13, room)


def runs(points: Sequence[Point], *, needs: Callable[[Point], bool]) -> Iterator[list[Point]]:
    """The stretches of points without a gap."""
    run: list[Point] = []
    for point in points:
        if needs(point):
            run.append(point)
            continue
        if run:
            yield run
        run = []
    if run:
        yield run


def _entry(line: Line) -> Entry:
    return Entry(line.name, line.style, "dashed" if line.is_dashed else "line")


def _drawn(line: Line, across: TimeScale, upwards: Linear, called: Words) -> str:
    bands = [
        _band(run, across, upwards, line.style)
        for run in runs(line.points, needs=lambda point: is_number(point.low) and is_number(point.high))
    ]
    dashes = " dashed" if line.is_dashed else ""
    pieces = []
    dot = radius(sum(is_number(point.value) for point in line.points))
    for run in runs(line.points, needs=lambda point: is_number(point.value)):
        places = [(across(point.at), upwards(point.value or 0.0)) for point in run]
        if len(places) > 1:
            pieces.append(element("path", d=path(places), class_=f"line{dashes} {line.style}"))
        pieces += [
            element("circle", hint(_said(line, point, called)), cx=x, cy=y, r=dot, class_=f"fill {line.style}")
            for point, (x, y) in zip(run, places, strict=True)
        ]
    return "".join(bands + pieces)


def _band(run: Sequence[Point], across: TimeScale, upwards: Linear, style: str) -> str:
    if len(run) == 1:
        x = across(run[0].at)
        y0, y1 = upwards(run[0].low or 0.0), upwards(run[0].high or 0.0)
        return element("rect", x=x - 4, y=min(y0, y1), width=8, height=abs(y0 - y1), class_=f"fill band {style}")
    above = [(across(point.at), upwards(point.high or 0.0)) for point in run]
    below = [(across(point.at), upwards(point.low or 0.0)) for point in reversed(run)]
    return element("path", d=path(above + below, closed=True), class_=f"fill band {style}")


def _limit(frame: Frame, upwards: Linear, limit: Limit) -> str:
    y = upwards(limit.value)
    line = element("line", x1=frame.left, x2=frame.x_end, y1=y, y2=y, class_=f"line thin dashed {limit.style}")
    return element("g", hint(f"{limit.name}: {number(limit.value)}"), line)


def radius(points: int) -> float:
    """Of the dots of a line: large where they are few."""
    return 3.5 if points == 1 else 2.5 if points <= 40 else 1.5


def _said(line: Line, point: Point, called: Words) -> str:
    between = (
        f" ({called(point.low)} to {called(point.high)})" if is_number(point.low) and is_number(point.high) else ""
    )
    return f"{line.name}, {point.at:%Y-%m-%d %H:%M} UTC: {called(point.value)}{between} {point.said}".strip()
