"""Which line or area is which, in words above a plot."""

from collections.abc import Sequence
from dataclasses import dataclass

from pierhead.kit.drawing.frame import CHARACTER
from pierhead.kit.drawing.svg import element, hint, words

_ROW = 16.0
_SIGN = 18.0


@dataclass(frozen=True, slots=True)
class Entry:
    """`kind` is line, dashed, area, block or outline; `style` the class of its colour."""

    name: str
    style: str
    kind: str = "line"


def rows_needed(entries: Sequence[Entry], width: float) -> int:
    return len(_laid_out(entries, width))


def legend(entries: Sequence[Entry], x: float, y: float, width: float) -> str:
    """The entries in rows no wider than `width`; `y` is where the first row stands."""
    drawn = []
    for number, row in enumerate(_laid_out(entries, width)):
        left, base = x, y + number * _ROW
        for entry in row:
            shown = _short(entry.name, width)
            drawn.append(element("g", hint(entry.name), _sign(entry, left, base - 4), words(shown, left + 22, base)))
            left += _width(entry, width)
    return "".join(drawn)


def height_of(entries: Sequence[Entry], width: float) -> float:
    return rows_needed(entries, width) * _ROW


def _laid_out(entries: Sequence[Entry], width: float) -> list[list[Entry]]:
    rows: list[list[Entry]] = []
    used = 0.0
    for entry in entries:
        needed = _width(entry, width)
        if not rows or used + needed > width:
            rows.append([])
            used = 0.0
        rows[-1].append(entry)
        used += needed
    return rows


def _width(entry: Entry, width: float) -> float:
    return len(_short(entry.name, width)) * CHARACTER + 22 + 14


def _short(name: str, width: float) -> str:
    return shortened(name, int((width - 36) / CHARACTER))


def shortened(name: str, most: int) -> str:
    """
    >>> shortened("fixed acidity", 8), shortened("pH", 8)
    ('fixed a…', 'pH')
    """
    return name if len(name) <= most else name[: max(1, most - 1)] + "…"


def _sign(entry: Entry, x: float, y: float) -> str:
    if entry.kind in ("area", "block"):
        soft = "soft " if entry.kind == "area" else ""
        return element("rect", x=x, y=y - 5, width=_SIGN, height=10, class_=f"fill {soft}{entry.style}")
    if entry.kind == "outline":
        return element("rect", x=x, y=y - 5, width=_SIGN, height=10, class_=f"line {entry.style}")
    dashes = " dashed" if entry.kind == "dashed" else ""
    return element("line", x1=x, x2=x + _SIGN, y1=y, y2=y, class_=f"line{dashes} {entry.style}")
