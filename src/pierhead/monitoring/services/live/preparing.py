"""The references that rows are counted against: made once for each version, of what it was trained on."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import structlog

from pierhead.kit.clock import Clock
from pierhead.kit.db import Database
from pierhead.kit.delta import DELTA_ERRORS
from pierhead.kit.errors import PierheadError
from pierhead.monitoring.domain.monitors import ALL_MODELS, InferenceLogProfile, Monitor
from pierhead.monitoring.services.live.counting import LiveCounts
from pierhead.monitoring.services.live.files import LiveFiles, category_of
from pierhead.monitoring.services.monitored_table import MonitoredTable
from pierhead.monitoring.services.refresh_sources import Sources
from pierhead.monitoring.services.spark_types import Kind, kind_of
from pierhead.monitoring.store.monitors import MonitorStore
from pierhead.statistics.references import (
    Reference,
    categorical_reference_of_chunks,
    numeric_reference_of_chunks,
)

log = structlog.get_logger()

MOST_COLUMNS = 100
"""Features of a version that are counted: a slot of a feature is up to 25 KB."""

_AGAIN_AFTER = timedelta(minutes=10)
_BATCH_ROWS = 65_536


class LiveReferences:
    """A loop of the controller, beside the one that writes the tables."""

    def __init__(self, database: Database, clock: Clock, root: Path, sources: Sources, counts: LiveCounts) -> None:
        self._database = database
        self._clock = clock
        self._files = LiveFiles(root)
        self._sources = sources
        self._counts = counts
        self._looked_at: dict[tuple[str, str], datetime] = {}

    def tick(self) -> None:
        """Make the references that are missing, or of another baseline; each is looked at every ten minutes."""
        now = self._clock.now()
        for (table, model), seen_at in list(self._counts.wanted.items()):
            if now - seen_at > _AGAIN_AFTER:
                self._counts.wanted.pop((table, model), None)
                continue
            looked_at = self._looked_at.get((table, model))
            if looked_at is None or now - looked_at >= _AGAIN_AFTER:
                self._look(table, model, now)

    def _look(self, table: str, model: str, now: datetime) -> None:
        with self._database.reading() as connection:
            monitor = MonitorStore(connection).find(table)
        if monitor is None or not isinstance(monitor.profile, InferenceLogProfile):
            # It may get one in a moment.
            return
        self._looked_at[table, model] = now
        try:
            self._make(table, model, monitor)
        except (PierheadError, pa.ArrowException, *DELTA_ERRORS) as error:
            log.warning("drift of the last minutes is not known", table=table, model=model, reason=str(error))

    def _make(self, table: str, model: str, monitor: Monitor) -> None:
        found = self._sources.baselines(monitor)([model])
        chosen = found.get(model) or found.get(ALL_MODELS)
        if chosen is None:
            return
        baseline, data = chosen
        known = self._files.find_references(table, model)
        if known is not None and known[0] == baseline:
            return
        features = self._sources.newest(monitor)
        references = {name: _reference(data, name) for name in _shared(features, data)[:MOST_COLUMNS]}
        self._files.write_references(table, model, baseline, references)
        log.info("references for the last minutes", table=table, model=model, columns=len(references))


def _shared(features: MonitoredTable, data: MonitoredTable) -> list[str]:
    """Numbers and categories that both tables have, of the same sort."""
    found = []
    for name in features.profiled:
        if name in data.columns.names and name in features.columns.names:
            kinds = {kind_of(table.columns.field(name).type) for table in (features, data)}
            if kinds in ({Kind.NUMERIC}, {Kind.CATEGORICAL}):
                found.append(name)
    return found


def _reference(data: MonitoredTable, name: str) -> Reference:
    if kind_of(data.columns.field(name).type) is Kind.NUMERIC:
        return numeric_reference_of_chunks(partial(_numbers, data, name))
    return categorical_reference_of_chunks(partial(_texts, data, name))


def _numbers(data: MonitoredTable, name: str) -> Iterator[tuple[npt.NDArray[np.float64], int]]:
    for batch in _batches(data, name):
        values = batch.drop_null()
        yield values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), batch.null_count


def _texts(data: MonitoredTable, name: str) -> Iterator[tuple[list[object], int]]:
    for batch in _batches(data, name):
        yield [category_of(value) for value in batch.drop_null().to_pylist()], batch.null_count


def _batches(data: MonitoredTable, name: str) -> Iterator[pa.Array]:
    dataset = data.table.to_pyarrow_dataset()
    return (batch.column(0) for batch in dataset.to_batches(columns=[name], batch_size=_BATCH_ROWS))
