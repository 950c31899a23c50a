"""The tables that a refresh reads, opened at the versions that it reads them at."""

from collections.abc import Callable, Sequence

import structlog

from pierhead.kit.errors import InvalidState, NotFound
from pierhead.kit.names import FullName
from pierhead.monitoring.domain.monitors import ALL_MODELS, Baseline, Monitor
from pierhead.monitoring.ports import NamedTables, TrainingData
from pierhead.monitoring.services.monitored_table import MonitoredTable, bare_table, open_table

log = structlog.get_logger()

Baselines = dict[str, tuple[Baseline, MonitoredTable]]
"""By model id, or one under `*` for all models."""


class Sources:
    """Finds tables by name, and training data by model."""

    def __init__(self, tables: NamedTables, training: TrainingData) -> None:
        self._tables = tables
        self._training = training

    def newest(self, monitor: Monitor) -> MonitoredTable:
        """The monitored table as it is now. Raises NotFound or InvalidState."""
        return open_table(monitor.table, self._tables.find_location(FullName.parse(monitor.table)))

    def at(self, monitor: Monitor, versions: dict[str, int]) -> MonitoredTable:
        """The table as it was. Raises NotFound or InvalidState."""
        return open_table(monitor.table, self._tables.find_location(FullName.parse(monitor.table)), versions)

    def find_at(self, monitor: Monitor, versions: dict[str, int]) -> MonitoredTable | None:
        """None if it cannot be read any more."""
        try:
            return self.at(monitor, versions)
        except (NotFound, InvalidState) as error:
            log.info("monitor computes everything anew", table=monitor.table, reason=str(error))
            return None

    def baselines(self, monitor: Monitor) -> Callable[[Sequence[str]], Baselines]:
        """What models are compared with. Raises NotFound or InvalidState for a baseline that was chosen."""
        return lambda models: (
            self._chosen(monitor, monitor.baseline) if monitor.baseline else self._trained(monitor, models)
        )

    def _chosen(self, monitor: Monitor, baseline: Baseline) -> Baselines:
        location = self._tables.find_location(FullName.parse(baseline.table))
        if location is None:
            raise NotFound(
                f"baseline table '{baseline.table}' of the monitor of {monitor.table} does not exist any more"
            )
        return {ALL_MODELS: (baseline, bare_table(baseline.table, location, baseline.version))}

    def _trained(self, monitor: Monitor, models: Sequence[str]) -> Baselines:
        columns = set(self.newest(monitor).profiled)
        found: Baselines = {}
        opened: dict[Baseline, MonitoredTable] = {}
        for model in models:
            name, _, version = model.rpartition("/")
            for trained in self._training.find(name, version):
                if trained.baseline not in opened:
                    try:
                        table = bare_table(trained.baseline.table, trained.location, trained.baseline.version)
                    except (NotFound, InvalidState) as error:
                        log.warning("training data cannot be compared with", model=model, reason=str(error))
                        continue
                    opened[trained.baseline] = table
                # Of several inputs the one that has most of the columns: the others were joined to it.
                candidate = opened[trained.baseline]
                known = found.get(model)
                if known is None or _shared(candidate, columns) > _shared(known[1], columns):
                    found[model] = (trained.baseline, candidate)
        return {model: each for model, each in found.items() if _shared(each[1], columns)}


def _shared(table: MonitoredTable, columns: set[str]) -> int:
    return len(columns & set(table.columns.names))
