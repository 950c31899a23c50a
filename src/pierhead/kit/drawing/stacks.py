"""Amounts over time, one upon the other: what share each has, and how much they are together."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pierhead.kit.drawing.frame import hatched, markers, nothing, time_axis, value_axis
from pierhead.kit.drawing.legend import Entry
from pierhead.kit.drawing.lines import Around, framed
from pierhead.kit.drawing.numbers import number
from pierhead.kit.drawing.scales import extent, finite
from pierhead.kit.drawing.svg import element, hint, picture


@dataclass(frozen=True, slots=True)
class Amount:
    """From `start` until `end`."""

    start: datetime
    end: datetime
    value: float


@dataclass(frozen=True, slots=True)
class Stack:
    name: str
    amounts: Sequence[Amount]
    style: str


def stacked(stacks: Sequence[Stack], around: Around, *, title: str, description: str = "", unit: str = "") -> str:
    """A bar for each stretch of time, the first stack lowest. Amounts must be 0 or more."""
    frame, key = framed([Entry(stack.name, stack.style, "block") for stack in stacks])
    totals: dict[datetime, float] = {}
    for stack in stacks:
        for amount in stack.amounts:
            totals[amount.start] = totals.get(amount.start, 0.0) + _known(amount.value)
    if not finite(totals.values()) or max(totals.values()) <= 0:
        return picture(
            frame.width, frame.height, nothing(frame, "None in this period"), title=title, description=description
        )
    across = frame.through(around.start, around.end)
    upwards = frame.upwards(*extent(totals.values(), from_zero=True))
    below: dict[datetime, float] = {}
    bars = []
    for stack in stacks:
        for amount in stack.amounts:
            base = below.get(amount.start, 0.0)
            top = below[amount.start] = base + _known(amount.value)
            x0, x1 = across(amount.start), across(amount.end)
            said = f"{stack.name}, {amount.start:%Y-%m-%d %H:%M} UTC: {number(amount.value)} {unit}".strip()
            bars.append(
                element(
                    "rect",
                    hint(said),
                    x=x0 + 0.5,
                    width=max(1.0, x1 - x0 - 1.0),
                    y=upwards(top),
                    height=upwards(base) - upwards(top),
                    class_=f"fill {stack.style}",
                )
            )
    return picture(
        frame.width,
        frame.height,
        value_axis(frame, upwards),
        "".join(bars),
        time_axis(frame, across),
        hatched(frame, across, around.stretches),
        markers(frame, across, around.markers),
        key,
        title=title,
        description=description,
    )


def _known(value: float) -> float:
    return max(0.0, (finite([value]) or [0.0])[0])
