"""Keeps the number of workers of every entity near what its calls need. Its memory may be lost."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil

from pierhead.serving.domain.autoscaling import Load, Scale, decide_replicas
from pierhead.serving.domain.capacity import Machine, Room
from pierhead.serving.domain.endpoints import Endpoint
from pierhead.serving.domain.observed import Staffing
from pierhead.serving.domain.room import Settlement
from pierhead.serving.domain.roster import Roster
from pierhead.serving.domain.shares import ALL_POINTS
from pierhead.serving.domain.sizes import Bounds, bounds_of
from pierhead.serving.domain.tags import is_prewarmed
from pierhead.serving.domain.workers import WorkerObservation, WorkerPhase
from pierhead.serving.domain.workloads import Variant
from pierhead.serving.services.claims import Claims
from pierhead.serving.services.first_workers import beginners_of, held_back
from pierhead.serving.services.readings import Loads
from pierhead.serving.services.scaled_entities import ScaledEntity, ScaleKey, calls_of, entities_of, keys_of
from pierhead.serving.services.wake_ups import NOTHING_WAITS, Bed, Caller, Part, settle_wake_ups

_SHORT_SHARE = 0.85
"""Share of the memory for workers above which those that nobody calls make room sooner."""

_SHORT_FREE = 2.0
"""They do as well when no more is free than so many times what is to stay free."""


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

    def __init__(self, machine: Machine, patience: Patience, available: Callable[[], int] | None = None) -> None:
        """`available` tells what memory the machine could give at this moment, bytes, whoever uses the rest."""
        self._machine = machine
        self._patience = patience
        self._available = available
        self._memories: dict[ScaleKey, _Memory] = {}
        self.staffing: Mapping[ScaleKey, Staffing] = {}
        self.told: Mapping[str, Sequence[tuple[str, str]]] = {}
        """What there is to tell of endpoints since the last look, by their ids: kinds of events and messages."""
        self.held: Mapping[str, str] = {}
        """Why first workers of pending configs must wait, by the key of their variant."""
        self.starts = 0
        """How many workers may begin to start now."""
        self.woken: dict[ScaleKey, datetime] = {}
        """Entities that a call woke up and that have no worker yet, with the moment."""
        self._waiting: dict[Part, datetime] = {}
        """What is called in its sleep and may not wake up yet, since when."""

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
        available = None if self._available is None else self._available()
        beginners = beginners_of(endpoints, roster, workers)
        claims = Claims(
            self._machine,
            roster,
            workers,
            now=now,
            not_yet=beginners.keys,
            available_bytes=available,
        )
        self.starts = claims.starts()
        moment = _Moment(roster, workers, loads, now, self._patience_now(workers, available), claims)
        entities: dict[ScaleKey, ScaledEntity] = {}
        for endpoint in endpoints:
            for entity in entities_of(endpoint, roster):
                entities.setdefault(entity.key, entity)
                self._carry_over(entity)
        moment = replace(moment, wake_ups=self._settle(entities.values(), beginners.callers, moment))
        seen: dict[ScaleKey, _Memory] = {}
        for entity in entities.values():
            seen[entity.key], events = self._next(entity, self._memories.get(entity.key), moment)
            events += self._waits(entity, moment)
            if events:
                told.setdefault(entity.endpoint.id, []).extend(events)
        held, refused = held_back(beginners.callers, moment.wake_ups.waiting, self.held)
        if held != self.held:
            self.held = held
        for endpoint_id, event in refused:
            told.setdefault(endpoint_id, []).append(event)
        self._waiting = {part: self._waiting.get(part, now) for part in moment.wake_ups.waiting}
        self._memories.update(seen)
        changed = {key: staffing for key, each in seen.items() if self.staffing.get(key) != (staffing := each.staffing)}
        if changed:
            self.staffing = {**self.staffing, **changed}
        self.told = told

    def keep_only(self, endpoints: Sequence[Endpoint]) -> None:
        """Forget every entity that none of these has."""
        kept = {key for endpoint in endpoints for key in keys_of(endpoint)}
        self._memories = {key: memory for key, memory in self._memories.items() if key in kept}
        self.staffing = {key: staffing for key, staffing in self.staffing.items() if key in kept}
        self.woken = {key: at for key, at in self.woken.items() if key in kept}

    def _carry_over(self, entity: ScaledEntity) -> None:
        """What was a candidate under another name goes on as it was when it takes over."""
        as_candidate = self._memories.pop(entity.candidate_key, None) if entity.config.is_active else None
        if as_candidate is not None:
            self._memories[entity.key] = as_candidate

    def _settle(
        self, entities: Iterable[ScaledEntity], beginners: Sequence[Caller], moment: "_Moment"
    ) -> Settlement[Part]:
        """Who of those that are called may wake up, who may begin, and who makes room for them."""
        callers = list(beginners)
        beds: list[Bed] = []
        for entity in entities:
            memory = self._memories.get(entity.key)
            if memory is None or not entity.config.is_active:
                continue
            for part, variant, before in _parts(entity, memory):
                load = moment.load_of(entity, part)
                if before.replicas and load is not None and not load.waiting and self._may_rest(entity, part):
                    beds.append(Bed(part, variant, before.busy_at))
                elif not before.replicas and self._wanted(entity, part, before, moment).replicas:
                    callers.append(Caller(part, variant, self._waiting.get(part, moment.now)))
        return settle_wake_ups(callers, beds, moment.claims, moment.now)

    def _may_rest(self, entity: ScaledEntity, part: Part) -> bool:
        return part == entity.beside or (entity.endpoint.ramp is None and self._bounds(entity).least == 0)

    def _waits(self, entity: ScaledEntity, moment: "_Moment") -> list[tuple[str, str]]:
        """What there is to tell of parts that must wait from now on, or sleep so that others need not."""
        name = entity.names[1]
        told: list[tuple[str, str]] = []
        for part in (entity.itself, entity.beside):
            reason = moment.wake_ups.waiting.get(part)
            if reason is not None and part not in self._waiting:
                told.append(("waiting for room", f"{name}: there is a call, and {reason}"))
            if part in moment.wake_ups.to_sleep:
                told.append(("making room", f"{name}: nobody calls it, and others are called that have no room"))
        return told

    def _next(
        self, entity: ScaledEntity, before: _Memory | None, moment: "_Moment"
    ) -> tuple[_Memory, list[tuple[str, str]]]:
        if before is None:
            return self._first(entity, moment), []
        if not (entity.config.is_active or entity.is_candidate):
            # Nobody calls it yet, and it shall not be called idle for that.
            return replace(before, main=replace(before.main, busy_at=moment.now)), []
        main, room = self._main(entity, before.main, moment)
        if before.main.replicas == 0 and main.replicas:
            self.woken[entity.key] = moment.now
        elif main.replicas == 0:
            self.woken.pop(entity.key, None)
        after = _Memory(main, self._companion(entity, before.companion, moment), None if room is None else room.workers)
        return after, list(_events(entity, before, after, room))

    def _main(self, entity: ScaledEntity, before: Scale, moment: "_Moment") -> tuple[Scale, Room | None]:
        """The next scale, and the room there is if that is less than what is wanted."""
        wanted = moment.settled(entity.itself, before) or self._wanted(entity, entity.itself, before, moment)
        if entity.is_candidate and not entity.endpoint.is_ramping:
            # It takes over as soon as its workers are enough for what it will have then.
            wanted = replace(wanted, replicas=max(wanted.replicas, self._for_its_share(entity, moment)))
        if wanted.replicas <= max(1, before.replicas):
            return wanted, None
        room = moment.claims.room(entity.post.main)
        most = max(before.replicas, self._bounds(entity).capped(room.workers).most)
        moment.claims.grant(entity.post.main, min(most, wanted.replicas))
        if most >= wanted.replicas:
            return wanted, None
        return replace(wanted, replicas=most), room

    def _first(self, entity: ScaledEntity, moment: "_Moment") -> _Memory:
        """Of an entity that is new to us: what runs stays, what takes over begins with its share of the calls."""
        post, bounds, now = entity.post, self._bounds(entity), moment.now
        replicas = 0
        if entity.config.is_active or entity.is_candidate:
            running = max(moment.living(way) for way in post.ways)
            replicas = max(bounds.least, min(running, bounds.most))
        if not entity.config.is_active:
            replicas = max(replicas, post.needed, self._for_its_share(entity, moment))
        beside = 0 if post.companion is None else min(1, moment.living(post.companion))
        return _Memory(Scale(replicas, now), Scale(beside, now))

    def _for_its_share(self, entity: ScaledEntity, moment: "_Moment") -> int:
        """Workers for the part of the endpoint's calls that what takes over is to have, as far as they fit."""
        bounds = self._bounds(entity)
        share = entity.points / ALL_POINTS * calls_of(entity.endpoint, moment.loads, moment.now)
        fitting = bounds.capped(moment.claims.room(entity.post.main).workers)
        return min(fitting.most, ceil(share / bounds.target))

    def _companion(self, entity: ScaledEntity, before: Scale, moment: "_Moment") -> Scale:
        if entity.post.companion is None:
            return Scale(0, moment.now)
        return moment.settled(entity.beside, before) or self._wanted(entity, entity.beside, before, moment)

    def _wanted(self, entity: ScaledEntity, part: Part, before: Scale, moment: "_Moment") -> Scale:
        """By the calls alone."""
        post, roster, patience, load = entity.post, moment.roster, moment.patience, moment.load_of(entity, part)
        if part == entity.itself or post.companion is None:
            bounds = entity.bounds_in_ramp(self._bounds(entity), before.replicas)
            way, idle = roster.answering(post), patience.idle
        else:
            originals = bounds_of(post.entity.spec, is_compiled=False, cores=self._machine.cores)
            bounds, way, idle = replace(originals, least=0), post.companion, patience.companion_idle
        return decide_replicas(bounds, load, before, ready=len(roster.ready(way)), idle=idle, now=moment.now)

    def _patience_now(self, workers: Sequence[WorkerObservation], available: int | None) -> Patience:
        used = sum(worker.memory_bytes for worker in workers)
        is_short = used > _SHORT_SHARE * self._machine.usable_bytes
        if available is not None:
            is_short |= available < _SHORT_FREE * self._machine.kept_free_bytes
        return self._patience.when_short() if is_short else self._patience

    def _bounds(self, entity: ScaledEntity) -> Bounds:
        return bounds_of(
            entity.post.entity.spec,
            is_compiled=entity.post.main.is_compiled,
            cores=self._machine.cores,
            is_prewarmed=is_prewarmed(entity.endpoint.tags),
        )


