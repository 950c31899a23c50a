"""What all gateways counted for an endpoint, added up."""

import contextlib
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import psutil

from pierhead.kit.clock import SystemClock, from_ms
from pierhead.serving.domain.traffic import LATENCY_BOUNDS_MS, EntityTraffic, GatewayTraffic

# A gateway that is started again takes its file over within seconds.
_REMEMBERED = timedelta(minutes=1)


@dataclass(slots=True)
class TrafficTotal:
    """Counters of one served entity over all gateways; `latency_counts` as in `EntityTraffic`."""

    requests_by_status: Counter[str] = field(default_factory=Counter)
    latency_counts: list[int] = field(default_factory=lambda: [0] * (len(LATENCY_BOUNDS_MS) + 1))
    latency_sum_ms: float = 0.0
    in_flight: int = 0

    def add(self, traffic: EntityTraffic, *, is_gateway_alive: bool) -> None:
        self.requests_by_status.update(traffic.requests_by_status)
        for i, count in enumerate(traffic.latency_counts[: len(self.latency_counts)]):
            self.latency_counts[i] += count
        self.latency_sum_ms += traffic.latency_sum_ms
        if is_gateway_alive:
            self.in_flight += traffic.in_flight


@dataclass(frozen=True, slots=True)
class EndpointTraffic:
    """`by_entity` is of the one endpoint; `records_dropped` counts inference records lost by all gateways."""

    endpoint: str
    by_entity: dict[str, TrafficTotal]
    records_dropped: int


def read_traffic(folder: Path, endpoint: str) -> EndpointTraffic:
    """Add up the files that gateways keep in `folder`; one that cannot be read does not count.

    Files of gateways that are gone count for a minute more and are then removed.
    """
    now = SystemClock().now()
    totals: dict[str, TrafficTotal] = {}
    dropped = 0
    for path in sorted(folder.glob("*.json")):
        try:
            written_at = from_ms(int(path.stat().st_mtime * 1000))
            gateway = msgspec.json.decode(path.read_bytes(), type=GatewayTraffic)
        except (OSError, msgspec.DecodeError):
            continue
        is_alive = _is_alive(gateway.process_id, written_at)
        if not is_alive and now - written_at > _REMEMBERED:
            with contextlib.suppress(OSError):
                path.unlink()
            continue
        dropped += gateway.records_dropped
        for traffic in gateway.entities:
            if traffic.endpoint == endpoint:
                totals.setdefault(traffic.entity, TrafficTotal()).add(traffic, is_gateway_alive=is_alive)
    return EndpointTraffic(endpoint, dict(sorted(totals.items())), dropped)


def _is_alive(process_id: int, written_at: datetime) -> bool:
    """Whether the process that wrote at this time is alive: a later one of the same number is another."""
    try:
        return psutil.Process(process_id).create_time() < written_at.timestamp() + 1.0
    except psutil.Error:
        return False
