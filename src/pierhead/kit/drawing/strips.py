"""A share over time as a row of columns that fill up; what may still grow is hatched."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pierhead.kit.drawing.frame import Frame, hatch, markers, nothing, time_axis
from pierhead.kit.drawing.lines import Around
from pierhead.kit.drawing.numbers import share
from pierhead.kit.drawing.scales import finite
from pierhead.kit.drawing.svg import element, hint, picture, words

_SIZE = Frame(width=440, height=96, left=48, right=14, top=30, bottom=24)


@dataclass(frozen=True, slots=True)
class Filled:
    """A share (0-1) of what fell into the stretch; `is_open` if it may still grow."""

    start: datetime
    end: datetime
    share: float | None
    is_open: bool = False
    said: str = ""


def strip(stretches: Sequence[Filled], around: Around, *, title: str, description: str = "") -> str:
    """Columns from 0 to 100%."""
    frame = _SIZE
    if not stretches:
        return picture(
            frame.width, frame.height, nothing(frame, "No windows in this period"), title=title, description=description
        )
    across, upwards = frame.through(around.start, around.end), frame.upwards(0.0, 1.0)
    drawn = []
    for each in stretches:
        x0, x1 = across(each.start) + 0.5, across(each.end) - 0.5
        wide, top = max(0.5, x1 - x0), upwards((finite([each.share]) or [0.0])[0])
        said = f"{each.start:%Y-%m-%d %H:%M} UTC: {share(each.share)} {each.said}".strip()
        full = element("rect", x=x0, y=frame.top, width=wide, height=frame.y_end - frame.top, class_="h0")
        part = element("rect", x=x0, y=top, width=wide, height=frame.y_end - top, class_="fill soft current")
        over = hatch(x0, frame.top, x0 + wide, frame.y_end, said) if each.is_open else ""
        drawn.append(element("g", hint(said), full, part, over))
    ends = words("100%", frame.left - 6, frame.top + 8, anchor="end") + words(
        "0%", frame.left - 6, frame.y_end, anchor="end"
    )
    return picture(
        frame.width,
        frame.height,
        *drawn,
        ends,
        time_axis(frame, across),
        markers(frame, across, around.markers),
        title=title,
        description=description,
    )
