"""First workers of configs that are not active yet: they wait for their turn as those do who are called."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from pierhead.serving.domain.endpoints import Endpoint
from pierhead.serving.domain.roster import Roster
from pierhead.serving.domain.sizes import first_workers
from pierhead.serving.domain.workers import WorkerObservation, WorkerPhase
from pierhead.serving.services.wake_ups import Caller, Part

_ALIVE = (WorkerPhase.STARTING, WorkerPhase.READY)


@dataclass(frozen=True, slots=True)
class Beginners:
    """Workers of pending configs that have none: one caller for each variant. `unbuilt` are keys of those that cannot
    start yet."""

    callers: Sequence[Caller]
    unbuilt: Collection[str]

    @property
    def keys(self) -> set[str]:
        return {caller.variant.key for caller in self.callers} | set(self.unbuilt)


def beginners_of(endpoints: Iterable[Endpoint], roster: Roster, workers: Iterable[WorkerObservation]) -> Beginners:
    """Those of these endpoints."""
    alive = {worker.workload for worker in workers if worker.phase in _ALIVE}
    callers: dict[str, Caller] = {}
    unbuilt: set[str] = set()
    for endpoint in endpoints:
        pending = endpoint.pending
        if pending is None:
            continue
        for post in roster.posts_of(pending):
            key = post.main.key
            if key in alive:
                continue
            if not post.can_start:
                unbuilt.add(key)
                continue
            count = first_workers(post.entity.spec, is_compiled=post.main.is_compiled)
            callers[key] = Caller(
                (endpoint.id, key, False), post.main, pending.created_at, workers=count, is_called=False
            )
    return Beginners(list(callers.values()), unbuilt)


def held_back(
    firsts: Sequence[Caller], waiting: Mapping[Part, str], before: Mapping[str, str]
) -> tuple[dict[str, str], list[tuple[str, tuple[str, str]]]]:
    """Why these must wait, by the key of their variant; and what to tell endpoints, by their ids, that find no room.

    A reason that changes but in its numbers stays as it was `before`: it would be written down with each tick.
    """
    held: dict[str, str] = {}
    told: list[tuple[str, tuple[str, str]]] = []
    for first in firsts:
        reason = waiting.get(first.part)
        if reason is None:
            continue
        key = first.variant.key
        known = before.get(key)
        is_new = known is None or _kind(known) != _kind(reason)
        held[key] = reason if is_new or known is None else known
        if is_new and is_for_room(reason):
            told.append((first.part[0], ("waiting for room", f"the first worker of a new config waits: {reason}")))
    return held, told


def is_for_room(reason: str) -> bool:
    """Whether it waits for memory, and not only for its turn."""
    return ":" in reason


def _kind(reason: str) -> str:
    """
    >>> _kind("no room for a worker of about 80 MiB: 20 MiB are free")
    'no room for a worker of about 80 MiB'
    """
    return reason.partition(":")[0]
