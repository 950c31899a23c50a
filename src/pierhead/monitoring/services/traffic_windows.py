"""Turns the counters that gateways keep since their start into counts of five minutes."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from pierhead.kit.db import Database
from pierhead.monitoring.domain.traffic_counts import TrafficCounts, entity_counts, grown
from pierhead.monitoring.domain.windows import Granularity, window_of
from pierhead.monitoring.store.alert_traffic import TrafficStore
from pierhead.serving.domain.endpoints import Endpoint
from pierhead.serving.domain.traffic import GatewayTraffic
from pierhead.serving.store.endpoints import EndpointsInMemory

WIDTH = Granularity.MINUTES_5
KEPT = timedelta(days=8)

_SAVE_EVERY = timedelta(seconds=15)
_TIDY_EVERY = timedelta(hours=1)
_REMEMBERED = 1000

_REPORT = msgspec.json.Decoder(GatewayTraffic)

_Key = tuple[str, int]
_Window = tuple[str, datetime]


class TrafficWindows:
    """Follows the files in a folder. What was counted while nobody followed is not known, and left out."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder
        self._before: dict[_Key, GatewayTraffic] | None = None
        self._unsaved: dict[_Window, TrafficCounts] = defaultdict(TrafficCounts)
        self._saved: datetime | None = None
        self._tidied: datetime | None = None
        self._endpoints = EndpointsInMemory()

    def follow(self, now: datetime) -> None:
        """One look at all counters."""
        reports = {(each.gateway_id, each.process_id): each for each in self._read()}
        if self._before is not None:
            self._learn(reports, self._before, now)
        # A file that cannot be read now can be at the next look.
        known = {**(self._before or {}), **reports}
        self._before = known if len(known) <= _REMEMBERED else reports
        self._saved = self._saved or now
        # Either way: a clock may be set back.
        if abs(now - self._saved) >= _SAVE_EVERY:
            self.save(now)

    def save(self, now: datetime) -> None:
        """Keep what was counted since the last time."""
        self._saved = now
        is_to_tidy = self._tidied is None or abs(now - self._tidied) >= _TIDY_EVERY
        if not self._unsaved and not is_to_tidy:
            return
        with self._database.transaction() as connection:
            store = TrafficStore(connection)
            for (endpoint_id, start), counts in sorted(self._unsaved.items(), key=lambda each: each[0]):
                store.add(endpoint_id, start, counts)
            if is_to_tidy:
                store.delete_before(now - KEPT)
        # Not before they are kept: what fails now is saved the next time.
        self._unsaved.clear()
        self._tidied = now if is_to_tidy else self._tidied

    def _read(self) -> Iterator[GatewayTraffic]:
        for path in sorted(self._folder.glob("*.json")):
            try:
                yield _REPORT.decode(path.read_bytes())
            except (OSError, msgspec.DecodeError):
                continue

    def _learn(
        self, reports: Mapping[_Key, GatewayTraffic], before: Mapping[_Key, GatewayTraffic], now: datetime
    ) -> None:
        grown_by: dict[str, TrafficCounts] = defaultdict(TrafficCounts)
        dropped: dict[str, int] = defaultdict(int)
        for key, report in reports.items():
            _add_growth(grown_by, dropped, report, before.get(key))
        if not grown_by and not any(dropped.values()):
            return
        start = window_of(WIDTH, now).start
        with self._database.reading() as connection:
            endpoints = self._endpoints.list_all(connection, now)
        for endpoint in endpoints:
            counts = grown_by.get(endpoint.name, TrafficCounts())
            counts.dropped += sum(dropped.get(table, 0) for table in _tables(endpoint))
            if counts.requests or counts.dropped:
                counts.points = _points(endpoint)
                self._unsaved[endpoint.id, start].add(counts)


def _add_growth(
    grown_by: dict[str, TrafficCounts], dropped: dict[str, int], report: GatewayTraffic, before: GatewayTraffic | None
) -> None:
    """What one gateway counted since its last report; everything, of one that is new."""
    known = {(each.endpoint, each.entity): each for each in before.entities} if before else {}
    for entity in report.entities:
        counts = entity_counts(entity, known.get((entity.endpoint, entity.entity)))
        if counts.requests:
            grown_by[entity.endpoint].count(counts)
    for endpoint, count in grown(report.limited, before.limited if before else {}).items():
        if count:
            grown_by[endpoint].limited += count
    for table, count in grown(
        report.records_dropped_by_table, before.records_dropped_by_table if before else {}
    ).items():
        dropped[table] += count


def _tables(endpoint: Endpoint) -> set[str]:
    configs = [config for config in (endpoint.active, endpoint.newest) if config is not None]
    return {table for config in configs if (table := endpoint.capture_table(config)) is not None}


def _points(endpoint: Endpoint) -> dict[str, int] | None:
    """The weights of the served entities; None while a ramp deals out traffic too."""
    if endpoint.active is None or endpoint.ramp is not None:
        return None
    return {entity.name: endpoint.active.points(entity.name) for entity in endpoint.active.entities}
