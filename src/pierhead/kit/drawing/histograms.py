"""Two distributions over the same bins: the reference filled, the current one as an outline."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from pierhead.kit.drawing.frame import Frame, nothing, number_axis
from pierhead.kit.drawing.legend import Entry
from pierhead.kit.drawing.lines import framed
from pierhead.kit.drawing.numbers import number, share
from pierhead.kit.drawing.scales import Linear, finite
from pierhead.kit.drawing.svg import element, hint, path, picture, words

_SIZE = Frame(width=440, height=180, left=10, right=10, top=18, bottom=24)


@dataclass(frozen=True, slots=True)
class Shares:
    """The shares (0-1) of one distribution in the bins, and below and above all of them."""

    name: str
    inside: Sequence[float]
    below: float = 0.0
    above: float = 0.0


def histogram_pair(
    edges: Sequence[float], reference: Shares | None, current: Shares | None, *, title: str, description: str = ""
) -> str:
    """Areas in proportion to shares, so bins may differ in width. `edges` has one more entry than the bins.

    Without a usable bin (edges that are not finite and increasing) there is a sentence instead.
    """
    present = [each for each in (reference, current) if each is not None]
    entries = [Entry(each.name, *_STYLE[each is reference]) for each in present]
    frame, key = framed(entries, _SIZE)
    bins = len(edges) - 1
    is_usable = bins > 0 and len(finite(edges)) == len(edges) and all(a < b for a, b in pairwise(edges))
    densities = {each.name: _densities(edges, each.inside) for each in present} if is_usable else {}
    highest = max((max(values) for values in densities.values()), default=0.0)
    if not highest > 0:
        return picture(frame.width, frame.height, nothing(frame, "No values"), title=title, description=description)
    across, upwards = frame.across(edges[0], edges[-1]), frame.upwards(0.0, highest)
    drawn = []
    if reference is not None:
        drawn.append(_filled(edges, densities[reference.name], across, upwards))
    if current is not None:
        drawn.append(_outlined(edges, densities[current.name], across, upwards))
    return picture(
        frame.width,
        frame.height,
        *drawn,
        number_axis(frame, across),
        _targets(frame, edges, across, present),
        _tails(frame, present),
        key,
        title=title,
        description=description,
    )


_STYLE = {True: ("reference", "area"), False: ("current", "outline")}


def _densities(edges: Sequence[float], shares: Sequence[float]) -> list[float]:
    widths = [upper - lower for lower, upper in pairwise(edges)]
    widest = max(widths)
    # In units of the widest bin: the quotient of a share and a tiny width may be no number.
    relative = [width / widest for width in widths]
    return [
        min(1e6, max(0.0, (finite([s]) or [0.0])[0]) / r) if r > 0 else 0.0
        for s, r in zip(shares, relative, strict=True)
    ]


def _filled(edges: Sequence[float], values: Sequence[float], across: Linear, upwards: Linear) -> str:
    bars = [
        element(
            "rect",
            x=across(lower),
            width=across(upper) - across(lower),
            y=upwards(value),
            height=upwards(0.0) - upwards(value),
            class_="fill soft reference",
        )
        for lower, upper, value in zip(edges, edges[1:], values, strict=False)
    ]
    return "".join(bars)


def _outlined(edges: Sequence[float], values: Sequence[float], across: Linear, upwards: Linear) -> str:
    steps = [(across(edges[0]), upwards(0.0))]
    for lower, upper, value in zip(edges, edges[1:], values, strict=False):
        steps += [(across(lower), upwards(value)), (across(upper), upwards(value))]
    steps.append((across(edges[-1]), upwards(0.0)))
    area = element("path", d=path(steps, closed=True), class_="fill faint current")
    return area + element("path", d=path(steps), class_="line current")


def _targets(frame: Frame, edges: Sequence[float], across: Linear, present: Sequence[Shares]) -> str:
    """Something to point at over each bin that says its numbers."""
    drawn = []
    for number_of_bin, (lower, upper) in enumerate(pairwise(edges)):
        shares = ", ".join(f"{each.name} {share(each.inside[number_of_bin])}" for each in present)
        drawn.append(
            element(
                "rect",
                hint(f"{number(lower)} to {number(upper)}: {shares}"),
                x=across(lower),
                width=across(upper) - across(lower),
                y=frame.top,
                height=frame.y_end - frame.top,
                fill="transparent",
            )
        )
    return "".join(drawn)


def _tails(frame: Frame, present: Sequence[Shares]) -> str:
    """What lies outside of the drawn range, in words at its ends, where it is worth words."""
    texts = []
    for side, x, anchor, sign in (("below", frame.left, "start", "◂"), ("above", frame.x_end, "end", "▸")):
        outside = [(each.name, getattr(each, side)) for each in present]
        if any(value >= 0.005 for _, value in outside):
            said = " | ".join(share(value) for _, value in outside)
            shown = f"{sign} {said}" if side == "below" else f"{said} {sign}"
            told = f"{side} this range: " + ", ".join(f"{name} {share(value)}" for name, value in outside)
            texts.append(element("g", hint(told), words(shown, x, frame.top - 4, "label small", anchor)))
    return "".join(texts)
