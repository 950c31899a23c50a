"""Shares of categories in two distributions, a pair of bars each; categories that are new are said to be."""

from collections.abc import Sequence
from dataclasses import dataclass

from pierhead.kit.drawing.frame import CHARACTER, Frame, nothing
from pierhead.kit.drawing.legend import Entry, shortened
from pierhead.kit.drawing.lines import framed
from pierhead.kit.drawing.numbers import share
from pierhead.kit.drawing.scales import Linear, finite
from pierhead.kit.drawing.svg import element, hint, picture, words

_ROW = 26.0
_SIZE = Frame(width=440, height=0, left=130, right=56, top=8, bottom=6)


@dataclass(frozen=True, slots=True)
class Category:
    """Shares 0-1 of the values; None where there is no such distribution."""

    name: str
    reference: float | None
    current: float | None
    is_new: bool = False


def category_bars(categories: Sequence[Category], names: tuple[str, str], *, title: str, description: str = "") -> str:
    """A row for each category, in the order given; `names` are those of the reference and of the current values."""
    has = (
        any(category.reference is not None for category in categories),
        any(category.current is not None for category in categories),
    )
    signs = (Entry(names[0], "reference", "area"), Entry(names[1], "current", "outline"))
    grown = max(1, len(categories)) * _ROW + _SIZE.top + _SIZE.bottom
    size = Frame(_SIZE.width, grown, _SIZE.left, _SIZE.right, _SIZE.top, _SIZE.bottom)
    frame, key = framed([sign for sign, is_there in zip(signs, has, strict=True) if is_there], size)
    largest = max(finite(value for each in categories for value in (each.reference, each.current)), default=0.0)
    if not categories or largest <= 0:
        return picture(frame.width, frame.height, nothing(frame, "No values"), title=title, description=description)
    across = frame.across(0.0, largest)
    rows = [_row(frame, across, number, category, names) for number, category in enumerate(categories)]
    return picture(frame.width, frame.height, *rows, key, title=title, description=description)


def _row(frame: Frame, across: Linear, number: int, category: Category, names: tuple[str, str]) -> str:
    y = frame.top + number * _ROW
    fitting = int((frame.left - (46 if category.is_new else 12)) / CHARACTER)
    pieces = [words(shortened(category.name, fitting), frame.left - 8, y + 16, anchor="end")]
    if category.is_new:
        pieces.append(words("new", 4, y + 16, "strong small"))
    before, now = (finite([value]) for value in (category.reference, category.current))
    if before:
        width = across(before[0]) - frame.left
        pieces.append(element("rect", x=frame.left, y=y + 3, width=width, height=9, class_="fill soft reference"))
    if now:
        width = across(now[0]) - frame.left
        pieces.append(element("rect", x=frame.left, y=y + 13, width=width, height=8, class_="fill faint current"))
        pieces.append(element("rect", x=frame.left, y=y + 13, width=width, height=8, class_="line thin current"))
    furthest = across(max(before + now, default=0.0))
    pieces.append(words(share(next(iter(now or before), None)), furthest + 6, y + 16, "label small"))
    said = f"{category.name}: {names[0]} {share(category.reference)}, {names[1]} {share(category.current)}"
    return element("g", hint(said), *pieces)
