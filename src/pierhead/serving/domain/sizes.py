"""How many calls at a time an entity is to take, and how many workers that means."""

from dataclasses import dataclass
from math import ceil

from pierhead.serving.domain.endpoints import EntitySpec

CONCURRENCY_PER_REPLICA = 4
"""Calls at a time that one worker of an original stands for: `Small` is 4 of them and has one worker."""

CONCURRENCY_PER_COMPILED = 64
"""The same for a worker of a compiled artifact, which answers all calls of a turn together."""

MOST_CONCURRENCY = 64

_UTILISATION = 0.75
"""Share of a worker's calls at which another worker is wanted: it takes a while to come."""


@dataclass(frozen=True, slots=True)
class Concurrency:
    """Calls at a time: those that there is always room for, and those that there may be room for."""

    least: int
    most: int


SIZES = {"Small": Concurrency(4, 4), "Medium": Concurrency(8, 16), "Large": Concurrency(16, 64)}


@dataclass(frozen=True, slots=True)
class Bounds:
    """From `least` to `most` workers, each for about `target` calls at a time."""

    least: int
    most: int
    target: float

    def capped(self, most: int) -> "Bounds":
        """The same with at most so many workers; the least of them stay."""
        return Bounds(self.least, max(self.least, 1, min(self.most, most)), self.target)


def provisioned(spec: EntitySpec) -> Concurrency:
    """By size, or by the concurrency asked for; as for `Small` if nothing is said."""
    if spec.workload_size is not None:
        return SIZES[spec.workload_size]
    most = spec.max_provisioned_concurrency or SIZES["Small"].most
    return Concurrency(max(1, spec.min_provisioned_concurrency or 0), most)


def bounds_of(spec: EntitySpec, *, is_compiled: bool, cores: int, is_prewarmed: bool = False) -> Bounds:
    """Between how many workers an entity may move on a machine with so many `cores`.

    One compiled worker can keep a core busy, so there are no more of them than cores. Scaling to zero takes away the
    lower bound, as it does at Databricks; an entity that is prewarmed keeps its first worker.

    >>> bounds_of(EntitySpec("m", "1", workload_size="Large"), is_compiled=False, cores=2)
    Bounds(least=4, most=16, target=3.0)
    >>> bounds_of(EntitySpec("m", "1", workload_size="Large"), is_compiled=True, cores=2)
    Bounds(least=1, most=2, target=48.0)
    """
    asked = provisioned(spec)
    calls = CONCURRENCY_PER_COMPILED if is_compiled else CONCURRENCY_PER_REPLICA
    least = ceil(asked.least / calls)
    most = ceil(asked.most / CONCURRENCY_PER_REPLICA)
    if is_compiled:
        most = max(1, min(cores, most))
    if spec.scale_to_zero_enabled:
        least = 1 if is_prewarmed else 0
    return Bounds(least, max(least, most), calls * _UTILISATION)


def first_workers(spec: EntitySpec, *, is_compiled: bool) -> int:
    """Workers that must be ready before a config answers; at least one, which shows that the version can run.

    >>> spec = EntitySpec("m", "1", min_provisioned_concurrency=8, max_provisioned_concurrency=16)
    >>> first_workers(spec, is_compiled=False), first_workers(spec, is_compiled=True)
    (2, 1)
    """
    return max(1, bounds_of(spec, is_compiled=is_compiled, cores=1).least)
