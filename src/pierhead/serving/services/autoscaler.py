"""Keeps the number of workers of every entity near what its calls need. Its memory may be lost."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from math import ceil
from pathlib import Path

from pierhead.serving.domain.autoscaling import PANIC, STABLE, Scale, average, decide_replicas
from pierhead.serving.domain.capacity import Machine, Room, estimated_bytes, room_for
from pierhead.serving.domain.endpoints import Endpoint, EndpointConfig
from pierhead.serving.domain.observed import Staffing
from pierhead.serving.domain.roster import Post, Roster, configs_of
from pierhead.serving.domain.sizes import Bounds, bounds_of
from pierhead.serving.domain.tags import is_prewarmed
from pierhead.serving.domain.workers import WorkerObservation, WorkerPhase
from pierhead.serving.domain.workloads import Variant
from pierhead.serving.services.readings import EntityKey, Loads

_SHORT_SHARE = 0.85
"""Share of the memory for workers above which those that nobody calls make room sooner."""

ScaleKey = tuple[str, str]
"""Endpoint id and entity name."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long nobody may call before the last worker goes, and before the original beside a compiled version does.

    When memory is short nobody has more patience than `short`.
    """

    idle: timedelta = timedelta(minutes=5)
    companion_idle: timedelta = timedelta(minutes=5)
    short: timedelta = timedelta(seconds=20)

    def when_short(self) -> "Patience":
        return Patience(min(self.idle, self.short), min(self.companion_idle, self.short), self.short)


@dataclass(frozen=True, slots=True)
class _Memory:
    main: Scale
    companion: Scale
    capped_at: int | None = None
    """How many workers fitted when more were wanted; it is told once."""

    @property
    def staffing(self) -> Staffing:
        return Staffing(self.main.replicas, self.companion.replicas)


class Autoscaler:
    """One per controller. `staffing` is what it decided last; another object whenever something changed."""

    def __init__(self, machine: Machine, patience: Patience) -> None:
        self._machine = machine
        self._patience = patience
        self._memories: dict[ScaleKey, _Memory] = {}
        self.staffing: Mapping[ScaleKey, Staffing] = {}
        self.told: Mapping[str, Sequence[tuple[str, str]]] = {}
        """What there is to tell of endpoints since the last look, by their ids: kinds of events and messages."""
        self.woken: dict[ScaleKey, datetime] = {}
        """Entities that a call woke up and that have no worker yet, with the moment."""

    def decide(
        self,
        endpoints: Sequence[Endpoint],
        roster: Roster,
        workers: Sequence[WorkerObservation],
        loads: Loads,
        now: datetime,
    ) -> None:
        """Look at every entity of these endpoints once.

        Of endpoints that are not among them it keeps what it knows.
        """
        told: dict[str, list[tuple[str, str]]] = {}
        moment = _Moment(roster, workers, loads, now, self._patience_now(workers))
        seen: dict[ScaleKey, _Memory] = {}
        for endpoint in endpoints:
            for config, post in _posts(endpoint, roster):
                entity = _Entity(endpoint, config, post, (endpoint.name, post.entity.name))
                if entity.key in seen:
                    continue
                seen[entity.key], events = self._next(entity, self._memories.get(entity.key), moment)
                if events:
                    told.setdefault(endpoint.id, []).extend(events)
        self._memories.update(seen)
        changed = {key: staffing for key, each in seen.items() if self.staffing.get(key) != (staffing := each.staffing)}
        if changed:
            self.staffing = {**self.staffing, **changed}
        self.told = told

    def keep_only(self, endpoints: Sequence[Endpoint]) -> None:
        """Forget every entity that none of these has."""
        kept = {
            (endpoint.id, entity.name)
            for endpoint in endpoints
            for config in configs_of(endpoint)
            for entity in config.entities
        }
        self._memories = {key: memory for key, memory in self._memories.items() if key in kept}
        self.staffing = {key: staffing for key, staffing in self.staffing.items() if key in kept}
        self.woken = {key: at for key, at in self.woken.items() if key in kept}

    def _next(
        self, entity: "_Entity", before: _Memory | None, moment: "_Moment"
    ) -> tuple[_Memory, list[tuple[str, str]]]:
        if before is None:
            return self._first(entity, moment), []
        if not entity.config.is_active:
            # Nobody calls it yet, and it shall not be called idle for that.
            return replace(before, main=replace(before.main, busy_at=moment.now)), []
        main, room = self._main(entity, before.main, moment)
        if before.main.replicas == 0 and main.replicas:
            self.woken[entity.key] = moment.now
        elif main.replicas == 0:
            self.woken.pop(entity.key, None)
        after = _Memory(main, self._companion(entity, before.companion, moment), None if room is None else room.workers)
        return after, list(_events(entity.names[1], before, after, room))

    def _main(self, entity: "_Entity", before: Scale, moment: "_Moment") -> tuple[Scale, Room | None]:
        """The next scale, and the room there is if that is less than what is wanted."""
        post, roster = entity.post, moment.roster
        bounds = self._bounds(entity)
        ready = len(roster.ready(roster.answering(post)))
        load = moment.loads.of(entity.names)
        wanted = decide_replicas(bounds, load, before, ready=ready, idle=moment.patience.idle, now=moment.now)
        if wanted.replicas <= max(1, before.replicas):
            return wanted, None
        room = self._room(post.main, moment.workers)
        most = max(before.replicas, bounds.capped(room.workers).most)
        if most >= wanted.replicas:
            return wanted, None
        return replace(wanted, replicas=most), room

    def _first(self, entity: "_Entity", moment: "_Moment") -> _Memory:
        """Of an entity that is new to us: what runs stays, what takes over begins with its share of the calls."""
        post, bounds, now = entity.post, self._bounds(entity), moment.now
        if entity.config.is_active:
            running = max(moment.living(way) for way in post.ways)
            replicas = max(bounds.least, min(running, bounds.most))
        else:
            share = entity.config.weight(post.entity.name) / 100 * _calls_of(entity.endpoint, moment.loads, now)
            fitting = bounds.capped(self._room(post.main, moment.workers).workers)
            replicas = max(post.needed, min(fitting.most, ceil(share / bounds.target)))
        beside = 0 if post.companion is None else min(1, moment.living(post.companion))
        return _Memory(Scale(replicas, now), Scale(beside, now))

    def _companion(self, entity: "_Entity", before: Scale, moment: "_Moment") -> Scale:
        beside = entity.post.companion
        if beside is None:
            return Scale(0, moment.now)
        bounds = bounds_of(entity.post.entity.spec, is_compiled=False, cores=self._machine.cores)
        return decide_replicas(
            replace(bounds, least=0),
            moment.loads.of_originals(entity.names),
            before,
            ready=len(moment.roster.ready(beside)),
            idle=moment.patience.companion_idle,
            now=moment.now,
        )

    def _patience_now(self, workers: Sequence[WorkerObservation]) -> Patience:
        used = sum(worker.memory_bytes for worker in workers)
        is_short = used > _SHORT_SHARE * self._machine.usable_bytes
        return self._patience.when_short() if is_short else self._patience

    def _bounds(self, entity: "_Entity") -> Bounds:
        return bounds_of(
            entity.post.entity.spec,
            is_compiled=entity.post.main.is_compiled,
            cores=self._machine.cores,
            is_prewarmed=is_prewarmed(entity.endpoint.tags),
        )

    def _room(self, variant: Variant, workers: Sequence[WorkerObservation]) -> Room:
        own = [worker.memory_bytes for worker in workers if worker.workload == variant.key and worker.is_ready]
        others = (worker.memory_bytes for worker in workers if worker.workload != variant.key)
        files_bytes = 0 if variant.artifact is None else _files_bytes(variant.artifact)
        guess = estimated_bytes(files_bytes, is_compiled=variant.is_compiled)
        return room_for(self._machine, max(own, default=0) or guess, others, is_compiled=variant.is_compiled)


@dataclass(frozen=True, slots=True)
class _Moment:
    roster: Roster
    workers: Sequence[WorkerObservation]
    loads: Loads
    now: datetime
    patience: Patience

    def living(self, variant: Variant) -> int:
        """All workers of the variant, also those that nobody needs any more."""
        phases = (WorkerPhase.STARTING, WorkerPhase.READY)
        return sum(worker.workload == variant.key and worker.phase in phases for worker in self.workers)


@dataclass(frozen=True, slots=True)
class _Entity:
    endpoint: Endpoint
    config: EndpointConfig
    post: Post
    names: EntityKey

    @property
    def key(self) -> ScaleKey:
        return (self.endpoint.id, self.post.entity.name)


def _posts(endpoint: Endpoint, roster: Roster) -> Iterator[tuple[EndpointConfig, Post]]:
    for config in configs_of(endpoint):
        for post in roster.posts_of(config):
            yield config, post


def _calls_of(endpoint: Endpoint, loads: Loads, now: datetime) -> float:
    """Calls at a time that the endpoint's active config has now."""
    total = 0.0
    for entity in endpoint.active.entities if endpoint.active else ():
        load = loads.of((endpoint.name, entity.name))
        if load is not None:
            total += max(average(load, PANIC, now), average(load, STABLE, now))
    return total


def _events(name: str, before: _Memory, after: _Memory, room: Room | None) -> Iterator[tuple[str, str]]:
    was, now = before.main.replicas, after.main.replicas
    calls = f"for {after.main.concurrency:.1f} calls at a time"
    if was and not now:
        yield "scaled to zero", f"{name}: nobody has called for a while"
    elif now and not was:
        yield "waking up", f"{name}: there is a call, and no worker"
    elif now != was:
        yield ("scaled up" if now > was else "scaled down"), f"{name}: from {was} to {now} workers {calls}"
    if room is not None and after.capped_at != before.capped_at:
        yield "scaling capped", f"{name}: more workers are wanted {calls} than fit: {room.explained()}"
    if after.companion.replicas and not before.companion.replicas:
        yield "original wanted", f"{name}: the compiled version handed a call back; a worker of the original is started"
    elif before.companion.replicas and not after.companion.replicas:
        yield "original let go", f"{name}: the compiled version has handed nothing back for a while"


@lru_cache(maxsize=1024)
def _files_bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
