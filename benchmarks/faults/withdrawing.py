"""Compiled files that turn wrong behind the platform's back: who notices, how soon, and what callers see."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.faults.scenarios import damage
from benchmarks.faults.traffic import Counts
from benchmarks.faults.world import World, wait_until

_WITHIN_S = 280.0
_ENDPOINT = "withdrawn"


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """`before` and `after` the endpoint went over to the original, which took `noticed_s`."""

    before: Counts
    after: Counts
    noticed_s: float


def start_damaged(world: World) -> Withdrawn:
    """A worker that starts with damaged files repeats its golden rows first. Raises TimeoutError if it serves them."""

    def serves_original() -> bool:
        return not world.route("price").get("is_compiled", True)

    return _hurt(world, "1", "price", serves_original)


def answer_wrongly(world: World) -> Withdrawn:
    """Without golden rows the damage shows in answers, which are compared with the original's beside the path.

    Raises TimeoutError if nobody notices.
    """
    world.serve("price", "2", endpoint=_ENDPOINT)
    world.wait_ready(_ENDPOINT)
    world.wait_compiled("price", "2")
    wait_until("the artifact serves", lambda: world.route(_ENDPOINT).get("is_compiled", False), 60)
    digest = world.certificate("price", "2")["certificate"]["artifact"]
    for golden in world.home.compiled.glob(f"{digest}*/**/golden.json"):
        golden.parent.chmod(0o700)
        golden.unlink()

    def is_withdrawn() -> bool:
        is_compiled = world.route(_ENDPOINT).get("is_compiled", True)
        return world.certificate("price", "2")["withdrawal"] is not None and not is_compiled

    return _hurt(world, "2", _ENDPOINT, is_withdrawn)


def _hurt(world: World, version: str, endpoint: str, is_noticed: Callable[[], bool]) -> Withdrawn:
    with world.traffic("price", endpoint=endpoint) as traffic:
        began_s = time.monotonic()
        damage(world, "price", version, endpoint)
        wait_until(f"{endpoint} goes over to its original", is_noticed, _WITHIN_S)
        noticed_s = time.monotonic() - began_s
        # The gateway may need a moment to hear of it.
        time.sleep(1.0)
    with world.traffic("price", endpoint=endpoint) as healed:
        healed.wait_for(50)
    return Withdrawn(traffic.counts, healed.counts, noticed_s)
