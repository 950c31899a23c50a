"""What all gateways counted for an endpoint, added up."""

import contextlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import psutil

from pierhead.kit.clock import SystemClock, from_ms
from pierhead.serving.domain.traffic import LATENCY_BOUNDS_MS, EntityTraffic, GatewayTraffic

# A gateway that is started again takes its file over within seconds.
_REMEMBERED = timedelta(minutes=1)

_TRAFFIC = msgspec.json.Decoder(GatewayTraffic)


def _no_counts() -> list[int]:
    return [0] * (len(LATENCY_BOUNDS_MS) + 1)


@dataclass(slots=True)
class Times:
    """A histogram of times over all gateways, with the bounds of `LATENCY_BOUNDS_MS`."""

    counts: list[int] = field(default_factory=_no_counts)
    sum_ms: float = 0.0

    def add(self, counts: list[int], sum_ms: float) -> None:
        for i, count in enumerate(counts[: len(self.counts)]):
            self.counts[i] += count
        self.sum_ms += sum_ms


@dataclass(slots=True)
class TrafficTotal:
    """Counters of one served entity over all gateways; all as in `EntityTraffic`."""

    requests_by_status: Counter[str] = field(default_factory=Counter)
    latency_counts: list[int] = field(default_factory=_no_counts)
    latency_sum_ms: float = 0.0
    parts: dict[str, Times] = field(default_factory=lambda: {part: Times() for part in ("queue", "wakeup", "predict")})
    shadow_requests_by_status: Counter[str] = field(default_factory=Counter)
    shadow: Times = field(default_factory=Times)
    shadows_dropped: int = 0
    in_flight: int = 0
    waiting: int = 0
    """Those in flight that no worker has, whichever kind they wait for."""
    declined: int = 0
    workers: int = 0
    """Of both kinds; gateways share them, so this is what the one that sees most of them sees."""
    model_name: str = ""
    model_version: str = ""

    def add(self, traffic: EntityTraffic, *, is_gateway_alive: bool) -> None:
        self.declined += traffic.declined
        self.requests_by_status.update(traffic.requests_by_status)
        for i, count in enumerate(traffic.latency_counts[: len(self.latency_counts)]):
            self.latency_counts[i] += count
        self.latency_sum_ms += traffic.latency_sum_ms
        self.parts["queue"].add(traffic.queue_counts, traffic.queue_sum_ms)
        self.parts["wakeup"].add(traffic.wakeup_counts, traffic.wakeup_sum_ms)
        self.parts["predict"].add(traffic.predict_counts, traffic.predict_sum_ms)
        self.shadow_requests_by_status.update(traffic.shadow_requests_by_status)
        self.shadow.add(traffic.shadow_latency_counts, traffic.shadow_latency_sum_ms)
        self.shadows_dropped += traffic.shadows_dropped
        if is_gateway_alive:
            self.in_flight += traffic.in_flight
            self.waiting += traffic.waiting + traffic.native_waiting
            self.workers = max(self.workers, traffic.workers + traffic.native_workers)
        if is_gateway_alive or not self.model_version:
            self.model_name, self.model_version = traffic.model_name, traffic.model_version


@dataclass(frozen=True, slots=True)
class EndpointTraffic:
    """`by_entity` is of the one endpoint; `records_dropped` counts inference records lost by all gateways."""

    endpoint: str
    by_entity: dict[str, TrafficTotal]
    records_dropped: int
    limited: int = 0
    """Invocations of the endpoint that a limit sent away before they had a served entity."""


def read_traffic(folder: Path, endpoint: str) -> EndpointTraffic:
    """Add up the files that gateways keep in `folder`; one that cannot be read does not count.

    Files of gateways that are gone count for a minute more and are then removed.
    """
    totals: dict[str, TrafficTotal] = {}
    dropped = limited = 0
    for gateway, is_alive in _gateways(folder):
        dropped += gateway.records_dropped
        limited += gateway.limited.get(endpoint, 0)
        for traffic in gateway.entities:
            if traffic.endpoint == endpoint:
                totals.setdefault(traffic.entity, TrafficTotal()).add(traffic, is_gateway_alive=is_alive)
    return EndpointTraffic(endpoint, dict(sorted(totals.items())), dropped, limited)


def read_all_traffic(folder: Path) -> dict[str, EndpointTraffic]:
    """As `read_traffic`, for every endpoint that the gateways know, by name. Empty if there is no gateway."""
    totals: dict[str, dict[str, TrafficTotal]] = {}
    limited: Counter[str] = Counter()
    dropped = 0
    for gateway, is_alive in _gateways(folder):
        dropped += gateway.records_dropped
        limited.update(gateway.limited)
        for traffic in gateway.entities:
            entities = totals.setdefault(traffic.endpoint, {})
            entities.setdefault(traffic.entity, TrafficTotal()).add(traffic, is_gateway_alive=is_alive)
    return {
        name: EndpointTraffic(name, dict(sorted(entities.items())), dropped, limited[name])
        for name, entities in sorted(totals.items())
    }


def read_dropped(folder: Path) -> Counter[str]:
    """How many inference records all gateways lost since they started, by the full name of their table."""
    dropped: Counter[str] = Counter()
    for gateway, _ in _gateways(folder):
        dropped.update(gateway.records_dropped_by_table)
    return dropped


def _gateways(folder: Path) -> Iterator[tuple[GatewayTraffic, bool]]:
    """What each gateway counted, and whether it lives."""
    now = SystemClock().now()
    for path in sorted(folder.glob("*.json")):
        try:
            written_at = from_ms(int(path.stat().st_mtime * 1000))
            gateway = _TRAFFIC.decode(path.read_bytes())
        except (OSError, msgspec.DecodeError):
            continue
        is_alive = _is_alive(gateway.process_id, written_at)
        if is_alive or now - written_at <= _REMEMBERED:
            yield gateway, is_alive
        else:
            with contextlib.suppress(OSError):
                path.unlink()


def _is_alive(process_id: int, written_at: datetime) -> bool:
    """Whether the process that wrote at this time is alive: a later one of the same number is another."""
    try:
        return psutil.Process(process_id).create_time() < written_at.timestamp() + 1.0
    except psutil.Error:
        return False
