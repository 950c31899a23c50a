"""What of the machine's memory is taken or promised, by the variants of workers that have it or will."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from pierhead.serving.domain.capacity import Machine, Room, estimated_bytes, room_for
from pierhead.serving.domain.room import LONGEST_RUSH, STARTS_PER_CORE, Space
from pierhead.serving.domain.roster import Post, Roster, demand
from pierhead.serving.domain.workers import WorkerObservation, WorkerPhase
from pierhead.serving.domain.workloads import Variant


class Claims:
    """At one moment; what is granted at it counts at once."""

    def __init__(
        self,
        machine: Machine,
        roster: Roster,
        workers: Iterable[WorkerObservation],
        *,
        now: datetime,
        not_yet: Collection[str] = (),
        available_bytes: int | None = None,
    ) -> None:
        """`roster` holds everybody who has workers or is to have some, but for variants of a key in `not_yet`.

        `available_bytes` is what the machine could give at this moment, None if nobody looked.
        """
        self._machine = machine
        self._roster = roster
        self._now = now
        self._not_yet = not_yet
        self._available_bytes = available_bytes
        self._coming_bytes = 0
        self._workers: dict[str, list[WorkerObservation]] = {}
        for worker in workers:
            self._workers.setdefault(worker.workload, []).append(worker)
        self._bytes: dict[str, int] | None = None
        self._leaving_bytes = 0

    def worker_bytes(self, variant: Variant) -> int:
        """Of one worker: as those that are ready have it, or by the size of its files."""
        own = self._workers.get(variant.key, ())
        measured = max((worker.memory_bytes for worker in own if worker.is_ready), default=0)
        files_bytes = 0 if variant.artifact is None else _files_bytes(variant.artifact)
        return measured or estimated_bytes(files_bytes, is_compiled=variant.is_compiled)

    def used_bytes(self, variant: Variant) -> int:
        """By all workers of a variant."""
        each = self.worker_bytes(variant)
        return sum(worker.memory_bytes or each for worker in self._workers.get(variant.key, ()))

    def room(self, variant: Variant) -> Room:
        """For workers of a variant, beside what all others have or will."""
        others = [taken for key, taken in self._all().items() if key != variant.key]
        return room_for(self._machine, self.worker_bytes(variant), others, is_compiled=variant.is_compiled)

    def grant(self, variant: Variant, workers: int) -> None:
        """So many of it there may be."""
        claims = self._all()
        claims[variant.key] = max(claims.get(variant.key, 0), workers * self.worker_bytes(variant))

    def space(self) -> Space:
        free = self._machine.usable_bytes - sum(self._all().values())
        if self._available_bytes is not None:
            free = min(free, self._available_bytes - self._machine.kept_free_bytes - self._coming_bytes)
        return Space(free, self._leaving_bytes, self.starts())

    def starts(self) -> int:
        """How many workers may begin to start."""
        starting = sum(
            worker.phase is WorkerPhase.STARTING and self._now - worker.started_at < LONGEST_RUSH
            for own in self._workers.values()
            for worker in own
        )
        return max(0, STARTS_PER_CORE * self._machine.cores - starting)

    def _all(self) -> dict[str, int]:
        if self._bytes is None:
            self._bytes = {key: _memory(own) for key, own in self._workers.items()}
            wanted = _wanted(self._roster.posts.values(), self._not_yet)
            self._leaving_bytes = sum(taken for key, taken in self._bytes.items() if key not in wanted)
            for key, (variant, count) in wanted.items():
                missing = self._missing_bytes(variant, count)
                self._coming_bytes += missing
                self._bytes[key] = self._bytes.get(key, 0) + missing
        return self._bytes

    def _missing_bytes(self, variant: Variant, count: int) -> int:
        """What starts, or is to start, has not taken yet all that it will."""
        own = self._workers.get(variant.key, ())
        ready = [worker for worker in own if worker.is_ready]
        begun = _memory(worker for worker in own if not worker.is_ready)
        return max(0, (count - len(ready)) * self.worker_bytes(variant) - begun)


def _memory(workers: Iterable[WorkerObservation]) -> int:
    return sum(worker.memory_bytes for worker in workers)


def _wanted(configs: Iterable[Sequence[Post]], not_yet: Collection[str]) -> dict[str, tuple[Variant, int]]:
    """How many workers there are to be of each variant, by its key."""
    counts: Counter[str] = Counter()
    variants: dict[str, Variant] = {}
    for posts in configs:
        counts |= demand(posts)
        variants |= {way.key: way for post in posts for way in post.ways}
    return {key: (variants[key], count) for key, count in counts.items() if key not in not_yet}


@lru_cache(maxsize=1024)
def _files_bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
