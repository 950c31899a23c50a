"""A table of colours: a row for each thing, a column for each window, darker the further from usual."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pierhead.kit.drawing.frame import CHARACTER, Frame, Marker, hatch, markers, nothing, time_axis
from pierhead.kit.drawing.legend import shortened
from pierhead.kit.drawing.scales import is_number
from pierhead.kit.drawing.svg import element, hint, picture, words

_CELL = 20.0
_BELOW = 46.0


@dataclass(frozen=True, slots=True)
class Cell:
    """`level` is a value in units of its limit: 1 is at it. None is unknown. `is_marked` gets a ring."""

    level: float | None
    said: str = ""
    is_marked: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One cell for each window, in order; None where there is nothing."""

    name: str
    cells: Sequence[Cell | None]


_STEPS = ((0.5, "h0", "under ½"), (1.0, "h1", "½–1"), (2.0, "h2", "1–2"), (5.0, "h3", "2–5"))
_TOP = ("h4", "over 5 times the limit")


def heat_map(
    rows: Sequence[Row],
    windows: Sequence[tuple[datetime, datetime]],
    *,
    title: str,
    description: str = "",
    marked: Sequence[Marker] = (),
    width: float = 960.0,
) -> str:
    """Rows of cells over the time that their windows take; an unknown cell is hatched."""
    longest = max((len(row.name) for row in rows), default=0)
    left = min(190.0, max(60.0, longest * CHARACTER + 14))
    frame = Frame(width, 26 + max(1, len(rows)) * _CELL + _BELOW, left=left, right=14, top=26, bottom=_BELOW)
    if not rows or not windows:
        return picture(
            frame.width, frame.height, nothing(frame, "No windows yet"), title=title, description=description
        )
    across = frame.through(windows[0][0], windows[-1][1])
    places = [(across(start), across(end)) for start, end in windows]
    drawn = [_row(frame, number, row, places) for number, row in enumerate(rows)]
    above = markers(frame, across, marked)
    return picture(
        frame.width,
        frame.height,
        *drawn,
        above,
        time_axis(frame, across),
        _legend(frame),
        title=title,
        description=description,
        class_="wide",
    )


def colour_of(level: float) -> str:
    """The class of a level.

    >>> [colour_of(level) for level in (0.2, 0.9, 1.0, 4.0, 9.0)]
    ['h0', 'h1', 'h2', 'h3', 'h4']
    """
    return next((name for limit, name, _ in _STEPS if level < limit), _TOP[0])


def _row(frame: Frame, number: int, row: Row, places: Sequence[tuple[float, float]]) -> str:
    y = frame.top + number * _CELL
    fitting = int((frame.left - 12) / CHARACTER)
    pieces = [element("g", hint(row.name), words(shortened(row.name, fitting), frame.left - 8, y + 14, "", "end"))]
    for (x0, x1), cell in zip(places, row.cells, strict=True):
        if cell is not None:
            pieces.append(_cell(cell, f"{row.name}, {cell.said}", x0, x1, y))
    return "".join(pieces)


def _cell(cell: Cell, said: str, x0: float, x1: float, y: float) -> str:
    wide = max(1.0, x1 - x0 - 1.0)
    if not is_number(cell.level):
        return hatch(x0 + 0.5, y + 1, x0 + 0.5 + wide, y + _CELL - 1, said)
    box = element(
        "rect",
        x=x0 + 0.5,
        y=y + 1,
        width=wide,
        height=_CELL - 2,
        rx=min(2.0, wide / 2),
        class_=colour_of(cell.level or 0.0),
    )
    ring = ""
    if cell.is_marked:
        size = {"x": x0 + 1.25, "y": y + 1.75, "width": max(0.5, wide - 1.5), "height": _CELL - 3.5}
        ring = element("rect", rx=min(2.0, wide / 2), class_="outline", **size)
    return element("g", hint(said), box, ring)


def _legend(frame: Frame) -> str:
    x, y = frame.left, frame.height - 6
    drawn = []
    for name, said in [*((name, said) for _, name, said in _STEPS), _TOP]:
        drawn.append(element("rect", x=x, y=y - 10, width=14, height=12, rx=2, class_=name))
        drawn.append(words(said, x + 19, y, "label small"))
        x += 19 + len(said) * 6.4 + 14
    drawn.append(element("rect", x=x + 1, y=y - 9.5, width=12, height=11, rx=2, class_="outline"))
    drawn.append(words("drift", x + 19, y, "label small"))
    return "".join(drawn)
