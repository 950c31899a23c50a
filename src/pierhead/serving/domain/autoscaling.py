"""How many workers an entity should have, by how many calls it has at a time. After Knative's pod autoscaler.

Two averages decide: that of a minute, which is calm, and that of the last seconds, which sees a burst. When the short
one asks for twice the workers there are, it rules for a minute, in which no worker is taken away.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil

from pierhead.serving.domain.sizes import Bounds

STABLE = timedelta(seconds=60)
PANIC = timedelta(seconds=6)

_PANIC_THRESHOLD = 2.0
_DOWN_DELAY = timedelta(seconds=30)
_MOST_TIMES_UP = 10
_MOST_TIMES_DOWN = 2

# What a sum of many small areas may be above the whole number that it stands for.
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class Reading:
    """Calls at a time that one gateway had, on average over the `span_s` seconds before `at`."""

    at: datetime
    span_s: float
    concurrency: float


@dataclass(frozen=True, slots=True)
class Load:
    """What is known of an entity's calls since a moment: when there were any, and how many `waiting` find no worker."""

    since: datetime
    readings: Sequence[Reading] = ()
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class Scale:
    """A decision, and what the next one must know: when there was a call last, and what was thought since when."""

    replicas: int
    busy_at: datetime
    panic_until: datetime | None = None
    lower_since: datetime | None = None
    lower_most: int = 0
    concurrency: float = 0.0
    """Calls at a time that led to it."""


def decide_replicas(
    bounds: Bounds, load: Load | None, before: Scale, *, ready: int, idle: timedelta, now: datetime
) -> Scale:
    """The next scale; `ready` is how many workers answer now, `idle` how long none may be called before all go.

    Without a `load` nothing is known, which is no reason to take a worker away.
    """
    if load is None:
        return replace(before, replicas=_within(bounds, before.replicas))
    busy_at = _busy_at(load, before, now)
    if bounds.least == 0 and not load.waiting and _is_idle(before, busy_at, idle, now):
        return Scale(0, busy_at)
    calm, recent = average(load, STABLE, now), average(load, PANIC, now)
    if not ready:
        # Held calls are all there is to go by, and they are here now.
        recent = max(recent, load.waiting)
    hasty = _workers_for(recent, bounds)
    is_panic = hasty >= _PANIC_THRESHOLD * max(ready, 1)
    panic_until = now + STABLE if is_panic else before.panic_until
    if panic_until is not None and now >= panic_until:
        panic_until = None
    wanted = max(1, _workers_for(calm, bounds))
    if panic_until is not None:
        wanted = max(wanted, hasty, before.replicas)
    wanted = _within(bounds, min(wanted, _MOST_TIMES_UP * max(ready, 1)))
    return _delayed(replace(before, busy_at=busy_at, panic_until=panic_until), wanted, max(calm, recent), now)


def average(load: Load, window: timedelta, now: datetime) -> float:
    """Calls at a time within the window, of all gateways together; of the part of it that is known."""
    window_s = window.total_seconds()
    area = 0.0
    for reading in load.readings:
        age_s = max(0.0, (now - reading.at).total_seconds())
        area += reading.concurrency * max(0.0, min(window_s, age_s + reading.span_s) - age_s)
    known_s = min(window_s, (now - load.since).total_seconds())
    return area / max(known_s, 1.0)


def _workers_for(concurrency: float, bounds: Bounds) -> int:
    return ceil(concurrency / bounds.target - _ROUNDING)


def _within(bounds: Bounds, replicas: int) -> int:
    return max(bounds.least, min(bounds.most, replicas))


def _busy_at(load: Load, before: Scale, now: datetime) -> datetime:
    if load.waiting:
        return now
    return max((reading.at for reading in load.readings if reading.concurrency > 0), default=before.busy_at)


def _is_idle(before: Scale, busy_at: datetime, idle: timedelta, now: datetime) -> bool:
    if before.replicas == 0:
        return busy_at <= before.busy_at
    return now - busy_at >= idle


def _delayed(before: Scale, wanted: int, concurrency: float, now: datetime) -> Scale:
    """Up at once; down to the most that was wanted in half a minute, and by no more than half."""
    if wanted >= before.replicas:
        return replace(before, replicas=wanted, lower_since=None, lower_most=0, concurrency=concurrency)
    since = before.lower_since or now
    most = max(before.lower_most, wanted)
    if now - since < _DOWN_DELAY:
        return replace(before, lower_since=since, lower_most=most)
    fewer = max(most, before.replicas // _MOST_TIMES_DOWN)
    return replace(before, replicas=fewer, lower_since=None, lower_most=0, concurrency=concurrency)
