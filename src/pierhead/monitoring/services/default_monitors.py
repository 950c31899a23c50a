"""Endpoints with an inference table are monitored without anybody asking for it."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from math import isfinite
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import structlog
from deltalake import DeltaTable
from sqlalchemy import Connection

from pierhead.kit.audit_context import acting
from pierhead.kit.clock import Clock
from pierhead.kit.db import Database
from pierhead.kit.delta import DELTA_ERRORS, find_table
from pierhead.kit.errors import PierheadError
from pierhead.kit.names import FullName
from pierhead.monitoring.domain.default_monitors import default_monitor
from pierhead.monitoring.domain.monitors import Monitor, MonitorDraft
from pierhead.monitoring.domain.table_names import requests_of
from pierhead.monitoring.services.endpoint_tables import find_payload
from pierhead.monitoring.services.monitor_definitions import CheckedDraft
from pierhead.monitoring.services.monitors import Monitors
from pierhead.monitoring.services.request_columns import prediction_columns
from pierhead.monitoring.store.monitor_defaults import DefaultStore
from pierhead.serving.domain.endpoints import Endpoint
from pierhead.serving.store.endpoints import EndpointsInMemory

_AGAIN_AFTER = timedelta(minutes=10)
_LOOKED_AT = 10_000
_MOST_CLASSES = 20

log = structlog.get_logger()

Made = Callable[[Connection, Endpoint, Monitor], None]
"""What else an endpoint gets with its monitor, in the same transaction."""


class DefaultMonitors:
    """A step of the controller's loop. A table gets its monitor once: one that was deleted does not come back."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        tables: Path,
        monitors: Callable[[Connection], Monitors],
        check: Callable[[MonitorDraft], CheckedDraft],
        made: Sequence[Made] = (),
    ) -> None:
        self._database = database
        self._clock = clock
        self._tables = tables
        self._monitors = monitors
        self._check = check
        self._made = made
        self._endpoints = EndpointsInMemory()
        self._done: set[str] = set()
        self._not_before: dict[str, datetime] = {}

    def tick(self) -> None:
        """Make the monitors that are missing; what hinders one is told, and does not keep the others from it."""
        now = self._clock.now()
        for requests, endpoint in self._missing(now):
            try:
                self._make(requests, endpoint, now)
            except (PierheadError, *DELTA_ERRORS) as error:
                log.warning("no default monitor yet", table=str(requests), error=str(error))
                self._not_before[str(requests)] = now + _AGAIN_AFTER

    def _missing(self, now: datetime) -> list[tuple[FullName, Endpoint]]:
        with self._database.reading() as connection:
            tables = [
                (requests, endpoint)
                for endpoint in self._endpoints.list_all(connection, now)
                if (requests := requests_of(find_payload(endpoint) or "")) is not None and requests not in self._done
            ]
            if not tables:
                return []
            self._done |= DefaultStore(connection).list_tables()
        return [
            (FullName.parse(requests), endpoint)
            for requests, endpoint in tables
            if requests not in self._done and self._not_before.get(requests, now) <= now
        ]

    def _make(self, requests: FullName, endpoint: Endpoint, now: datetime) -> None:
        table = find_table(self._tables / requests.catalog / requests.schema / requests.name)
        if table is None:
            return
        predictions = prediction_columns(pa.schema(table.schema().to_arrow()))
        if not predictions:
            # Nothing was predicted that could be read.
            return
        checked = self._check(default_monitor(requests, is_number=_is_number(table, predictions)))
        params = {"table_name": str(requests), "endpoint": endpoint.name}
        with acting("controller", "monitors/default", params), self._database.transaction() as connection:
            monitors, defaults = self._monitors(connection), DefaultStore(connection)
            if str(requests) in defaults.list_tables():
                return
            defaults.add(str(requests), now)
            if monitors.find(str(requests)) is None:
                monitor = monitors.create(checked, by=endpoint.creator)
                for made in self._made:
                    made(connection, endpoint, monitor)
        self._done.add(str(requests))


def _is_number(table: DeltaTable, predictions: Sequence[str]) -> bool:
    """Whether predictions are numbers on a scale: with fractions, or many of them. Classes are few whole numbers, or
    texts, or come with probabilities."""
    types = pa.schema(table.schema().to_arrow())
    if not all(_is_numeric(types.field(name).type) for name in predictions):
        return False
    rows = table.to_pyarrow_dataset().head(_LOOKED_AT, columns=[*predictions, "prediction_proba"])
    if pc.any(pc.is_valid(rows["prediction_proba"])).as_py():
        return False
    values = pa.chunked_array([chunk.cast(pa.float64()) for name in predictions for chunk in rows[name].chunks])
    distinct = [value for value in pc.unique(values).to_pylist() if value is not None and isfinite(value)]
    return len(distinct) > _MOST_CLASSES or any(value != int(value) for value in distinct)


def _is_numeric(type: pa.DataType) -> bool:
    return bool(pa.types.is_floating(type) or pa.types.is_integer(type) or pa.types.is_boolean(type))
