"""Endpoints that go to sleep, and the first callers who wake them."""

import time
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


def sleep_and_wake(world: World, model: str, sleeps_after_s: float) -> Woken:
    """Serve `model` at an endpoint of its own that may scale to zero; wait for that; then many ask at once.

    It is the second version, since endpoints that serve the same files share workers, and the others stay awake.
    """
    endpoint = f"sleepy-{model}"
    world.serve(model, _VERSION, endpoint=endpoint, sleeps=True)
    world.wait_ready(endpoint)
    world.wait_compiled(model, _VERSION)
    with world.traffic(model, endpoint=endpoint, connections=2) as before:
        before.wait_for(10)
    awake = world.workers(endpoint)
    wait_until(f"{endpoint} sleeps", lambda: not world.workers(endpoint), sleeps_after_s + 60)
    # A worker that may go lingers for what is on its way to it.
    psutil.wait_procs(awake, timeout=30)
    asleep = sum(worker.is_running() for worker in [*awake, *world.workers(endpoint)])
    began_s = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        traffic = world.traffic(model, endpoint=endpoint, connections=_CALLERS)
        first = pool.submit(_first_answer_s, traffic.counts, began_s)
        with traffic:
            traffic.wait_for(_CALLERS * 4)
        woken = Woken(traffic.counts, first.result(), asleep)
    world.call("DELETE", f"/api/2.0/serving-endpoints/{endpoint}")
    return woken


def _first_answer_s(counts: Counts, began_s: float) -> float:
    wait_until("somebody is answered", lambda: counts.fates[RIGHT] > 0, 120)
    return time.monotonic() - began_s
