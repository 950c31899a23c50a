"""A compiled model that answers wrongly in production: how long, and what becomes of its endpoint."""

import time
from dataclasses import dataclass

from benchmarks.faults.scenarios import tamper
from benchmarks.faults.traffic import Counts
from benchmarks.faults.world import World, wait_until

_WITHIN_S = 120.0


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """`before` and `after` the endpoint went over to the original, which took `noticed_s`."""

    before: Counts
    after: Counts
    noticed_s: float


def answer_wrongly(world: World, model: str) -> Withdrawn:
    """Ends with the original serving. Raises TimeoutError if nobody notices."""
    began_s = time.monotonic()
    with world.traffic(model) as traffic:
        tamper(world, model)
        wait_until(
            f"{model} goes over to its original",
            lambda: not world.route(model).get("is_compiled", True),
            _WITHIN_S,
        )
        noticed_s = time.monotonic() - began_s
        # The gateway may need a moment to hear of it.
        time.sleep(1.0)
    with world.traffic(model) as healed:
        healed.wait_for(50)
    return Withdrawn(traffic.counts, healed.counts, noticed_s)
