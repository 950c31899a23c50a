"""What each gateway counts, kept as one JSON file per gateway under `run/gateways/`, rewritten every second."""

import msgspec

LATENCY_BOUNDS_MS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 30000, 60000, 120000)
"""Upper bounds of the latency histogram's buckets, milliseconds; one more bucket takes the rest."""


class EntityTraffic(msgspec.Struct):
    """Counters since the gateway's start; `latency_counts` has one entry per bound and one for the rest."""

    endpoint: str
    entity: str
    requests_by_status: dict[str, int]
    latency_counts: list[int]
    latency_sum_ms: float
    in_flight: int


class GatewayTraffic(msgspec.Struct):
    gateway_id: str
    process_id: int
    records_dropped: int
    entities: list[EntityTraffic]
