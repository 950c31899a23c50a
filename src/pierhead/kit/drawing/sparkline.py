"""A line as small as a word."""

from collections.abc import Sequence

from pierhead.kit.drawing.scales import Linear, extent, finite, is_number
from pierhead.kit.drawing.svg import element, path, picture


def sparkline(
    values: Sequence[float | None],
    *,
    title: str,
    limit: float | None = None,
    style: str = "current",
    width: float = 120.0,
    height: float = 28.0,
) -> str:
    """Values in order, from zero; a None is a gap; `limit` is dashed; the last known value is a dot."""
    known = finite(values)
    if not known:
        return picture(width, height, title=title, class_="spark")
    upwards = Linear(*extent([*known, limit], from_zero=True), start=height - 4, end=4)
    across = Linear(0, max(1, len(values) - 1), start=4, end=width - 5)
    runs: list[list[tuple[float, float]]] = [[]]
    for number, value in enumerate(values):
        if value is not None and is_number(value):
            runs[-1].append((across(number), upwards(value)))
        elif runs[-1]:
            runs.append([])
    drawn = [element("path", d=path(run), class_=f"line thin {style}") for run in runs if len(run) > 1]
    if limit is not None and is_number(limit):
        y = upwards(limit)
        drawn.insert(0, element("line", x1=2, x2=width - 2, y1=y, y2=y, class_="line thin dashed reference"))
    drawn += [
        element("circle", cx=run[0][0], cy=run[0][1], r=1.5, class_=f"fill {style}") for run in runs if len(run) == 1
    ]
    x, y = [place for run in runs for place in run][-1]
    return picture(
        width, height, *drawn, element("circle", cx=x, cy=y, r=3, class_=f"fill {style}"), title=title, class_="spark"
    )
