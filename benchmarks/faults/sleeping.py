"""Endpoints that go to sleep, and the first callers who wake them."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import psutil

from benchmarks.faults.traffic import RIGHT, Counts
from benchmarks.faults.world import World, wait_until

_CALLERS = 16
_VERSION = "2"


@dataclass(frozen=True, slots=True)
class Woken:
    """`wake_s` is until the first answer; `processes_asleep` how many workers there were while nobody asked."""

    counts: Counts
    wake_s: float
    processes_asleep: int


def sleep_and_wake(world: World, models: Sequence[str], sleeps_after_s: float) -> Mapping[str, Woken]:
    """Serve each model at an endpoint of its own that may scale to zero; wait for that; then many ask at once.

    They sleep together and are woken one after the other. It is the second version, since endpoints that serve the same
    files share workers, and the others stay awake.
    """
    for model in models:
        world.serve(model, _VERSION, endpoint=_endpoint(model), sleeps=True)
    awake = {model: _called_once(world, model) for model in models}
    asleep = {model: _left_asleep(world, model, workers, sleeps_after_s) for model, workers in awake.items()}
    woken = {model: _woken(world, model, asleep[model]) for model in models}
    for model in models:
        world.call("DELETE", f"/api/2.0/serving-endpoints/{_endpoint(model)}")
    return woken


def _endpoint(model: str) -> str:
    return f"sleepy-{model}"


def _called_once(world: World, model: str) -> list[psutil.Process]:
    """The workers that answered."""
    endpoint = _endpoint(model)
    world.wait_ready(endpoint)
    world.wait_compiled(model, _VERSION)
    with world.traffic(model, endpoint=endpoint, connections=2) as before:
        before.wait_for(10)
    return world.workers(endpoint)


def _left_asleep(world: World, model: str, awake: Sequence[psutil.Process], sleeps_after_s: float) -> int:
    """How many workers there are when none is needed."""
    endpoint = _endpoint(model)
    wait_until(f"{endpoint} sleeps", lambda: not world.workers(endpoint), sleeps_after_s + 60)
    # A worker that may go lingers for what is on its way to it.
    psutil.wait_procs(awake, timeout=30)
    return sum(worker.is_running() for worker in [*awake, *world.workers(endpoint)])


def _woken(world: World, model: str, asleep: int) -> Woken:
    endpoint = _endpoint(model)
    began_s = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        traffic = world.traffic(model, endpoint=endpoint, connections=_CALLERS)
        first = pool.submit(_first_answer_s, traffic.counts, began_s)
        with traffic:
            traffic.wait_for(_CALLERS * 4)
        return Woken(traffic.counts, first.result(), asleep)


def _first_answer_s(counts: Counts, began_s: float) -> float:
    wait_until("somebody is answered", lambda: counts.fates[RIGHT] > 0, 120)
    return time.monotonic() - began_s