@dataclass(frozen=True, slots=True)
class _Moment:
    roster: Roster
    workers: Sequence[WorkerObservation]
    loads: Loads
    now: datetime
    patience: Patience
    claims: Claims
    wake_ups: Settlement[Part] = NOTHING_WAITS

    def load_of(self, entity: ScaledEntity, part: Part) -> Load | None:
        return self.loads.of_originals(entity.names) if part == entity.beside else entity.load(self.loads)

    def settled(self, part: Part, before: Scale) -> Scale | None:
        """The next scale of a part that must wait for room, or make some; None for the others."""
        if part in self.wake_ups.waiting:
            return replace(before, busy_at=self.now)
        return Scale(0, before.busy_at) if part in self.wake_ups.to_sleep else None

    def living(self, variant: Variant) -> int:
        """All workers of the variant, also those that nobody needs any more."""
        phases = (WorkerPhase.STARTING, WorkerPhase.READY)
        return sum(worker.workload == variant.key and worker.phase in phases for worker in self.workers)


def _parts(entity: ScaledEntity, memory: _Memory) -> Iterator[tuple[Part, Variant, Scale]]:
    yield entity.itself, entity.post.main, memory.main
    if entity.post.companion is not None:
        yield entity.beside, entity.post.companion, memory.companion


def _events(entity: ScaledEntity, before: _Memory, after: _Memory, room: Room | None) -> Iterator[tuple[str, str]]:
    name, was, now = entity.post.name, before.main.replicas, after.main.replicas
    calls = f"for {after.main.concurrency:.1f} calls at a time"
    if was and not now:
        yield "scaled to zero", f"{name}: nobody has called for a while"
    elif now and not was:
        why = "there is a call, and no worker" if entity.endpoint.ramp is None else "it stays warm during a rollout"
        yield "waking up", f"{name}: {why}"
    elif now != was:
        yield ("scaled up" if now > was else "scaled down"), f"{name}: from {was} to {now} workers {calls}"
    if room is not None and after.capped_at != before.capped_at:
        yield "scaling capped", f"{name}: more workers are wanted {calls} than fit: {room.explained()}"
    if after.companion.replicas and not before.companion.replicas:
        yield "original wanted", f"{name}: the compiled version handed a call back; a worker of the original is started"
    elif before.companion.replicas and not after.companion.replicas:
        yield "original let go", f"{name}: the compiled version has handed nothing back for a while"
