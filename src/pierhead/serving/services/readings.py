"""What gateways say of the calls under way, as readings for the autoscaler. In memory: it may all be lost."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from pierhead.kit.clock import from_ms
from pierhead.serving.domain.autoscaling import STABLE, Load, Reading

# Gateways write every second; one that has not for so long is gone, or cannot.
_STALE = timedelta(seconds=5)

_SOME = 0.01
"""Calls at a time that stand for a few short ones: more than none, and far less than a worker's."""

EntityKey = tuple[str, str]
"""Names of an endpoint and a served entity."""


class _EntityCounts(msgspec.Struct):
    """The part of `domain.traffic.EntityTraffic` that says how busy an entity is."""

    endpoint: str
    entity: str
    waiting: int = 0
    native_in_flight: int = 0
    native_waiting: int = 0
    concurrency_ms: float = 0.0
    declined: int = 0


class _GatewayCounts(msgspec.Struct):
    process_id: int
    entities: list[_EntityCounts]


_COUNTS = msgspec.json.Decoder(_GatewayCounts)


@dataclass(slots=True)
class _Gateway:
    """The last report of one gateway; `integrals` by entity, calls times ms since its start."""

    signature: tuple[int, int]
    at: datetime
    process_id: int
    integrals: dict[EntityKey, float]
    declined: dict[EntityKey, int]
    waiting: dict[EntityKey, int]
    native_waiting: dict[EntityKey, int]


@dataclass(slots=True)
class Loads:
    """All loads at one moment, by names of endpoint and entity; None stands for what nobody knows.

    `originals` are of the calls that compiled workers handed back.
    """

    since: datetime
    is_known: bool
    readings: dict[EntityKey, deque[Reading]]
    original_readings: dict[EntityKey, deque[Reading]]
    waiting: dict[EntityKey, int] = field(default_factory=dict)
    native_waiting: dict[EntityKey, int] = field(default_factory=dict)

    @property
    def called(self) -> set[EntityKey]:
        """The entities that are called, or were within the last minute."""
        return {*self.readings, *self.original_readings, *self.waiting, *self.native_waiting}

    def of(self, key: EntityKey) -> Load | None:
        return Load(self.since, self.readings.get(key, ()), self.waiting.get(key, 0)) if self.is_known else None

    def of_originals(self, key: EntityKey) -> Load | None:
        if not self.is_known:
            return None
        return Load(self.since, self.original_readings.get(key, ()), self.native_waiting.get(key, 0))


class TrafficReadings:
    """Follows the files that gateways keep in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._gateways: dict[Path, _Gateway] = {}
        self._since: datetime | None = None
        self._readings: dict[EntityKey, deque[Reading]] = {}
        self._original_readings: dict[EntityKey, deque[Reading]] = {}

    def read(self, now: datetime) -> Loads:
        """Look at every file that is new. One that cannot be read, or is stale, says nothing."""
        for path in list(self._folder.glob("*.json")):
            self._follow(path)
        self._gateways = {path: gateway for path, gateway in self._gateways.items() if now - gateway.at < _STALE}
        if not self._gateways:
            # What happens while nobody reports is not known: the windows begin anew with the next report.
            self._since = None
        elif self._since is None:
            self._since = now
        self._forget_old(now)
        loads = Loads(self._since or now, bool(self._gateways), self._readings, self._original_readings)
        for gateway in self._gateways.values():
            _add(loads.waiting, gateway.waiting)
            _add(loads.native_waiting, gateway.native_waiting)
        return loads

    def _follow(self, path: Path) -> None:
        former = self._gateways.get(path)
        try:
            status = path.stat()
            signature = (status.st_mtime_ns, status.st_ino)
            if former is not None and former.signature == signature:
                return
            counts = _COUNTS.decode(path.read_bytes())
        except (OSError, msgspec.DecodeError):
            return
        report = _Gateway(
            signature,
            from_ms(status.st_mtime_ns // 1_000_000),
            counts.process_id,
            {(each.endpoint, each.entity): each.concurrency_ms for each in counts.entities},
            {(each.endpoint, each.entity): each.declined for each in counts.entities if each.declined},
            {(each.endpoint, each.entity): each.waiting for each in counts.entities if each.waiting},
            {(each.endpoint, each.entity): each.native_waiting for each in counts.entities if each.native_waiting},
        )
        self._gateways[path] = report
        if former is not None:
            self._learn(former, report, counts.entities)

    def _learn(self, former: _Gateway, report: _Gateway, entities: list[_EntityCounts]) -> None:
        span_s = (report.at - former.at).total_seconds()
        if span_s <= 0:
            return
        for each in entities:
            key = (each.endpoint, each.entity)
            before = former.integrals.get(key, 0.0) if former.process_id == report.process_id else 0.0
            # A counter that fell began anew.
            grown = each.concurrency_ms - before if each.concurrency_ms >= before else each.concurrency_ms
            _note(self._readings, key, Reading(report.at, span_s, grown / 1000 / span_s))
            of_originals = float(each.native_in_flight + each.native_waiting)
            if each.declined != former.declined.get(key, 0):
                # Most are over before anybody looks, but somebody came.
                of_originals = max(of_originals, _SOME)
            _note(self._original_readings, key, Reading(report.at, span_s, of_originals))

    def _forget_old(self, now: datetime) -> None:
        for readings in (self._readings, self._original_readings):
            for key in list(readings):
                # Those of the future are from before the clock was set back.
                while readings[key] and not -_STALE <= now - readings[key][0].at <= STABLE:
                    readings[key].popleft()
                if not readings[key]:
                    del readings[key]


def _note(readings: dict[EntityKey, deque[Reading]], key: EntityKey, reading: Reading) -> None:
    # Silence takes no room.
    if reading.concurrency > 0:
        readings.setdefault(key, deque()).append(reading)


def _add(total: dict[EntityKey, int], counts: dict[EntityKey, int]) -> None:
    for key, count in counts.items():
        total[key] = total.get(key, 0) + count
