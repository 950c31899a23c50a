"""The place of a plot within its drawing, its axes, and what stands on all of them: hatching and version markers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pierhead.kit.drawing.numbers import tick_labels
from pierhead.kit.drawing.scales import Linear, TimeScale, thinned, ticks, time_ticks
from pierhead.kit.drawing.svg import element, hint, path, words

CHARACTER = 7.0
"""About how wide a character of a label is, in units of the drawing."""
_HATCH_STEP = 7.0


@dataclass(frozen=True, slots=True)
class Frame:
    """A drawing of `width` by `height` units and the margins around its plot."""

    width: float = 440.0
    height: float = 200.0
    left: float = 48.0
    right: float = 14.0
    top: float = 30.0
    bottom: float = 24.0

    @property
    def x_end(self) -> float:
        return self.width - self.right

    @property
    def y_end(self) -> float:
        """Where the plot ends, below."""
        return self.height - self.bottom

    def across(self, lower: float, upper: float) -> Linear:
        return Linear(lower, upper, self.left, self.x_end)

    def upwards(self, lower: float, upper: float) -> Linear:
        return Linear(lower, upper, self.y_end, self.top)

    def through(self, start: datetime, end: datetime) -> TimeScale:
        return TimeScale(start, end, self.left, self.x_end)


@dataclass(frozen=True, slots=True)
class Marker:
    """Something that happened: `label` is a word or two, `detail` a sentence."""

    at: datetime
    label: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the period of which something is to be known, as that its labels are not complete."""

    start: datetime
    end: datetime
    detail: str = ""


def value_axis(frame: Frame, scale: Linear, *, labels: Sequence[str] | None = None) -> str:
    """Lines across the plot with their values on the left; `labels` instead of the plain numbers, one a tick."""
    places = value_ticks(scale)
    named = tick_labels(places) if labels is None else labels
    lines = [element("line", x1=frame.left, x2=frame.x_end, y1=scale(v), y2=scale(v), class_="grid") for v in places]
    texts = [words(n, frame.left - 6, scale(v) + 4, anchor="end") for v, n in zip(places, named, strict=True)]
    return "".join(lines + texts)


def value_ticks(scale: Linear) -> list[float]:
    """The values that a value axis names."""
    return ticks(scale.lower, scale.upper, most=5)


def number_axis(frame: Frame, scale: Linear) -> str:
    """The bottom line with values below it."""
    places = ticks(scale.lower, scale.upper, most=5)
    named = list(zip(map(scale, places), tick_labels(places), strict=True))
    return _bottom(frame, named)


def time_axis(frame: Frame, scale: TimeScale) -> str:
    """The bottom line with moments (UTC) below it."""
    return _bottom(frame, [(scale(moment), label) for moment, label in time_ticks(scale.lower, scale.upper)])


def markers(frame: Frame, scale: TimeScale, marked: Sequence[Marker]) -> str:
    """Lines through the plot at which something happened; names that would lie over another are shown on pointing."""
    drawn, taken = [], -1e9
    for marker in sorted(marked, key=lambda each: each.at):
        if not scale.lower <= marker.at <= scale.upper:
            continue
        x = scale(marker.at)
        line = element("line", x1=x, x2=x, y1=frame.top - 4, y2=frame.y_end, class_="marker")
        corners = [(x - 4, frame.top - 8), (x + 4, frame.top - 8), (x, frame.top - 2)]
        head = element("path", d=path(corners, closed=True), class_="head")
        width = len(marker.label) * CHARACTER
        start = min(x - width / 2, frame.x_end - width)
        name = ""
        if start > taken and width < frame.x_end - frame.left:
            name = words(marker.label, start, frame.top - 11, "label small")
            taken = start + width + 6
        said = f"{marker.label}, {marker.at:%Y-%m-%d %H:%M} UTC. {marker.detail}".strip()
        drawn.append(element("g", hint(said), line, head, name, class_="event"))
    return "".join(drawn)


def hatched(frame: Frame, scale: TimeScale, stretches: Sequence[Stretch]) -> str:
    """Hatching over parts of the period, from the top of the plot to its bottom."""
    drawn = []
    for stretch in stretches:
        x0, x1 = scale(stretch.start), scale(stretch.end)
        if x1 - x0 > 0.5:
            drawn.append(hatch(x0, frame.top, x1, frame.y_end, stretch.detail))
    return "".join(drawn)


def hatch(x0: float, y0: float, x1: float, y1: float, said: str = "") -> str:
    """A rectangle filled with slanted lines, one by one: a pattern would need a name that no other drawing has."""
    pieces = []
    shift = (x0 + y0) // _HATCH_STEP * _HATCH_STEP + _HATCH_STEP
    while shift < x1 + y1:
        # The line x + y = shift within the rectangle.
        left, right = max(x0, shift - y1), min(x1, shift - y0)
        if right > left:
            pieces.append(path([(left, shift - left), (right, shift - right)]))
        shift += _HATCH_STEP
    target = element("rect", x=x0, y=y0, width=x1 - x0, height=y1 - y0, fill="transparent")
    return element("g", hint(said), target, element("path", d="".join(pieces), class_="hatch"))


def nothing(frame: Frame, said: str) -> str:
    """What stands in a plot without anything to draw."""
    box = element(
        "rect",
        x=frame.left,
        y=frame.top,
        width=frame.x_end - frame.left,
        height=frame.y_end - frame.top,
        class_="empty",
        rx=4,
    )
    return box + words(said, (frame.left + frame.x_end) / 2, (frame.top + frame.y_end) / 2 + 4, anchor="middle")


def _bottom(frame: Frame, labels: Sequence[tuple[float, str]]) -> str:
    line = element("line", x1=frame.left, x2=frame.x_end, y1=frame.y_end, y2=frame.y_end, class_="axis")
    widest = max((len(label) for _, label in labels), default=0) * CHARACTER
    texts = [_label(frame, place, label) for place, label in thinned(labels, widest + 10)]
    return line + "".join(texts)


def _label(frame: Frame, place: float, label: str) -> str:
    half = len(label) * CHARACTER / 2
    middle = min(max(place, half), frame.width - half)
    tick = element("line", x1=place, x2=place, y1=frame.y_end, y2=frame.y_end + 4, class_="axis")
    return tick + words(label, middle, frame.y_end + 17, anchor="middle")
