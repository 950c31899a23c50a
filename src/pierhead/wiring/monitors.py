"""The refreshing of monitors, filled by the catalog and the registry."""

from collections.abc import Sequence
from pathlib import Path

from pierhead.catalog.services.grounds import Grounds
from pierhead.catalog.services.pins import Pins
from pierhead.kit.clock import Clock
from pierhead.kit.db import Database
from pierhead.kit.errors import InvalidArgument
from pierhead.kit.home import Home
from pierhead.monitoring.domain.monitors import Baseline
from pierhead.monitoring.ports import TrainedOn
from pierhead.monitoring.services.failed_refreshes import tell_failure
from pierhead.monitoring.services.live.counting import LiveCounts
from pierhead.monitoring.services.live.preparing import LiveReferences
from pierhead.monitoring.services.refresh_loop import RefreshLoop, RefreshSurroundings
from pierhead.monitoring.services.refresh_sources import Sources
from pierhead.registry.domain.names import version_number
from pierhead.registry.store.provenance import ProvenanceStore
from pierhead.registry.store.versions import VersionStore
from pierhead.wiring.evidence import CatalogTables


class RecordedTraining:
    """Monitoring's `TrainingData`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, model_name: str, model_version: str) -> Sequence[TrainedOn]:
        try:
            number = version_number(model_version)
        except InvalidArgument:
            # The model id column of a table that others write may hold anything.
            return ()
        with self._database.reading() as connection:
            version = VersionStore(connection).find(model_name, number)
            provenance = None if version is None else ProvenanceStore(connection).find(version.id)
        if provenance is None or provenance.record is None or provenance.lost:
            return ()
        return [
            TrainedOn(Baseline(each.claimed, each.version), Path(each.location)) for each in provenance.record.inputs
        ]


def refresh_loop(database: Database, home: Home, grounds: Grounds) -> RefreshLoop:
    """A loop of the controller."""
    clock = grounds.clock

    def pinned(location: Path) -> frozenset[int]:
        with database.reading() as connection:
            return Pins(connection, clock).versions_of(location)

    sources = _sources(database, grounds)
    return RefreshLoop(
        database, clock, RefreshSurroundings(sources, home.tables, pinned, tell_failure, home.run / "refreshes")
    )


def live_counts(home: Home, clock: Clock) -> LiveCounts:
    """What the writer of inference tables counts besides."""
    return LiveCounts(live_folder(home), clock)


def live_references(database: Database, home: Home, grounds: Grounds, counts: LiveCounts) -> LiveReferences:
    """A loop of the controller."""
    return LiveReferences(database, grounds.clock, live_folder(home), _sources(database, grounds), counts)


def live_folder(home: Home) -> Path:
    return home.run / "live-drift"


def _sources(database: Database, grounds: Grounds) -> Sources:
    return Sources(CatalogTables(database, grounds), RecordedTraining(database))
