"""What fits on the machine."""

from collections.abc import Iterable
from dataclasses import dataclass

from pierhead.serving.domain.endpoints import EntitySpec
from pierhead.serving.domain.sizes import bounds_of

_MIB = 1024 * 1024

_USABLE_SHARE = 0.9
_PLATFORM_BYTES = 512 * _MIB
"""What gateways, api, controller and tracking need themselves, about."""

_KEPT_FREE_SHARE = 0.05
"""Share of the memory that no worker may be started into, whoever else uses the rest."""

_ORIGINAL_BYTES = 350 * _MIB
"""A worker of an original before it has loaded anything: MLflow, pandas and the model's libraries."""
_COMPILED_BYTES = 80 * _MIB
_GROWTH = 3
"""A model in memory against its files: they are often compressed, and loading holds some of it twice."""

_ORIGINALS_PER_CORE = 8
"""Workers of an original spend much of their time waiting for calls."""


@dataclass(frozen=True, slots=True)
class Machine:
    memory_bytes: int
    cores: int

    @property
    def usable_bytes(self) -> int:
        """What workers may have together."""
        return max(0, int(self.memory_bytes * _USABLE_SHARE) - _PLATFORM_BYTES)

    @property
    def kept_free_bytes(self) -> int:
        """What is left free in any case."""
        return int(self.memory_bytes * _KEPT_FREE_SHARE)


@dataclass(frozen=True, slots=True)
class Room:
    """How many workers of one kind a machine takes, and the numbers that say so."""

    workers: int
    worker_bytes: int
    free_bytes: int
    cores: int

    def explained(self) -> str:
        """For people.

        >>> Room(3, 500 * 1024**2, 2 * 1024**3, 2).explained()
        '3 workers of about 500 MiB: 2.0 GiB of memory and 2 cores are there for them'
        """
        what = f"{self.workers} workers of about {in_words(self.worker_bytes)}"
        return f"{what}: {in_words(self.free_bytes)} of memory and {self.cores} cores are there for them"


def estimated_bytes(files_bytes: int, *, is_compiled: bool) -> int:
    """Memory of a worker that nobody has measured yet, by the size of its model's files."""
    return (_COMPILED_BYTES if is_compiled else _ORIGINAL_BYTES) + _GROWTH * files_bytes


def room_for(machine: Machine, worker_bytes: int, others_bytes: Iterable[int], *, is_compiled: bool) -> Room:
    """How many workers of `worker_bytes` each fit beside others that need this much."""
    free = max(0, machine.usable_bytes - sum(others_bytes))
    by_memory = free // max(worker_bytes, 1)
    by_cores = machine.cores * (1 if is_compiled else _ORIGINALS_PER_CORE)
    return Room(min(by_memory, by_cores), worker_bytes, free, machine.cores)


def room_problems(name: str, spec: EntitySpec, files_bytes: int, machine: Machine) -> list[str]:
    """Why a machine cannot hold the fewest workers that an entity must have, were it alone there.

    Counted as originals: a compiled version needs one as well, for what it hands back.
    """
    needed = max(1, bounds_of(spec, is_compiled=False, cores=machine.cores).least)
    room = room_for(machine, estimated_bytes(files_bytes, is_compiled=False), (), is_compiled=False)
    if needed <= room.workers:
        return []
    return [f"{name!r} needs at least {needed} workers, and this machine takes {room.explained()}"]


def in_words(size_bytes: float) -> str:
    """
    >>> [in_words(512), in_words(3 * 1024**2), in_words(5.5 * 1024**3)]
    ['1 MiB', '3 MiB', '5.5 GiB']
    """
    mib = size_bytes / _MIB
    return f"{mib / 1024:.1f} GiB" if mib >= 1024 else f"{max(1, round(mib))} MiB"
