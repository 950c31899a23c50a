"""What passed through this gateway, counted for the controller."""

import os
from bisect import bisect_left
from collections.abc import Iterable
from pathlib import Path

import msgspec
import structlog

from pierhead.gateway.pools import EntityPool
from pierhead.serving.domain.traffic import LATENCY_BOUNDS_MS, EntityTraffic, GatewayTraffic

log = structlog.get_logger()


class Traffic:
    """Counters by (endpoint, served entity) since the start."""

    def __init__(self, gateway_id: str) -> None:
        self._gateway_id = gateway_id
        self._entities: dict[tuple[str, str], EntityTraffic] = {}

    def observe(self, endpoint: str, entity: str, status: int, total_ms: float) -> None:
        """An invocation ended. 499 stands for a caller who did not wait."""
        counts = self._entities.get((endpoint, entity)) or self._start(endpoint, entity)
        key = str(status)
        counts.requests_by_status[key] = counts.requests_by_status.get(key, 0) + 1
        counts.latency_counts[bisect_left(LATENCY_BOUNDS_MS, total_ms)] += 1
        counts.latency_sum_ms += total_ms

    def report(self, pools: Iterable[EntityPool], records_dropped: int) -> GatewayTraffic:
        """All counters at this moment; entities without a pool any more are left out and forgotten."""
        kept: dict[tuple[str, str], EntityTraffic] = {}
        for pool in pools:
            counts = self._entities.get((pool.endpoint, pool.entity)) or self._start(pool.endpoint, pool.entity)
            counts.in_flight = pool.load
            kept[pool.endpoint, pool.entity] = counts
        self._entities = kept
        return GatewayTraffic(self._gateway_id, os.getpid(), records_dropped, list(kept.values()))

    def _start(self, endpoint: str, entity: str) -> EntityTraffic:
        counts = EntityTraffic(endpoint, entity, {}, [0] * (len(LATENCY_BOUNDS_MS) + 1), 0.0, 0)
        self._entities[endpoint, entity] = counts
        return counts


class TrafficFile:
    """`FOLDER/ID.json`, replaced as a whole."""

    def __init__(self, folder: Path, gateway_id: str) -> None:
        self._path = folder / f"{gateway_id}.json"
        self._new = folder / f".{gateway_id}.json.new"
        self._is_failing = False

    def write(self, traffic: GatewayTraffic) -> None:
        """A failure is logged when it begins; counting goes on."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._new.write_bytes(msgspec.json.encode(traffic))
            self._new.replace(self._path)
        except OSError as error:
            if not self._is_failing:
                log.error("traffic counters cannot be written", path=str(self._path), error=str(error))
            self._is_failing = True
        else:
            self._is_failing = False
