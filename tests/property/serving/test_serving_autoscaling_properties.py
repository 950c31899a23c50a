"""Whatever the calls do, the number of workers keeps to its bounds and comes to rest."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import ceil

from hypothesis import given, settings
from hypothesis import strategies as st

from pierhead.serving.domain.autoscaling import STABLE, Load, Reading, Scale, decide_replicas
from pierhead.serving.domain.sizes import Bounds

START = datetime(2026, 1, 1, tzinfo=UTC)
IDLE = timedelta(minutes=5)

levels = st.floats(0, 200, allow_nan=False).map(lambda level: round(level, 2))


@st.composite
def all_bounds(draw: st.DrawFn) -> Bounds:
    least = draw(st.integers(0, 8))
    return Bounds(least, max(1, least + draw(st.integers(0, 16))), draw(st.sampled_from([3.0, 48.0])))


def run(bounds: Bounds, calls: Sequence[float], start: Scale, *, lag_s: int = 2) -> list[int]:
    """Replicas second by second; workers are ready after `lag_s` seconds. A call that finds none waits."""
    scale, history, readings = start, [start.replicas] * lag_s, list[Reading]()
    for s, level in enumerate(calls, 1):
        now = START + timedelta(seconds=s)
        ready = min(history[-lag_s:])
        if level > 0:
            readings.append(Reading(now, 1.0, level))
        readings = [reading for reading in readings if now - reading.at <= STABLE]
        waiting = ceil(level) if not ready else 0
        scale = decide_replicas(bounds, Load(START, readings, waiting), scale, ready=ready, idle=IDLE, now=now)
        history.append(scale.replicas)
    return history[lag_s:]


@given(all_bounds(), st.lists(levels, min_size=1, max_size=120), st.integers(0, 40))
@settings(max_examples=150, deadline=None)
def test_replicas_stay_within_their_bounds_once_they_are(bounds: Bounds, calls: list[float], start: int) -> None:
    begun = max(bounds.least, min(bounds.most, start))
    assert all(bounds.least <= each <= bounds.most for each in run(bounds, calls, Scale(begun, START)))


@given(all_bounds(), st.lists(levels.filter(lambda level: level > 0), min_size=1, max_size=120))
@settings(max_examples=100, deadline=None)
def test_there_is_a_worker_whenever_there_are_calls(bounds: Bounds, calls: list[float]) -> None:
    assert min(run(bounds, calls, Scale(bounds.least, START))) >= 1


@given(all_bounds(), levels, st.integers(0, 24))
@settings(max_examples=100, deadline=None)
def test_constant_calls_come_to_rest_at_what_they_need(bounds: Bounds, level: float, start: int) -> None:
    begun = max(bounds.least, min(bounds.most, start))
    history = run(bounds, [level] * 900, Scale(begun, START))
    needed = max(bounds.least, min(bounds.most, ceil(level / bounds.target - 1e-6)))
    if level == 0:
        assert history[-1] == bounds.least
    else:
        assert history[-1] == max(1, needed)
    assert len(set(history[700:])) == 1


@given(all_bounds(), levels.filter(lambda level: level > 0), st.integers(70, 300))
@settings(max_examples=100, deadline=None)
def test_demand_is_met_within_thirty_seconds_of_any_jump(bounds: Bounds, level: float, quiet_s: int) -> None:
    history = run(bounds, [0.0] * quiet_s + [level] * 30, Scale(bounds.least, START))
    # A jump by less than twice is left to the calm average, which takes a minute.
    needed = min(bounds.most, ceil(level / bounds.target - 1e-6))
    before = max(1, history[quiet_s - 1])
    assert history[-1] >= (needed if needed >= 2 * before else min(needed, before))


@given(st.lists(levels, min_size=1, max_size=60))
@settings(max_examples=50, deadline=None)
def test_zero_is_only_for_those_who_may(calls: list[float]) -> None:
    assert min(run(Bounds(1, 16, 3.0), [*calls, *[0.0] * 600], Scale(1, START))) >= 1
