"""What all gateways counted for an endpoint, added up."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import psutil

from pierhead.serving.domain.traffic import LATENCY_BOUNDS_MS, EntityTraffic, GatewayTraffic


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
    """Add up the files that gateways keep in `folder`; one that cannot be read does not count."""
    totals: dict[str, TrafficTotal] = {}
    dropped = 0
    for path in sorted(folder.glob("*.json")):
        try:
            gateway = msgspec.json.decode(path.read_bytes(), type=GatewayTraffic)
        except (OSError, msgspec.DecodeError):
            continue
        dropped += gateway.records_dropped
        is_alive = psutil.pid_exists(gateway.process_id)
        for traffic in gateway.entities:
            if traffic.endpoint == endpoint:
                totals.setdefault(traffic.entity, TrafficTotal()).add(traffic, is_gateway_alive=is_alive)
    return EndpointTraffic(endpoint, dict(sorted(totals.items())), dropped)
