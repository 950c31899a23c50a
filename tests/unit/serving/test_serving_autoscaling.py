"""The autoscaler's rule in simulated time: a machine that starts a worker in a few seconds, and calls as we like."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from pierhead.serving.domain.autoscaling import PANIC, STABLE, Load, Reading, Scale, average, decide_replicas
from pierhead.serving.domain.endpoints import EntitySpec
from pierhead.serving.domain.sizes import Bounds, bounds_of, first_workers

START = datetime(2026, 1, 1, tzinfo=UTC)
IDLE = timedelta(minutes=5)
LARGE = Bounds(4, 16, 3.0)
TO_ZERO = Bounds(0, 16, 3.0)


@dataclass
class Simulation:
    """Calls at a time as a function of seconds; a worker is ready `start_s` after it is wanted."""

    bounds: Bounds
    calls: Callable[[float], float]
    start_s: float = 2.0
    scale: Scale = field(default_factory=lambda: Scale(0, START))
    readings: list[Reading] = field(default_factory=list)
    starting: list[float] = field(default_factory=list)
    history: list[tuple[float, int]] = field(default_factory=list)
    ready: int = 0

    def run(self, until_s: float) -> "Simulation":
        step_s = 0.25
        s = self.history[-1][0] + step_s if self.history else 0.0
        while s < until_s:
            self._step(s)
            s += step_s
        return self

    def _step(self, s: float) -> None:
        now = START + timedelta(seconds=s)
        self.ready = min(self.ready + sum(at <= s for at in self.starting), self.scale.replicas)
        self.starting = [at for at in self.starting if at > s]
        if s == int(s) and self.calls(s) > 0:
            self.readings.append(Reading(now, 1.0, self.calls(s)))
        recent = [reading for reading in self.readings if now - reading.at <= STABLE]
        waiting = 0 if self.ready else round(self.calls(s))
        load = Load(START, recent, waiting)
        self.scale = decide_replicas(self.bounds, load, self.scale, ready=self.ready, idle=IDLE, now=now)
        missing = self.scale.replicas - self.ready - len(self.starting)
        self.starting += [s + self.start_s] * max(0, missing)
        self.history.append((s, self.scale.replicas))

    def replicas_at(self, s: float) -> int:
        return next(replicas for at, replicas in reversed(self.history) if at <= s)

    def changes(self, from_s: float = 0.0) -> list[tuple[float, int]]:
        after = [each for each in self.history if each[0] >= from_s]
        return [b for a, b in pairwise(after) if a[1] != b[1]]


def test_constant_calls_settle_and_stay() -> None:
    simulation = Simulation(LARGE, lambda _: 20.0).run(600)
    assert simulation.replicas_at(599) == 7
    assert simulation.changes(from_s=180) == []


def test_a_square_wave_is_followed_up_within_seconds_and_down_within_two_minutes() -> None:
    simulation = Simulation(LARGE, lambda s: 40.0 if 120 <= s < 300 else 2.0).run(600)
    assert simulation.replicas_at(119) == 4
    assert simulation.replicas_at(130) >= 14
    assert simulation.replicas_at(299) >= 14
    assert simulation.replicas_at(480) == 4


def test_a_ramp_is_followed_without_falling_behind() -> None:
    simulation = Simulation(LARGE, lambda s: min(45.0, s / 4)).run(300)
    for s in range(60, 300, 10):
        assert simulation.replicas_at(s) * 4 >= min(45.0, s / 4) - 8
    assert simulation.replicas_at(299) >= 15


def test_a_burst_is_answered_at_once_and_its_workers_stay_for_a_minute() -> None:
    simulation = Simulation(LARGE, lambda s: 48.0 if 100 <= s < 110 else 1.0).run(400)
    assert simulation.replicas_at(107) == 16
    assert simulation.replicas_at(150) == 16
    assert simulation.replicas_at(399) == 4


def test_one_call_after_a_long_silence_wakes_one_worker_that_goes_after_five_minutes() -> None:
    simulation = Simulation(TO_ZERO, lambda s: 1.0 if 400 <= s < 403 else 0.0).run(800)
    assert simulation.replicas_at(399) == 0
    assert simulation.changes()[0] == (400, 1)
    assert simulation.changes()[-1][1] == 0
    assert 700 <= simulation.changes()[-1][0] <= 706


def test_many_held_calls_wake_as_many_workers_as_they_need() -> None:
    simulation = Simulation(TO_ZERO, lambda s: 30.0 if s >= 10 else 0.0).run(11)
    assert simulation.replicas_at(10) == 10


def test_calls_that_come_and_go_do_not_make_workers_come_and_go() -> None:
    simulation = Simulation(LARGE, lambda s: 30.0 if int(s) % 10 < 5 else 6.0).run(900)
    assert len(simulation.changes(from_s=120)) <= 2


def test_a_trickle_keeps_the_last_worker() -> None:
    simulation = Simulation(TO_ZERO, lambda s: 0.01 if int(s) % 240 == 0 else 0.0).run(1800)
    assert simulation.replicas_at(1799) == 1


def test_nothing_is_taken_away_while_nobody_knows_the_calls() -> None:
    before = Scale(7, START)
    later = START + timedelta(hours=1)
    assert decide_replicas(TO_ZERO, None, before, ready=7, idle=IDLE, now=later).replicas == 7


def test_an_entity_that_may_not_sleep_keeps_its_least() -> None:
    simulation = Simulation(LARGE, lambda _: 0.0).run(900)
    assert {replicas for _, replicas in simulation.history} == {4}


def test_an_average_counts_areas_of_all_gateways_and_only_what_lies_in_the_window() -> None:
    now = START + timedelta(seconds=100)
    two_gateways = [Reading(now, 1.0, 3.0), Reading(now, 1.0, 3.0), Reading(now - timedelta(seconds=5.5), 1.0, 6.0)]
    assert average(Load(START, two_gateways), PANIC, now) == pytest.approx((3 + 3 + 6 * 0.5) / 6)
    old = [Reading(now - timedelta(seconds=60), 1.0, 100.0)]
    assert average(Load(START, old), STABLE, now) == 0.0
    assert average(Load(now - timedelta(seconds=2), two_gateways[:2]), STABLE, now) == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("size", "least", "most", "compiled_most"), [("Small", 1, 1, 1), ("Medium", 2, 4, 4), ("Large", 4, 16, 8)]
)
def test_databricks_sizes_are_bounds(size: str, least: int, most: int, compiled_most: int) -> None:
    spec = EntitySpec("m", "1", workload_size=size)
    original = bounds_of(spec, is_compiled=False, cores=8)
    compiled = bounds_of(spec, is_compiled=True, cores=8)
    assert (original.least, original.most) == (least, most)
    assert (compiled.least, compiled.most) == (1, compiled_most)


@pytest.mark.parametrize(("lowest", "count"), [(0, 1), (4, 1), (5, 2), (16, 4), (64, 16)])
def test_the_least_concurrency_says_how_many_workers_there_are_at_least(lowest: int, count: int) -> None:
    spec = EntitySpec("m", "1", min_provisioned_concurrency=lowest, max_provisioned_concurrency=64)
    assert first_workers(spec, is_compiled=False) == count
    assert bounds_of(spec, is_compiled=False, cores=2) == Bounds(count, 16, 3.0)


def test_scaling_to_zero_takes_the_lower_bound_away_and_prewarming_leaves_one() -> None:
    spec = EntitySpec("m", "1", workload_size="Large", scale_to_zero_enabled=True)
    assert bounds_of(spec, is_compiled=False, cores=2).least == 0
    assert bounds_of(spec, is_compiled=False, cores=2, is_prewarmed=True).least == 1
    assert first_workers(spec, is_compiled=False) == 1


def test_what_fits_caps_the_most_and_never_the_least() -> None:
    assert LARGE.capped(6) == Bounds(4, 6, 3.0)
    assert LARGE.capped(2) == Bounds(4, 4, 3.0)
    assert TO_ZERO.capped(0) == Bounds(0, 1, 3.0)
